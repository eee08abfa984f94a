"""The settings of the recipes of language models."""

import subprocess
import sys

import pytest

from nlp_rnn import recipes
from nlp_rnn.language_model.settings import MIN_VOCABULARY, LanguageModelSettings
from nlp_rnn.text.vocabulary import SPECIAL


def test_the_smallest_vocabulary_has_one_token_to_predict():
    assert len(SPECIAL) + 2 == MIN_VOCABULARY  # the end of a text, and that token


@pytest.mark.parametrize("recipe", ["generation", "next_word"])
@pytest.mark.parametrize(
    "setting, value",
    [
        ("token_level", "subword"),
        ("cell", "transformer"),
        ("vocabulary", MIN_VOCABULARY - 1),
        ("vocabulary", 0),
        ("min_count", 0),
        ("layers", 0),
        ("batch_size", 0),
        ("sequence_length", 0),
        ("dropout", 1.0),
        ("weight_drop", -0.1),
        ("word_dropout", 1.5),
        ("patience", -1),
        ("softmax_samples", -1),
        ("epochs", -1),
        ("unfreeze_interval", -1.0),
        ("seed", -1),
        ("learning_rate", 0.0),
        ("finetuning_learning_rate", 0.0),
        ("layerwise_decay", 0.0),
        ("global_clipnorm", 0.0),
        ("cycles", 0),
        ("units", -1),
        ("embedding", -1),
    ],
)
def test_a_setting_out_of_its_range(recipe, setting, value):
    config = recipes.config_class(recipes.find(recipe))
    with pytest.raises(ValueError, match=setting):
        config(**{setting: value})


def test_sizes_may_be_left_to_the_generation_recipe():
    config = recipes.config_class(recipes.find("generation"))
    assert config().units == config(embedding=0).embedding == 0
    with pytest.raises(ValueError, match="units"):
        LanguageModelSettings(units=0)


@pytest.mark.parametrize("recipe", ["generation", "next_word"])
def test_settings_are_read_without_tensorflow(recipe):
    code = f"import sys; from nlp_rnn import recipes; recipes.config_class(recipes.find({recipe!r}))"
    code += "; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
