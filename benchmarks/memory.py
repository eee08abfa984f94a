"""Peak memory of one training step, each case in a fresh process; reads /proc, so Linux only."""

import json
import re
import subprocess
import sys
from pathlib import Path

WORDS = {"B": 64, "T": 35, "U": 256, "V": 50_000}


def measured() -> list[dict]:
    """Megabytes above what the process held before the step, by case."""
    asked = [("loss", kind) for kind in ("fused", "plain")]
    asked += [("lstm", batch, steps) for batch, steps in ((64, 100), (64, 200), (64, 400), (128, 100), (256, 100))]
    asked += [("forecaster", 1_000), ("forecaster", 10_000), ("forecaster", 100_000)]
    return [_in_process(*map(str, words)) for words in asked]


def _in_process(*words):
    command = [sys.executable, "-m", "benchmarks.memory", *words]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def loss(kind):
    """Forward and backward of projection and softmax, in one or with all probabilities at once."""
    import tensorflow as tf

    from nlp_rnn.training.losses import cross_entropy

    count, units, words = WORDS["B"] * WORDS["T"], WORDS["U"], WORDS["V"]
    states, kernel = tf.random.normal((count, units)), tf.random.normal((words, units))
    targets, bias, weights = tf.zeros(count, tf.int32), tf.zeros(words), tf.ones(count)

    @tf.function
    def step(states):
        with tf.GradientTape() as tape:
            tape.watch([states, kernel])
            if kind == "fused":
                value = cross_entropy(states, kernel, bias, targets, weights)
            else:
                logits = tf.matmul(states, kernel, transpose_b=True) + bias
                value = tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits))
        return tape.gradient(value, [states, kernel])

    return f"softmax over {words:,} words, {count} positions, {kind}", lambda: step(states)


def lstm(batch, steps):
    """Forward and backward of an LSTM."""
    from benchmarks.cases import Layer
    from benchmarks.peers.tensorflow_peer import layer

    case = Layer("LSTM", (int(batch), int(steps), 128, 256), True)
    return str(case), layer("here", case)


def forecaster(series):
    """A pass over windows of many series; what the series hold themselves is in memory before."""
    from benchmarks.cases import Forecasting
    from benchmarks.peers.tensorflow_series import forecasting

    case = Forecasting(series=int(series))
    return str(case), forecasting("here", case)


def main(what, *words):
    """Measure one case in this process."""
    name, step = {"loss": loss, "lstm": lstm, "forecaster": forecaster}[what](*words)
    before = _megabytes("VmRSS")
    step()  # compiles, which needs memory of its own
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    for _ in range(3):
        step()
    print(json.dumps({"case": name, "megabytes": _megabytes("VmHWM") - before}))


def _megabytes(name):
    """Of this process: VmRSS, what it holds, or VmHWM, the most it held."""
    return int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
