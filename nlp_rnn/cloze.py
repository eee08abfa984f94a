"""Ask a language model for words that follow from what comes before, and count by kind and distance.

For data sets whose tables hold prompt, answer, kind and gap: how many sentences lie between a word and what it follows
from.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from nlp_rnn.language import LanguagePipeline
from nlp_rnn.progress import track
from nlp_rnn.sources import Source
from nlp_rnn.text import chunks

COLUMNS = ("prompt", "answer", "kind", "gap")
_AT_ONCE = 128


def measure_cloze(pipeline: LanguagePipeline, rows: Iterable[dict]) -> dict:
    """The share of answers that come first among all words.

    Args:
        pipeline: whom to ask.
        rows: with `COLUMNS`.

    Returns:
        accuracy by kind, and by gap for the kinds where there is one: {"kinds": {...}, "gaps": {0: ..., 1: ...}};
        the baseline, always saying the kind's most frequent answer: {"frequent": {...}}.
    """
    rows = sorted(rows, key=lambda row: len(row["prompt"]))
    hits, answers, gaps = defaultdict(list), defaultdict(list), defaultdict(list)
    for chunk in track(list(chunks(rows, _AT_ONCE)), "asking", None):
        words = pipeline.next_words([row["prompt"] for row in chunk])
        for row, word in zip(chunk, words, strict=True):
            hit = word == (row["answer"].lower() if pipeline.encoder.lowercase else row["answer"])
            hits[row["kind"]].append(hit)
            answers[row["kind"]].append(row["answer"])
            gaps[row["kind"], int(row["gap"])].append(hit)
    spread = {kind for kind, gap in gaps if gap}
    return {
        "kinds": {kind: float(np.mean(found)) for kind, found in sorted(hits.items())},
        "gaps": {gap: float(np.mean(found)) for (kind, gap), found in sorted(gaps.items()) if kind in spread},
        "frequent": {kind: max(map(given.count, set(given))) / len(given) for kind, given in sorted(answers.items())},
    }


def cloze_rows(source: object, unit: str) -> list[dict]:
    """The rows of a data set's test split that ask for a word.

    None where the set does not have `COLUMNS`, or what a model reads, its unit, is no word.
    """
    table = source.tables.get("test") if isinstance(source, Source) and unit == "word" else None
    if table is None or not set(COLUMNS) <= set(table.columns):
        return []
    return [values for _, values in table.rows()]
