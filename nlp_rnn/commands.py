"""What the commands do once their options are read: open the data that a recipe asks for, train, measure, answer."""

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from nlp_rnn import answers, recipes
from nlp_rnn.checks import CallError
from nlp_rnn.console import quiet_tensorflow
from nlp_rnn.places import unfinished
from nlp_rnn.progress import say

DATA_OF = {"text_classifier": "labels", "language_model": "text", "translator": "pairs"}


def train(module: ModuleType, config: object, asked: dict, as_json: bool, **job) -> None:
    """Train a recipe on the data asked for and print its figures.

    Args:
        module: the recipe.
        config: its settings.
        asked: name, text_column and label_column of the data.
        job: what `runs.Job` takes beside.
    """
    from nlp_rnn import runs

    source = _opened(asked, getattr(module, "TAKES", "labels"), config.seed, getattr(config, "unit", "word"))
    try:
        figures = module.train(config, source, runs.Job(data=asked, **job))
    except (KeyboardInterrupt, OSError):
        _say_how_to_go_on(job["out"])
        raise
    answers.print_figures({"run": str(job["out"]), **figures}, as_json, "held-out texts")


def open_run(path: Path, recipe: Path | None):
    """Read a run back; `recipe` names the file of its recipe, where that has layers of its own.

    Raises:
        CallError: there is no such folder.
        InputError: it is not a run folder, or damaged.
    """
    if not path.exists() and not unfinished(path).exists():
        raise CallError(f"{path}: no such run folder")
    quiet_tensorflow()
    if recipe:
        recipes.load(str(recipe))
    from nlp_rnn import runs

    return runs.load(path)


def open_language_model(path: Path, module: ModuleType, recipe: str):
    """Read back a run of a language model that `recipe` is to start from.

    Raises:
        CallError: the recipe starts from none, or the run is of another kind.
    """
    if not getattr(module, "LANGUAGE_MODELS", False):
        raise CallError(f"the recipe {recipe} does not start from a language model; to train a run on, use finetune")
    start = open_run(path, None)
    if start.pipeline.kind != "language_model":
        raise CallError(f"{path} is no language model: train one with `nlp-rnn run generation`; or use finetune")
    return start


def measured(trained, asked: dict) -> tuple[dict, str, list[dict]]:
    """The figures of a run on the data asked for, what they are called, and a few mistakes."""
    kind, settings = trained.pipeline.kind, trained.settings
    source = _opened(asked, DATA_OF[kind], settings.get("seed", 0), settings.get("unit", "word"))
    whole = source.is_whole(trained.data["name"])
    texts, of = source.held_out(trained.data["name"]), "texts" if whole else "held-out texts"
    if kind == "language_model":
        return _measured_language(trained, source, texts), of, []
    if kind == "translator":
        from nlp_rnn.decoding import Search
        from nlp_rnn.translation_evaluation import evaluate

        figures, _ = evaluate(trained.pipeline, texts, Search(settings["beam"], settings["length_penalty"]))
        return figures, of, []
    from nlp_rnn.evaluation import evaluate

    result = evaluate(trained.pipeline, texts, source.size() if whole else source.size("test"))
    return result.figures, of, result.mistakes[:3]


def answered(pipeline, lines: Iterable[str], search: dict, as_json: bool) -> Iterator[str]:
    """An answer, one line or more, to each line of text.

    Args:
        search: what a translator is asked: beam, nbest and length_penalty, None where nothing was said.

    Raises:
        CallError: `search` says something and the pipeline is no translator, or it is out of range.
    """
    if pipeline.kind != "translator" and any(value is not None for value in search.values()):
        raise CallError("--beam, --nbest, --length-penalty, --attention and --ensemble are for runs of translation")
    if pipeline.kind == "language_model":
        for line in lines:
            yield from answers.guesses(line, pipeline.fill(line), as_json)
    elif pipeline.kind == "translator":
        yield from _translated(pipeline, lines, as_json, search["beam"], search["nbest"], search["length_penalty"])
    else:
        from nlp_rnn.evaluation import say_cut

        for prediction in pipeline.predict(lines):
            yield answers.line(prediction, pipeline.classes, as_json)
        say_cut(pipeline)


