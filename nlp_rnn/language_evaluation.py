"""How well a language model tells each token of a text, none left out.

Shapes: B batch, T tokens, V vocabulary.
"""

import math

import numpy as np
import tensorflow as tf

from nlp_rnn.batching import EncodedTexts, LengthBuckets
from nlp_rnn.checks import InputError
from nlp_rnn.objectives import NextToken
from nlp_rnn.progress import track
from nlp_rnn.streams import DocumentStreams, Streams
from nlp_rnn.text import PADDING, UNKNOWN

PASSAGE = 300  # tokens: texts of which nearly all are no longer are read whole, in batches of like length
LEAST_STREAM = 10_000  # tokens: so long is a stream at least, since its beginning lacks what came before


def streams_of(texts, steps: int = 64) -> Streams:
    """A text to be measured as few streams side by side."""
    return Streams(texts, max(1, min(32, len(texts.ids) // LEAST_STREAM)), steps)


def all_short(texts: EncodedTexts) -> bool:
    """Whether nearly all texts are so short that each can be read whole."""
    return bool(texts.labels.all()) and np.quantile(texts.lengths, 0.99) <= PASSAGE


def texts_apart(texts: EncodedTexts, steps: int = 64) -> LengthBuckets | DocumentStreams:
    """Texts to be measured, each by itself."""
    return LengthBuckets(texts) if all_short(texts) else DocumentStreams(texts, 32, steps)


def measure(reader: NextToken, data: Streams | LengthBuckets, characters: int) -> dict:
    """Loss in nats, perplexity, how often the token was the first or among the first five; bits a character.

    With them, the share of the tokens that are unknown words: how well these are told says little.

    The baseline is the perplexity of the tokens' frequencies in this very text, which favours it.

    Args:
        reader: the model, reading as it was trained to.
        data: the text.
        characters: of the text, for the bits a character.

    Raises:
        InputError: there is no token.
    """
    sums, counts = np.zeros(4), np.zeros(reader.model.settings["vocabulary_size"], np.int64)
    batches = data.dataset()
    summed = tf.function(lambda ids, fresh: _sums(reader, ids, fresh)).get_concrete_function(*batches.element_spec)
    for ids, fresh in track(batches, "measuring", len(data)):
        sums += summed(ids, fresh).numpy()
        counts += np.bincount(ids.numpy().ravel(), minlength=len(counts))
    loss, first, five, tokens = sums
    if not tokens:
        raise InputError("there is no text to measure on: the test split is empty")
    shares = counts[PADDING + 1 :][counts[PADDING + 1 :] > 0] / tokens
    return {
        "loss": loss / tokens,
        "perplexity": math.exp(min(loss / tokens, 700)),
        "frequency_perplexity": float(np.exp(-(shares * np.log(shares)).sum())),
        "top1": first / tokens,
        "top5": five / tokens,
        "bits_per_character": loss / math.log(2) / max(characters, 1),
        "tokens": int(tokens),
        "unknown": float(counts[UNKNOWN] / tokens),
    }


def _sums(reader, ids, fresh):
    """Loss, hits at first and among five, and tokens, summed over the tokens of ids [B, T]."""
    hidden = reader.read(ids, fresh).raw
    # Row by row: the logits of a whole batch may be large.
    kind = tf.TensorSpec([4], tf.float32)
    return tf.reduce_sum(tf.map_fn(lambda pair: _of_row(reader, *pair), (hidden, ids), fn_output_signature=kind), 0)


def _of_row(reader, hidden, ids):
    logits = tf.cast(reader.model.logits(hidden), tf.float32)
    counted = tf.cast(ids != PADDING, tf.float32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(ids, logits)
    hits = [tf.cast(tf.math.in_top_k(ids, logits, k), tf.float32) for k in (1, min(5, logits.shape[-1]))]
    return tf.stack([tf.reduce_sum(x * counted) for x in (losses, *hits, tf.ones_like(losses))])
