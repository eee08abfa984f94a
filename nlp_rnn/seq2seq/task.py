"""The task of translation: from one text to another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.arriving import ArrivingTexts
from nlp_rnn.datasets.text_roles import SOURCE_NAMES
from nlp_rnn.progress import say
from nlp_rnn.report import one_line
from nlp_rnn.seq2seq.options import PREDICT_OPTIONS, check_attention, check_nbest, search_config
from nlp_rnn.task import Report, Task
from nlp_rnn.text.chunks import chunks
from nlp_rnn.text.truncation import truncated

if TYPE_CHECKING:
    from nlp_rnn.datasets.lineage import Lineage
    from nlp_rnn.seq2seq.pipeline import Translation, Translator
    from nlp_rnn.task import Run

VOCABULARY, TARGET_VOCABULARY = "vocabulary.txt", "target.txt"
COLUMNS = {  # of the summary: prefix and suffix of the name of a metric, and the title
    ("", ""): "translated",
    ("", "_before"): "before fine-tuning",
    ("copy_", ""): "copying the source",
    ("frequent_", ""): "the most frequent target",
}


class TranslationTask(Task):
    """Pairs of texts; see `Task`."""

    kind = "translator"
    title = "translation"
    takes = "pairs"
    predict_options = PREDICT_OPTIONS
    input_column = ("source", SOURCE_NAMES)

    def open_data(self, request: Mapping[str, Any], settings: Mapping[str, Any], like: "Run | None" = None) -> Any:
        from nlp_rnn.seq2seq.pairs import open_pairs

        columns = request["text_column"], request["label_column"]
        return open_pairs(request["name"], *columns, request["split_seed"], request.get("split_column"))

    def save(self, pipeline: "Translator", folder: Path) -> dict[str, Any]:
        return {
            "encoder": pipeline.encoder.save(folder / VOCABULARY),
            "target": pipeline.target.save(folder / TARGET_VOCABULARY),
        }

    def load(self, folder: Path, about: Mapping[str, Any]) -> "Translator":
        from nlp_rnn import weights
        from nlp_rnn.seq2seq.pipeline import Translator
        from nlp_rnn.text.encoder import TextEncoder

        source = TextEncoder.read(folder / VOCABULARY, about["encoder"])
        target = TextEncoder.read(folder / TARGET_VOCABULARY, about["target"])
        return Translator(source, weights.load(about["model"], folder / weights.WEIGHTS), target=target)

    def lineage(self, data: Any, settings: Mapping[str, Any]) -> "Lineage":
        return data.lineage()

    def measure(self, run: "Run", data: Any, before: bool = False) -> Report:
        from nlp_rnn.datasets.lineage import lineage_of
        from nlp_rnn.seq2seq.evaluation import evaluate

        held_out = data.held_out(lineage_of(run), own=run.lineage is not None)
        report = evaluate(run.pipeline, held_out, search_config(run, {}))
        report.measured_on = held_out.measured_on
        return report

    def summary(self, figures: Mapping[str, Any], measured_on: str) -> Iterator[str]:
        from nlp_rnn.seq2seq.metrics import METRICS

        yield f"{figures['sources']:,} sources, {figures['pairs']:,} targets of the {measured_on}"
        yield from _table(figures, [name for name in METRICS if name in figures])
        yield (
            f"given the preceding target tokens, the next token has perplexity {figures['token_perplexity']:.3f} "
            f"and accuracy {figures['token_accuracy']:.4f}"
        )
        if "bleu" in figures:
            yield f"sacrebleu  {figures['bleu_signature']}"

    def predict(self, run: "Run", inputs: Iterable[str], options: Mapping[str, Any]) -> Iterator["TranslationAnswer"]:
        from nlp_rnn.seq2seq.pipeline import AT_ONCE

        search = search_config(run, options)
        check_nbest(options.get("nbest"), search.beam_width)
        picture, others = options.get("attention"), options.get("ensemble") or ()
        if picture:
            inputs = list(inputs)
            check_attention(picture, run.pipeline, len(inputs), bool(others))
        pipeline = self._with_ensemble(run, others)
        if isinstance(inputs, ArrivingTexts):
            list(pipeline.translate(["a"], search))
        chunked = ((chunk, pipeline.translate(chunk, search)) for chunk in chunks(inputs, AT_ONCE, len))
        rows = (row for texts, translated in chunked for row in zip(texts, translated, strict=True))
        for number, (text, translations) in enumerate(rows, 1):
            if not translations:
                raise InputError(
                    f"input {number}, {text[:40]!r}: the search found no translation; lower --min-length, or raise "
                    "--no-repeat-ngram-size or --beam-width"
                )
            yield TranslationAnswer(text, translations, options.get("nbest"))
            if picture:
                _draw(pipeline, text, translations[0].text, picture)
        if pipeline.cut:
            say(f"translated: {truncated(pipeline.cut, pipeline.encoder.max_tokens)}")

    def _with_ensemble(self, run: "Run", others: Sequence[Path]) -> "Translator":
        """The translator of a run, in an ensemble with those of other runs.

        Raises:
            UsageError: one is not a run of translation, or was trained on other data.
        """
        from nlp_rnn.runs.folder import load

        pipeline: Any = run.pipeline
        members = [load(path) for path in others]
        for member in members:
            if member.task is not self:
                raise UsageError(f"{member.path} is not a run of {self.title}, which --ensemble needs")
        try:
            return pipeline.ensemble(member.pipeline for member in members) if members else pipeline
        except ValueError as error:
            raise UsageError(f"--ensemble: {error}") from None


def _table(figures, metrics):
    """A line for each metric, with a column for each of `COLUMNS` that was measured."""
    columns = {form: title for form, title in COLUMNS.items() if metrics[0].join(form) in figures}
    yield "  ".join([" " * 20, *columns.values()])
    for name in metrics:
        cells = [f"{figures[name.join(form)]:{len(title)}.4f}" for form, title in columns.items()]
        yield "  ".join([f"{name.replace('_', ' '):<20}", *cells])


def _draw(pipeline, text, translation, picture):
    from nlp_rnn import plots

    if not pipeline.encoder.tokens(text) or not text.strip():
        say(f"{picture} is not drawn: the text is blank, so there is nothing to attend to")
        return
    source, target, attention = pipeline.attention(text, translation)
    plots.attention(source, target, attention, picture)
    say(f"attention weights: {picture}")


class TranslationAnswer(NamedTuple):
    """The translations of a text, the best first: one on a line, or `nbest` with their scores."""

    text: str
    translations: "list[Translation]"
    nbest: int | None = None

    def lines(self) -> Iterator[str]:
        if self.nbest is None:
            yield one_line(self.translations[0].text)
            return
        for best in self.translations[: self.nbest]:
            yield f"{best.score:.4f}\t{one_line(best.text)}\t{one_line(self.text)}"

    def rows(self) -> Iterator[dict[str, Any]]:
        for best in self.translations[: self.nbest or 1]:
            yield {"text": self.text, "translation": best.text, "score": round(best.score, 6)}

    def json(self) -> dict[str, Any]:
        best = self.translations[: self.nbest or 1]
        return {
            "text": self.text,
            "translations": [{"text": row.text, "score": round(row.score, 6)} for row in best],
        }
