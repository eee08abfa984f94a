"""What every signature of every kind of run answers: an empty batch, and how long its input was."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import runs

RUNS = Path(__file__).parent.parent / "fixtures" / "v0_1" / "runs"
SCALARS = {"length": 5, "temperature": 1.0, "top_p": 1.0, "penalty": 1.0, "beams": 2, "length_penalty": 1.0}
SCALARS |= {"horizon": 3, "paths": 7}


@pytest.fixture(scope="module")
def pipelines():
    return {path.name: runs.load(path).pipeline for path in RUNS.iterdir()}


def inputs(signature):
    """No texts and no series, and a value for each option."""
    for spec in signature.get_concrete_function().structured_input_signature[0]:
        if not spec.shape.rank:
            yield tf.constant(SCALARS.get(spec.name, 0), spec.dtype)
        else:
            steps = {"values": 12, "covariates": 18}.get(spec.name, 0)  # the horizon is 6
            yield tf.zeros([0, *(steps if n is None else n for n in spec.shape[1:])], spec.dtype)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in RUNS.iterdir()))
def test_an_empty_batch_has_an_empty_answer(pipelines, name):
    for key, signature in pipelines[name].signatures().items():
        answer = signature(*inputs(signature))
        of_each = {name: value for name, value in answer.items() if name != "levels"}
        assert of_each and all(value.shape[0] == 0 for value in of_each.values()), key


@pytest.mark.slow
@pytest.mark.parametrize("name", ["classifier", "translator"])
def test_a_text_that_is_cut_is_reported(pipelines, name):
    pipeline = pipelines[name]
    most = pipeline.encoder.max_tokens
    texts = tf.constant(["", "a " * most, "a " * (most + 1)])
    for signature in pipeline.signatures().values():
        function = signature.get_concrete_function()
        options = [tf.constant(SCALARS[s.name], s.dtype) for s in function.structured_input_signature[0][1:]]
        answer = signature(texts, *options)
        per_text = 1 if name == "classifier" or pipeline.encoder.token_level == "word" else 2
        assert answer["cut"].numpy().tolist() == [False, per_text > 1, True]
        np.testing.assert_array_equal(answer["tokens"][:1], [0])
        assert answer["tokens"][2] > most
