"""Attention over a memory: multiplicative or additive, optionally with coverage.

Shapes: B batch, T queries, S vectors of the memory, Q and M their sizes, A units.
"""

import keras
import tensorflow as tf

from nlp_rnn.checks import one_of, positive_int

SCORES = ("multiplicative", "additive")


@keras.saving.register_keras_serializable("nlp_rnn")
class Attention(keras.layers.Layer):
    """Compute a context vector for each query: the mean of the memory, weighted by a score of query and memory vector.

    Args:
        score: "multiplicative", q W m ("general" in Luong et al., 2015), or "additive", v tanh(W q + U m + b)
            (Bahdanau et al., 2015).
        units: A of the additive score.
        coverage: the additive score also takes the attention weights accumulated so far (See et al., 2017).

    Call with queries [B, T, Q], the memory [B, S, M], its `mask` [B, S], False at padding, and, for a layer with
    coverage, the coverage [B, S]. Returns the context vectors, [B, T, M], and the attention weights, [B, T, S]. The
    weights sum to one and are exactly zero at padding; if a memory is all padding, all of its weights are zero.

    Raises:
        ValueError: an argument is out of range, or coverage is combined with the multiplicative score.

    Examples:
        >>> context, weights = Attention()(tf.ones((2, 3, 4)), tf.ones((2, 5, 6)))
        >>> context.shape, weights.shape
        (TensorShape([2, 3, 6]), TensorShape([2, 3, 5]))
    """

    def __init__(self, score: str = "multiplicative", units: int = 128, coverage: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.score = one_of("score", score, SCORES)
        self.units = positive_int("units", units)
        self.coverage = coverage
        self.supports_masking = True
        if coverage and score != "additive":
            raise ValueError("coverage needs the additive score")

    def build(self, query_shape, memory_shape):
        q, m = query_shape[-1], memory_shape[-1]
        if self.score == "multiplicative":
            self.kernel = self.add_weight(name="kernel", shape=(m, q), initializer="glorot_uniform")
            return
        self.query_kernel = self.add_weight(name="query_kernel", shape=(q, self.units), initializer="glorot_uniform")
        self.memory_kernel = self.add_weight(name="memory_kernel", shape=(m, self.units), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.scale = self.add_weight(name="scale", shape=(self.units, 1), initializer="glorot_uniform")
        if self.coverage:
            self.coverage_kernel = self.add_weight(name="coverage_kernel", shape=(self.units,), initializer="zeros")

    def call(self, query, memory, mask=None, coverage=None):
        return self.attend(query, self.keys(memory), memory, mask, coverage)

    def keys(self, memory: tf.Tensor) -> tf.Tensor:
        """Return the part of the scores that depends on the memory alone; computed once for all steps of a decoder."""
        kernel = self.kernel if self.score == "multiplicative" else self.memory_kernel
        return _product(memory, kernel)

    def attend(
        self,
        query: tf.Tensor,
        keys: tf.Tensor,
        memory: tf.Tensor,
        mask: tf.Tensor | None = None,
        coverage: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """As calling the layer, with the `keys` of the memory computed beforehand."""
        scores = self._scores(query, keys, coverage)
        if mask is not None:
            scores = tf.where(mask[:, None], scores, scores.dtype.min)
        weights = tf.exp(scores - tf.reduce_max(scores, -1, keepdims=True))
        if mask is not None:
            weights *= tf.cast(mask[:, None], weights.dtype)
        weights = tf.math.divide_no_nan(weights, tf.reduce_sum(weights, -1, keepdims=True))
        return tf.matmul(weights, memory), weights

    def _scores(self, query, keys, coverage):
        if self.score == "multiplicative":
            return tf.matmul(query, keys, transpose_b=True)
        queries = _product(query, self.query_kernel)
        hidden = queries[:, :, None] + keys[:, None] + self.bias
        if self.coverage:
            hidden += coverage[:, None, :, None] * self.coverage_kernel
        return _product(tf.tanh(hidden), self.scale)[..., 0]

    def compute_mask(self, query, mask=None):
        return None, None

    def compute_output_shape(self, query_shape, memory_shape):
        return (*query_shape[:2], memory_shape[-1]), (*query_shape[:2], memory_shape[1])

    def get_config(self):
        return {**super().get_config(), "score": self.score, "units": self.units, "coverage": self.coverage}


def _product(x, kernel):
    """x [..., N] times kernel [N, K], as one matrix product."""
    # Not tf.matmul: in TensorFlow 2.21 the gradient of its broadcasting over a kernel [N, 1] corrupts memory.
    return tf.tensordot(x, tf.convert_to_tensor(kernel), [[-1], [0]])
