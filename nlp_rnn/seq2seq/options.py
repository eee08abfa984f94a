"""The options of `nlp-rnn predict` for runs of translation. Imports no TensorFlow, so that help is quick."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nlp_rnn.checks import UsageError
from nlp_rnn.decoding.options import NBEST

if TYPE_CHECKING:
    from nlp_rnn.decoding.beam import BeamSearchConfig
    from nlp_rnn.seq2seq.pipeline import Translator
    from nlp_rnn.task import Run

_FILE = click.Path(path_type=Path)
PREDICT_OPTIONS = (
    click.Option(["--beam-width"], type=int, help="Translation: beam width; by default that of the run."),
    NBEST,
    click.Option(
        ["--length-penalty"],
        type=float,
        help="Translation: the score is divided by the length to this power; 0 favours short translations; by "
        "default that of the run.",
    ),
    click.Option(
        ["--coverage-penalty"],
        type=float,
        help="Translation: penalty on source words that are left out; by default 0 (off).",
    ),
    click.Option(["--min-length"], type=int, help="Translation: minimum number of tokens; by default 0."),
    click.Option(
        ["--no-repeat-ngram-size"], type=int, help="Translation: block repeated n-grams of this length; by default off."
    ),
    click.Option(
        ["--attention"], type=_FILE, help="Translation: plot the attention weights of one text into this new .png file."
    ),
    click.Option(
        ["--ensemble"],
        type=_FILE,
        multiple=True,
        help="Translation: another run, whose probabilities are averaged with those of RUN; repeatable.",
    ),
)


def search_config(run: "Run", options: Mapping[str, Any]) -> "BeamSearchConfig":
    """The beam search of `predict`: the given options, the others as in the evaluation of the run.

    Args:
        run: the run, whose settings give the defaults.
        options: values by the names in `BeamSearchConfig`, None for omitted ones; other names are ignored.

    Raises:
        UsageError: an option is out of its range, or the options leave no translation.
    """
    from nlp_rnn.decoding.beam import BeamSearchConfig

    pipeline: Any = run.pipeline
    limits = pipeline.limits
    settings = {name: run.settings[name] for name in ("beam_width", "length_penalty") if name in run.settings}
    config = BeamSearchConfig(**settings)
    config = config._replace(beam_width=min(config.beam_width, limits["beam_width"][1]))
    given = {name: options[name] for name in BeamSearchConfig._fields if options.get(name) is not None}
    for name, value in given.items():
        low, high = limits[name]
        if not low <= value <= high:
            raise UsageError(f"--{name.replace('_', '-')} must be from {low} to {high}, got {value}")
    if given.get("coverage_penalty") and not pipeline.has_attention:
        raise UsageError("--coverage-penalty needs a run of translation with attention")
    config = config._replace(**given)
    longest = pipeline.max_length(config.no_repeat_ngram_size)
    if config.min_length > longest:
        raise UsageError(
            f"--min-length must be at most {longest} with --no-repeat-ngram-size {config.no_repeat_ngram_size}: no "
            f"text over the vocabulary of the run is longer and without repetitions; got {config.min_length}"
        )
    return config


def check_nbest(nbest: int | None, beam_width: int) -> None:
    """Check that the search yields as many translations as are to be printed.

    Raises:
        UsageError: it does not.
    """
    if nbest is not None and not 1 <= nbest <= beam_width:
        raise UsageError(f"--nbest must be from 1 to --beam-width, {beam_width}, got {nbest}")


def check_attention(picture: Path, pipeline: "Translator", texts: int, ensemble: bool) -> None:
    """Check that the attention weights can be drawn.

    Raises:
        UsageError: they cannot; the message says why.
    """
    from nlp_rnn.runs.paths import check_picture

    check_picture(picture, "--attention")
    if texts != 1:
        raise UsageError(f"--attention draws one text, got {texts}")
    if ensemble or not pipeline.has_attention:
        raise UsageError("--attention needs one run of translation with attention")
