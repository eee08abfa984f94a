"""`nlp-rnn predict`."""

import sys

import click

from nlp_rnn import task
from nlp_rnn.checks import UsageError
from nlp_rnn.cli.answers import answer_writer, kept_rows
from nlp_rnn.cli.data import COLUMNS
from nlp_rnn.cli.options import FILE, as_json, column_options, recipe_file
from nlp_rnn.cli.output import open_run
from nlp_rnn.datasets.columns import refuse_columns
from nlp_rnn.datasets.lines import encodable
from nlp_rnn.progress import draws, track
from nlp_rnn.runs.paths import check_new_file


def task_options(command):
    """Add the options of single tasks; an option that several tasks share is added once."""
    named = {option.name: option for of_task in task.tasks() for option in of_task.predict_options}
    command.params.extend(named.values())
    return command


@task_options
@click.command()
@click.argument("run", type=FILE)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--input",
    "input_",
    type=FILE,
    help="A text file with one text per line; a table, .csv, .tsv, .jsonl, .parquet or .xlsx, with one text per row; "
    "or a table of series. Text files may be gzipped.",
)
@click.option(
    "--output",
    type=FILE,
    help="A new file for the predictions; .csv, .tsv, .jsonl and .parquet become tables. By default they go to "
    "standard output.",
)
@click.option("--keep-columns", is_flag=True, help="Also write the columns of the input table.")
@column_options
@recipe_file
@as_json
def predict(run, texts, input_, output, keep_columns, recipe, json_, **options):
    """Predict for each TEXT, or for each line or row of --input, or each line of standard input.

    A classifier prints class, probability and text. A language model fills the blank ___, anywhere in a text, and
    prints the most probable words, each with its probability and the completed text. A translator prints the
    translation. A forecaster takes a table of series, as --input or on standard input, and prints a table of
    forecasts.

    \b
    Examples:
      nlp-rnn predict runs/sentiment "A wonderful film." "Dull."
      nlp-rnn predict runs/sentiment --input lines.txt --output predictions.tsv
      nlp-rnn predict runs/sentiment --input reviews.csv --keep-columns --output labelled.csv
      nlp-rnn predict runs/next_word "the clouds are in the ___"
      nlp-rnn predict runs/translation "pronunciation" --nbest 3 --attention picture.png
      nlp-rnn predict runs/forecasting --input sales.csv --horizon 12 --quantiles 0.1,0.5,0.9 --plot fan.png
    """
    if texts and input_:
        raise UsageError("give texts or --input, not both")
    if not texts and not input_ and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError("give a text, --input FILE, or lines on standard input")
    if output:
        check_new_file(output, "--output")
    columns = {name: options.pop(name) for name in COLUMNS}
    trained = open_run(run, recipe)
    refuse_columns({name: columns[name] for name in COLUMNS if name not in trained.task.columns})
    source = click.get_current_context().get_parameter_source
    given = {name: value for name, value in options.items() if source(name) is not click.core.ParameterSource.DEFAULT}
    trained.task.check_options(given)
    inputs = trained.task.open_inputs(trained, [encodable(text) for text in texts], input_, columns)
    kept = kept_rows(inputs, keep_columns)
    answers = trained.task.predict(trained, inputs, options)
    if hasattr(inputs, "size") and (output or not draws(sys.stdout)):  # a bar would be drawn over the answers
        answers = track(answers, "predicting", inputs.size)
    with answer_writer(output, json_, kept) as write:
        for answer in answers:
            write(answer)
