"""Cross-entropy over large vocabularies: fused with the output projection in chunks, or as sampled softmax.

Shapes: N positions (B * T), U units, V vocabulary, R rows of a chunk, S sampled words.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from nlp_rnn.checks import positive_int
from nlp_rnn.deprecation import renamed_arguments
from nlp_rnn.graph import with_gradient

CHUNK_SIZE = 2**24  # logits: 64 MB in float32
ROW_MULTIPLE = 128  # rows of a chunk are rounded up to a multiple of this where N is dynamic


@renamed_arguments({"chunk": "chunk_size", "smoothing": "label_smoothing"})
def cross_entropy(
    states: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    targets: tf.Tensor,
    weights: tf.Tensor,
    chunk_size: int = CHUNK_SIZE,
    label_smoothing: float = 0.0,
) -> tf.Tensor:
    """The weighted sum of -log softmax(states @ kernel^T + bias)[target], fused with the projection.

    The forward pass computes logits, loss and gradients chunk by chunk, so that only one chunk of the [N, V] logits is
    in memory at a time and nothing is computed twice (as in Hsu et al., 2024, "Liger Kernel").

    Args:
        states: [N, U].
        kernel: [V, U], the shape of an embedding, so that the two can be tied.
        bias: [V].
        targets: int [N], each in [0, V).
        weights: [N], the weight of each position; 0 for padding.
        chunk_size: maximum number of logits in memory, R * V.
        label_smoothing: fraction of the target's probability that is spread evenly over all V words (Szegedy et al.,
            2016).

    Returns:
        A scalar, in nats.

    Raises:
        ValueError: `chunk_size` is not a positive int.

    Examples:
        >>> loss = cross_entropy(tf.zeros((2, 3)), tf.zeros((4, 3)), tf.zeros(4), tf.constant([0, 3]), tf.ones(2))
        >>> round(float(loss), 4), round(2 * float(tf.math.log(4.0)), 4)
        (2.7726, 2.7726)
    """
    rows = max(1, positive_int("chunk_size", chunk_size) // int(kernel.shape[0]))

    @with_gradient
    def fused(states, kernel, bias, weights):
        loss, *gradients, losses = _in_chunks(states, kernel, bias, targets, weights, rows, label_smoothing)

        def gradient(upstream):
            return (*(upstream * g for g in gradients), upstream * losses)

        return loss, gradient

    return fused(states, kernel, bias, weights)


@renamed_arguments({"chunk": "chunk_size"})
def per_token_cross_entropy(
    logits: Callable[[tf.Tensor], tf.Tensor],
    states: tf.Tensor,
    targets: tf.Tensor,
    vocabulary: int,
    chunk_size: int = CHUNK_SIZE,
) -> tf.Tensor:
    """-log softmax(logits(states))[target] of each position, [N] in float32; for evaluation, not for training.

    Args:
        logits: maps [R, U] to [R, V].
        states: [N, U].
        targets: int [N], each in [0, V).
        vocabulary: V.
        chunk_size: maximum number of logits in memory, R * V.

    Examples:
        >>> logits = tf.zeros((3, 4))
        >>> per_token_cross_entropy(lambda x: x, logits, tf.constant([0, 3, 1]), 4, chunk_size=8).numpy().round(4)
        array([1.3863, 1.3863, 1.3863], dtype=float32)
    """
    positions = tf.shape(targets)[0]
    chunks = tf.maximum(1, -(-positions // max(1, chunk_size // vocabulary)))
    count = positions + -positions % chunks
    stacked = tuple(tf.reshape(_padded(x, count), [chunks, -1, *x.shape[1:]]) for x in (states, targets))

    def chunk_losses(chunk):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(chunk[1], tf.cast(logits(chunk[0]), tf.float32))

    losses = tf.map_fn(chunk_losses, stacked, fn_output_signature=tf.TensorSpec([None]), parallel_iterations=1)
    return tf.reshape(losses, [-1])[:positions]


@renamed_arguments({"samples": "num_samples"})
def sampled_cross_entropy(
    states: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    targets: tf.Tensor,
    weights: tf.Tensor,
    num_samples: int = 4096,
    seed: int | None = None,
) -> tf.Tensor:
    """Sampled softmax: `cross_entropy` estimated from the targets and `num_samples` other words.

    For training with vocabularies of 50,000 words and more. Words are sampled by rank from a log-uniform (Zipf)
    distribution, so the vocabulary must be sorted by frequency; the logits are corrected by the sampling probabilities
    (Jean et al., 2015). The value is not the exact loss: evaluate with `cross_entropy`. The gradient of `kernel` is
    sparse.

    Args:
        states, kernel, bias, targets, weights: as in `cross_entropy`.
        num_samples: S, sampled once for all positions.
        seed: the seed of the sampling; None for an arbitrary one.

    Raises:
        ValueError: `num_samples` is not a positive int.
    """
    num_samples = min(positive_int("num_samples", num_samples), int(kernel.shape[0]) - 1)
    if states.shape[0] is None:
        rows = _rounded_up(tf.maximum(tf.shape(states)[0], 1))
        states, targets, weights = (_padded(x, rows) for x in (states, targets, weights))
    targets = tf.cast(targets, tf.int64)
    sampled, target_counts, sampled_counts = tf.random.log_uniform_candidate_sampler(
        targets[:, None], 1, num_samples, True, int(kernel.shape[0]), seed
    )
    target_rows, sampled_rows = (
        (tf.gather(kernel, ids), tf.gather(bias, ids) - tf.stop_gradient(tf.math.log(expected)))
        for ids, expected in ((targets, target_counts[:, 0]), (sampled, sampled_counts))
    )
    return _sampled_loss(states, *target_rows, *sampled_rows, targets, sampled, weights)


@with_gradient
def _sampled_loss(states, target_kernel, target_bias, kernel, bias, targets, sampled, weights):
    """The loss of N positions, given the output rows of the targets, [N, U] and [N], and of S words, [S, U] and [S]."""
    logits = tf.matmul(states, kernel, transpose_b=True)
    gradients, losses = _sampled_softmax(logits, bias, states, target_kernel, target_bias, targets, sampled, weights)
    d_states, d_target_kernel, d_target_bias, d_logits, d_bias = gradients

    def gradient(upstream):
        d_inputs = (
            d_states + tf.matmul(d_logits, kernel),
            d_target_kernel,
            d_target_bias,
            tf.matmul(d_logits, states, transpose_a=True),
            d_bias,
        )
        return (*(upstream * g for g in d_inputs), None, None, upstream * losses)

    return tf.reduce_sum(losses * weights), gradient


@tf.function(autograph=False, jit_compile=True)
def _sampled_softmax(logits, bias, states, target_kernel, target_bias, targets, sampled, weights):
    """The gradients and the loss of each position.

    The gradients are those of the states (through the targets alone), of the targets' output rows and biases, and of
    the sampled words' logits and biases.
    """
    target_logits = tf.reduce_sum(states * target_kernel, -1) + target_bias
    is_target = targets[:, None] == sampled[None]  # a target that was sampled as well counts once
    logits = tf.where(is_target, logits.dtype.min, logits + bias)
    top = tf.maximum(tf.reduce_max(logits, -1), target_logits)
    exponentials, target_exponentials = tf.exp(logits - top[:, None]), tf.exp(target_logits - top)
    total = tf.reduce_sum(exponentials, -1) + target_exponentials
    d_target, d_logits = weights * (target_exponentials / total - 1), exponentials * (weights / total)[:, None]
    d_states, d_target_kernel = d_target[:, None] * target_kernel, d_target[:, None] * states
    gradients = d_states, d_target_kernel, d_target, d_logits, tf.reduce_sum(d_logits, 0)
    return gradients, tf.math.log(total) + top - target_logits


def _in_chunks(states, kernel, bias, targets, weights, max_rows, smoothing):
    """The loss, its gradients for states, kernel and bias, and the loss of each position."""
    output = kernel, bias, smoothing
    static_count = states.shape[0]
    if static_count is not None:
        chunks = -(-static_count // max_rows)
        if chunks <= 1:
            return _chunk(states, targets, weights, *output)
        return _in_equal_chunks(states, targets, weights, *output, -(-static_count // chunks))
    count = tf.maximum(tf.shape(states)[0], 1)
    chunks = -(-count // max_rows)
    rows = tf.minimum(_rounded_up(-(-count // chunks)), max_rows)
    return tf.cond(
        chunks == 1,
        lambda: _padded_chunk(states, targets, weights, *output, rows),
        lambda: _in_equal_chunks(states, targets, weights, *output, rows),
    )


def _rounded_up(rows):
    """The next multiple of `ROW_MULTIPLE` or of about an eighth of `rows`, since XLA compiles for each size."""
    octave = tf.cast(tf.math.log(tf.cast(rows, tf.float64) + 0.5) / math.log(2), rows.dtype)
    step = tf.maximum(2 ** tf.maximum(octave - 3, 0), ROW_MULTIPLE)
    return -(-rows // step) * step


def _in_equal_chunks(states, targets, weights, kernel, bias, smoothing, rows):
    """As `_in_chunks`, `rows` at a time; the last chunk is padded with positions of weight 0."""
    count = states.shape[0] or tf.shape(states)[0]
    chunks = -(-count // rows)
    states, targets, weights = (_padded(x, chunks * rows) for x in (states, targets, weights))

    def add_chunk(n, sums, d_states, losses):
        part = slice(n * rows, (n + 1) * rows)
        loss, d_part, d_kernel, d_bias, part_losses = _chunk(
            states[part], targets[part], weights[part], kernel, bias, smoothing
        )
        sums = tuple(map(tf.add, sums, (loss, d_kernel, d_bias)))
        return n + 1, sums, d_states.write(n, d_part), losses.write(n, part_losses)

    sums = tf.zeros((), states.dtype), tf.zeros_like(kernel), tf.zeros_like(bias)
    arrays = [tf.TensorArray(states.dtype, chunks, element_shape=[None, *s]) for s in (states.shape[1:], [])]
    # One iteration at a time: parallel ones would hold several chunks in memory.
    loop = tf.while_loop(lambda n, *_: n < chunks, add_chunk, (0, sums, *arrays), parallel_iterations=1)
    _, (loss, d_kernel, d_bias), d_states, losses = loop
    return loss, d_states.concat()[:count], d_kernel, d_bias, losses.concat()[:count]


def _padded_chunk(states, targets, weights, kernel, bias, smoothing, rows):
    """As `_in_chunks`, for positions that fit into one chunk."""
    count = tf.shape(states)[0]
    states, targets, weights = (_padded(x, rows) for x in (states, targets, weights))
    loss, d_states, d_kernel, d_bias, losses = _chunk(states, targets, weights, kernel, bias, smoothing)
    return loss, d_states[:count], d_kernel, d_bias, losses[:count]


def _padded(x, count):
    """`x` with zeros appended up to `count` rows."""
    return tf.pad(x, [[0, count - tf.shape(x)[0]], *[[0, 0]] * (len(x.shape) - 1)])


def _chunk(states, targets, weights, kernel, bias, smoothing):
    """As `_in_chunks`, all rows at once; the matrix products stay outside the compiled `_softmax`."""
    logits = tf.matmul(states, kernel, transpose_b=True)
    loss, d_logits, d_bias, losses = _softmax(logits, bias, targets, weights, smoothing)
    return loss, tf.matmul(d_logits, kernel), tf.matmul(d_logits, states, transpose_a=True), d_bias, losses


@tf.function(autograph=False, jit_compile=True)
def _softmax(logits, bias, targets, weights, smoothing):
    """The loss, its gradients for logits and bias, and the loss of each row."""
    logits += bias
    top = tf.reduce_max(logits, -1, keepdims=True)
    exponentials = tf.exp(logits - top)
    total = tf.reduce_sum(exponentials, -1, keepdims=True)
    is_target = tf.range(tf.shape(logits)[1], dtype=targets.dtype)[None] == targets[:, None]
    wanted = tf.cast(is_target, logits.dtype)
    target_logits = tf.gather(logits, targets, batch_dims=1)
    if smoothing:
        wanted = (1 - smoothing) * wanted + smoothing / logits.shape[-1]
        target_logits = (1 - smoothing) * target_logits + smoothing * tf.reduce_mean(logits, -1)
    d_logits = weights[:, None] * (exponentials / total - wanted)
    losses = tf.math.log(total[:, 0]) + top[:, 0] - target_logits
    return tf.reduce_sum(losses * weights), d_logits, tf.reduce_sum(d_logits, 0), losses
