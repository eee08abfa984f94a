"""Training of a forecaster with this package."""

import numpy as np

from nlp_rnn.models import PathForecaster
from nlp_rnn.objectives import Forecasting
from nlp_rnn.optimizers import FusedAdam
from nlp_rnn.panel import Panel
from nlp_rnn.training import untold_steps
from nlp_rnn.windows import Windows


def forecasting(_, case):
    """Of a `Forecasting` case, what to time: one pass over all windows that are drawn."""
    values = case.values()
    offsets = np.cumsum([0, *map(len, values)])
    names = tuple(map(str, range(len(values))))
    panel = Panel("series", names, np.concatenate(values), offsets, 1, np.zeros(len(values), np.int32))
    steps = case.windows // case.batch
    windows = Windows(panel, panel.lengths, case.known, case.horizon, case.batch, steps, case.known, seed=0)
    model = PathForecaster(1, "normal", case.cell.lower(), case.units, case.layers, dropout=0.0)
    model.build((None, None))
    trained = Forecasting(model)
    steps = untold_steps(windows, model)  # as `training.fit` does
    trained.compile(FusedAdam(0.001), jit_compile=False, steps_per_execution=steps)
    trained.optimizer.build(trained.trainable_variables)
    data = windows.dataset()
    return lambda: trained.fit(data, epochs=1, shuffle=False, verbose=0).history["loss"]
