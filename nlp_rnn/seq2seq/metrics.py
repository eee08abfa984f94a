"""Metrics of translations: error rates of phonemes, BLEU and chrF of text.

Shapes: N texts.
"""

import importlib.util
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from nlp_rnn.checks import UsageError

SPACED = 0.5  # fraction of references with a space: above it BLEU compares words, otherwise characters
METRICS = ("word_error_rate", "phoneme_error_rate", "bleu", "chrf", "exact")  # in the order of reports
PHONEME = re.compile(  # of the CMU Pronouncing Dictionary, with the stress of a vowel
    "(AA|AE|AH|AO|AW|AY|EH|ER|EY|IH|IY|OW|OY|UH|UW)[012]?|B|CH|D|DH|F|G|HH|JH|K|L|M|N|NG|P|R|S|SH|T|TH|V|W|Y|Z|ZH",
    re.IGNORECASE,
)


def translation(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], lowercase: bool = False
) -> dict[str, Any]:
    """The metrics of translations against their references.

    For phonemes: word_error_rate, the fraction of words with any phoneme wrong, and phoneme_error_rate, both without
    stress, each word compared with its nearest reference. For text: bleu (Papineni et al., 2002) and chrf (Popović,
    2015) by sacrebleu, with their signatures, and exact, the fraction of translations that equal a reference.

    Args:
        hypotheses: N translations.
        references: the references of each, one or more.
        lowercase: compare BLEU and chrF in lower case, which their signatures then say.

    Raises:
        UsageError: sacrebleu is needed and not installed.

    Examples:
        >>> translation(["HH AH0 L OW1", "R EH1 D"], [["HH AH0 L OW1"], ["R IY1 D", "R EH2 D"]])
        {'word_error_rate': 0.0, 'phoneme_error_rate': 0.0}
    """
    check_translation(references)
    return (
        _of_phonemes(hypotheses, references)
        if _are_phonemes(references)
        else _of_text(hypotheses, references, lowercase)
    )


def check_translation(references: Sequence[Sequence[str]]) -> None:
    """Check that the packages that compute the metrics for such references are installed.

    Raises:
        UsageError: one is not.
    """
    if not _are_phonemes(references) and importlib.util.find_spec("sacrebleu") is None:
        raise UsageError("BLEU needs the package sacrebleu: pip install 'nlp-rnn[translation]'")


def _are_phonemes(references):
    return all(PHONEME.fullmatch(token) for of_one in references for text in of_one for token in text.split())


def _of_text(hypotheses, references, lowercase):
    from sacrebleu.metrics import BLEU, CHRF

    most = max(map(len, references))
    streams: list[list[Any]] = [[of_one[n] if n < len(of_one) else None for of_one in references] for n in range(most)]
    exact = np.mean([text in of_one for text, of_one in zip(hypotheses, references, strict=True)])
    spaced = np.mean([" " in text for of_one in references for text in of_one])
    tokenizer = "13a" if spaced > SPACED else "char"  # Chinese text, say, has spaces only around foreign words
    figures = {}
    for name, metric in (("bleu", BLEU(lowercase, tokenize=tokenizer)), ("chrf", CHRF(lowercase=lowercase))):
        figures[name] = metric.corpus_score(list(hypotheses), streams).score
        figures[f"{name}_signature"] = str(metric.get_signature())
    return {**figures, "exact": float(exact)}


def _of_phonemes(hypotheses, references):
    wrong, distances, lengths = 0, 0, 0
    for text, of_one in zip(hypotheses, references, strict=True):
        candidates = [_unstressed(reference) for reference in of_one]
        distance, length = min((edit_distance(_unstressed(text), phonemes), len(phonemes)) for phonemes in candidates)
        wrong, distances, lengths = wrong + (distance > 0), distances + distance, lengths + length
    return {"word_error_rate": wrong / len(hypotheses), "phoneme_error_rate": distances / lengths}


def _unstressed(text):
    return [token.rstrip("012") for token in text.split()]


def edit_distance(a: Sequence, b: Sequence) -> int:
    """The number of insertions, deletions and substitutions that turn `a` into `b` (Levenshtein, 1966).

    Examples:
        >>> edit_distance("kitten", "sitting")
        3
    """
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        left_above, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            left_above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, left_above + (x != y))
    return row[-1]
