"""From a data set of pairs to the encoders of both sides and the encoded splits."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.progress import say, track
from nlp_rnn.seq2seq.batching import EncodedPairs, encode_pairs
from nlp_rnn.seq2seq.pairs import PairDataset
from nlp_rnn.seq2seq.pipeline import Translator
from nlp_rnn.text import subwords
from nlp_rnn.text.chunks import chunks
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.token_levels import SUBWORD
from nlp_rnn.text.tokenizer import Tokenizer
from nlp_rnn.text.truncation import truncated
from nlp_rnn.text.vocabulary import UNKNOWN, TokenCounter, Vocabulary

SAMPLED_PAIRS = 2_000  # the first pairs of the training split: they decide on the token levels
FEW_TOKENS = 500  # distinct target tokens: fewer are read as whole words, such as phonemes
MAX_LEARNED_TEXTS = 1_000_000  # texts of a side that subwords are learned from

Side = Literal["source", "target"]


def choose_token_levels(config: Any, dataset: PairDataset) -> Any:
    """A config in which token levels that are "auto" are chosen by the first pairs; prints them.

    Args:
        config: the settings `source_token_level` and `target_token_level` of a recipe, a dataclass.
        dataset: the training data.

    Raises:
        InputError: there are no pairs.
    """
    pairs = list(islice(dataset.stream("train"), SAMPLED_PAIRS))
    if not pairs:
        raise InputError(f"{dataset.name} has no pairs to train on; both sides must hold text")
    chosen = {}
    if config.source_token_level == "auto":
        single_words = sum(len(pair.text.split()) == 1 for pair in pairs) > 0.9 * len(pairs)
        chosen["source_token_level"] = "character" if single_words else SUBWORD
    if config.target_token_level == "auto":
        tokens = Counter(token for pair in pairs for token in pair.label.split())
        few = len(tokens) < FEW_TOKENS and tokens.total() > 4 * FEW_TOKENS
        # A mark within a token would become a word of its own: "t_h", "I_WALK".
        chosen["target_token_level"] = "word" if few and all(map(str.isalnum, tokens)) else SUBWORD
    if chosen:
        say(", ".join(f"{name.replace('_', ' ')}: {level}" for name, level in chosen.items()))
    return replace(config, **chosen)


def learn_encoder(config: Any, dataset: PairDataset, side: Side, start: Translator | None) -> TextEncoder:
    """The encoder of one side, its vocabulary learned on the training pairs.

    When fine-tuning, existing tokens keep their ids and new ones follow, up to `vocabulary` of them. A vocabulary of
    subwords does not change: its merges decide how every word is split.

    Args:
        config: the settings `source_token_level`, `target_token_level`, `vocabulary`, `lowercase` and `max_tokens`.
        dataset: the training data.
        side: "source" or "target".
        start: a translator to fine-tune; None to train from scratch.

    Raises:
        UsageError: subwords need a package that is not installed.
        InputError: there is too little text for subwords.
    """
    level = config.source_token_level if side == "source" else config.target_token_level
    texts = _texts(dataset, side)
    if start is not None:
        earlier = start.encoder if side == "source" else start.target
        vocabulary, form = earlier.vocabulary, earlier.tokenizer.form
        if level not in ("byte", SUBWORD):
            counts = _counts(Tokenizer(level, config.lowercase, **form), texts)
            vocabulary = vocabulary.extended(counts, len(vocabulary) + config.vocabulary)
    else:
        form = {"spacing": side == "target" and level == "word"}  # what is written has the spaces of the text
        vocabulary = _vocabulary(config, Tokenizer(level, config.lowercase, **form), texts)
        vocabulary = vocabulary.with_end() if side == "target" else vocabulary
    return TextEncoder(vocabulary, level, config.lowercase, config.max_tokens, **form)


def _vocabulary(config, tokenizer, texts):
    if tokenizer.token_level == "byte":
        return Vocabulary.of_bytes()
    if tokenizer.token_level == SUBWORD:
        return Vocabulary(subwords.learn(islice(texts, MAX_LEARNED_TEXTS), config.vocabulary, config.lowercase))
    return Vocabulary.from_counts(_counts(tokenizer, texts), config.vocabulary, 1)


def _counts(tokenizer, texts):
    counter = TokenCounter.of(tokenizer)
    for chunk in chunks(texts, 1024, len):
        counter.add(chunk)
    return counter.counts


def _texts(dataset, side) -> Iterator[str]:
    pairs = track(dataset.stream("train"), f"reading the {side} side", dataset.size("train"))
    return (pair.text if side == "source" else pair.label for pair in pairs)


def encode_splits(
    dataset: PairDataset, source: TextEncoder, target: TextEncoder, folder: Path
) -> dict[str, EncodedPairs]:
    """Encode the training and validation pairs; prints their sizes.

    Args:
        dataset: the data to encode.
        source, target: encoders of the two sides.
        folder: the folder for the ids.

    Returns:
        The encoded pairs by split, "train" and "validation".

    Raises:
        InputError: a split is empty.
    """
    encoded: dict[str, EncodedPairs] = {}
    for split in ("train", "validation"):

        def pairs(split=split):
            return track(dataset.stream(split), f"encoding {split}", dataset.size(split))

        encoded[split] = encode_pairs(pairs, source, target, folder / split)
        if not len(encoded[split]):
            raise InputError(f"{dataset.name}: the {split} split is empty: give more pairs")
        _say_size(split, encoded[split], source.max_tokens)
    return encoded


def _say_size(split, pairs, max_tokens):
    sides = {"source": pairs.source, "target": pairs.target}
    tokens = " and ".join(f"{len(texts.ids):,} {side}" for side, texts in sides.items())
    say(f"{split}: {len(pairs):,} pairs, {tokens} tokens")
    for side, texts in sides.items():
        unknown = np.count_nonzero(np.asarray(texts.ids) == UNKNOWN) / max(len(texts.ids), 1)
        if unknown > 0.01:
            say(f"{split}: {unknown:.1%} of the {side} tokens are unknown")
        if texts.cut:
            say(f"{split}: {truncated(texts.cut, max_tokens, f'{side} texts')}")