def _translated(pipeline, lines, as_json, beam, nbest, length_penalty):
    from itertools import tee

    from nlp_rnn.decoding import Search

    beam, nbest = 5 if beam is None else beam, nbest or 1
    most = len(pipeline.target.vocabulary)
    if not 1 <= beam <= most:
        raise CallError(f"--beam must be from 1 to {most:,}, the number of tokens of the target, got {beam}")
    if not 1 <= nbest <= beam:
        raise CallError(f"--nbest must be from 1 to --beam, {beam}, got {nbest}")
    search = Search(beam, 1.0 if length_penalty is None else length_penalty)
    asked, kept = tee(lines)
    for text, found in zip(kept, pipeline.translate(asked, search), strict=True):
        yield from answers.translations(text, found[:nbest], nbest, as_json)
    if pipeline.cut:
        say(f"{pipeline.cut:,} longer than {pipeline.encoder.max_tokens} tokens were cut to their start and end")


def draw_attention(pipeline, texts: Sequence[str], picture: Path) -> None:
    """Draw which source tokens each token of a text's best translation came from.

    Raises:
        CallError: there is not exactly one text, or the run has no attention.
    """
    from nlp_rnn import plots

    if len(texts) != 1:
        raise CallError(f"--attention draws one text, got {len(texts)}")
    if pipeline.kind != "translator" or pipeline.model.settings["attention"] == "none":
        raise CallError("--attention needs a run of translation with attention")
    [found] = pipeline.translate(texts)
    plots.attention(*pipeline.attention(texts[0], found[0].text), picture)
    say(f"the attention is drawn in {picture}")


def with_ensemble(trained, others: Iterable[Path]):
    """The translator of a run, together with those of others.

    Raises:
        CallError: a run is no translator, or was trained on other data.
    """
    runs_ = [open_run(path, None) for path in others]
    if not runs_:
        return trained.pipeline
    for run in (trained, *runs_):
        if run.pipeline.kind != "translator":
            raise CallError(f"{run.path} is no run of translation: --ensemble takes those alone")
    try:
        return trained.pipeline.together(run.pipeline for run in runs_)
    except ValueError as error:
        raise CallError(f"--ensemble: {error}") from None


def check_choice(length, samples, seed, temperature, top_k, top_p, min_p, penalty) -> None:
    """Check the options of `generate`.

    Raises:
        CallError: one is out of its range; says which.
    """
    wanted = {
        "--length": (length, 1 <= length <= 1_000_000, "from 1 to 1,000,000"),
        "--samples": (samples, 1 <= samples <= 1000, "from 1 to 1000"),
        "--seed": (seed, 0 <= seed < 2**31, "from 0 to 2**31 - 1"),
        "--temperature": (temperature, 0 <= temperature <= 100, "from 0 to 100; 0 takes the most probable token"),
        "--top-k": (top_k, top_k >= 0, "0 or above; 0 for all tokens"),
        "--top-p": (top_p, 0 < top_p <= 1, "above 0 and up to 1"),
        "--min-p": (min_p, 0 <= min_p <= 1, "from 0 to 1"),
        "--penalty": (penalty, 0 < penalty <= 100, "above 0 and up to 100; 1 for none"),
    }
    for name, (value, fits, words) in wanted.items():
        if not fits:
            raise CallError(f"{name} must be {words}, got {value}")


def _opened(asked, takes, seed, unit):
    name, columns = asked["name"], (asked["text_column"], asked["label_column"])
    if takes == "labels":
        from nlp_rnn.sources import open_source

        source = open_source(name, *columns, seed)
    elif takes == "pairs":
        from nlp_rnn.sources.pairs import open_pairs

        source = open_pairs(name, *columns, seed)
    else:
        from nlp_rnn.sources.documents import open_texts

        source = open_texts(name, asked["text_column"], unit != "word", seed)
    for note in source.notes:
        say(note)
    return source


def _measured_language(trained, source, texts):
    from nlp_rnn.cloze import cloze_rows, measure_cloze
    from nlp_rnn.held_out import measure_text

    figures = measure_text(trained.pipeline, texts, trained.metrics.get("passages", False))
    rows = cloze_rows(source)
    return figures | ({"cloze": {trained.settings["cell"]: measure_cloze(trained.pipeline, rows)}} if rows else {})


def _say_how_to_go_on(out):
    from nlp_rnn import runs

    if not runs.has_checkpoint(out):
        return
    words = [word for word in sys.argv[1:] if word != "--resume"]
    words += [] if "--out" in words else ["--out", str(out)]
    say(f"The epochs done are kept in {unfinished(out)}; go on with:\n  nlp-rnn {shlex.join(words)} --resume")
