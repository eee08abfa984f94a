"""Evaluation of a language model on held-out text; when fine-tuning, also on the original text."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nlp_rnn import plots
from nlp_rnn.checks import InputError
from nlp_rnn.datasets.lineage import lineage_of
from nlp_rnn.datasets.splits import Example, TextDataset
from nlp_rnn.language_model.bptt import Streams
from nlp_rnn.language_model.cloze import cloze_rows, measure_cloze
from nlp_rnn.language_model.data import with_ends
from nlp_rnn.language_model.documents import DocumentDataset
from nlp_rnn.language_model.objective import NextToken
from nlp_rnn.language_model.perplexity import measure, measuring_streams, measuring_texts
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.report import Report
from nlp_rnn.runs.original import figures_on_original
from nlp_rnn.text.batching import encode

if TYPE_CHECKING:
    from nlp_rnn.task import Run


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
    pipeline, held_out = run.pipeline, data.held_out(lineage_of(run), own=run.lineage is not None)
    figures = measure_text(pipeline, held_out, pipeline.independent_texts)

    def on_original(pieces):
        independent = (run.start or run).pipeline.independent_texts
        return {"old_perplexity": measure_text(pipeline, pieces, independent)["perplexity"]}

    figures |= figures_on_original(run, data, before, on_original)
    if not before and (rows := cloze_rows(data, pipeline.encoder.token_level)):
        figures["cloze"] = {pipeline.model.settings["cell"]: measure_cloze(pipeline, rows)}
    return LanguageModelReport(figures, held_out.measured_on)


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
