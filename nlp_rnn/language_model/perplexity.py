"""How well a language model predicts a text, over all of its tokens.

Shapes: B batch, T tokens, V vocabulary, E embedding.
"""

import math

import numpy as np
import tensorflow as tf

from nlp_rnn.checks import InputError
from nlp_rnn.graph import traced
from nlp_rnn.language_model.bptt import DocumentStreams, Streams
from nlp_rnn.language_model.objective import NextToken
from nlp_rnn.progress import track
from nlp_rnn.text.batching import EncodedTexts, LengthBuckets
from nlp_rnn.text.vocabulary import PADDING, UNKNOWN

SHORT_TEXT = 300  # tokens; if nearly all texts are at most this long, each is one row of a batch
MIN_STREAM = 10_000  # minimum tokens per stream, since the beginning of a stream lacks its context
MAX_STREAMS = 32
WINDOW = 64  # tokens


def measuring_streams(texts: EncodedTexts, sequence_length: int = WINDOW) -> Streams:
    """A text as a few parallel streams, for evaluation."""
    count = len(texts.ids) // MIN_STREAM
    return Streams(texts, max(1, min(MAX_STREAMS, count)), sequence_length)


def all_short(texts: EncodedTexts) -> bool:
    """Whether nearly all texts are short enough for one batch row each."""
    return bool(texts.labels.all() and np.quantile(texts.lengths, 0.99) <= SHORT_TEXT)


def measuring_texts(texts: EncodedTexts, sequence_length: int = WINDOW) -> LengthBuckets | DocumentStreams:
    """Batches of independent texts, for evaluation."""
    return LengthBuckets(texts) if all_short(texts) else DocumentStreams(texts, MAX_STREAMS, sequence_length)


def measure(objective: NextToken, data: Streams | LengthBuckets, characters: int) -> dict[str, float]:
    """Loss in nats, perplexity, top-1 and top-5 accuracy, bits per character, and the fraction of unknown tokens.

    Many unknown tokens make the other metrics look better. The baseline, `frequency_perplexity`, is the perplexity of
    a unigram model with the token frequencies of the evaluated text itself, which favours the baseline.

    Args:
        objective: the model with its objective.
        data: the batches of the text.
        characters: length of the text, for the bits per character.

    Raises:
        InputError: there are no tokens.
    """
    sums, counts = np.zeros(4), np.zeros(objective.model.settings["vocabulary_size"], np.int64)
    batches = data.dataset()
    batch_sums = _sums_of(objective).get_concrete_function(*batches.element_spec)
    for ids, begins in track(batches, "measuring", len(data)):
        sums += batch_sums(ids, begins).numpy()
        counts += np.bincount(ids.numpy().ravel(), minlength=len(counts))
    loss, first, five, tokens = sums
    if not tokens:
        raise InputError("there is no text to evaluate on: the test split is empty")
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


def _sums_of(objective: NextToken) -> tf.types.experimental.PolymorphicFunction:
    """A function that maps a batch to the sums of loss, top-1 hits, top-5 hits and tokens, [4]."""

    def of_row(row):
        hidden, ids = row
        logits = tf.cast(objective.model.logits(hidden), tf.float32)
        counted = tf.cast(ids != PADDING, tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(ids, logits)
        hits = [tf.cast(tf.math.in_top_k(ids, logits, k), tf.float32) for k in (1, min(5, logits.shape[-1]))]
        return tf.stack([tf.reduce_sum(x * counted) for x in (losses, *hits, tf.ones_like(losses))])

    def of_batch(ids, begins):
        hidden = objective.read(ids, begins).raw
        # Row by row: the logits of a whole batch may not fit into memory.
        return tf.reduce_sum(tf.map_fn(of_row, (hidden, ids), fn_output_signature=tf.TensorSpec([4])), 0)

    return traced(of_batch, saved=False)
