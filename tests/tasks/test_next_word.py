"""The recipe `next_word`."""

import pytest

from nlp_rnn import recipes


@pytest.mark.parametrize(
    "given, tokens, distances, epochs, chrono_steps",
    [
        ({}, 1_388_607, True, 3, 150),
        ({}, 60_000, False, 30, 1),
        ({"epochs": 2, "chrono_steps": 20}, 60_000, True, 2, 20),
    ],
)
def test_epochs_and_the_chrono_initialization_are_fitted_to_the_text(given, tokens, distances, epochs, chrono_steps):
    recipe = recipes.load("next_word")
    sized = recipe._sized(recipe.Config(**given), tokens, distances)
    assert (sized.epochs, sized.chrono_steps) == (epochs, chrono_steps)
