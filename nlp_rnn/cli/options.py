"""Options that several commands share, and the help of a recipe's settings."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from nlp_rnn import recipes, settings
from nlp_rnn.checks import UsageError
from nlp_rnn.deprecation import FORMER_OPTIONS, warn_renamed

FILE = click.Path(path_type=Path)
Decorator = Callable[[Any], Any]
as_json = click.option("--json", "json_", is_flag=True, help="Print the result as JSON, one object per line.")
data_option = click.option(
    "--data",
    help="The data: the name of a data set; tfds:NAME[/CONFIG]; a table, .csv, .tsv, .jsonl (also .gz), .parquet "
    "or .xlsx; a folder with a sub-folder per class. Language models also read any text file, a folder or a glob of "
    "them; translation reads a table with two columns of text, or two text files with a comma between their names; "
    "forecasting reads a table with a column per series (wide format), a row per value (long format) or a row per "
    "series.",
)
out_option = click.option("--out", type=FILE, help="The run folder to create; by default the next free one in runs/.")
recipe_file = click.option(
    "--recipe",
    type=FILE,
    help="The file of the recipe, if RUN was made with a recipe of your own that defines layers.",
)
_COLUMNS = (
    click.option(
        "--text-column",
        "--source-column",
        "--series-column",
        "text_column",
        help="The column with the texts, or with the names of series (several columns with commas between them); by "
        "default detected by its name and content.",
    ),
    click.option(
        "--label-column",
        "--target-column",
        "--value-column",
        "label_column",
        help="The column with the classes, the translations, or the values of series; by default detected by its name "
        "and content.",
    ),
    click.option(
        "--split-column",
        help="The column that names the split of each text or pair: train, validation or test; by default detected by "
        "its name and values. none: assign the splits by hash.",
    ),
    click.option(
        "--time-column",
        help="The column with the times of series (several columns with commas between them); by default detected by "
        "its content. none: there are no times.",
    ),
    click.option(
        "--decimal-mark",
        type=click.Choice([".", ","]),
        help="The decimal mark of the numbers in a table of series; by default detected from all of them.",
    ),
    click.option(
        "--future-column",
        "future_columns",
        multiple=True,
        help="Series: a column with a covariate that is known for future times as well, such as a price; repeatable.",
    ),
    click.option(
        "--past-column",
        "past_columns",
        multiple=True,
        help="Series: a column with a covariate that is known only up to the last value; repeatable.",
    ),
)


def _with(command, options: Sequence[Decorator]):
    """Add options to a command, in this order, before its own."""
    for option in reversed(options):
        command = option(command)
    return command


def column_options(command: Any) -> Any:
    """Add the options that name the columns of a table."""
    return _with(command, _COLUMNS)


def training_options(command: Any) -> Any:
    """Add the options that `run` and `finetune` share."""
    change = click.option(
        "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a setting of the recipe; repeatable."
    )
    resume = click.option(
        "--resume", is_flag=True, help="Resume an unfinished run after its last complete epoch, with its settings."
    )
    tensorboard = click.option("--tensorboard", is_flag=True, help="Write TensorBoard logs into the run folder.")
    return _with(command, (change, *_COLUMNS, resume, tensorboard))


class RecipeCommand(click.Command):
    """A command whose help lists the settings of the recipe on its command line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the arguments: the help is printed before they are parsed."""
        ctx.meta["words"] = [word for word in args if not word.startswith("-")]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the settings."""
        super().format_options(ctx, formatter)
        for word in ctx.meta["words"]:
            with contextlib.suppress(UsageError, TypeError):  # the value of an option; no dataclass
                rows = settings.describe(recipes.config_class(recipes.find(word)))
                with formatter.section(f"Settings of {word}, for --set"):
                    formatter.write_dl(rows)
                return


def with_current_names(args: Sequence[str]) -> list[str]:
    """The words of a command line, with renamed options by their new names; warns of each.

    Raises:
        UsageError: an option is given under both names.
    """
    former = FORMER_OPTIONS.get(args[0], {}) if args else {}
    end = args.index("--") if "--" in args else len(args)
    options = {arg.partition("=")[0] for arg in args[:end]}
    words = []
    for arg in args[:end]:
        name, equals, value = arg.partition("=")
        current = former.get(name, name)
        if current != name:
            if current in options:
                raise UsageError(f"{current} and {name} are the same option: give {current} alone")
            warn_renamed(name, current)
        words.append(f"{current}{equals}{value}")
    return [*words, *args[end:]]
