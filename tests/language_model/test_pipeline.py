"""A language model with its text: scores, generation, and what an export serves."""

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import runs
from nlp_rnn.decoding.sampling import SamplingConfig
from nlp_rnn.export.savedmodel import export
from nlp_rnn.text.vocabulary import END
from tests.small import language_pipeline


@pytest.mark.slow
def test_scores_are_those_of_the_network_step_by_step():
    pipeline = language_pipeline([b"a", b"b", b"c"], layers=2)
    model = pipeline.model
    ids, states, total = [3, 5, 1, 4], model.initial_states(1), 0.0
    for before, token in zip([END, *ids], ids, strict=False):
        logits, states = model.step(tf.constant([before]), states)
        total += float(tf.nn.log_softmax(logits)[0, token])
    [score, other] = pipeline.score(["a c unknown b", "b"])
    np.testing.assert_allclose(score["log_probability"], total, rtol=1e-5)
    assert score["tokens"] == 4 and other["tokens"] == 1
    assert score["unknown"] == 1 and other["unknown"] == 0
    np.testing.assert_allclose(score["perplexity"], np.exp(-total / 4), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_batch_of_prompts_is_continued_as_each_alone(temperature):
    pipeline, config = language_pipeline(), SamplingConfig(temperature)
    prompts = ["a b c a", "", "c", "zzz b"]
    *_, together = pipeline.generate(prompts, 20, config, seed=4)
    for prompt, expected in zip(prompts, together, strict=True):
        *_, [alone] = pipeline.generate([prompt], 20, config, seed=4)
        assert alone == expected
    assert len(set(together)) == 4 or not temperature


@pytest.mark.slow
def test_a_served_batch_may_have_a_seed_for_each_text():
    pipeline = language_pipeline()
    options = {"length": 20, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "penalty": 1.0}
    generate = pipeline.signatures()["generate"]
    served = generate(tf.constant(["a", "a", "a"]), *options.values(), tf.constant([3, 8, 3]))
    first, second, third = (row.decode() for row in served["text"].numpy())
    assert first == third != second
    *_, same = pipeline.generate(["a", "a"], 20, seed=[8, 3])
    assert same == [second, first]
    with pytest.raises(tf.errors.InvalidArgumentError, match="seed must be one number, or one for each text"):
        generate(tf.constant(["a"] * 3), *options.values(), tf.constant([3, 8]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        SamplingConfig(0.1),
        SamplingConfig(top_k=2),
        SamplingConfig(top_p=0.4),
        SamplingConfig(min_p=0.9),
        SamplingConfig(repetition_penalty=9.0),
    ],
)
def test_the_served_graph_heeds_every_option(config):
    """With an untrained model, whose words are about equally probable: every option changes the text."""
    pipeline = language_pipeline()
    scalars = zip(("temperature", "top_k", "top_p", "min_p", "penalty"), config, strict=True)
    options = {name: tf.constant(value, tf.int32 if name == "top_k" else tf.float32) for name, value in scalars}
    serve = pipeline.signatures()["generate"]
    text = serve(tf.constant(["a b"]), tf.constant(30), *options.values(), tf.constant(5))["text"]
    *_, expected = pipeline.generate(["a b"], 30, config, seed=5)
    *_, plain = pipeline.generate(["a b"], 30, SamplingConfig(), seed=5)
    assert [row.decode() for row in text.numpy()] == expected
    assert expected != plain


def test_a_continuation_is_joined_with_a_space_where_words_need_one():
    words, letters = language_pipeline(), language_pipeline(token_level="character")
    assert words.joined("the", "sky") == "the sky" and words.joined("the (", "sky") == "the (sky"
    assert words.joined("the", ".") == "the." and words.joined("", "sky") == "sky"
    assert letters.joined("the", "sky") == "thesky"


@pytest.mark.slow
def test_the_former_name_of_the_sampling_config():
    pipeline = language_pipeline()
    with pytest.warns(FutureWarning, match="choice is now config"):
        *_, old = pipeline.generate(["a"], 5, choice=SamplingConfig(0.0))
    *_, new = pipeline.generate(["a"], 5, SamplingConfig(0.0))
    assert old == new


@pytest.mark.slow
def test_the_export_generates_what_the_command_does(spoken, tmp_path):
    pipeline = runs.load(spoken).pipeline
    assert export(pipeline, tmp_path / "exported") <= 1e-5
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    assert set(loaded.signatures) == {"generate", "serving_default", "next_word", "fill", "score"}
    *_, expected = pipeline.generate(["the books", ""], 20, SamplingConfig(0.9, 5, 0.95), seed=11)
    inputs = {"length": 20, "top_k": 5, "seed": 11}
    floats = {"temperature": 0.9, "top_p": 0.95, "min_p": 0.0, "penalty": 1.0}
    answer = loaded.signatures["generate"](
        text=tf.constant(["the books", ""]),
        **{name: tf.constant(value) for name, value in inputs.items()},
        **{name: tf.constant(value) for name, value in floats.items()},
    )
    assert [row.decode() for row in answer["text"].numpy()] == expected
