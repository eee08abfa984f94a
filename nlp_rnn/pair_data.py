"""From pairs of texts to encoders of both sides and encoded splits: what stands between a source and training."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from nlp_rnn import subwords
from nlp_rnn.checks import InputError
from nlp_rnn.pairs import EncodedPairs, encode_pairs
from nlp_rnn.progress import say, track
from nlp_rnn.sources.pairs import Pairs
from nlp_rnn.text import SUBWORD, UNITS, UNKNOWN, TextEncoder, TokenCounter, Vocabulary
from nlp_rnn.translation import Translator

SIDE_UNITS = ("auto", *UNITS, SUBWORD)
LOOKED_AT = 2_000  # pairs that decide on the units
FEW = 500  # different tokens: so few are whole words, such as phonemes
MOST_LEARNED = 1_000_000  # texts of a side that subwords are learned from

Side = Literal["source", "target"]


def choose_units(config, source: Pairs):
    """`config` with the units that are "auto" chosen by the first pairs, and said.

    Raises:
        InputError: there is no pair.
    """
    pairs = list(islice(source.stream("train"), LOOKED_AT))
    if not pairs:
        raise InputError(f"{source.name} has no pairs to train on; both sides must hold text")
    chosen = {}
    if config.source_unit == "auto":
        single = sum(len(pair.text.split()) == 1 for pair in pairs) > 0.9 * len(pairs)
        chosen["source_unit"] = "character" if single else SUBWORD
    if config.target_unit == "auto":
        tokens = Counter(token for pair in pairs for token in pair.label.split())
        few = len(tokens) < FEW and tokens.total() > 4 * FEW
        # A mark within a token would be a word of its own: "t_h", "I_WALK".
        chosen["target_unit"] = "word" if few and all(map(str.isalnum, tokens)) else SUBWORD
    if chosen:
        say(", ".join(f"{name.replace('_', ' ')}: {unit}" for name, unit in chosen.items()))
    return replace(config, **chosen)


def learn_side(config, source: Pairs, side: Side, start: Translator | None) -> TextEncoder:
    """The encoder of one side, its vocabulary learned on the training pairs.

    Going on from a run, the tokens known keep their ids, and new ones follow, as many as `vocabulary` says; subwords
    stay as they are, since what they were learned to join decides what every word is cut into.
    """
    unit = getattr(config, f"{side}_unit")
    if start is not None:
        known = (start.encoder if side == "source" else start.target).vocabulary
        if unit not in ("byte", SUBWORD):
            counts = _counts(config, unit, _texts(source, side))
            known = known.extended(counts, len(known) + config.vocabulary)
        return TextEncoder(known, unit, config.lowercase, config.max_tokens)
    vocabulary = _vocabulary(config, unit, _texts(source, side))
    vocabulary = vocabulary.with_end() if side == "target" else vocabulary
    return TextEncoder(vocabulary, unit, config.lowercase, config.max_tokens)


def _vocabulary(config, unit, texts):
    if unit == "byte":
        return Vocabulary.of_bytes()
    if unit == SUBWORD:
        lower = (text.lower() if config.lowercase else text for text in islice(texts, MOST_LEARNED))
        return Vocabulary(subwords.learn(lower, config.vocabulary))
    return Vocabulary.from_counts(_counts(config, unit, texts), config.vocabulary, 1)


def _counts(config, unit, texts):
    counter = TokenCounter(unit, config.lowercase)
    for chunk in _chunks(texts):
        counter.add(chunk)
    return counter.counts


def _chunks(texts):
    while chunk := list(islice(texts, 1024)):
        yield chunk


def _texts(source, side) -> Iterator[str]:
    pairs = track(source.stream("train"), f"reading the {side} side", source.size("train"))
    return (pair.text if side == "source" else pair.label for pair in pairs)


def encode_splits(source: Pairs, of_source: TextEncoder, of_target: TextEncoder, folder: Path) -> dict:
    """The training and validation pairs, encoded, by split.

    Raises:
        InputError: a split is empty.
    """
    found: dict[str, EncodedPairs] = {}
    for split in ("train", "validation"):

        def pairs(split=split):
            return track(source.stream(split), f"encoding {split}", source.size(split))

        found[split] = encode_pairs(pairs, of_source, of_target, folder / split)
        if not len(found[split]):
            raise InputError(f"{source.name}: the {split} split is empty: give more pairs")
        _say(split, found[split], of_source)
    if any(source.skipped.values()):
        say(f"{sum(source.skipped.values()):,} pairs without a source or a target are left out")
    return found


def _say(split, pairs, encoder):
    sides = {"source": pairs.source, "target": pairs.target}
    tokens = " and ".join(f"{len(texts.ids):,} {side}" for side, texts in sides.items())
    say(f"{split}: {len(pairs):,} pairs, {tokens} tokens")
    for side, texts in sides.items():
        unknown = np.count_nonzero(np.asarray(texts.ids) == UNKNOWN) / max(len(texts.ids), 1)
        if unknown > 0.01:
            say(f"{split}: {unknown:.1%} of the {side} tokens are unknown")
        if texts.cut:
            say(f"{split}: {texts.cut:,} {side} texts longer than {encoder.max_tokens} tokens are cut to start and end")
