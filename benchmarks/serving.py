"""How fast an exported SavedModel answers: single texts, and many.

    make run && .venv/bin/python -m benchmarks.serving exported/sentiment

Imports TensorFlow alone, as a server would.
"""

import statistics
import sys
import time
from pathlib import Path

import tensorflow as tf

TEXT = "It begins slowly, but the second half is as tense and moving as anything I have seen this year. "
SINGLE, MANY = 300, 10_000


def main(folder):
    serve = tf.saved_model.load(folder).signatures["serve"]
    size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    print(f"tensorflow {tf.__version__}, SavedModel of {size / 1e6:.1f} MB")
    for words, text in ((20, TEXT), (200, TEXT * 10)):
        one = tf.constant([text])
        for _ in range(10):
            serve(text=one)
        times = sorted(1000 * timed(serve, one) for _ in range(SINGLE))
        late = times[int(0.99 * SINGLE)]
        print(f"one text of {words} words: median {statistics.median(times):.1f} ms, 99th percentile {late:.1f} ms")
    batch = tf.constant([TEXT] * 128)
    serve(text=batch)
    seconds = sum(timed(serve, batch) for _ in range(MANY // 128))
    print(f"texts of 20 words in batches of 128: {MANY // 128 * 128 / seconds:,.0f} a second")


def timed(serve, texts):
    begun = time.perf_counter()
    serve(text=texts)["probability"].numpy()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(sys.argv[1])
