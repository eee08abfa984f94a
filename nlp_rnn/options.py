"""Options that several commands share, and those that say how a run is asked."""

from pathlib import Path

import click

FILE = click.Path(path_type=Path)
as_json = click.option("--json", "json_", is_flag=True, help="Print for machines: JSON, one object a line.")
recipe_file = click.option(
    "--recipe",
    type=FILE,
    help="The recipe's file, if the run was made with one of your own that has layers of its own.",
)
text_column = click.option(
    "--text-column",
    "--source-column",
    "--series-column",
    "text_column",
    help="The column with the texts, or with the names of series; guessed if its name is usual.",
)
label_column = click.option(
    "--label-column",
    "--target-column",
    "--value-column",
    "label_column",
    help="The column with the classes, the translations, or the values of series; guessed if its name is usual.",
)


def series_options(command):
    """What else is said of a table of series."""
    options = (
        click.option("--time-column", help="The column with the times of series; guessed if its name is usual."),
        click.option(
            "--future-column",
            "future_columns",
            multiple=True,
            help="Series: a column that is known for times to come as well, as a price is; repeatable.",
        ),
        click.option(
            "--past-column",
            "past_columns",
            multiple=True,
            help="Series: a column that is read beside the values and known no longer than they are; repeatable.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def training_options(command):
    """What `run` and `finetune` have in common."""
    options = (
        click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a setting; repeatable."),
        text_column,
        label_column,
        series_options,
        click.option("--resume", is_flag=True, help="Go on with an unfinished run, after its last whole epoch."),
        click.option("--tensorboard", is_flag=True, help="Write TensorBoard logs into the run folder."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def asking_options(command):
    """What only runs of one kind can be asked."""
    options = (
        click.option(
            "--beam",
            type=int,
            help="Translation: how many ways on are followed side by side; by default as in the run.",
        ),
        click.option("--nbest", type=int, help="Translation: print up to so many, each with its score and the text."),
        click.option(
            "--length-penalty", type=float, help="Translation: 0 favours short answers, 1, the default, none."
        ),
        click.option("--coverage-penalty", type=float, help="Translation: above 0 against words of the text left out."),
        click.option("--min-length", type=int, help="Translation: at least so many tokens."),
        click.option("--no-repeat", type=int, help="Translation: no run of so many tokens comes twice."),
        click.option(
            "--attention", type=FILE, help="Translation: draw what each word of a text came from: a new .png file."
        ),
        click.option("--ensemble", type=FILE, multiple=True, help="Translation: another run to decide together with."),
        click.option(
            "--horizon", type=int, help="Forecasting: so many steps; by default as many as the model was trained for."
        ),
        click.option("--quantiles", help="Forecasting: which, with commas between; by default 0.1,0.5,0.9."),
        click.option(
            "--plot", type=FILE, help="Forecasting: draw up to nine series and what follows them: a new .png file."
        ),
        click.option(
            "--anomalies", type=float, help="Forecasting: print the points outside the interval of this share, 0.9."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
