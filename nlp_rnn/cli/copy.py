"""`nlp-rnn copy`."""

from pathlib import Path

import click

from nlp_rnn import recipes
from nlp_rnn.cli.options import FILE, as_json
from nlp_rnn.streams import write_json, write_line


@click.command()
@click.argument("recipe")
@click.argument("file", type=FILE)
@as_json
def copy(recipe: str, file: Path, json_: bool) -> None:
    """Copy RECIPE to FILE, to edit and run.

    \b
    Examples:
      nlp-rnn copy sentiment mine.py
      nlp-rnn run mine.py
    """
    recipes.copy(recipe, file)
    if json_:
        write_json({"path": str(file)})
    else:
        write_line(f"{file}: edit it, then: nlp-rnn run {file}")
