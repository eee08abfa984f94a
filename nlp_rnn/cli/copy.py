"""`nlp-rnn copy`."""

import json
from pathlib import Path

import click

from nlp_rnn import recipes
from nlp_rnn.cli.options import FILE, as_json


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
    click.echo(json.dumps({"path": str(file)}) if json_ else f"{file}: edit it, then: nlp-rnn run {file}")
