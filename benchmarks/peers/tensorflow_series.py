"""Training of a forecaster with this package."""

import numpy as np

from nlp_rnn.forecasting.objective import Forecasting
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.path_model import PathForecaster
from nlp_rnn.forecasting.windows import Windows
from nlp_rnn.training.optimizers import FusedAdam
from nlp_rnn.training.trainer import steps_per_execution


def forecasting(_, case):
    """Of a `Forecasting` case, what to time: one pass over all sampled windows."""
    values = case.values()
    offsets = np.cumsum([0, *map(len, values)])
    names = tuple(map(str, range(len(values))))
    panel = Panel("series", names, np.concatenate(values), offsets, 1, np.zeros(len(values), np.int32))
    steps = case.windows // case.batch
    windows = Windows(
        panel, panel.lengths, case.context_length, case.horizon, case.batch, steps, case.context_length, seed=0
    )
    model = PathForecaster(1, "normal", case.cell.lower(), case.units, case.layers, dropout=0.0)
    model.build((None, None))
    trained = Forecasting(model)
    steps = steps_per_execution(windows, model)  # as `training.fit` does
    trained.compile(FusedAdam(0.001), jit_compile=False, steps_per_execution=steps)
    trained.optimizer.build(trained.trainable_variables)
    data = windows.dataset()
    return lambda: trained.fit(data, epochs=1, shuffle=False, verbose=0).history["loss"]
