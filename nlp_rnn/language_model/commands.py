"""`nlp-rnn generate`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.lines import encodable
from nlp_rnn.language_model.options import DEFAULT_LENGTH, DEFAULT_TEMPERATURE, GENERATION_RANGES
from nlp_rnn.language_model.unknown import say_unknown
from nlp_rnn.progress import say
from nlp_rnn.report import one_line
from nlp_rnn.streams import write_json, write_line, write_text

if TYPE_CHECKING:
    from nlp_rnn.task import Run

MAX_SAMPLES = 1000


def _check_range(name, value):
    fits, limits = GENERATION_RANGES[name]
    if not fits(value):
        raise UsageError(f"--{name.replace('_', '-')} must be {limits}, got {value}")


def _in_range(ctx, option, value):
    _check_range(option.name, value)
    return value


def _not_empty(ctx, option, value):
    if "" in value:
        raise UsageError("--stop must not be empty: give a string")
    return value


def _samples(ctx, option, value):
    if not 1 <= value <= MAX_SAMPLES:
        raise UsageError(f"--samples must be from 1 to {MAX_SAMPLES}, got {value}")
    return value


def _option(name: str, default: float, help: str):
    return click.option(name, default=default, show_default=True, callback=_in_range, help=help)


@click.command()
@click.argument("prompts", nargs=-1, metavar="[PROMPT]...")
@_option("--length", DEFAULT_LENGTH, "Maximum number of new tokens; generation may stop earlier.")
@_option("--temperature", DEFAULT_TEMPERATURE, "Sampling temperature (0 takes the most probable token).")
@_option("--top-k", 0, "Top-k sampling (0 turns it off).")
@_option("--top-p", 1.0, "Nucleus (top-p) sampling (1 turns it off).")
@_option(
    "--min-p", 0.0, "Min-p sampling: minimum probability relative to that of the most probable token (0 turns it off)."
)
@_option("--repetition-penalty", 1.0, "Repetition penalty (1 turns it off).")
@_option("--seed", 0, "Random seed: the same seed gives the same text.")
@click.option("--stop", multiple=True, callback=_not_empty, help="Stop before this string; repeatable.")
@click.option(
    "--samples", default=1, show_default=True, callback=_samples, help="Samples per prompt, with successive seeds."
)
def generate(
    run: "Run",
    prompts: Sequence[str],
    length: int,
    seed: int,
    stop: Sequence[str],
    samples: int,
    json_: bool,
    **sampling: float,
) -> None:
    """Continue each PROMPT with the language model RUN, or start a new text if no PROMPT is given.

    A token is a word, a character or a byte, as RUN was trained. The SavedModel gives the same text for the same seed.

    \b
    Examples:
      nlp-rnn generate runs/generation "The film begins" --temperature 0.7
      nlp-rnn generate runs/generation --samples 3 --length 40 --stop "."
    """
    _check_range("seed", seed + samples - 1)
    from nlp_rnn.decoding.sampling import SamplingConfig

    pipeline, config = run.pipeline, SamplingConfig(**sampling)
    prompts = [encodable(prompt) for prompt in prompts] or [""]
    several = len(prompts) * samples > 1
    for prompt in prompts:
        say_unknown(pipeline.unknown(prompt))
        for one_seed in range(seed, seed + samples):
            texts = until_stop(pipeline.generate([prompt], length, config, one_seed), stop)
            if json_:
                *_, text = texts
                answer = {"prompt": prompt, "text": text, "seed": one_seed, "whole": pipeline.joined(prompt, text)}
                write_json(answer)
                continue
            if several:
                say(f"--- {one_line(prompt)} (seed {one_seed})")
            print_growing((pipeline.joined(prompt, text) for text in texts), max(map(len, stop), default=0))


def until_stop(generated: Iterable[list[str]], stop: Sequence[str]) -> Iterator[str]:
    """Yields the text generated so far, repeatedly, up to the first stop string.

    Args:
        generated: the output of `LanguagePipeline.generate` for one prompt.
        stop: the stop strings.
    """
    for (text,) in generated:
        places = [place for place in (text.find(word) for word in stop) if place >= 0]
        yield text[: min(places)] if places else text
        if places:
            return


def print_growing(texts: Iterable[str], longest: int) -> None:
    """Print what each text adds to the one before, and finally a line end.

    The last characters are withheld while they may still change: they may begin a stop string or a multi-byte
    character.

    Args:
        texts: the text so far, repeatedly.
        longest: length of the longest stop string.
    """
    text, printed = "", 0
    for text in texts:
        certain = len(text.rstrip("\ufffd")) - max(longest - 1, 0)
        if certain > printed:
            write_text(text[printed:certain])
            printed = certain
    write_line(text[printed:])
