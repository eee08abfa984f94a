"""`nlp-rnn finetune`."""

import dataclasses
from pathlib import Path

import click

from nlp_rnn import recipes, resources, runs, settings
from nlp_rnn.checks import UsageError
from nlp_rnn.cli.data import open_dataset
from nlp_rnn.cli.options import FILE, as_json, data_option, out_option, recipe_file, training_options
from nlp_rnn.cli.output import open_run
from nlp_rnn.cli.training import run_folder, train
from nlp_rnn.runs.resume import as_begun


@click.command()
@click.argument("run", type=FILE)
@data_option
@out_option
@training_options
@recipe_file
@as_json
def finetune(run, data, out, assignments, resume, tensorboard, recipe, json_, **columns):
    """Fine-tune RUN on other data.

    Words in the vocabulary of RUN keep their embeddings and new words are added; a vocabulary of subwords does not
    change. Classes of RUN keep their weights in the output layer and new classes get new ones. The settings are those
    of RUN unless --set changes them; the learning rate is finetuning_learning_rate. Series for a forecaster must have
    the season of RUN. The result is compared with the original run.

    \b
    Examples:
      nlp-rnn finetune runs/sentiment --data mine.csv --out runs/mine
      nlp-rnn finetune runs/forecasting --data sales.csv --out runs/sales
    """
    with run_folder(out, Path("runs", f"{run.name}-finetuned"), resume) as (out, claimed):
        start = open_run(run, recipe)
        if not recipe and start.recipe not in resources.recipes():
            raise UsageError(f"{run} was made with the recipe {start.recipe}: name its file with --recipe")
        name = str(recipe or start.recipe)
        module = recipes.load(name)
        task = recipes.task_of(module)
        task.check_finetunes(start, name)
        before = as_begun(module, name, out, run) if resume else {}
        if not data and not before:
            raise UsageError("name the data to fine-tune on with --data")
        config = settings.from_run(module.Config, before.get("settings", start.settings))
        given = settings.assigned(module.Config, assignments)
        config = settings.changed(config, given)
        columns = columns if before else task.columns_of(start, columns)
        dataset, request = open_dataset(task, data, columns, before.get("data", {}), dataclasses.asdict(config), start)
        files = recipes.source_files(name)
        job = runs.Job(name, out, request, start, resume, tensorboard, claimed, files, given)
        train(task, module, config, dataset, job, json_)
