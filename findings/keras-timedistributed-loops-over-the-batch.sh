#!/usr/bin/env bash
# keras.layers.TimeDistributed returns the wrong number of steps in a graph whose number of steps is not known.
#
# On TensorFlow, where the number of steps is None, the layer applies its layer step by step, but takes the number of
# steps from the first axis of the input, which is still the batch. With fewer rows than steps, the steps after that are
# missing from the output, without a word; eagerly, and in a graph of known length, all are there.
#
# Seen with keras 3.15.1, tensorflow 2.21.0, Python 3.11; the shapes printed were (2, 5, 4) and (2, 2, 4).
#
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 tensorflow==2.21.0 >/dev/null

shapes=$(TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -c "
import keras
import tensorflow as tf
layer = keras.layers.TimeDistributed(keras.layers.Dense(4))
x = tf.ones((2, 5, 3))  # two rows of five steps
graph = tf.function(lambda x: layer(x), input_signature=[tf.TensorSpec([None, None, 3])])
print(tuple(layer(x).shape), tuple(graph(x).shape))" 2>/dev/null)
echo "$shapes"
[[ $shapes == "(2, 5, 4) (2, 2, 4)" ]]
