"""How good an answer is, always beside the naive baseline.

Shapes: N texts, C classes.
"""

import importlib.util
import re
from collections.abc import Sequence

import numpy as np

from nlp_rnn.checks import CallError

SPACED = 0.5  # share of references with a space: from there on words are compared, otherwise characters
PHONEME = re.compile(  # of the CMU Pronouncing Dictionary, with the stress of a vowel
    "(AA|AE|AH|AO|AW|AY|EH|ER|EY|IH|IY|OW|OY|UH|UW)[012]?|B|CH|D|DH|F|G|HH|JH|K|L|M|N|NG|P|R|S|SH|T|TH|V|W|Y|Z|ZH",
    re.IGNORECASE,
)

# The figures that `translation` may give.
TRANSLATION = ("word_error_rate", "phoneme_error_rate", "bleu", "chrf", "exact")


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts [C, C]: row the true class, column the predicted one.

    Example:
        >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 0], [1, 1]]
    """
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (labels, predicted), 1)
    return table


def classification(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict:
    """Accuracy, macro F1, cross-entropy in nats, and per class precision, recall and F1.

    `majority_accuracy` is the baseline: what always saying the most frequent class would reach.

    Args:
        labels: int [N], N at least 1.
        probabilities: [N, C].
        classes: the C names.

    Example:
        >>> report = classification(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), ["no", "yes"])
        >>> report["accuracy"], report["majority_accuracy"], report["classes"]["no"]["precision"]
        (0.5, 0.5, 0.5)
    """
    table = confusion(labels, probabilities.argmax(-1), len(classes))
    right, told, true = np.diag(table), table.sum(0), table.sum(1)
    precision, recall = right / np.maximum(told, 1), right / np.maximum(true, 1)
    f1 = 2 * right / np.maximum(told + true, 1)
    of_label = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    columns = zip(classes, precision, recall, f1, true, strict=True)
    return {
        "accuracy": float(right.sum() / len(labels)),
        "majority_accuracy": float(true.max() / len(labels)),
        "macro_f1": float(f1[true > 0].mean()),
        "loss": float(-np.log(of_label).mean()),
        "texts": len(labels),
        "classes": {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "texts": int(n)}
            for name, p, r, f, n in columns
        },
    }


def translation(said: Sequence[str], wanted: Sequence[Sequence[str]]) -> dict:
    """The figures of some texts against the references of each.

    Of phonemes: word_error_rate, the share of words with any phoneme wrong, and phoneme_error_rate, stress left out of
    both. Of text: bleu and chrf of sacrebleu, with their signatures, and exact, the share that is a reference.

    Raises:
        CallError: sacrebleu is needed and not installed.

    Example:
        >>> translation(["HH AH0 L OW1", "R EH1 D"], [["HH AH0 L OW1"], ["R IY1 D", "R EH2 D"]])
        {'word_error_rate': 0.0, 'phoneme_error_rate': 0.0}
    """
    check_translation(wanted)
    if _are_phonemes(wanted):
        return _of_phonemes(said, wanted)
    from sacrebleu.metrics import BLEU, CHRF

    most = max(map(len, wanted))
    streams = [[of_one[n] if n < len(of_one) else None for of_one in wanted] for n in range(most)]
    exact = np.mean([text in of_one for text, of_one in zip(said, wanted, strict=True)])
    figures = {}
    spaced = np.mean([" " in text for of_one in wanted for text in of_one])
    words = "13a" if spaced > SPACED else "char"  # Chinese, say, has spaces only beside what is not Chinese
    for name, metric in (("bleu", BLEU(tokenize=words)), ("chrf", CHRF())):
        figures[name] = metric.corpus_score(list(said), streams).score
        figures[f"{name}_signature"] = str(metric.get_signature())
    return {**figures, "exact": float(exact)}


def check_translation(wanted: Sequence[Sequence[str]]) -> None:
    """Check that what measures translations into such references is installed.

    Raises:
        CallError: it is not.
    """
    if not _are_phonemes(wanted) and importlib.util.find_spec("sacrebleu") is None:
        raise CallError("BLEU needs the package sacrebleu: pip install 'nlp-rnn[translation]'")


def _are_phonemes(wanted):
    return all(PHONEME.fullmatch(token) for of_one in wanted for text in of_one for token in text.split())


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
