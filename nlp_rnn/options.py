"""Options that several commands share, and those that say how a run is asked."""

import contextlib
from pathlib import Path

import click

from nlp_rnn import recipes
from nlp_rnn.checks import CallError

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


def _with(command, options):
    """A command with options, told in this order, before those that it has."""
    for option in reversed(options):
        command = option(command)
    return command


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
    return _with(command, options)


def training_options(command):
    """What `run` and `finetune` have in common."""
    options = (
        click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a setting; repeatable."),
        text_column,
        label_column,
        series_options,
        click.option(
            "--resume", is_flag=True, help="Go on with an unfinished run, after its last whole epoch, as it was begun."
        ),
        click.option("--tensorboard", is_flag=True, help="Write TensorBoard logs into the run folder."),
    )
    return _with(command, options)


def asking_options(command):
    """What only runs of one kind can be asked."""
    options = (
        click.option(
            "--beam",
            type=int,
            help="Translation: how many ways on are followed side by side; by default as in the run.",
        ),
        click.option(
            "--nbest",
            type=int,
            help="So many words for a blank, or up to so many translations, each with its score.",
        ),
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
    )
    return _with(forecasting_options(command), options)


def forecasting_options(command):
    """What only a forecaster can be asked."""
    options = (
        click.option(
            "--horizon", type=int, help="Forecasting: so many steps; by default as many as the model was trained for."
        ),
        click.option(
            "--quantiles",
            help="Forecasting: which, with commas between; by default 0.1,0.5,0.9, with the usual model from 0.025 to "
            "0.975.",
        ),
        click.option(
            "--plot", type=FILE, help="Forecasting: draw up to nine series and what follows them: a new .png file."
        ),
        click.option(
            "--anomalies",
            type=float,
            help="Forecasting: print the points outside the interval of this share, 0.9; the first of a series, as "
            "many as the horizon, are not looked at.",
        ),
    )
    return _with(command, options)


class OfRecipe(click.Command):
    """A command whose help, where a recipe is named, tells the settings of that recipe as well."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words given: the help is asked for before any of them is read."""
        ctx.meta["words"] = [word for word in args if not word.startswith("-")]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the settings."""
        super().format_options(ctx, formatter)
        for word in ctx.meta["words"]:
            with contextlib.suppress(CallError):  # the value of an option
                rows = recipes.settings(recipes.find(word))
                with formatter.section(f"Settings of {word}, for --set"):
                    formatter.write_dl(rows)
                return
