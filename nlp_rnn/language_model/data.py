"""Training data of a language model from any text, and a new model for them: the part that recipes share."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.splits import Example, TextDataset
from nlp_rnn.language_model.bptt import DocumentStreams, Streams
from nlp_rnn.language_model.documents import DocumentDataset
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.objective import NextToken
from nlp_rnn.language_model.perplexity import all_short, measuring_streams
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.language_model.settings import LanguageModelSettings
from nlp_rnn.language_model.token_level import choose_token_level
from nlp_rnn.progress import say, track
from nlp_rnn.text.batching import EncodedTexts, LengthBuckets, encode
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import END, UNKNOWN, TokenCounter, fit_vocabulary

UNLIMITED = 10**9  # tokens per text: no text is truncated
MIN_TOKENS = 64  # of the training text
CHUNK = 2**20  # tokens
TEXTS_PER_STREAM = 4  # maximum number of short texts in place of a stream of a batch
TOKENS_PER_STREAM = 100  # maximum number of their tokens


class TextData(NamedTuple):
    """Encoded splits, and the encoder that encoded them.

    `independent_texts` means that each text is read from a zero state.
    """

    encoder: TextEncoder
    train: LengthBuckets | Streams
    validation: LengthBuckets | Streams
    independent_texts: bool

    def say_unused(self, run: Any, config: LanguageModelSettings) -> None:
        """Print which settings have no effect on a new run with these data."""
        if isinstance(self.train, LengthBuckets):
            run.without_effect("sequence_length", "the texts are short, and each is read as a whole")

    def objective(self, model: LanguageModel, **settings: Any) -> NextToken:
        """The model, ready to be trained on these data; settings are arguments of `NextToken`."""
        batches = [data.batch_size for data in (self.train, self.validation) if isinstance(data, Streams)]
        return NextToken(model, max(batches, default=None), **settings)


def load_texts(
    config: LanguageModelSettings,
    dataset: TextDataset | DocumentDataset,
    folder: Path,
    start: LanguagePipeline | None,
    independent_texts: bool | None = None,
) -> TextData:
    """Fit the vocabulary on the training text, then encode the training and validation text.

    Args:
        config: the settings of a recipe.
        dataset: the text.
        folder: the folder for the encoded text.
        start: a language model whose vocabulary to extend; None to learn a new one.
        independent_texts: read each text from a zero state; None: if nearly all texts are short.

    Raises:
        InputError: there is too little text, or a split is empty.
    """
    config = choose_token_level(config, dataset)
    if isinstance(dataset, DocumentDataset):
        dataset.say_split()
    encoder, splits = _fitted_encoder(config, dataset, start)
    texts = {}
    for split in ("train", "validation"):
        pieces = track(dataset.stream(split), f"encoding {split}", dataset.size(split))
        texts[split] = encode(with_ends(pieces), encoder, folder / f"{split}.ids", end=True)
        say(f"{split}: {_size(texts[split])}")
    _check(dataset.name, texts, splits)
    short = all_short(texts["train"])
    independent = short if independent_texts is None else independent_texts
    batches = {split: batches_of(config, texts[split], independent, short, split == "train") for split in texts}
    return TextData(encoder, batches["train"], batches["validation"], independent)


def _fitted_encoder(config, dataset, start):
    """The encoder with its vocabulary, and the splits that the data have."""
    form = form_of(config, start)
    counter = TokenCounter(config.token_level, config.lowercase, **form)
    walked = track(dataset.walk(), "reading", dataset.size())
    splits = {piece.split for piece in counter.watch(walked, "train")}
    vocabulary = fit_vocabulary(config, counter.counts, start and start.encoder.vocabulary, end=True)
    if start is not None:
        known = len(start.encoder.vocabulary.tokens)
        say(f"{len(vocabulary.tokens) - known:,} tokens added to the {known:,} of the run")
    return TextEncoder(vocabulary, config.token_level, config.lowercase, UNLIMITED, **form), splits


def form_of(config: LanguageModelSettings, start: LanguagePipeline | None) -> dict[str, Any]:
    """The settings of the tokenizer besides its level and letter case: those of the run to start from, if any."""
    if start is not None:
        return start.encoder.tokenizer.form
    spacing = config.token_level == "word" and not config.pretokenized
    return {"spacing": spacing, "line_breaks": spacing and config.line_breaks, "pretokenized": config.pretokenized}


def with_ends(pieces: Iterable[Example]) -> Iterator[tuple[str, int]]:
    """The text of each piece, and 1 if a document ends with it; without the empty rows of a table."""
    return ((piece.text, int(piece.ends)) for piece in pieces if not piece.ends or piece.text.strip(" \t"))


def _size(texts):
    count, ends = len(texts.ids), int(texts.labels.sum())
    # In chunks: the ids of a gigabyte of text are a memory-mapped file, which must not be read into memory at once.
    unknown = sum(np.count_nonzero(texts.ids[n : n + CHUNK] == UNKNOWN) for n in range(0, count, CHUNK))
    words = f"{count:,} tokens" + (f" in {ends:,} texts" if ends > 1 else "")
    return words + (f", {unknown / count:.1%} of them unknown" if unknown else "")


def _check(name, texts, splits):
    tokens = len(texts["train"].ids)
    if tokens < MIN_TOKENS:
        raise InputError(f"{name}: {tokens} tokens are too few to train on; give at least {MIN_TOKENS}, better 100,000")
    if texts["train"].ids.max() <= END:
        raise InputError(f"{name}: no token occurs often enough for the vocabulary; lower --set min_count")
    for split, there in (("validation", len(texts["validation"].ids)), ("test", "test" in splits)):
        if not there:
            raise InputError(f"{name}: the {split} split is empty: give more text")


def batches_of(
    config: LanguageModelSettings, texts: EncodedTexts, independent: bool, short: bool, train: bool
) -> LengthBuckets | Streams:
    """Batches of encoded text: short independent texts by length, longer ones or running text as streams.

    Args:
        config: settings of a recipe: batch_size, sequence_length and seed.
        texts: the encoded texts of one split.
        independent: read each text from a zero state.
        short: whether nearly all texts are short enough for one batch row each.
        train: shuffle them.
    """
    seed = config.seed if train else None
    if independent and short:
        return LengthBuckets(texts, TEXTS_PER_STREAM * config.batch_size, TOKENS_PER_STREAM * config.batch_size, seed)
    if independent:
        return DocumentStreams(texts, config.batch_size, config.sequence_length, seed)
    if train:
        return Streams(texts, config.batch_size, config.sequence_length, seed)
    return measuring_streams(texts, config.sequence_length)


def new_model(config: LanguageModelSettings, encoder: TextEncoder) -> LanguageModel:
    """A new model with these settings for the tokens of an encoder, built."""
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
