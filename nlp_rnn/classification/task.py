"""The task of text classification: one label for each text."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nlp_rnn.datasets.arriving import ArrivingTexts
from nlp_rnn.report import one_line
from nlp_rnn.task import Report, Task

if TYPE_CHECKING:
    from nlp_rnn.classification.pipeline import Prediction, TextClassifier
    from nlp_rnn.datasets.lineage import Lineage
    from nlp_rnn.task import Run

VOCABULARY = "vocabulary.txt"
LISTED_CLASSES = 12  # with more classes, the summary has no line for each


class ClassificationTask(Task):
    """Texts with labels; see `Task`."""

    kind = "text_classifier"
    title = "text classification"
    takes = "labels"
    starts_from = frozenset({"language_model"})

    def open_data(self, request: Mapping[str, Any], settings: Mapping[str, Any], like: "Run | None" = None) -> Any:
        from nlp_rnn.datasets.catalogue import open_text_dataset

        columns = request["text_column"], request["label_column"]
        seed, split_column = request["split_seed"], request.get("split_column")
        return open_text_dataset(request["name"], *columns, seed, split_column=split_column)

    def save(self, pipeline: "TextClassifier", folder: Path) -> dict[str, Any]:
        return {"encoder": pipeline.encoder.save(folder / VOCABULARY)}

    def load(self, folder: Path, about: Mapping[str, Any]) -> "TextClassifier":
        from nlp_rnn import weights
        from nlp_rnn.classification.model import Classifier  # noqa: F401, registers it with Keras
        from nlp_rnn.classification.pipeline import TextClassifier
        from nlp_rnn.text.encoder import TextEncoder

        encoder = TextEncoder.read(folder / VOCABULARY, about["encoder"])
        return TextClassifier(encoder, weights.load(about["model"], folder / weights.WEIGHTS), about["classes"])

    def lineage(self, data: Any, settings: Mapping[str, Any]) -> "Lineage":
        return data.lineage()

    def measure(self, run: "Run", data: Any, before: bool = False) -> Report:
        from nlp_rnn.classification.evaluation import evaluate_run

        return evaluate_run(run, data, before)

    def summary(self, figures: Mapping[str, Any], measured_on: str) -> Iterator[str]:
        yield f"accuracy  {figures['accuracy']:.4f} on {figures['texts']:,} {measured_on}"
        if "accuracy_before" in figures:
            yield f"          {figures['accuracy_before']:.4f} before fine-tuning"
        if "old_accuracy_before" in figures:
            change = f"{figures['old_accuracy_before']:.4f} before, {figures['old_accuracy']:.4f} after"
            yield f"          on the original texts {change} fine-tuning"
        yield f"          {figures['majority_accuracy']:.4f} by always predicting the most frequent class"
        yield f"macro F1  {figures['macro_f1']:.4f}"
        yield f"loss      {figures['loss']:.4f} nats"
        if len(figures["classes"]) <= LISTED_CLASSES:
            yield from _table(figures["classes"])
            yield from _rare_lines(figures["classes"])

    def predict(self, run: "Run", inputs: Iterable[str], options: Mapping[str, Any]) -> Iterator["ClassAnswer"]:
        from nlp_rnn.classification.evaluation import say_cut

        pipeline: Any = run.pipeline
        if isinstance(inputs, ArrivingTexts):
            list(pipeline.predict([""]))
        for prediction in pipeline.predict(inputs):
            yield ClassAnswer(prediction, pipeline.classes)
        say_cut(pipeline)


def _table(classes):
    width = max(len(name) for name in classes)
    yield f"{'class':<{width}}  precision  recall      F1   texts"
    for name, row in classes.items():
        numbers = f"{row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}  {row['texts']:6,}"
        yield f"{name:<{width}}  {numbers}"


def _rare_lines(classes):
    """The average precision of rare classes, and their figures at the threshold."""
    for name, row in classes.items():
        if "average_precision" in row:
            yield f"{name}: average precision {row['average_precision']:.4f}"
        if "threshold" in row:
            at = ", ".join(f"{key} {row[f'{key}_at_threshold']:.4f}" for key in ("precision", "recall", "f1"))
            yield f"{name}: at a threshold of {row['threshold']:.4f}, the best on the validation split: {at}"


class ClassAnswer(NamedTuple):
    """The classes of a text: the most probable one on a line, all of them as JSON."""

    prediction: "Prediction"
    classes: list[str]

    def lines(self) -> Iterator[str]:
        text, label, probabilities = self.prediction
        yield f"{one_line(label)}\t{probabilities.max():.4f}\t{one_line(text)}"

    def rows(self) -> Iterator[dict[str, Any]]:
        text, label, probabilities = self.prediction
        yield {"text": text, "label": label, "probability": round(float(probabilities.max()), 6)}

    def json(self) -> dict[str, Any]:
        text, label, probabilities = self.prediction
        named = {name: round(float(p), 6) for name, p in zip(self.classes, probabilities, strict=True)}
        return {"text": text, "label": label, "probabilities": named}
