"""How good a language model is on text that it was not trained on; while it is fine-tuned also on the old text."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nlp_rnn import plots
from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.lineage import already_seen, find_data, split_seed, trained_on
from nlp_rnn.datasets.splits import Example, TextDataset
from nlp_rnn.language_model.bptt import Streams
from nlp_rnn.language_model.cloze import cloze_rows, measure_cloze
from nlp_rnn.language_model.data import with_ends
from nlp_rnn.language_model.documents import DocumentDataset, open_documents
from nlp_rnn.language_model.objective import NextToken
from nlp_rnn.language_model.perplexity import measure, measuring_streams, measuring_texts
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.progress import say
from nlp_rnn.report import Report
from nlp_rnn.text.batching import encode

if TYPE_CHECKING:
    from nlp_rnn.task import Run

MAX_OLD_CHARACTERS = 2_000_000  # of the text before fine-tuning: enough to show what was forgotten


@dataclass
class LanguageModelReport(Report):
    """How good a language model is; `figures` may hold `cloze`, the accuracies of `measure_cloze` by cell."""

    compared: Sequence[str] = ("perplexity", "old_perplexity")

    def write(self, folder: Path) -> None:
        """Draw the accuracy of each cell by distance into a run folder, where the data have distances."""
        cells = self.figures.get("cloze", {})
        gaps = {cell.upper(): measured["gaps"] for cell, measured in cells.items() if measured["gaps"]}
        if gaps:
            axes = "sentences in between", "accuracy on the test split"
            plots.lines(gaps, "Accuracy by distance", *axes, folder / "plots" / "gaps.png")


def evaluate(run: "Run", data: TextDataset | DocumentDataset, before: bool = False) -> LanguageModelReport:
    """Measure a run on text that it was not trained on.

    While a run is fine-tuned, `old_perplexity` is measured on the data of the run that it started from, unless these
    are the same or cannot be opened.

    Args:
        run: finished, or in the making.
        data: the text.
        before: the run is about to be fine-tuned: measure the perplexities alone.

    Raises:
        InputError: there is no text to measure on.
    """
    pipeline, seen = run.pipeline, trained_on(run.data)
    figures = measure_text(pipeline, data.held_out(seen), pipeline.independent_texts)
    if run.start is not None:
        figures |= _on_old_text(pipeline, run.start, data, before)
    if not before and (rows := cloze_rows(data, pipeline.encoder.token_level)):
        figures["cloze"] = {pipeline.model.settings["cell"]: measure_cloze(pipeline, rows)}
    return LanguageModelReport(figures, "texts" if data.is_whole(seen) else "held-out texts")


def measure_text(pipeline: LanguagePipeline, pieces: Iterable[Example], independent_texts: bool) -> dict:
    """The figures of a language model on all tokens of a text; see `measure`.

    Args:
        pipeline: the language model.
        pieces: the text.
        independent_texts: read each text from a state of zeros; the figures say so as `passages`.

    Raises:
        InputError: there is no text.
    """
    characters = 0

    def counted():
        nonlocal characters
        for text, ends in with_ends(pieces):
            characters += len(text)
            yield text, ends

    with tempfile.TemporaryDirectory() as folder:
        texts = encode(counted(), pipeline.encoder, Path(folder) / "test.ids", end=True)
        if not len(texts.ids):
            raise InputError("there is no text to measure on: the test split is empty")
        data = measuring_texts(texts) if independent_texts else measuring_streams(texts)
        objective = NextToken(pipeline.model, data.batch_size if isinstance(data, Streams) else None)
        return {**measure(objective, data, characters), "passages": bool(independent_texts)}


def _on_old_text(pipeline, start, data, before):
    """The perplexity on the data of the run to start from, where these are others and can be opened."""
    if already_seen(data.name, trained_on(start.data)[-1:]):
        return {}
    raw = start.pipeline.encoder.token_level != "word"
    try:
        old = open_documents(find_data(start.data), start.data["text_column"], raw, split_seed(start))
    except (UsageError, InputError) as error:
        if before:
            say(f"the perplexity on the old text is not measured: {error}")
        return {}
    pieces = _first(old.stream("test"), MAX_OLD_CHARACTERS)
    figures = measure_text(pipeline, pieces, start.pipeline.independent_texts)
    return {"old_perplexity": figures["perplexity"]}


def _first(pieces: Iterable[Example], limit: int) -> Iterator[Example]:
    """Pieces up to about so many characters."""
    characters = 0
    for piece in pieces:
        if characters > limit:
            return
        characters += len(piece.text)
        yield piece
