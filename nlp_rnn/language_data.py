"""Any text as what a language model is trained on and measured on: what the recipes of language models share."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from nlp_rnn.batching import EncodedTexts, LengthBuckets, encode
from nlp_rnn.checks import (
    InputError,
    above_zero,
    at_least_zero,
    fraction,
    not_negative,
    one_of,
    positive_int,
    random_seed,
)
from nlp_rnn.language import LanguagePipeline
from nlp_rnn.language_evaluation import all_short, streams_of
from nlp_rnn.models import CELLS, LanguageModel
from nlp_rnn.objectives import NextToken
from nlp_rnn.progress import say, track
from nlp_rnn.sources import Example, Source
from nlp_rnn.sources.documents import Documents
from nlp_rnn.streams import DocumentStreams, Streams
from nlp_rnn.text import END, SPECIAL, UNITS, UNKNOWN, TextEncoder, TokenCounter, vocabulary_of

WHOLE = 10**9  # tokens: no text is cut
LEAST = 64  # tokens of a training text
AT_ONCE = 2**20  # tokens looked at together
USUAL = 100  # tokens of a passage as a batch is meant to hold; of shorter ones it holds more
FEWEST_KNOWN = len(SPECIAL) + 2  # padding, the unknown token, the end of a text, and one to tell


class Settings(Protocol):
    """What of a recipe's `Config` decides here, and in what every recipe of a language model has."""

    unit: str
    lowercase: bool
    vocabulary: int
    least_count: int
    cell: str
    embedding: int
    units: int
    layers: int
    dropout: float
    weight_drop: float
    word_dropout: float
    batch: int
    steps: int
    learning_rate: float
    finetuning_rate: float
    clip: float
    patience: int
    rate_decay: float
    unfreeze: float
    samples: int
    seed: int


def check_settings(config: Settings) -> None:
    """Check the settings that the recipes of language models share.

    Raises:
        ValueError: one is out of its range.
    """
    one_of("unit", config.unit, UNITS)
    one_of("cell", config.cell, CELLS)
    for name in ("vocabulary", "least_count", "layers", "batch", "steps"):
        positive_int(name, getattr(config, name))
    if config.vocabulary < FEWEST_KNOWN:
        raise ValueError(f"vocabulary must be at least {FEWEST_KNOWN}, got {config.vocabulary}")
    for name in ("dropout", "weight_drop", "word_dropout"):
        fraction(name, getattr(config, name))
    for name in ("patience", "samples"):
        not_negative(name, getattr(config, name))
    at_least_zero("unfreeze", config.unfreeze)
    random_seed("seed", config.seed)
    for name in ("learning_rate", "finetuning_rate", "rate_decay", "clip"):
        above_zero(name, getattr(config, name))


def model_of(config: Settings, encoder: TextEncoder) -> LanguageModel:
    """A new model of these settings for the tokens of an encoder, built."""
    model = LanguageModel(
        vocabulary_size=len(encoder.vocabulary),
        cell=config.cell,
        embedding=config.embedding,
        units=config.units,
        layers=config.layers,
        dropout=config.dropout,
        weight_drop=config.weight_drop,
        word_dropout=config.word_dropout,
    )
    model.build((None, None))
    return model


class TextData(NamedTuple):
    """Encoded splits, and what reads text into them.

    `passages` says that each text is read by itself, from a state of zeros.
    """

    encoder: TextEncoder
    train: LengthBuckets | Streams
    validation: LengthBuckets | Streams
    passages: bool

    def reader(self, model: LanguageModel, **weights: float) -> NextToken:
        """The model, ready to be trained on these."""
        parts = (self.train, self.validation)
        streams = [data.batch for data in parts if isinstance(data, Streams)]
        return NextToken(model, max(streams, default=None), **weights)


def load_texts(
    config: Settings,
    source: Source | Documents,
    folder: Path,
    start: LanguagePipeline | None,
    passages: bool = False,
    reset: bool = False,
) -> TextData:
    """Fit the vocabulary on the training text, then encode training and validation text.

    Args:
        passages: read each text by itself where nearly all are short.
        reset: read each text by itself, long or short.

    Raises:
        InputError: there is too little text, or none in a split.
    """
    counter = TokenCounter(config.unit, config.lowercase)
    splits = {piece.split for piece in counter.watch(track(source.walk(), "reading", source.size()), "train")}
    vocabulary = vocabulary_of(config, counter.counts, start and start.encoder.vocabulary, end=True)
    encoder = TextEncoder(vocabulary, config.unit, config.lowercase, WHOLE)
    if start is not None:
        known = len(start.encoder.vocabulary.tokens)
        say(f"{len(encoder.vocabulary.tokens) - known:,} tokens added to the {known:,} that the run knows")
    texts = {}
    for split in ("train", "validation"):
        pieces = track(source.stream(split), f"encoding {split}", source.size(split))
        texts[split] = encode(marked(pieces), encoder, folder / f"{split}.ids", end=True)
        say(f"{split}: {_size(texts[split])}")
    _check(source.name, texts, splits)
    short = all_short(texts["train"])
    apart = reset or (passages and short)
    cut = {split: _cut(config, texts[split], apart, short, split == "train") for split in texts}
    return TextData(encoder, cut["train"], cut["validation"], apart)


def marked(pieces: Iterable[Example]) -> Iterator[tuple[str, int]]:
    """The text of each piece, and 1 where a document ends with it; without the empty rows of a table."""
    return ((piece.text, int(piece.ends)) for piece in pieces if not piece.ends or piece.text.strip(" \t"))


def _size(texts):
    count, ends = len(texts.ids), int(texts.labels.sum())
    # Piece by piece: the ids of a gigabyte of text are a mapped file, and are to stay there.
    pieces = (texts.ids[n : n + AT_ONCE] for n in range(0, count, AT_ONCE))
    unknown = sum(np.count_nonzero(piece == UNKNOWN) for piece in pieces) / max(count, 1)
    words = f"{count:,} tokens" + (f" in {ends:,} texts" if ends > 1 else "")
    return words + (f", {unknown:.1%} of them unknown" if unknown else "")


def _check(name, texts, splits):
    tokens = len(texts["train"].ids)
    if tokens < LEAST:
        raise InputError(f"{name}: {tokens} tokens are too few to train on; give at least {LEAST}, better 100,000")
    if texts["train"].ids.max() <= END:
        raise InputError(f"{name}: no token is frequent enough to be known; lower --set least_count")
    for split, there in (("validation", len(texts["validation"].ids)), ("test", "test" in splits)):
        if not there:
            raise InputError(f"{name}: the {split} split is empty: give more text")


def _cut(config, texts: EncodedTexts, apart: bool, short: bool, train: bool):
    seed = config.seed if train else None
    if apart and short:
        return LengthBuckets(texts, 4 * config.batch, USUAL * config.batch, seed)
    if apart:
        return DocumentStreams(texts, config.batch, config.steps, seed)
    return Streams(texts, config.batch, config.steps, seed) if train else streams_of(texts, config.steps)
