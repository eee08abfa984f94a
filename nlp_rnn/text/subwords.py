"""Subwords: a vocabulary learned by byte-pair encoding (Sennrich et al., 2016), and its use in TensorFlow ops alone.

Spaces are part of the pieces, written "▁", so that joining the pieces restores the text. The library sentencepiece
(Kudo & Richardson, 2018) learns the pieces; `split` encodes like the library, except for words longer than
`LONGEST_WORD`.

Shapes: B batch, W words, C characters, P pieces.
"""

import importlib.util
import unicodedata
from collections.abc import Iterable

import tensorflow as tf

from nlp_rnn.checks import InputError, UsageError

SPACE = "▁"
UNKNOWN_PIECE = "\x00"  # stands for characters that are in no piece
NO_PIECE = 2**31 - 1  # the rank of a string that is not a piece
USUAL_WORD = 32  # characters
LONGEST_WORD = 2_000  # characters; a longer word is split as several, of which only the first begins with a space
SPACE_MARK = "\x02"  # stands for a "▁" of the text itself


def learn(texts: Iterable[str], size: int, lowercase: bool = False) -> list[bytes]:
    """Learn the pieces of a vocabulary, in the order of their merges, with the single characters last.

    Args:
        texts: the texts to learn from.
        size: the maximum number of pieces, one unknown piece included.
        lowercase: convert them to lower case first.

    Raises:
        UsageError: sentencepiece is not installed.
        InputError: there is too little text.
    """
    if importlib.util.find_spec("sentencepiece") is None:
        raise UsageError("subwords need the package sentencepiece: pip install 'nlp-rnn[translation]'")
    import io

    import sentencepiece

    model = io.BytesIO()
    options = {"model_type": "bpe", "vocab_size": size, "hard_vocab_limit": False, "minloglevel": 2}
    options |= {"normalization_rule_name": "identity", "bos_id": -1, "eos_id": -1}
    options |= {"max_sentence_length": 1 << 20}
    failed: list[BaseException] = []
    sentences = _until_error((_normalized(text, lowercase) for text in texts), failed)
    try:
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=sentences, model_writer=model, **options)
    except RuntimeError as error:
        if failed:  # the texts could not be read: the library would report an error of its own
            raise failed[0] from None
        reason = " ".join(str(error).rpartition("]")[2].split())
        raise InputError(
            f"no {size:,} subwords can be learned from these texts; give more text, or set another vocabulary: {reason}"
        ) from None
    if failed:
        raise failed[0]
    library = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    ids = (number for number in range(library.get_piece_size()) if number != library.unk_id())
    return [library.id_to_piece(number).encode() for number in ids]


def _normalized(text, lowercase):
    """A text as `Tokenizer` normalizes it."""
    text = " ".join(unicodedata.normalize("NFC", text).split()).replace(SPACE, SPACE_MARK)
    return text.lower() if lowercase else text


def _until_error(texts, failed):
    """The texts; an error while reading them ends the stream and is added to `failed`."""
    try:
        yield from texts
    except BaseException as error:
        failed.append(error)


def split(texts: tf.Tensor, ranks: tf.lookup.StaticHashTable) -> tf.RaggedTensor:
    """Split texts into pieces, [B, (P)]; a run of characters that are in no piece becomes one `UNKNOWN_PIECE`.

    Args:
        texts: as `Tokenizer` normalizes them, string [B].
        ranks: a table from pieces to int32 ranks, lower for earlier merges; its default value is `NO_PIECE`.
    """
    words = tf.strings.split(texts)
    distinct, where = tf.unique(words.flat_values)
    characters, chunks = _in_chunks(tf.strings.unicode_split(tf.strings.join([SPACE, distinct]), "UTF-8"))
    long = characters.row_lengths() > USUAL_WORD
    order = tf.concat([tf.where(~long)[:, 0], tf.where(long)[:, 0]], 0)
    # Long words separately: every row of a dense tensor is as wide as its longest word.
    groups = [_pieces(tf.ragged.boolean_mask(characters, chosen), ranks) for chosen in (~long, long)]
    of_chunks = tf.gather(tf.concat(groups, 0), tf.math.invert_permutation(order))
    of_distinct = tf.RaggedTensor.from_row_lengths(of_chunks, chunks, validate=False).merge_dims(1, 2)
    pieces = words.with_values(tf.gather(of_distinct, where)).merge_dims(1, 2)
    return _without_runs(pieces)


def _in_chunks(characters):
    """Words, ragged [W, (C)], of at most `LONGEST_WORD` characters, and the number of chunks of each word, [W]."""
    lengths = characters.row_lengths()
    chunks = -(-lengths // LONGEST_WORD)
    number = tf.range(tf.reduce_sum(chunks)) - tf.repeat(tf.cumsum(chunks, exclusive=True), chunks)
    of_chunks = tf.minimum(tf.repeat(lengths, chunks) - number * LONGEST_WORD, LONGEST_WORD)
    return tf.RaggedTensor.from_row_lengths(characters.flat_values, of_chunks, validate=False), chunks


def _pieces(characters, ranks):
    """The pieces of words, from their characters, ragged [W, (C)], to [W, (P)]."""
    merged = _merged(characters.to_tensor(""), ranks)
    known = tf.where((ranks.lookup(merged) < NO_PIECE) | (merged == ""), merged, UNKNOWN_PIECE)
    return tf.RaggedTensor.from_tensor(known, lengths=tf.math.count_nonzero(known != "", 1))


def _merged(symbols, ranks):
    """Merge characters, [W, C], padded with "", pair by pair: the lowest rank of a word first, leftmost of equals."""
    column = tf.range(tf.shape(symbols)[1])[None]

    def merge(symbols, _):
        after = tf.pad(symbols[:, 1:], [[0, 0], [0, 1]], constant_values="")
        pairs = tf.strings.join([symbols, after])
        rank = tf.where(after == "", NO_PIECE, ranks.lookup(pairs))
        position = tf.argmin(rank, 1, output_type=tf.int32)[:, None]
        merges = tf.reduce_min(rank, 1, keepdims=True) < NO_PIECE
        changed = tf.where(column < position, symbols, tf.where(column == position, pairs, after))
        return tf.where(merges, changed, symbols), tf.reduce_any(merges)

    any_left = tf.shape(symbols)[1] > 0
    shapes = tf.TensorShape([None, None]), tf.TensorShape([])
    return tf.while_loop(lambda _, more: more, merge, (symbols, any_left), shapes)[0]


def _without_runs(pieces):
    """One unknown piece in place of several in a row of a text."""
    unknown, rows = pieces.flat_values == UNKNOWN_PIECE, pieces.value_rowids()
    follows = tf.concat([[False], unknown[:-1] & (rows[1:] == rows[:-1])], 0)[: tf.size(rows)]
    kept = ~(unknown & follows)
    counts = tf.math.unsorted_segment_sum(tf.cast(kept, tf.int64), rows, pieces.nrows())
    return tf.RaggedTensor.from_row_lengths(tf.boolean_mask(pieces.flat_values, kept), counts, validate=False)


def join(pieces: tf.Tensor) -> tf.Tensor:
    """Join pieces, string [B, P], to texts, [B], each with the space that begins it.

    Examples:
        >>> join(tf.constant([["▁le", "▁ch", "at"]])).numpy().tolist()
        [b' le chat']
    """
    texts = tf.strings.regex_replace(tf.strings.reduce_join(pieces, -1), SPACE, " ")
    return tf.strings.regex_replace(texts, SPACE_MARK, SPACE)
