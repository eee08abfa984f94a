"""`nlp-rnn export`."""

import click

from nlp_rnn.cli.options import FILE, as_json, recipe_file
from nlp_rnn.cli.output import open_run
from nlp_rnn.runs.paths import check_new
from nlp_rnn.streams import write_json, write_line


@click.command()
@click.argument("run", type=FILE)
@click.argument("destination", type=FILE, metavar="DEST")
@recipe_file
@as_json
def export(run, destination, recipe, json_):
    """Export RUN as a SavedModel to the new folder DEST; serving it needs only TensorFlow.

    Before the command reports success, it loads the export in a clean process with another locale and checks that its
    outputs are those of RUN.

    \b
    Example:
      nlp-rnn export runs/sentiment exported/sentiment
    """
    check_new(destination, "DEST")
    trained = open_run(run, recipe)
    from nlp_rnn.export.savedmodel import export

    difference = export(trained.pipeline, destination)
    size = sum(file.stat().st_size for file in destination.rglob("*") if file.is_file())
    if json_:
        write_json({"path": str(destination), "largest_difference": difference, "bytes": size})
        return
    signatures = list(trained.pipeline.signatures())
    names = " ".join(name for name in signatures if name != "serving_default" or len(signatures) == 1)
    write_line(f"{destination}: SavedModel, {size / 1e6:.1f} MB, signatures: {names}")
    write_line(f"verified in a process with TensorFlow alone: numbers differ by at most {difference:.0e}")
