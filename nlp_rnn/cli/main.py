"""The command line: one file per command, and the commands that tasks provide."""

import click

import nlp_rnn
from nlp_rnn import task
from nlp_rnn.cli import copy, evaluate, export, finetune, list_, predict, run
from nlp_rnn.cli.errors import Commands
from nlp_rnn.cli.task_commands import on_run


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(nlp_rnn.__version__, prog_name="nlp-rnn")
def main() -> None:
    """Train recurrent networks on text or time series, use them, and export them as one SavedModel.

    \b
    nlp-rnn run sentiment --data reviews.csv --out runs/reviews
    nlp-rnn predict runs/reviews "I would see it again."
    nlp-rnn export runs/reviews exported/reviews
    """


for command in (list_.list_, run.run, finetune.finetune, evaluate.evaluate, predict.predict, export.export, copy.copy):
    main.add_command(command)
for of_task in task.tasks():
    for command in of_task.commands():
        main.add_command(on_run(of_task, command))
