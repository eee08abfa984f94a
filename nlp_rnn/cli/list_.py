"""`nlp-rnn list`."""

import json

import click

from nlp_rnn import recipes, resources
from nlp_rnn.cli.options import as_json


@click.command("list")
@as_json
def list_(json_: bool) -> None:
    """List the recipes and data sets that ship with nlp-rnn.

    \b
    Example:
      nlp-rnn list
    """
    known = {name: recipes.summary(path) for name, path in resources.recipes().items()}
    sets = {name: recipes.summary_of_data(path) for name, path in resources.data_sets().items()}
    if json_:
        click.echo(json.dumps({"recipes": known, "data": sets}))
        return
    for title, named in (("recipes", known), ("data sets", sets)):
        click.echo(title)
        for name, what in named.items():
            click.echo(f"  {name:<16}{what}")
