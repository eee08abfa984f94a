"""What the commands do once their options are read: open the data that a recipe asks for, train, measure, answer."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from nlp_rnn import answers, recipes
from nlp_rnn.checks import BLANK, GENERATED, CallError
from nlp_rnn.console import quiet_tensorflow
from nlp_rnn.opening import columns_of, opened
from nlp_rnn.places import check_new, unfinished
from nlp_rnn.progress import say
from nlp_rnn.resuming import say_how_to_go_on

DATA_OF = {"text_classifier": "labels", "language_model": "text", "translator": "pairs", "forecaster": "series"}
FORECASTING = ("horizon", "quantiles", "plot", "anomalies")  # options of `predict` that only a forecaster takes
# Of the options of `predict` that not all runs take, by which kinds each is taken: by translators, but for these.
TAKEN_BY = dict.fromkeys(FORECASTING, ("forecaster",)) | {"nbest": ("translator", "language_model")}
RUNS_OF = {"forecaster": "forecasting", "translator": "translation", "language_model": "language models"}


def train(module: ModuleType, config: object, asked: dict, as_json: bool, **job) -> None:
    """Train a recipe on the data asked for and print its figures.

    Args:
        module: the recipe.
        config: its settings.
        asked: name and columns of the data.
        job: what `runs.Job` takes beside.
    """
    from nlp_rnn import runs
    from nlp_rnn.sources.lineage import lineage

    takes, start = getattr(module, "TAKES", "labels"), job.get("start")
    if start and not getattr(module, "LANGUAGE_MODELS", False) and DATA_OF[start.pipeline.kind] != takes:
        raise CallError(f"{start.path} takes {DATA_OF[start.pipeline.kind]}, and the recipe {job['recipe']} {takes}")
    asked = {**asked, **lineage(asked["name"], config.seed, start)}
    step = start.pipeline.options["step"] if start and takes == "series" else ""
    source = opened({**asked, "step": step}, takes, asked["split_seed"], getattr(config, "unit", "word"))
    try:
        figures = module.train(config, source, runs.Job(data=asked, **job))
    except (KeyboardInterrupt, OSError):
        say_how_to_go_on(job["out"])
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
    if kind == "forecaster":
        from nlp_rnn.forecast_answers import measured

        asked = {**asked, "step": trained.pipeline.options["step"]}
        return measured(trained, opened(asked, "series", 0, "")), "held-out points", []
    from nlp_rnn.sources.lineage import split_seed, trained_on

    source = opened(asked, DATA_OF[kind], split_seed(trained), settings.get("unit", "word"))
    seen = trained_on(trained.data)
    whole = source.is_whole(seen)
    texts, of = source.held_out(seen), "texts" if whole else "held-out texts"
    if kind == "language_model":
        return _measured_language(trained, source, texts), of, []
    if kind == "translator":
        from nlp_rnn.translation_evaluation import evaluate

        figures, _ = evaluate(trained.pipeline, texts, search_of(trained))
        return figures, of, []
    from nlp_rnn.evaluation import evaluate

    result = evaluate(trained.pipeline, texts, source.size() if whole else source.size("test"))
    return result.figures, of, result.mistakes[:3]


def answered(trained, lines: Iterable[str], asked: dict, as_json: bool) -> Iterator[str]:
    """An answer, one line or more, to each line of text.

    Args:
        trained: the run.
        asked: what not all kinds of run can be asked: what `search_of` takes, attention, ensemble, and what
            `TAKEN_BY` names; None or empty where nothing was said.

    Raises:
        CallError: `asked` says something that is not for such a run, or is out of range.
    """
    pipeline = trained.pipeline
    _check_taken(asked, pipeline.kind)
    if pipeline.kind == "translator":
        asked = {name: value for name, value in asked.items() if name not in FORECASTING}
        yield from _translated(trained, lines, as_json, **asked)
        return
    if pipeline.kind == "language_model":
        yield from _filled(pipeline, lines, asked["nbest"], as_json)
        return
    from nlp_rnn.evaluation import say_cut

    for prediction in pipeline.predict(lines):
        yield answers.line(prediction, pipeline.classes, as_json)
    say_cut(pipeline)


def _check_taken(asked, kind):
    for name, value in asked.items():
        kinds = TAKEN_BY.get(name, ("translator",))
        if value not in (None, ()) and kind not in kinds:
            wanted = " or ".join(RUNS_OF[k] for k in kinds)
            raise CallError(f"--{name.replace('_', '-')} is for runs of {wanted}, and this is a {kind}")


def _filled(pipeline, lines, nbest, as_json):
    from nlp_rnn.language import CANDIDATES, GUESSES

    if nbest is not None and not 1 <= nbest <= CANDIDATES:
        raise CallError(f"--nbest must be from 1 to {CANDIDATES}, got {nbest}")
    unknown = {}
    for number, line in enumerate(lines, 1):
        try:
            found = pipeline.fill(line, nbest or GUESSES)
        except CallError as error:
            raise CallError(f"text {number}: {error}") from None
        unknown |= dict.fromkeys(pipeline.unknown(line.replace(BLANK, " ")))
        yield from answers.guesses(line, found, as_json)
    answers.say_unknown(list(unknown))


def forecasts(
    trained, texts, path: Path | None, output: Path | None, columns: dict, asked: dict, as_json: bool
) -> None:
    """Print what follows the series in a file, or which of its points are not as expected.

    Raises:
        CallError: something else was asked than a forecaster can answer.
    """
    from nlp_rnn import forecast_answers

    _check_taken(asked, "forecaster")
    if texts or path is None:
        raise CallError("a forecaster takes a table of series: --input series.csv")
    if asked["plot"]:
        _check_picture(asked["plot"], "--plot")
    step = trained.pipeline.options["step"]
    source = opened({"name": str(path), "step": step, **columns_of(trained, columns)}, "series", 0, "")
    lines = forecast_answers.lines(trained, source.panel, as_json, **{name: asked[name] for name in FORECASTING})
    with answers.writer(output) as write:
        for line in lines:
            write(line)


def search_of(trained, beam=None, length_penalty=None, coverage_penalty=None, min_length=None, no_repeat=None):
    """How a translator searches: as asked, or else as its run was measured.

    Raises:
        CallError: something asked is out of its range.
    """
    from nlp_rnn.decoding import Search

    limits = trained.pipeline.limits
    settings = {name: trained.settings[name] for name in ("length_penalty",) if name in trained.settings}
    plain = Search(min(limits["beams"][1], trained.settings.get("beam", Search().beams)), **settings)
    asked = (beam, length_penalty, coverage_penalty, min_length, no_repeat)
    given = {name: value for name, value in zip(Search._fields, asked, strict=True) if value is not None}
    for name, value in given.items():
        least, highest = limits[name]
        if not least <= value <= highest:
            option = {"beams": "beam", "least": "min-length"}.get(name, name.replace("_", "-"))
            raise CallError(f"--{option} must be from {least} to {highest}, got {value}")
    if given.get("coverage_penalty") and trained.pipeline.model.settings["attention"] == "none":
        raise CallError("--coverage-penalty needs a run of translation with attention")
    return plain._replace(**given)


def _translated(trained, lines, as_json, nbest, attention, ensemble, **asked):
    from itertools import tee

    search = search_of(trained, **asked)
    if nbest is not None and not 1 <= nbest <= search.beams:
        raise CallError(f"--nbest must be from 1 to --beam, {search.beams}, got {nbest}")
    if attention:
        lines = list(lines)
        _check_attention(trained.pipeline, lines, attention, ensemble)
    pipeline = _with_ensemble(trained, ensemble)
    asked, kept = tee(lines)
    for text, found in zip(kept, pipeline.translate(asked, search), strict=True):
        yield from answers.translations(text, found, nbest, as_json)
        if attention:
            from nlp_rnn import plots

            plots.attention(*pipeline.attention(text, found[0].text), attention)
            say(f"the attention is drawn in {attention}")
    if pipeline.cut:
        say(f"{pipeline.cut:,} longer than {pipeline.encoder.max_tokens} tokens were cut to their start and end")


def _check_attention(pipeline, texts, picture, ensemble):
    _check_picture(picture, "--attention")
    if len(texts) != 1:
        raise CallError(f"--attention draws one text, got {len(texts)}")
    if ensemble or pipeline.model.settings["attention"] == "none":
        raise CallError("--attention needs one run of translation with attention")


def _check_picture(picture, option):
    check_new(picture, option)
    if picture.suffix != ".png":
        raise CallError(f"{option} {picture}: the picture is a .png file")
    if not picture.parent.is_dir():
        raise CallError(f"{option} {picture}: there is no folder {picture.parent}; make it first")


def _with_ensemble(trained, others: Iterable[Path]):
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


def check_choice(samples: int, stop: Iterable[str], **options: float) -> None:
    """Check the options of `generate`: the number of samples, the stop strings, and those of `GENERATED`.

    Raises:
        CallError: one is out of its range; says which.
    """
    if not 1 <= samples <= 1000:
        raise CallError(f"--samples must be from 1 to 1000, got {samples}")
    if "" in stop:
        raise CallError("--stop must not be empty: give the string to end before")
    options["seed"] += samples - 1  # the last one
    for name, value in options.items():
        fits, words = GENERATED[name]
        if not fits(value):
            raise CallError(f"--{name.replace('_', '-')} must be {words}, got {value}")


def _measured_language(trained, source, texts):
    from nlp_rnn.cloze import cloze_rows, measure_cloze
    from nlp_rnn.held_out import measure_text

    figures = measure_text(trained.pipeline, texts, trained.metrics.get("passages", False))
    rows = cloze_rows(source, trained.pipeline.encoder.unit)
    return figures | ({"cloze": {trained.settings["cell"]: measure_cloze(trained.pipeline, rows)}} if rows else {})
