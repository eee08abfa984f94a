"""`nlp-rnn run`."""

import dataclasses
from pathlib import Path

import click

from nlp_rnn import recipes, runs, settings
from nlp_rnn.checks import UsageError
from nlp_rnn.cli.data import open_dataset
from nlp_rnn.cli.errors import quiet_tensorflow
from nlp_rnn.cli.options import FILE, RecipeCommand, as_json, data_option, out_option, training_options
from nlp_rnn.cli.output import open_run
from nlp_rnn.cli.training import run_folder, train
from nlp_rnn.runs.resume import as_begun


@click.command(cls=RecipeCommand)
@click.argument("recipe")
@data_option
@out_option
@click.option("--from", "start", type=FILE, help="Start a classifier from the weights of this run of a language model.")
@training_options
@as_json
def run(recipe, data, out, start, assignments, resume, tensorboard, json_, **columns):
    """Train RECIPE, a name from `nlp-rnn list` or a .py file, and print its metrics on held-out data.

    \b
    Examples:
      nlp-rnn run sentiment
      nlp-rnn run sentiment --data mine.csv --out runs/mine --set units=128
      nlp-rnn run sentiment --from runs/generation
      nlp-rnn run forecasting --data sales.csv --future-column price --set horizon=28

    `nlp-rnn run RECIPE --help` lists the settings of RECIPE as well. With --resume, omitted options keep their values;
    repeat --from.
    """
    recipes.find(recipe)
    with run_folder(out, Path("runs", Path(recipe).stem), resume) as (out, claimed):
        quiet_tensorflow()
        module = recipes.load(recipe)
        before = as_begun(module, recipe, out, start) if resume else {}
        if resume and not (before or data):
            raise UsageError(f"there is no unfinished run {out} to resume: name the --data to start one with")
        task = recipes.task_of(module)
        start = _opened(start, task, recipe) if start else None
        given = settings.assigned(module.Config, assignments)
        config = settings.changed(settings.from_run(module.Config, before.get("settings", {})), given)
        earlier = before.get("data", {"name": module.DATA})
        dataset, request = open_dataset(task, data, columns, earlier, dataclasses.asdict(config), start)
        files = recipes.source_files(recipe)
        job = runs.Job(recipe, out, request, start, resume, tensorboard, claimed, files, given)
        train(task, module, config, dataset, job, json_)


def _opened(path, task, recipe):
    task.check_accepts_start(recipe)
    start = open_run(path, None)
    task.check_start(start, recipe)
    return start
