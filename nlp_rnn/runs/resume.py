"""Resuming an interrupted run: the message when one stops, and the checks before it continues."""

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
from nlp_rnn.runs.paths import begun, check_new, check_not_in_use, has_checkpoint, unfinished
from nlp_rnn.settings import current_names, from_run

NOT_COMPARED = ("name", "trained_on", "location", "split_by")  # parts of what is recorded about data


def say_how_to_resume(out: Path) -> None:
    """Print how an interrupted run can be resumed, if it can."""
    if not has_checkpoint(out):
        say("No epoch was finished: there is nothing to resume.")
        return
    words = [word for word in sys.argv[1:] if word != "--resume"]
    words += [] if "--out" in words else ["--out", str(out)]
    say(f"The finished epochs are kept in {unfinished(out)}; to resume:\n  nlp-rnn {shlex.join(words)} --resume")


def as_begun(module: ModuleType, recipe: str, out: Path, start: Path | None) -> dict[str, Any]:
    """The specification of the unfinished run to resume, empty if there is none; prints it.

    Raises:
        UsageError: it was started with another recipe, or from another run.
    """
    check_not_in_use(unfinished(out))
    before = begun(out)
    if not before:
        return before
    for what, now in (("recipe", recipe), ("start", start and str(start))):
        then = before.get(what)
        if then != now:
            words = {"recipe": f"with the recipe {then}", "start": f"from {then or 'scratch'}"}[what]
            raise UsageError(
                f"{unfinished(out)} was started {words}: resume with the command that started it, or remove it"
            )
    defaults = dataclasses.asdict(module.Config())
    settings = dataclasses.asdict(from_run(module.Config, before["settings"]))
    changed = [f"{name}={value}" for name, value in settings.items() if value != defaults[name]]
    say(f"resuming with: {' '.join(['data', before['data']['name'], *changed])}")
    return before


def check_resumable(
    out: Path,
    specification: Mapping[str, Any],
    resume: bool,
    config_class: type | None = None,
    claimed: bool = False,
) -> None:
    """Check that a run can be created at `out`: nothing is there, or an unfinished run of the same specification.

    A setting that the recipe did not have when the run was started may have its default. Other versions than those
    that the run was started with are printed.

    Raises:
        UsageError: there is something else, or the unfinished run cannot be resumed; the message says what differs.
    """
    folder = unfinished(out)
    check_new(out)
    if claimed or not folder.exists():
        if resume:
            say(f"there is no unfinished run {folder}: starting a new one")
        return
    check_not_in_use(folder)
    if not resume:
        raise UsageError(f"{folder} holds an unfinished run; add --resume to continue it, or remove it")
    before = begun(out) or specification
    now = json.loads(json.dumps(specification))
    old, new = _started_with(before["settings"], config_class), now["settings"]
    if missing := [key for key in new if key not in old]:
        raise UsageError(f"{folder} was started when the recipe had no setting {', '.join(missing)}: remove it")
    changed = [f"{key}={old[key]}, not {value}" for key, value in new.items() if value != old[key]]
    changed += [f"another {key}" for key in ("recipe", "start") if key in now and now[key] != before.get(key)]
    changed += ["other data"] if _data_options(now["data"]) != _data_options(before["data"]) else []
    if changed:
        raise UsageError(f"{folder} was started with {'; '.join(changed)}: resume with the same, or remove it")
    _check_files(folder, before.get("sources", {}), now.get("sources", {}))
    _say_other_versions(before.get("versions", {}), now.get("versions", {}))


def _check_files(folder, then, now):
    """Check that the recipe's files, and the run to start from, are those that an unfinished run was started with.

    Args:
        then, now: SHA-256 by name; empty for a run of an earlier version.

    Raises:
        UsageError: some differ; the message names them.
    """
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if then and now and changed:
        raise UsageError(
            f"{', '.join(changed)} changed after {folder} was started: undo the change to resume, or remove {folder} "
            "and start again"
        )


def _say_other_versions(then, now):
    changed = [
        f"{name} {now[name]}, started with {then[name]}" for name in now if then.get(name, now[name]) != now[name]
    ]
    if changed:
        say(f"resuming with {'; '.join(changed)}: the result may differ from that of an uninterrupted run")


def _data_options(data):
    """The options that decide how the data are read. The checkpoint detects other data, wherever they are stored."""
    return {key: value for key, value in data.items() if value and key not in NOT_COMPARED}


def _started_with(settings, config_class):
    """The settings that an unfinished run was started with, by their current names and with defaults for new ones."""
    if config_class is None:
        return current_names(settings)
    defaults = {field.name: field.default for field in dataclasses.fields(config_class)}
    return {**defaults, **current_names(settings), **dataclasses.asdict(from_run(config_class, settings))}
