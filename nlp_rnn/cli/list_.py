"""`nlp-rnn list`."""

import click

from nlp_rnn import recipes, resources
from nlp_rnn.cli.options import as_json
from nlp_rnn.streams import write_json, write_line


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
        write_json({"recipes": known, "data": sets})
        return
    for title, named in (("recipes", known), ("data sets", sets)):
        write_line(title)
        for name, what in named.items():
            write_line(f"  {name:<16}{what}")
