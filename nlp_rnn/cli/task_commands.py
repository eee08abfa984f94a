"""Commands that a task provides: they are called with a run of the task."""

from pathlib import Path
from typing import Any

import click

from nlp_rnn.checks import UsageError
from nlp_rnn.cli.options import FILE, as_json, recipe_file
from nlp_rnn.cli.output import open_run
from nlp_rnn.task import Task


def on_run(of_task: Task, command: click.Command) -> click.Command:
    """A command of a task with the argument RUN, passed on as a loaded run, and the options --recipe and --json."""

    callback = command.callback
    if callback is None:
        raise ValueError(f"the command {command.name} must have a callback")

    def call(run: Path, recipe: Path | None, **options: Any) -> Any:
        trained = open_run(run, recipe)
        if trained.task is not of_task:
            raise UsageError(
                f"{command.name} is for runs of {of_task.title}, and {run} is a run of {trained.task.title}"
            )
        return callback(run=trained, **options)

    params = [click.Argument(["run"], type=FILE), *command.params]
    return as_json(recipe_file(click.Command(command.name, callback=call, params=params, help=command.help)))
