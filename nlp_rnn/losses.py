"""Cross-entropy over large vocabularies: without the probabilities of all words at once, or with a few words drawn.

Shapes: N positions (B * T), U units, V vocabulary, R rows of a chunk.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from nlp_rnn.checks import positive_int

CHUNK = 2**24  # logits held at once: 64 MB in float32
ROWS = 128  # where N is not known, a chunk has a multiple of so many, if so many are held at all


def cross_entropy(
    states: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    targets: tf.Tensor,
    weights: tf.Tensor,
    chunk: int = CHUNK,
    smoothing: float = 0.0,
) -> tf.Tensor:
    """The weighted sum of -log softmax(states @ kernel^T + bias)[target], projection and softmax in one.

    Projection, softmax and gradient are made chunk by chunk in the forward pass, so that of the [N, V] logits only a
    chunk is ever held, and nothing is computed twice (as in Hsu et al., 2024, "Liger Kernel").

    Args:
        states: [N, U].
        kernel: [V, U], as an embedding has it: the two can be one.
        bias: [V].
        targets: int [N], each in [0, V).
        weights: [N], how much each position counts; 0 for padding.
        chunk: how many logits to hold at once, R * V.
        smoothing: share of the target's probability that is spread over all V words (Szegedy et al., 2016).

    Returns:
        A scalar.

    Raises:
        ValueError: `chunk` is not a positive int.

    Example:
        >>> loss = cross_entropy(tf.zeros((2, 3)), tf.zeros((4, 3)), tf.zeros(4), tf.constant([0, 3]), tf.ones(2))
        >>> round(float(loss), 4), round(2 * float(tf.math.log(4.0)), 4)
        (2.7726, 2.7726)
    """
    rows = max(1, positive_int("chunk", chunk) // int(kernel.shape[0]))

    @tf.custom_gradient
    def fused(states, kernel, bias, weights):
        loss, *gradients, each = _in_chunks(states, kernel, bias, targets, weights, rows, smoothing)

        def gradient(upstream):
            return (*(upstream * g for g in gradients), upstream * each)

        return loss, gradient

    return fused(states, kernel, bias, weights)


def each_cross_entropy(
    logits: Callable[[tf.Tensor], tf.Tensor], states: tf.Tensor, targets: tf.Tensor, vocabulary: int, chunk: int = CHUNK
) -> tf.Tensor:
    """-log softmax(logits(states))[target] of each position, [N] in float32; not to be trained with.

    Args:
        logits: [R, U] -> [R, V].
        states: [N, U].
        targets: int [N], each in [0, V).
        vocabulary: V.
        chunk: how many logits to hold at once, R * V.

    Example:
        >>> each_cross_entropy(lambda x: x, tf.zeros((3, 4)), tf.constant([0, 3, 1]), 4, chunk=8).numpy().round(4)
        array([1.3863, 1.3863, 1.3863], dtype=float32)
    """
    positions = tf.shape(targets)[0]
    chunks = tf.maximum(1, -(-positions // max(1, chunk // vocabulary)))
    count = positions + -positions % chunks
    parts = tuple(tf.reshape(_filled(x, count), [chunks, -1, *x.shape[1:]]) for x in (states, targets))

    def of_part(part):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(part[1], tf.cast(logits(part[0]), tf.float32))

    kind = tf.TensorSpec([None])
    return tf.reshape(tf.map_fn(of_part, parts, fn_output_signature=kind, parallel_iterations=1), [-1])[:positions]


def sampled_cross_entropy(
    states: tf.Tensor,
    kernel: tf.Tensor,
    bias: tf.Tensor,
    targets: tf.Tensor,
    weights: tf.Tensor,
    samples: int = 4096,
    seed: int | None = None,
) -> tf.Tensor:
    """`cross_entropy` estimated from the targets and `samples` words drawn, for training with 50,000 words and more.

    Words are drawn by rank with a log-uniform (Zipf) chance, so the vocabulary must be in order of frequency; the
    draw's chance is taken off the logits (Jean et al., 2015). Its value is not the loss: measure that with
    `cross_entropy`. The gradient of `kernel` is sparse.

    Args:
        states, kernel, bias, targets, weights: as in `cross_entropy`.
        samples: how many words are drawn, once for all positions.
        seed: of the draw.

    Raises:
        ValueError: `samples` is not a positive int.
    """
    samples = min(positive_int("samples", samples), int(kernel.shape[0]) - 1)
    if states.shape[0] is None:
        rows = _rounded(tf.maximum(tf.shape(states)[0], 1))
        states, targets, weights = (_filled(x, rows) for x in (states, targets, weights))
    targets = tf.cast(targets, tf.int64)
    drawn, of_targets, of_drawn = tf.random.log_uniform_candidate_sampler(
        targets[:, None], 1, samples, True, int(kernel.shape[0]), seed
    )
    chances = [tf.stop_gradient(tf.math.log(chance)) for chance in (of_targets[:, 0], of_drawn)]
    parts = [
        (tf.gather(kernel, ids), tf.gather(bias, ids) - c) for ids, c in zip((targets, drawn), chances, strict=True)
    ]
    return _of_drawn(states, *parts[0], *parts[1], targets, drawn, weights)


@tf.custom_gradient
def _of_drawn(states, wanted, wanted_bias, kernel, bias, targets, drawn, weights):
    """The loss of N positions, with the rows of their targets, [N, U] and [N], and those of S words, [S, U] and [S]."""
    logits = tf.matmul(states, kernel, transpose_b=True)
    told, of_drawn, each = _softmax_of_drawn(logits, bias, states, wanted, wanted_bias, targets, drawn, weights)
    (d_states, *of_wanted), (d_logits, d_bias) = told, of_drawn

    def gradient(upstream):
        found = (
            d_states + tf.matmul(d_logits, kernel),
            *of_wanted,
            tf.matmul(d_logits, states, transpose_a=True),
            d_bias,
        )
        return (*(upstream * g for g in found), None, None, upstream * each)

    return tf.reduce_sum(each * weights), gradient


@tf.function(autograph=False, jit_compile=True)
def _softmax_of_drawn(logits, bias, states, wanted, wanted_bias, targets, drawn, weights):
    """Gradients for states, rows and biases by way of the targets; for logits and biases of words drawn; the losses."""
    told = tf.reduce_sum(states * wanted, -1) + wanted_bias
    hit = targets[:, None] == drawn[None]  # a target that was drawn as well counts once
    logits = tf.where(hit, logits.dtype.min, logits + bias)
    top = tf.maximum(tf.reduce_max(logits, -1), told)
    exponentials, of_told = tf.exp(logits - top[:, None]), tf.exp(told - top)
    total = tf.reduce_sum(exponentials, -1) + of_told
    d_told, d_logits = weights * (of_told / total - 1), exponentials * (weights / total)[:, None]
    of_targets = d_told[:, None] * wanted, d_told[:, None] * states, d_told
    return of_targets, (d_logits, tf.reduce_sum(d_logits, 0)), tf.math.log(total) + top - told


def _in_chunks(states, kernel, bias, targets, weights, most, smoothing):
    """The loss, its gradients for states, kernel and bias, and the loss of each position; `most` rows at a time."""
    of_output = kernel, bias, smoothing
    known = states.shape[0]
    if known is not None:
        parts = -(-known // most)
        if parts <= 1:
            return _chunk(states, targets, weights, *of_output)
        return _in_equal_chunks(states, targets, weights, *of_output, -(-known // parts))
    count = tf.maximum(tf.shape(states)[0], 1)
    parts = -(-count // most)
    rows = tf.minimum(_rounded(-(-count // parts)), most)
    return tf.cond(
        parts == 1,
        lambda: _filled_chunk(states, targets, weights, *of_output, rows),
        lambda: _in_equal_chunks(states, targets, weights, *of_output, rows),
    )


def _rounded(rows):
    """The next multiple of `ROWS`, or of about an eighth of them: few numbers are left, as each has its own program."""
    octave = tf.cast(tf.math.log(tf.cast(rows, tf.float64) + 0.5) / math.log(2), rows.dtype)
    step = tf.maximum(2 ** tf.maximum(octave - 3, 0), ROWS)
    return -(-rows // step) * step


def _in_equal_chunks(states, targets, weights, kernel, bias, smoothing, rows):
    """As `_in_chunks`, so many rows at a time, the last filled up with positions that do not count."""
    count = states.shape[0] or tf.shape(states)[0]
    chunks = -(-count // rows)
    states, targets, weights = (_filled(x, chunks * rows) for x in (states, targets, weights))

    def turn(n, sums, d_states, each):
        place = slice(n * rows, (n + 1) * rows)
        loss, d_piece, d_kernel, d_bias, of_each = _chunk(
            states[place], targets[place], weights[place], kernel, bias, smoothing
        )
        sums = tuple(map(tf.add, sums, (loss, d_kernel, d_bias)))
        return n + 1, sums, d_states.write(n, d_piece), each.write(n, of_each)

    sums = tf.zeros((), states.dtype), tf.zeros_like(kernel), tf.zeros_like(bias)
    arrays = [tf.TensorArray(states.dtype, chunks, element_shape=[None, *s]) for s in (states.shape[1:], [])]
    # One chunk at a time: side by side they would hold the memory that the chunks are there to save.
    loop = tf.while_loop(lambda n, *_: n < chunks, turn, (0, sums, *arrays), parallel_iterations=1)
    _, (loss, d_kernel, d_bias), d_states, each = loop
    return loss, d_states.concat()[:count], d_kernel, d_bias, each.concat()[:count]


def _filled_chunk(states, targets, weights, kernel, bias, smoothing, rows):
    """As `_in_chunks`, for positions that fit."""
    count = tf.shape(states)[0]
    filled = (_filled(x, rows) for x in (states, targets, weights))
    loss, d_states, d_kernel, d_bias, each = _chunk(*filled, kernel, bias, smoothing)
    return loss, d_states[:count], d_kernel, d_bias, each[:count]


def _filled(x, count):
    more = count - tf.shape(x)[0]
    return tf.pad(x, [[0, more], *[[0, 0]] * (len(x.shape) - 1)])


def _chunk(states, targets, weights, kernel, bias, smoothing):
    """As `_in_chunks`, all rows at once. The two products with the logits' gradient are TensorFlow's own."""
    logits = tf.matmul(states, kernel, transpose_b=True)
    loss, d_logits, d_bias, each = _softmax(logits, bias, targets, weights, smoothing)
    return loss, tf.matmul(d_logits, kernel), tf.matmul(d_logits, states, transpose_a=True), d_bias, each


@tf.function(autograph=False, jit_compile=True)
def _softmax(logits, bias, targets, weights, smoothing):
    """The loss, the gradients for logits and bias, and the loss of each row; one pass over the logits each."""
    logits += bias
    top = tf.reduce_max(logits, -1, keepdims=True)
    exponentials = tf.exp(logits - top)
    total = tf.reduce_sum(exponentials, -1, keepdims=True)
    hit = tf.range(tf.shape(logits)[1], dtype=targets.dtype)[None] == targets[:, None]
    wanted = tf.cast(hit, logits.dtype)
    told = tf.gather(logits, targets, batch_dims=1)
    if smoothing:
        wanted = (1 - smoothing) * wanted + smoothing / logits.shape[-1]
        told = (1 - smoothing) * told + smoothing * tf.reduce_mean(logits, -1)
    d_logits = weights[:, None] * (exponentials / total - wanted)
    each = tf.math.log(total[:, 0]) + top[:, 0] - told
    return tf.reduce_sum(each * weights), d_logits, tf.reduce_sum(d_logits, 0), each
