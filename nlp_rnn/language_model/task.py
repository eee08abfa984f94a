"""The task of language models: predict the next word, fill a blank, generate text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.arriving import ArrivingTexts
from nlp_rnn.decoding.options import NBEST
from nlp_rnn.language_model.options import BLANK, MAX_WORDS, WORDS
from nlp_rnn.language_model.unknown import say_unknown
from nlp_rnn.report import Report, one_line
from nlp_rnn.settings import current_names
from nlp_rnn.task import Task

if TYPE_CHECKING:
    import click

    from nlp_rnn.datasets.lineage import Lineage
    from nlp_rnn.language_model.pipeline import LanguagePipeline, WordPrediction
    from nlp_rnn.task import Run

VOCABULARY = "vocabulary.txt"
GAP_STEP = 4  # the summary lists the accuracy at every fourth gap


class LanguageModelTask(Task):
    """Running text, or texts without labels; see `Task`."""

    kind = "language_model"
    title = "language models"
    takes = "text"
    predict_options = (NBEST,)

    def open_data(self, request: Mapping[str, Any], settings: Mapping[str, Any], like: "Run | None" = None) -> Any:
        from nlp_rnn.datasets.lineage import FORMER_SPLIT
        from nlp_rnn.language_model.documents import DocumentDataset, open_documents

        settings = current_names(settings)
        level = settings.get("token_level", "word")
        raw = True if settings.get("line_breaks") else None if level == "auto" else level != "word"
        seed, split_column = request["split_seed"], request.get("split_column")
        documents, split_by = settings.get("documents", "auto"), request.get("split_by", FORMER_SPLIT)
        dataset = open_documents(request["name"], request["text_column"], raw, seed, split_column, documents, split_by)
        inherited = like is not None and like.settings.get("documents") == documents
        if documents != "auto" and not inherited and not isinstance(dataset, DocumentDataset):
            raise UsageError(
                f"--set documents={documents} is for plain text files, and each row of {dataset.name} is a text: leave "
                "it out"
            )
        return dataset

    def save(self, pipeline: "LanguagePipeline", folder: Path) -> dict[str, Any]:
        options = {"independent_texts": pipeline.independent_texts}
        return {"encoder": pipeline.encoder.save(folder / VOCABULARY), "options": options}

    def load(self, folder: Path, about: Mapping[str, Any]) -> "LanguagePipeline":
        from nlp_rnn import weights
        from nlp_rnn.language_model.pipeline import LanguagePipeline
        from nlp_rnn.text.encoder import TextEncoder

        encoder = TextEncoder.read(folder / VOCABULARY, about["encoder"])
        model: Any = weights.load(about["model"], folder / weights.WEIGHTS)
        before = about["metrics"].get("passages", False)  # where version 0.1 wrote it
        return LanguagePipeline(encoder, model, about.get("options", {}).get("independent_texts", before))

    def lineage(self, data: Any, settings: Mapping[str, Any]) -> "Lineage":
        return data.lineage()

    def measure(self, run: "Run", data: Any, before: bool = False) -> Report:
        from nlp_rnn.language_model.evaluation import evaluate

        return evaluate(run, data, before)

    def summary(self, figures: Mapping[str, Any], measured_on: str) -> Iterator[str]:
        unknown = f", {figures['unknown']:.1%} of them unknown" if figures["unknown"] else ""
        perplexity, baseline = figures["perplexity"], figures["frequency_perplexity"]
        yield f"perplexity  {perplexity:.2f} over {figures['tokens']:,} tokens of the {measured_on}{unknown}"
        yield f"            {baseline:.2f} by the token frequencies of these texts"
        if perplexity >= baseline:
            yield "            the model does no better than these frequencies, which are counted on the same texts"
        per_character = f"{figures['bits_per_character']:.3f} bits per character"
        yield f"loss        {figures['loss']:.4f} nats per token, {per_character}"
        for name, texts in (("perplexity", "these"), ("old_perplexity", "the original")):
            if name in figures and f"{name}_before" in figures:
                change = f"{figures[f'{name}_before']:.2f} before, {figures[name]:.2f} after"
                yield f"fine-tuned  perplexity of {texts} texts {change}"
        yield f"next token  {figures['top1']:.4f} top-1 accuracy, {figures['top5']:.4f} top-5 accuracy"
        yield from _cloze_lines(figures.get("cloze", {}))

    def predict(self, run: "Run", inputs: Iterable[str], options: Mapping[str, Any]) -> Iterator["BlankAnswer"]:
        nbest, pipeline, unknown = options.get("nbest"), run.pipeline, {}
        if nbest is not None and not 1 <= nbest <= MAX_WORDS:
            raise UsageError(f"--nbest must be from 1 to {MAX_WORDS}, got {nbest}")
        if isinstance(inputs, ArrivingTexts):
            pipeline.fill(BLANK)
        for number, text in enumerate(inputs, 1):
            try:
                words = pipeline.fill(text, nbest or WORDS)
            except UsageError as error:
                raise UsageError(f"text {number}: {error}") from None
            unknown |= dict.fromkeys(pipeline.unknown(text.replace(BLANK, " ")))
            yield BlankAnswer(text, words)
        say_unknown(list(unknown))

    def commands(self) -> Sequence["click.Command"]:
        from nlp_rnn.language_model.commands import generate

        return (generate,)


class BlankAnswer(NamedTuple):
    """The words for a blank: each with its probability and the completed text."""

    text: str
    words: "Sequence[WordPrediction]"

    def lines(self) -> Iterator[str]:
        for word, probability in self.words:
            yield f"{one_line(word)}\t{probability:.4f}\t{one_line(self.text.replace(BLANK, word))}"

    def rows(self) -> Iterator[dict[str, Any]]:
        for word, probability in self.words:
            completed = self.text.replace(BLANK, word)
            yield {"text": self.text, "word": word, "probability": round(probability, 6), "completed": completed}

    def json(self) -> dict[str, Any]:
        words = [{"word": word, "probability": round(probability, 6)} for word, probability in self.words]
        return {"text": self.text, "words": words}


def _cloze_lines(cells):
    """The accuracy of each cell by kind, and by distance where there are distances."""
    for cell, accuracy in cells.items():
        kinds = ", ".join(f"{kind} {share:.3f}" for kind, share in accuracy["kinds"].items())
        yield f"{cell.upper():<4}  words predicted correctly: {kinds}"
    by_cell = {cell: {int(gap): share for gap, share in one["gaps"].items()} for cell, one in cells.items()}
    gaps = sorted(set().union(*by_cell.values()))
    if not gaps:
        return
    listed = [gap for gap in gaps if gap % GAP_STEP == 0 or gap == gaps[-1]]
    yield "the same by the number of sentences in between"
    yield "      " + "".join(f"{gap:>7}" for gap in listed)
    for cell, by_gap in by_cell.items():
        yield f"{cell.upper():<6}" + "".join(f"{by_gap[gap]:7.3f}" if gap in by_gap else " " * 7 for gap in listed)
