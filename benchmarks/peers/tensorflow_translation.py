"""Training and decoding of a translator with this package; Keras has no attention decoder to set beside it."""

import tensorflow as tf

from nlp_rnn.decoding.beam import BeamSearchConfig, beam_search
from nlp_rnn.seq2seq.model import Seq2Seq
from nlp_rnn.seq2seq.objective import TeacherForcing
from nlp_rnn.training.optimizers import FusedAdam


def translation(_, case):
    """Of a `Translation` case, what to time."""
    reader = TeacherForcing(_model(case))
    reader.compile(FusedAdam(0.001, global_clipnorm=1.0), jit_compile=False)
    reader.optimizer.build(reader.trainable_variables)
    ids = tf.TensorSpec([None, None], tf.int32)
    step = tf.function(lambda *pair: reader.train_step(pair)["loss"], input_signature=[ids, ids])
    batches = [tuple(map(tf.constant, pair)) for pair in case.pairs()]
    return lambda: [float(step(*pair)) for pair in batches]


def beams(_, case):
    """Of a `Beams` case, what to time."""
    model = _model(case)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def search(source):
        memory, state = model.encode(source)
        many = tf.nest.map_structure(lambda x: tf.repeat(x, case.beams, 0), memory)

        def step(tokens, states):
            logits, _, states = model.step(tokens, many, states)
            return logits, states

        logits, _, state = model.step(tf.fill([tf.shape(source)[0]], 2), memory, state)
        return beam_search(step, logits, state, BeamSearchConfig(case.beams), case.length, -1)[0]

    source = tf.constant(case.sources())
    return lambda: search(source).numpy()


def _model(case):
    model = Seq2Seq(case.vocabulary, case.vocabulary, embedding=case.embedding, units=case.units, dropout=0.0)
    model.build((None, None))
    return model
