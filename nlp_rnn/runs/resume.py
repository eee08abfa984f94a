"""Resuming an interrupted run: what is said when one stops, and what must be the same when it continues."""

import dataclasses
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from nlp_rnn.checks import UsageError
from nlp_rnn.progress import say
from nlp_rnn.runs.paths import begun, check_new, has_checkpoint, unfinished
from nlp_rnn.settings import current_names


def say_how_to_resume(out: Path) -> None:
    """Say how an interrupted run can be resumed, if it can."""
    if not has_checkpoint(out):
        say("No epoch was finished: nothing is kept.")
        return
    words = [word for word in sys.argv[1:] if word != "--resume"]
    words += [] if "--out" in words else ["--out", str(out)]
    say(f"The finished epochs are kept in {unfinished(out)}; to resume:\n  nlp-rnn {shlex.join(words)} --resume")


def as_begun(module: ModuleType, recipe: str, out: Path, start: Path | None) -> dict[str, Any]:
    """The specification of the unfinished run that is to be resumed, empty where there is none; says it.

    Raises:
        UsageError: it was begun with another recipe, or from another run.
    """
    before = begun(out)
    if not before:
        return before
    for what, now in (("recipe", recipe), ("start", start and str(start))):
        then = before.get(what)
        if then != now:
            words = {"recipe": f"with the recipe {then}", "start": f"from {then or 'scratch'}"}[what]
            raise UsageError(
                f"{unfinished(out)} was begun {words}: resume with the command that began it, or remove it"
            )
    defaults = dataclasses.asdict(module.Config())
    settings = {name: value for name, value in current_names(before["settings"]).items() if name in defaults}
    changed = [f"{name}={value}" for name, value in settings.items() if value != defaults[name]]
    say(f"resuming as begun: {' '.join(['data', before['data']['name'], *changed])}")
    return before


def check_resumable(out: Path, specification: Mapping[str, Any], resume: bool) -> None:
    """Check that a run can be made at `out`: nothing is there, or an unfinished run of the same specification.

    Raises:
        UsageError: there is something else, or the unfinished run is not to be resumed; says what differs.
    """
    folder = unfinished(out)
    check_new(out)
    if not folder.exists():
        if resume:
            say(f"there is no unfinished run {folder}: starting a new one")
        return
    if not resume:
        raise UsageError(f"{folder} holds an unfinished run; add --resume to continue it, or remove it")
    before = begun(out) or specification
    now = json.loads(json.dumps(specification))
    old, new = current_names(before["settings"]), now["settings"]
    if missing := [key for key in new if key not in old]:
        raise UsageError(f"{folder} was begun when the recipe had no setting {', '.join(missing)}: remove it")
    changed = [f"{key}={old[key]}, not {value}" for key, value in new.items() if value != old[key]]
    changed += [f"another {key}" for key in now if key != "settings" and now[key] != before.get(key)]
    if changed:
        raise UsageError(f"{folder} was begun with {'; '.join(changed)}: resume with the same, or remove it")
