"""The cases in TensorFlow: with the layers of this package, or with those of Keras at their defaults."""

import keras
import numpy as np
import tensorflow as tf

from nlp_rnn import layers as ours
from nlp_rnn.decoding.sampling import SamplingConfig
from nlp_rnn.graph import in_process
from nlp_rnn.language_model.model import LanguageModel
from nlp_rnn.language_model.pipeline import LanguagePipeline
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary
from nlp_rnn.training.losses import cross_entropy
from nlp_rnn.training.optimizers import FusedAdam


def versions() -> str:
    """What is measured here."""
    return f"tensorflow {tf.__version__}, keras {keras.__version__}"


def products(size: int = 1024):
    """A function that multiplies two matrices, and its floating-point operations: the machine's limit."""
    a = tf.random.normal((size, size))
    multiply = tf.function(lambda: tf.matmul(a, a))
    return lambda: multiply().numpy()[0, 0], 2 * size**3


def recurrent(library: str, cell: str, units: int, **arguments):
    """A recurrent layer that returns sequences."""
    if cell.startswith("Bidirectional"):
        inner = recurrent(library, cell.split()[1], units, **arguments)
        return (ours if library == "here" else keras.layers).Bidirectional(inner)
    if library == "here":
        return getattr(ours, cell)(units, return_sequences=True, **arguments)
    return getattr(keras.layers, "SimpleRNN" if cell == "RNN" else cell)(units, return_sequences=True, **arguments)


def layer(library, case):
    """Of a `Layer` case, what to time."""
    b, t, f, u = case.shape
    made, x = recurrent(library, case.cell, u), tf.random.normal((b, t, f))
    made.build(x.shape)
    mask = tf.sequence_mask(case.lengths(), t) if case.mask else None

    @tf.function
    def forward():
        with in_process():  # it is not saved
            return made(x, mask=mask)

    @tf.function
    def both():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(made(x, mask=mask, training=True)))
        return tape.gradient(loss, [x, *[w.value for w in made.trainable_weights]])

    return lambda: (both() if case.backward else [forward()])[0].numpy()[0, 0, 0]


def language_model(library, case):
    """Of a `LanguageModel` case, what to time."""
    embedding = keras.layers.Embedding(case.vocabulary, case.units)
    stack = [recurrent(library, "LSTM", case.units) for _ in range(case.layers)]
    ids = np.random.default_rng(0).integers(0, case.vocabulary, (case.batch, case.steps + 1)).astype("int32")
    optimizer = keras.optimizers.SGD(1.0, global_clipnorm=5.0)
    if library == "keras":
        model = keras.Sequential([embedding, *stack, keras.layers.Dense(case.vocabulary)])
        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return lambda: model.train_on_batch(ids[:, :-1], ids[:, 1:])
    return _our_step(case, embedding, stack, optimizer, tf.constant(ids))


def _our_step(case, embedding, stack, optimizer, ids):
    body = keras.Sequential([embedding, *stack])
    body.build((case.batch, case.steps))
    kernel = keras.Variable(0.05 * tf.random.normal((case.vocabulary, case.units)), name="kernel")
    bias = keras.Variable(tf.zeros(case.vocabulary), name="bias")
    variables = [*body.trainable_variables, kernel, bias]
    optimizer.build(variables)
    targets, each = tf.reshape(ids[:, 1:], [-1]), tf.fill([case.batch * case.steps], 1 / (case.batch * case.steps))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            states = tf.reshape(body(ids[:, :-1], training=True), [-1, case.units])
            loss = cross_entropy(states, kernel.value, bias.value, targets, each)
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
        return loss

    return lambda: float(step())


def generation(library, case):
    """Of a `Generation` case, what to time."""
    return (_our_generation if library == "here" else _predict_loop)(case)


def _our_generation(case):
    words = Vocabulary([f"w{n}".encode() for n in range(case.vocabulary)]).with_end()
    sizes = {"embedding": case.units, "units": case.units, "layers": case.layers}
    pipeline = LanguagePipeline(TextEncoder(words, max_tokens=100), LanguageModel(len(words), **sizes))
    config = SamplingConfig(temperature=case.temperature)
    prompts = [f"w{n}" for n in range(case.batch)]
    return lambda: list(pipeline.generate(prompts, case.length, config))


def _predict_loop(case):
    ids = keras.Input(batch_shape=(case.batch, 1), dtype="int32")
    embedding = keras.layers.Embedding(case.vocabulary, case.units)
    x = embedding(ids)
    for _ in range(case.layers):
        x = keras.layers.LSTM(case.units, stateful=True, return_sequences=True)(x)
    model = keras.Model(ids, keras.ops.matmul(x[:, 0], keras.ops.transpose(embedding.embeddings)))
    draw = np.random.default_rng(0)

    def sample():
        tokens = np.ones((case.batch, 1), np.int32)
        for _ in range(case.length):
            logits = model.predict(tokens, case.batch, verbose=0) / case.temperature
            tokens = np.argmax(logits + draw.gumbel(size=logits.shape), 1)[:, None].astype(np.int32)

    return sample


def epochs(library, case):
    """Of an `Epochs` case, what to time; every call trains a new model."""
    batches = case.batches()
    signature = (tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32))
    data = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=signature).prefetch(4)
    options = tf.data.Options()
    options.autotune.enabled = False  # its thread may keep the end of an epoch for seconds, in either library
    data = data.apply(tf.data.experimental.assert_cardinality(len(batches))).with_options(options)

    def train():
        ids = keras.Input((None,), dtype="int32")
        mask = keras.ops.not_equal(ids, 0)
        x = keras.layers.Embedding(case.vocabulary, case.embedding)(ids)
        x = recurrent(library, "Bidirectional LSTM", case.units)(x, mask=mask)
        logits = keras.layers.Dense(2)(ours.MeanMaxPooling()(x, mask=mask))
        model = keras.Model(ids, logits)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        adam = FusedAdam if library == "here" else keras.optimizers.Adam  # as the recipes train
        model.compile(adam(0.001, global_clipnorm=1.0), loss, jit_compile=False)
        model.optimizer.build(model.trainable_variables)  # as they do; a step that makes its variables is traced twice
        return model.fit(data, epochs=case.epochs, verbose=0).history["loss"]

    return train
