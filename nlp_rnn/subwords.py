"""Pieces of words: a vocabulary by byte-pair encoding, and its use in TensorFlow ops alone.

Spaces are part of the pieces, written "▁", so that pieces joined are the text again. The pieces come from the library
sentencepiece (Kudo & Richardson, 2018; Sennrich et al., 2016), and `split` gives what the library gives, but for runs
without a space that are longer than `LONGEST_WORD`.

Shapes: B batch, W words, C characters, P pieces.
"""

import importlib.util
from collections.abc import Iterable

import tensorflow as tf

from nlp_rnn.checks import CallError, InputError

SPACE = "▁"
UNKNOWN_PIECE = "\x00"  # never a piece: what is no piece becomes this
NO_PIECE = 2**31 - 1  # the rank of what is no piece
USUAL_WORD = 32  # characters
LONGEST_WORD = 2_000  # characters; the rest of a longer run without a space is left out


def learn(texts: Iterable[str], size: int) -> list[bytes]:
    """The pieces of a vocabulary of at most `size`, those merged first, first; the characters come last.

    Raises:
        CallError: sentencepiece is not installed.
        InputError: there is too little text.
    """
    if importlib.util.find_spec("sentencepiece") is None:
        raise CallError("subwords need the package sentencepiece: pip install 'nlp-rnn[translation]'")
    import io

    import sentencepiece

    model = io.BytesIO()
    options = {"model_type": "bpe", "vocab_size": size, "hard_vocab_limit": False, "minloglevel": 2}
    options |= {"normalization_rule_name": "identity", "bos_id": -1, "eos_id": -1}
    options |= {"max_sentence_length": 1 << 20}
    failed: list[BaseException] = []
    sentences = _kept_going(texts, failed)
    try:
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=sentences, model_writer=model, **options)
    except RuntimeError as error:
        if failed:  # in the texts, not in the library, which would tell of it in words of its own
            raise failed[0] from None
        reason = " ".join(str(error).rpartition("]")[2].split())
        raise InputError(
            f"no {size:,} subwords can be learned from these texts; give more text, or set another vocabulary: {reason}"
        ) from None
    if failed:
        raise failed[0]
    found = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [found.id_to_piece(number).encode() for number in range(found.get_piece_size()) if number != found.unk_id()]


def _kept_going(texts, failed):
    """The texts without needless space; an error in getting them ends the stream and is kept."""
    try:
        for text in texts:
            yield " ".join(text.split())
    except BaseException as error:
        failed.append(error)


def split(texts: tf.Tensor, ranks: tf.lookup.StaticHashTable) -> tf.RaggedTensor:
    """Cut texts, string [B], into pieces, [B, (P)]; a run of characters that are none becomes `UNKNOWN_PIECE`.

    Args:
        texts: UTF-8.
        ranks: int32, of each piece, lower where it is merged sooner; `NO_PIECE` for anything else.
    """
    words = tf.strings.split(tf.strings.regex_replace(texts, r"[\p{Z}\p{Cc}]+", " "))
    distinct, where = tf.unique(words.flat_values)
    characters = tf.strings.unicode_split(tf.strings.join([SPACE, distinct]), "UTF-8")[:, :LONGEST_WORD]
    long = characters.row_lengths() > USUAL_WORD
    order = tf.concat([tf.where(~long)[:, 0], tf.where(long)[:, 0]], 0)
    # Apart, since all words of a table are as wide as its longest.
    apart = [_pieces(tf.ragged.boolean_mask(characters, chosen), ranks) for chosen in (~long, long)]
    of_distinct = tf.gather(tf.concat(apart, 0), tf.math.invert_permutation(order))
    pieces = words.with_values(tf.gather(of_distinct, where)).merge_dims(1, 2)
    return _without_runs(pieces)


def _pieces(characters, ranks):
    """The pieces of words given as characters, ragged [W, (C)] to [W, (P)]."""
    merged = _merged(characters.to_tensor(""), ranks)
    known = tf.where((ranks.lookup(merged) < NO_PIECE) | (merged == ""), merged, UNKNOWN_PIECE)
    return tf.RaggedTensor.from_tensor(known, lengths=tf.math.count_nonzero(known != "", 1))


def _merged(symbols, ranks):
    """Characters, [W, C], "" after the last, merged two by two: the lowest rank of a word first, leftmost of equals."""
    column = tf.range(tf.shape(symbols)[1])[None]

    def turn(symbols, _):
        after = tf.pad(symbols[:, 1:], [[0, 0], [0, 1]], constant_values="")
        pairs = tf.strings.join([symbols, after])
        rank = tf.where(after == "", NO_PIECE, ranks.lookup(pairs))
        place = tf.argmin(rank, 1, output_type=tf.int32)[:, None]
        merges = tf.reduce_min(rank, 1, keepdims=True) < NO_PIECE
        changed = tf.where(column < place, symbols, tf.where(column == place, pairs, after))
        return tf.where(merges, changed, symbols), tf.reduce_any(merges)

    going_on = tf.shape(symbols)[1] > 0
    shapes = tf.TensorShape([None, None]), tf.TensorShape([])
    return tf.while_loop(lambda _, more: more, turn, (symbols, going_on), shapes)[0]


def _without_runs(pieces):
    """One unknown piece in place of several side by side."""
    unknown = tf.ragged.map_flat_values(lambda piece: piece == UNKNOWN_PIECE, pieces)
    before = tf.concat([tf.zeros_like(unknown[:, :1]), unknown[:, :-1]], 1)
    return tf.ragged.boolean_mask(pieces, ~(unknown & before))


def join(pieces: tf.Tensor) -> tf.Tensor:
    """Pieces, [B, P], as texts, [B]."""
    return tf.strings.strip(tf.strings.regex_replace(tf.strings.reduce_join(pieces, -1), SPACE, " "))
