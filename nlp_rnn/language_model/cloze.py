"""Cloze test: predict a word that depends on the text before it; accuracy by kind and by distance.

For data sets with the columns prompt, answer, kind and gap, which is the number of sentences between a word and what
it depends on.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from nlp_rnn.datasets.splits import TextDataset
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.progress import track
from nlp_rnn.text.chunks import chunks

COLUMNS = ("prompt", "answer", "kind", "gap")
_BATCH = 128


def measure_cloze(pipeline: LanguagePipeline, rows: Iterable[dict]) -> dict[str, dict]:
    """Measure the accuracy of the most probable word.

    Args:
        pipeline: the language model.
        rows: dicts with the keys `COLUMNS`.

    Returns:
        kinds: accuracy by kind; gaps: accuracy by gap, over the kinds that have gaps; frequent: the baseline by
        kind, always predicting its most frequent answer.
    """
    rows = sorted(rows, key=lambda row: len(row["prompt"]))
    hits, answers, gaps = defaultdict(list), defaultdict(list), defaultdict(list)
    for chunk in track(list(chunks(rows, _BATCH)), "predicting words", None):
        words = pipeline.next_words([row["prompt"] for row in chunk])
        for row, word in zip(chunk, words, strict=True):
            hit = word == (row["answer"].lower() if pipeline.encoder.lowercase else row["answer"])
            hits[row["kind"]].append(hit)
            answers[row["kind"]].append(row["answer"])
            gaps[row["kind"], int(row["gap"])].append(hit)
    with_gaps, by_gap = {kind for kind, gap in gaps if gap}, defaultdict(list)
    for (kind, gap), at_gap in gaps.items():
        if kind in with_gaps:
            by_gap[gap] += at_gap
    return {
        "kinds": {kind: float(np.mean(of_kind)) for kind, of_kind in sorted(hits.items())},
        "gaps": {gap: float(np.mean(at_gap)) for gap, at_gap in sorted(by_gap.items())},
        "frequent": {kind: max(map(given.count, set(given))) / len(given) for kind, given in sorted(answers.items())},
    }


def cloze_rows(dataset: object, token_level: str) -> list[dict[str, Any]]:
    """The rows of a data set's test split for a cloze test.

    Empty if the data set does not have `COLUMNS`, or if the tokens are not words.
    """
    table = dataset.tables.get("test") if isinstance(dataset, TextDataset) and token_level == "word" else None
    if table is None or not set(COLUMNS) <= set(table.columns):
        return []
    return [values for _, values in table.rows()]
