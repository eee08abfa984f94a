"""How good translations are: beside each figure the baselines of copying the source and of the most frequent target.

Shapes: N sources, each with one or more references.
"""

import importlib.util
import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import CallError, InputError
from nlp_rnn.decoding import Search
from nlp_rnn.objectives import shifted
from nlp_rnn.pairs import PairBuckets, encode_pairs
from nlp_rnn.progress import track
from nlp_rnn.text import PADDING
from nlp_rnn.translation import Translator

PHONEME = re.compile(r"[A-Z]{1,2}[012]?")  # of the CMU Pronouncing Dictionary, with the stress of a vowel


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
    wanted, counts = list(references.values()), Counter(text for of_one in references.values() for text in of_one)
    usual = counts.most_common(1)[0][0]
    answers = {"": said, "copy_": list(references), "frequent_": [usual] * len(said)}
    figures = {f"{name}{key}": value for name, texts in answers.items() for key, value in scores(texts, wanted).items()}
    rows = [
        {"source": source, "translation": text, "reference": best[0]}
        for source, text, best in zip(references, said, wanted, strict=True)
    ]
    told = teacher_forced(translator, pairs)
    return {**figures, **told, "sources": len(references), "pairs": counts.total()}, rows


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


def scores(said: Sequence[str], wanted: Sequence[Sequence[str]]) -> dict:
    """The figures of some texts against the references of each.

    Of phonemes: word_error_rate, the share of words with any phoneme wrong, and phoneme_error_rate, stress left out of
    both. Of text: bleu and chrf of sacrebleu, with their signatures, and exact, the share that is a reference.

    Example:
        >>> scores(["HH AH0 L OW1", "R EH1 D"], [["HH AH0 L OW1"], ["R IY1 D", "R EH2 D"]])
        {'word_error_rate': 0.0, 'phoneme_error_rate': 0.0}
    """
    if all(PHONEME.fullmatch(token) for of_one in wanted for text in of_one for token in text.split()):
        return _of_phonemes(said, wanted)
    if importlib.util.find_spec("sacrebleu") is None:
        raise CallError("BLEU needs the package sacrebleu: pip install 'nlp-rnn[translation]'")
    from sacrebleu.metrics import BLEU, CHRF

    most = max(map(len, wanted))
    streams = [[of_one[n] if n < len(of_one) else None for of_one in wanted] for n in range(most)]
    exact = np.mean([text in of_one for text, of_one in zip(said, wanted, strict=True)])
    figures = {}
    for name, metric in (("bleu", BLEU()), ("chrf", CHRF())):
        figures[name] = metric.corpus_score(list(said), streams).score
        figures[f"{name}_signature"] = str(metric.get_signature())
    return {**figures, "exact": float(exact)}


def _of_phonemes(said, wanted):
    wrong, distances, lengths = 0, 0, 0
    for text, of_one in zip(said, wanted, strict=True):
        plain = [_unstressed(reference) for reference in of_one]
        distance, length = min((edit_distance(_unstressed(text), reference), len(reference)) for reference in plain)
        wrong, distances, lengths = wrong + (distance > 0), distances + distance, lengths + length
    return {"word_error_rate": wrong / len(said), "phoneme_error_rate": distances / lengths}


def _unstressed(text):
    return [token.rstrip("012") for token in text.split()]


def edit_distance(a: Sequence, b: Sequence) -> int:
    """How many insertions, deletions and replacements make `b` of `a` (Levenshtein, 1966).

    Example:
        >>> edit_distance("kitten", "sitting")
        3
    """
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        left_above, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            left_above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, left_above + (x != y))
    return row[-1]
