"""Evaluation of a translator, with two baselines: copying the source, and the most frequent target.

Shapes: N sources, each with one or more references; B batch, S source tokens, T target tokens.
"""

import math
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.splits import Example
from nlp_rnn.decoding.beam import BeamSearchConfig
from nlp_rnn.graph import traced
from nlp_rnn.progress import track
from nlp_rnn.runs.folder import write_rows
from nlp_rnn.seq2seq import metrics
from nlp_rnn.seq2seq.batching import PairBuckets, encode_pairs
from nlp_rnn.seq2seq.objective import shifted
from nlp_rnn.seq2seq.pairs import PairDataset
from nlp_rnn.seq2seq.pipeline import Translator
from nlp_rnn.task import Report
from nlp_rnn.text.vocabulary import PADDING


@dataclass
class TranslationReport(Report):
    """The metrics of a translator, and its translations.

    Attributes:
        translations: a dict for each source: source, translation and first reference.
    """

    compared: Sequence[str] = metrics.METRICS
    translations: list[dict] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write the translations into a run folder."""
        write_rows(folder / "translations.csv", self.translations)


def evaluate(translator: Translator, pairs: Iterable[Example], search: BeamSearchConfig) -> TranslationReport:
    """Translate every source of a stream of pairs and compare with all its targets.

    Args:
        translator: the translator to evaluate.
        pairs: the source of each as `text`, the target as `label`; pairs with the same source are counted once.
        search: the options of the beam search.

    Raises:
        UsageError: sacrebleu is needed and not installed.
        InputError: there are no pairs.
    """
    pairs = list(pairs)
    references = _references(pairs)
    if not references:
        raise InputError("there are no pairs to evaluate on: the test split is empty")
    translations = track(translator.translate(references, search), "translating", len(references))
    hypotheses = [best[0].text if best else "" for best in translations]
    figures, targets = _compared(hypotheses, references, translator.target.lowercase)
    figures |= teacher_forced(translator, pairs)
    figures |= {"sources": len(references), "pairs": len(pairs)}
    rows = [
        {"source": source, "translation": text, "reference": of_one[0]}
        for source, text, of_one in zip(references, hypotheses, targets, strict=True)
    ]
    return TranslationReport(figures, translations=rows)


def _references(pairs):
    """All targets of each source."""
    references: dict[str, list[str]] = {}
    for pair in pairs:
        references.setdefault(pair.text, []).append(pair.label)
    return references


def _compared(hypotheses, references, lowercase):
    """Metrics of the translations and of the baselines; and the references, in the letter case of the translations."""
    targets = [[_written(text, lowercase) for text in of_one] for of_one in references.values()]
    copies = [_written(text, lowercase) for text in references]
    counts = Counter(text for of_one in targets for text in of_one)
    most_frequent = counts.most_common(1)[0][0]
    measured = {"": hypotheses, "copy_": copies, "frequent_": [most_frequent] * len(hypotheses)}
    figures = {
        f"{prefix}{name}": value
        for prefix, texts in measured.items()
        for name, value in metrics.translation(texts, targets, lowercase).items()
    }
    return figures, targets


def _written(text, lowercase):
    """A text as a translator writes it: in Unicode form C, with single spaces."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    return text.lower() if lowercase else text


def check_measurable(dataset: PairDataset) -> None:
    """Check, before training, that there are held-out pairs and the packages to evaluate on them.

    Raises:
        UsageError: a package is not installed.
        InputError: there are no held-out pairs.
    """
    pairs = list(islice(dataset.stream("test"), 100))
    if not pairs:
        raise InputError(f"{dataset.name}: the test split is empty: give more pairs")
    metrics.check_translation([[pair.label] for pair in pairs])


def teacher_forced(translator: Translator, pairs: Sequence[Example]) -> dict[str, float]:
    """Perplexity and accuracy of each target token, predicted from the source and the preceding target tokens."""
    with tempfile.TemporaryDirectory() as folder:
        texts = encode_pairs(lambda: iter(pairs), translator.encoder, translator.target, Path(folder) / "test")
        sums = traced(lambda *pair: _sums(translator.model, *pair), saved=False, reduce_retracing=True)
        of_batches = (sums(*pair).numpy() for pair in PairBuckets(texts).dataset())
        loss, correct, tokens = sum(of_batches, np.zeros(3, np.float32))
    return {"token_perplexity": math.exp(min(loss / tokens, 700)), "token_accuracy": float(correct / tokens)}


def _sums(model, source, target):
    """Loss, correct predictions and number of tokens of a batch, float [3]."""
    logits = tf.cast(model((source, shifted(target))), tf.float32)
    weights = tf.cast(target != PADDING, tf.float32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
    correct = tf.cast(tf.argmax(logits, -1, output_type=target.dtype) == target, tf.float32)
    return tf.stack([tf.reduce_sum(x * weights) for x in (losses, correct, tf.ones_like(losses))])
