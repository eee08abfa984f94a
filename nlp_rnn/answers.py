"""What commands read and print: lines of text in, answers and figures out."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlp_rnn.checks import BLANK, CallError
from nlp_rnn.progress import say, track

if TYPE_CHECKING:
    from nlp_rnn.language import Guess
    from nlp_rnn.pipelines import Prediction
    from nlp_rnn.runs import Run
    from nlp_rnn.translation import Translation

_MOST_CLASSES = 12  # more than this are not listed one by one


def read_lines(path: Path | None) -> Iterator[str]:
    """The lines of a file, or of standard input, without their ends.

    Raises:
        CallError: there is no such file.
        InputError: a line is not UTF-8.
    """
    from nlp_rnn.sources import count_lines, decoded, lines

    if path is None:
        texts, size = decoded(sys.stdin.buffer, "standard input"), None
    elif path.is_file():
        texts, size = lines(path), count_lines(path)
    else:
        raise CallError(f"{path}: no such file")
    return (line.rstrip("\r\n") for line in track(texts, "predicting", size))


@contextlib.contextmanager
def writer(path: Path | None) -> Iterator[Callable[[str], None]]:
    """A function that writes a line to standard output, or to a file that appears whole at the end or not at all."""
    if path is None:
        yield click.echo
        return
    if not path.parent.is_dir():
        raise CallError(f"{path}: there is no folder {path.parent}; make it first")
    partial = path.with_name(f"{path.name}.partial")
    try:
        with open(partial, "w", encoding="utf-8", newline="") as file:
            yield lambda line: file.write(f"{line}\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def writable(text: str) -> str:
    """A text from the command line with '?' for bytes that are not UTF-8."""
    return text.encode("utf-8", errors="replace").decode()


def line(prediction: "Prediction", classes: Sequence[str], as_json: bool) -> str:
    """One answer: class, tab, probability, tab, text; or an object with the probability of every class."""
    if not as_json:
        return f"{_one_line(prediction.label)}\t{prediction.probabilities.max():.4f}\t{_one_line(prediction.text)}"
    probabilities = {name: round(float(p), 6) for name, p in zip(classes, prediction.probabilities, strict=True)}
    answer = {"text": prediction.text, "label": prediction.label, "probabilities": probabilities}
    return json.dumps(answer, ensure_ascii=False)


def print_figures(figures: dict, as_json: bool, of: str, mistakes: Sequence[dict] = ()) -> None:
    """Print the figures of a classifier or of a language model on texts, called `of`, and a few mistakes."""
    if as_json:
        return click.echo(json.dumps(figures, ensure_ascii=False))
    if "run" in figures:
        click.echo(f"run       {figures['run']}")
    if "perplexity" in figures:
        return _print_language(figures, of)
    if "sources" in figures:
        return _print_translation(figures, of)
    if "methods" in figures:
        from nlp_rnn.forecast_answers import print_backtest

        return print_backtest(figures)
    click.echo(f"accuracy  {figures['accuracy']:.4f} on {figures['texts']:,} {of}")
    click.echo(f"          {figures['majority_accuracy']:.4f} by always saying the most frequent class")
    click.echo(f"macro F1  {figures['macro_f1']:.4f}")
    click.echo(f"loss      {figures['loss']:.4f} nats")
    if len(figures["classes"]) <= _MOST_CLASSES:
        width = max(len(name) for name in figures["classes"])
        click.echo(f"{'class':<{width}}  precision  recall      F1   texts")
        for name, row in figures["classes"].items():
            click.echo(
                f"{name:<{width}}  {row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}  {row['texts']:6,}"
            )
    for row in mistakes:
        text = " ".join(row["text"].split())
        click.echo(f"mistaken  {row['label']}, taken for {row['predicted']} ({row['probability']:.2f}): {text[:100]}")


def _print_language(figures, of):
    unknown = f", {figures['unknown']:.1%} of them unknown" if figures.get("unknown") else ""
    worse = figures["perplexity"] >= figures["frequency_perplexity"]
    click.echo(f"perplexity  {figures['perplexity']:.2f} over {figures['tokens']:,} tokens of the {of}{unknown}")
    click.echo(f"            {figures['frequency_perplexity']:.2f} by the frequencies of tokens in these very texts")
    if worse:
        click.echo("            the model does no better than these, which know the texts beforehand")
    click.echo(f"loss        {figures['loss']:.4f} nats a token, {figures['bits_per_character']:.3f} bits a character")
    for name, which in (("perplexity", "these"), ("old_perplexity", "the old")):
        if f"{name}_before" in figures:
            before, after = figures[f"{name}_before"], figures[name]
            click.echo(f"fine-tuned  perplexity of {which} texts {before:.2f} before, {after:.2f} after")
    click.echo(f"next token  {figures['top1']:.4f} at the first guess, {figures['top5']:.4f} among five")
    cloze = figures.get("cloze", {})
    for cell, found in cloze.items():
        kinds = ", ".join(f"{kind} {share:.3f}" for kind, share in found["kinds"].items())
        click.echo(f"{cell.upper():<4}  right words: {kinds}")
    if not any(found["gaps"] for found in cloze.values()):
        return
    click.echo("right words by sentences in between")
    gaps = sorted({int(gap) for found in cloze.values() for gap in found["gaps"]})
    shown = [gap for gap in gaps if gap % 4 == 0 or gap == gaps[-1]]
    click.echo("      " + "".join(f"{gap:>7}" for gap in shown))
    for cell, found in cloze.items():
        by_gap = {int(gap): share for gap, share in found["gaps"].items()}
        click.echo(f"{cell.upper():<6}" + "".join(f"{by_gap[gap]:7.3f}" if gap in by_gap else " " * 7 for gap in shown))


def _print_translation(figures, of):
    from nlp_rnn.metrics import TRANSLATION

    click.echo(f"{figures['sources']:,} sources, {figures['pairs']:,} targets of the {of}")
    names = [name for name in TRANSLATION if name in figures]
    columns = {"{}": "translated", "{}_before": "before fine-tuning", "copy_{}": "copying the source"}
    columns["frequent_{}"] = "the most frequent target"
    columns = {form: title for form, title in columns.items() if form.format(names[0]) in figures}
    click.echo("  ".join([" " * 20, *columns.values()]))
    for name in names:
        row = [f"{figures[form.format(name)]:{len(title)}.4f}" for form, title in columns.items()]
        click.echo("  ".join([f"{name.replace('_', ' '):<20}", *row]))
    click.echo(f"with the right tokens before it, a token has perplexity {figures['token_perplexity']:.3f}")
    click.echo(f"and is the first guess in {figures['token_accuracy']:.4f} of the cases")
    if "bleu" in figures:
        click.echo(f"sacrebleu  {figures['bleu_signature']}")


def translations(text: str, found: Sequence["Translation"], wanted: int | None, as_json: bool) -> Iterator[str]:
    """The best translation; where a number was asked for so many: score, tab, translation, tab, text; or one object."""
    found = found[: wanted or 1]
    if as_json:
        rows = [{"text": row.text, "score": round(row.score, 6)} for row in found]
        yield json.dumps({"text": text, "translations": rows}, ensure_ascii=False)
    elif wanted is None:
        yield _one_line(found[0].text) if found else ""
    else:
        yield from (f"{row.score:.4f}\t{_one_line(row.text)}\t{_one_line(text)}" for row in found)


def _one_line(text):
    return text.replace("\t", " ").replace("\r", " ").replace("\n", " ")


def guesses(text: str, found: Sequence["Guess"], as_json: bool) -> Iterator[str]:
    """The words for a blank: word, tab, probability, tab, the text with it; or one object."""
    if as_json:
        words = [{"word": guess.word, "probability": round(guess.probability, 6)} for guess in found]
        yield json.dumps({"text": text, "words": words}, ensure_ascii=False)
        return
    for guess in found:
        yield f"{_one_line(guess.word)}\t{guess.probability:.4f}\t{_one_line(text.replace(BLANK, guess.word))}"


def say_unknown(words: Sequence[str]) -> None:
    """Say which words of what was asked the vocabulary does not have."""
    if words:
        more = f" and {len(words) - _MOST_CLASSES:,} more" if len(words) > _MOST_CLASSES else ""
        say(f"not in the vocabulary, read as unknown: {' '.join(map(_one_line, words[:_MOST_CLASSES]))}{more}")


def print_generated(trained: "Run", prompts, length, choice, seed, stop, samples, as_json) -> None:
    """Print texts as they come, piece by piece; of several, standard error tells where one begins.

    Raises:
        CallError: the run is no language model.
    """
    if trained.pipeline.kind != "language_model":
        raise CallError(f"{trained.path} is no language model: make one with 'nlp-rnn run generation'")
    from nlp_rnn.decoding import Choice

    for prompt in prompts:
        say_unknown(trained.pipeline.unknown(prompt))
        for number in range(samples):
            texts = _texts(trained.pipeline.generate([prompt], length, Choice(**choice), seed + number), stop)
            if as_json:
                *_, text = texts
                answer = {"prompt": prompt, "text": text, "seed": seed + number}
                answer["whole"] = trained.pipeline.joined(prompt, text)
                click.echo(json.dumps(answer, ensure_ascii=False))
            else:
                if len(prompts) * samples > 1:
                    say(f"--- {_one_line(prompt)} (seed {seed + number})")
                _print_growing(
                    (trained.pipeline.joined(prompt, text) for text in texts), max(map(len, stop), default=0)
                )


def _print_growing(texts, longest):
    """Print what each text has more than the one before, and a line end; at first without what may still change."""
    whole, written = "", 0
    for whole in texts:
        # The beginning of a stop string, or half a character, may still go.
        sure = len(whole.rstrip("\ufffd")) - max(longest - 1, 0)
        if sure > written:
            click.echo(whole[written:sure], nl=False)
            written = sure
    click.echo(whole[written:])


def _texts(generated, stop):
    """The text so far, again and again, up to the first stop string."""
    for (text,) in generated:
        text, ended = _until(text, stop)
        yield text
        if ended:
            return


def _until(text, stop):
    """The text before the first stop string, and whether there was one."""
    places = [place for place in (text.find(word) for word in stop) if place >= 0]
    return (text[: min(places)], True) if places else (text, False)
