"""Forward and backward of the layers here against `keras.layers`, alternately, in one process.

    make bench

Prints the median milliseconds of both and their ratio; above 1, the layer here is faster. On a shared machine only
the ratio means something.
"""

import statistics
import time

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn.layers import GRU, LSTM, RNN, Bidirectional
from nlp_rnn.runs import versions

SHAPES = [(32, 200, 64, 64), (64, 100, 128, 256), (1, 200, 128, 256), (256, 50, 32, 32)]  # B, T, F, U
PAIRS = {
    "RNN": (RNN, keras.layers.SimpleRNN),
    "LSTM": (LSTM, keras.layers.LSTM),
    "GRU": (GRU, keras.layers.GRU),
    "Bidirectional LSTM": (
        lambda units, **more: Bidirectional(LSTM(units, **more)),
        lambda units, **more: keras.layers.Bidirectional(keras.layers.LSTM(units, **more)),
    ),
}
ROUNDS = 9


def step(layer, x, mask):
    """A compiled forward and backward pass."""
    layer(x)

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x, mask=mask) ** 2)
        return tape.gradient(loss, [w.value for w in layer.trainable_weights])

    run()
    return run


def seconds(run):
    begun = time.perf_counter()
    run()[0].numpy()
    return time.perf_counter() - begun


def main():
    print(", ".join(f"{name} {version}" for name, version in versions().items()))
    print(f"{'layer':<20}{'B,T,F,U':<18}{'mask':<6}{'here ms':>9}{'keras ms':>10}{'ratio':>7}")
    for name, kinds in PAIRS.items():
        for b, t, f, u in SHAPES:
            x = tf.random.normal((b, t, f))
            lengths = np.random.default_rng(0).integers(t // 2, t + 1, b)
            for mask in (None, tf.sequence_mask(lengths, t)):
                runs = [step(kind(u, return_sequences=True), x, mask) for kind in kinds]
                rows = [[seconds(run) for run in runs] for _ in range(ROUNDS)]
                here, theirs = (1000 * statistics.median(column) for column in zip(*rows, strict=True))
                masked = "no" if mask is None else "yes"
                shape = f"{b},{t},{f},{u}"
                print(f"{name:<20}{shape:<18}{masked:<6}{here:9.1f}{theirs:10.1f}{theirs / here:7.2f}", flush=True)


if __name__ == "__main__":
    main()
