"""How good translations are: beside each figure the baselines of copying the source and of the most frequent target.

Shapes: N sources, each with one or more references.
"""

import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import tensorflow as tf

from nlp_rnn import metrics
from nlp_rnn.checks import InputError
from nlp_rnn.decoding import Search
from nlp_rnn.objectives import shifted
from nlp_rnn.pairs import PairBuckets, encode_pairs
from nlp_rnn.progress import say, track
from nlp_rnn.sources.pairs import Pairs
from nlp_rnn.text import PADDING
from nlp_rnn.translation import Translator


def evaluate(translator: Translator, pairs: Iterable, search: Search) -> tuple[dict, list[dict]]:
    """Translate every source of a stream of pairs, each with `text` and `label`, and compare with all its targets.

    Returns:
        Figures, those of the baselines among them; and the translations: dicts of source, translation and reference.

    Raises:
        CallError: sacrebleu is needed and not installed.
        InputError: there is no pair.
    """
    pairs = list(pairs)
    references: dict[str, list[str]] = {}
    for pair in pairs:
        references.setdefault(pair.text, []).append(pair.label)
    if not references:
        raise InputError("there is no pair to evaluate on: the test split is empty")
    found = track(translator.translate(references, search), "translating", len(references))
    said = [best[0].text if best else "" for best in found]
    wanted, copied = list(references.values()), list(references)
    if translator.target.lowercase:
        wanted = [[text.lower() for text in of_one] for of_one in wanted]
        copied = [text.lower() for text in copied]
    counts = Counter(text for of_one in wanted for text in of_one)
    usual = counts.most_common(1)[0][0]
    answers = {"": said, "copy_": copied, "frequent_": [usual] * len(said)}
    figures = {
        f"{name}{key}": value
        for name, texts in answers.items()
        for key, value in metrics.translation(texts, wanted).items()
    }
    rows = [
        {"source": source, "translation": text, "reference": best[0]}
        for source, text, best in zip(references, said, wanted, strict=True)
    ]
    told = teacher_forced(translator, pairs)
    return {**figures, **told, "sources": len(references), "pairs": counts.total()}, rows


def measure_before(translator: Translator, source: Pairs, search: Search) -> dict:
    """The figures of a translator that is to be fine-tuned, as `..._before`; its vocabularies have grown already."""
    figures, _ = evaluate(translator, source.stream("test"), search)
    found = {name: figures[name] for name in metrics.TRANSLATION if name in figures}
    say("before: " + ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in found.items()))
    return {f"{name}_before": value for name, value in found.items()}


def check_measurable(source: Pairs) -> None:
    """Check, before anything is trained, that there are held-out pairs and what measures them.

    Raises:
        CallError: a package is needed and not installed.
        InputError: there is no held-out pair.
    """
    pairs = list(islice(source.stream("test"), 100))
    if not pairs:
        raise InputError(f"{source.name}: the test split is empty: give more pairs")
    metrics.check_translation([[pair.label] for pair in pairs])


def teacher_forced(translator: Translator, pairs: Sequence) -> dict:
    """Of every token of the targets, told from its source and the right tokens before it: perplexity and accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        texts = encode_pairs(lambda: iter(pairs), translator.encoder, translator.target, Path(folder) / "test")
        summed = tf.function(lambda *pair: _sums(translator.model, *pair), reduce_retracing=True)
        loss, right, tokens = sum(summed(*pair).numpy() for pair in PairBuckets(texts).dataset())
    return {"token_perplexity": math.exp(min(loss / tokens, 700)), "token_accuracy": float(right / tokens)}


def _sums(model, source, target):
    logits = tf.cast(model((source, shifted(target))), tf.float32)
    counted = tf.cast(target != PADDING, tf.float32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, logits)
    right = tf.cast(tf.argmax(logits, -1, output_type=target.dtype) == target, tf.float32)
    return tf.stack([tf.reduce_sum(x * counted) for x in (losses, right, tf.ones_like(losses))])
