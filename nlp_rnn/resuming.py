"""Going on with an interrupted run: what is said when one stops, and what is taken over when it is resumed."""

import dataclasses
import shlex
import sys
from pathlib import Path
from types import ModuleType

from nlp_rnn.checks import CallError
from nlp_rnn.places import begun, unfinished
from nlp_rnn.progress import say


def say_how_to_go_on(out: Path) -> None:
    """Say how an interrupted run can be gone on with, if it can."""
    from nlp_rnn import runs

    if not runs.has_checkpoint(out):
        say("No epoch was finished: nothing is kept.")
        return
    words = [word for word in sys.argv[1:] if word != "--resume"]
    words += [] if "--out" in words else ["--out", str(out)]
    say(f"The epochs done are kept in {unfinished(out)}; go on with:\n  nlp-rnn {shlex.join(words)} --resume")


def as_begun(module: ModuleType, recipe: str, out: Path, start: Path | None) -> dict:
    """What the unfinished run that is to be resumed was asked for, empty where there is none; says it.

    Raises:
        CallError: it was begun with another recipe, or from another run.
    """
    before = begun(out)
    if not before:
        return before
    for what, now in (("recipe", recipe), ("start", start and str(start))):
        then = before.get(what)
        if then != now:
            words = {"recipe": f"with the recipe {then}", "start": f"from {then or 'scratch'}"}[what]
            raise CallError(f"{unfinished(out)} was begun {words}: resume with the command that began it, or remove it")
    usual = dataclasses.asdict(module.Config())
    changed = [f"{name}={value}" for name, value in before["settings"].items() if value != usual.get(name)]
    say(f"going on as begun: {' '.join(['data', before['data']['name'], *changed])}")
    return before
