"""Evaluation of a language model on held-out text; when fine-tuning, also on the original text."""

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

MAX_OLD_CHARACTERS = 2_000_000  # of the original text: enough to show forgetting


@dataclass
class LanguageModelReport(Report):
    """The metrics of a language model; `figures` may hold `cloze`, the results of `measure_cloze` by cell."""

    compared: Sequence[str] = ("perplexity", "old_perplexity")

    def write(self, folder: Path) -> None:
        """Plot the accuracy of each cell by distance into a run folder, if the data have distances."""
        cells = self.figures.get("cloze", {})
        gaps = {cell.upper(): measured["gaps"] for cell, measured in cells.items() if measured["gaps"]}
        if gaps:
            axes = "sentences in between", "accuracy on the test split"
            plots.lines(gaps, "Accuracy by distance", *axes, folder / "plots" / "gaps.png")


def evaluate(run: "Run", data: TextDataset | DocumentDataset, before: bool = False) -> LanguageModelReport:
    """Evaluate a run on text that it was not trained on.

    When fine-tuning, `old_perplexity` is the perplexity on the data of the original run, unless these are the same or
    cannot be opened.

    Args:
        run: a run that is finished or being created.
        data: the text.
        before: the run is about to be fine-tuned: measure only the perplexities.

    Raises:
        InputError: there is no text to evaluate on.
    """
    pipeline, seen = run.pipeline, trained_on(run.data)
    figures = measure_text(pipeline, data.held_out(seen), pipeline.independent_texts)
    if run.start is not None:
        figures |= _on_old_text(pipeline, run.start, data, before)
    if not before and (rows := cloze_rows(data, pipeline.encoder.token_level)):
        figures["cloze"] = {pipeline.model.settings["cell"]: measure_cloze(pipeline, rows)}
    return LanguageModelReport(figures, "texts" if data.is_whole(seen) else "held-out texts")


def measure_text(pipeline: LanguagePipeline, pieces: Iterable[Example], independent_texts: bool) -> dict:
    """The metrics of a language model on all tokens of a text; see `measure`.

    Args:
        pipeline: the language model.
        pieces: the pieces of the text.
        independent_texts: read each text from a zero state; recorded in the metrics as `passages`.

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
            raise InputError("there is no text to evaluate on: the test split is empty")
        data = measuring_texts(texts) if independent_texts else measuring_streams(texts)
        objective = NextToken(pipeline.model, data.batch_size if isinstance(data, Streams) else None)
        return {**measure(objective, data, characters), "passages": bool(independent_texts)}


def _on_old_text(pipeline, start, data, before):
    """The perplexity on the data of the run to start from, if these differ and can be opened."""
    if already_seen(data.name, trained_on(start.data)[-1:]):
        return {}
    raw = start.pipeline.encoder.token_level != "word"
    try:
        old = open_documents(find_data(start.data), start.data["text_column"], raw, split_seed(start))
    except (UsageError, InputError) as error:
        if before:
            say(f"the perplexity on the original text is not measured: {error}")
        return {}
    pieces = _first(old.stream("test"), MAX_OLD_CHARACTERS)
    figures = measure_text(pipeline, pieces, start.pipeline.independent_texts)
    return {"old_perplexity": figures["perplexity"]}


def _first(pieces: Iterable[Example], limit: int) -> Iterator[Example]:
    """The first pieces, of about `limit` characters in total."""
    characters = 0
    for piece in pieces:
        if characters > limit:
            return
        characters += len(piece.text)
        yield piece
