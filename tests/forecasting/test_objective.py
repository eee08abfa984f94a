"""Training a forecaster: several steps in one execution learn what single steps learn."""

import keras
import numpy as np
import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.forecasting import DirectForecaster, PathForecaster
from nlp_rnn.forecasting.objective import Forecasting
from nlp_rnn.forecasting.windows import Windows
from nlp_rnn.training.callbacks import CheckFinite
from nlp_rnn.training.trainer import TrainingPlan, fit
from tests.forecasting.tables import normal_panel


def windows_of(steps):
    panel = normal_panel([60] * 20)
    return Windows(panel, panel.lengths - 3, 12, 3, 32, steps, seed=0), Windows(panel, panel.lengths, 12, 3, 8)


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "said"), [(19, "by step 16"), (5, "by step 5")])
def test_a_loss_that_is_not_finite_is_reported_with_the_last_step_of_the_execution(steps, said, tmp_path):
    model = PathForecaster(4, units=8)
    model.build((None, None))
    model.output_projection.kernel.assign(np.full(model.output_projection.kernel.shape, np.nan))
    with pytest.raises(InputError, match=f"the loss became nan in epoch 1, {said}: "):
        fit(Forecasting(model), *windows_of(steps), TrainingPlan(epochs=1, learning_rate=0.01), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(PathForecaster, marks=pytest.mark.thorough),
        lambda season, **settings: DirectForecaster(12, 3, season, **settings),
    ],
)
def test_steps_of_one_execution_learn_what_single_steps_learn(model, tmp_path, monkeypatch):
    steps, ordinary = [], CheckFinite.on_train_batch_end
    monkeypatch.setattr(
        CheckFinite, "on_train_batch_end", lambda self, step, logs: (steps.append(step + 1), ordinary(self, step, logs))
    )

    def trained(at_once):
        keras.utils.set_random_seed(1)
        windows = windows_of(19)
        for one in windows:
            one.max_steps_per_execution = at_once
        objective, folder = Forecasting(model(4, units=16, dropout=0.2)), tmp_path / str(at_once)
        folder.mkdir()
        history = fit(objective, *windows, TrainingPlan(epochs=2, learning_rate=0.01), folder)
        return [[row["loss"], row["val_loss"]] for row in history], objective.get_weights()

    alone, together = trained(1), trained(16)
    assert steps == 2 * [*range(1, 20)] + 2 * [16, 32]
    np.testing.assert_allclose(alone[0], together[0], rtol=1e-5)
    for here, there in zip(alone[1], together[1], strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)
