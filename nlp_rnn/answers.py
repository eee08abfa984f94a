"""What commands read and print: lines of text in, answers and figures out."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlp_rnn.checks import CallError
from nlp_rnn.progress import track

if TYPE_CHECKING:
    from nlp_rnn.pipelines import Prediction

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
        shown = prediction.text.replace("\t", " ").replace("\r", " ").replace("\n", " ")
        return f"{prediction.label}\t{prediction.probabilities.max():.4f}\t{shown}"
    probabilities = {name: round(float(p), 6) for name, p in zip(classes, prediction.probabilities, strict=True)}
    answer = {"text": prediction.text, "label": prediction.label, "probabilities": probabilities}
    return json.dumps(answer, ensure_ascii=False)


def print_figures(figures: dict, as_json: bool, of: str, mistakes: Sequence[dict] = ()) -> None:
    """Print what `metrics.classification` gave on texts, called `of`, and a few mistakes."""
    if as_json:
        return click.echo(json.dumps(figures, ensure_ascii=False))
    if "run" in figures:
        click.echo(f"run       {figures['run']}")
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
