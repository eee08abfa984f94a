"""Electricity transformer temperature, hourly (ETTh1): the error of 96 hours forecast from 96, as papers measure it.

    .venv/bin/python -m benchmarks.etth1 ETTh1.csv.gz

Seven columns, standardised by the mean and deviation of the training part; 12, 4 and 4 months are training, validation
and test. Every window of the test part is forecast, one hour after the other; the errors are of standardised values.
"""

import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from nlp_rnn.forecasting.direct_model import DirectForecaster
from nlp_rnn.forecasting.objective import Forecasting
from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.pipeline import Forecaster
from nlp_rnn.forecasting.series import open_series
from nlp_rnn.forecasting.windows import Windows
from nlp_rnn.training.trainer import TrainingPlan, fit

CONTEXT = HORIZON = 96
TRAIN, VALIDATION, TEST = 8_640, 2_880, 2_880
SEED, BATCH = 0, 256


class Every(Windows):
    """Every window whose targets lie within a part of the series, one step after the other."""

    def __init__(self, panel, begin, end, batch):
        super().__init__(panel, np.full(len(panel), end), CONTEXT, HORIZON, batch)
        self.begin, self.end = begin, end
        self._steps = -(-len(panel) * self.count // batch)

    @property
    def count(self):
        """The windows of a series."""
        return self.end - self.begin - HORIZON + 1

    def batches(self):
        """All windows, series by series."""
        numbers = np.arange(len(self.panel) * self.count)
        for some in np.array_split(numbers, self._steps):
            series = some // self.count
            yield self.cut(series, self.panel.offsets[series] + self.begin + some % self.count)


def standardised(path):
    """The seven series, as categories of their own."""
    panel = open_series(path).panel
    table = np.stack([panel.series(n)[: TRAIN + VALIDATION + TEST] for n in range(len(panel))], 1)
    table = (table - table[:TRAIN].mean(0)) / table[:TRAIN].std(0)
    offsets = len(table) * np.arange(len(panel) + 1)
    values = np.ascontiguousarray(table.T).ravel()
    category_ids = np.arange(1, len(panel) + 1, dtype=np.int32)
    return Panel(path, panel.names, values, offsets, 24, category_ids, panel.names)


def main(path, *settings):
    keras.utils.set_random_seed(SEED)
    chosen = {"segment": 24, "units": 256, "dropout": 0.5, "rate": 0.001, "epochs": 10}
    chosen |= {name: type(chosen[name])(value) for name, value in (setting.split("=") for setting in settings)}
    panel, begun = standardised(path), time.monotonic()
    steps = len(panel) * (TRAIN - HORIZON) // BATCH
    train = Windows(panel, np.full(7, TRAIN), CONTEXT, HORIZON, BATCH, steps, CONTEXT, SEED)
    validation = Every(panel, TRAIN, TRAIN + VALIDATION, 1024)
    network = {name: chosen[name] for name in ("segment", "units", "dropout")}
    model = DirectForecaster(CONTEXT, HORIZON, **network, categories=7, scaling="centre", linear=False)
    with tempfile.TemporaryDirectory() as folder:
        plan = TrainingPlan(chosen["epochs"], chosen["rate"], patience=3)
        fit(Forecasting(model), train, validation, plan, Path(folder))
    forecaster = Forecaster(model, panel.names, season=24, horizon=HORIZON, context_length=CONTEXT)
    errors, naive = [], []
    for context, targets, category in Every(panel, TRAIN + VALIDATION, TRAIN + VALIDATION + TEST, 1024).batches():
        point = forecaster.forecast(context, quantile_levels=[0.5], category_ids=category).quantiles[..., 0]
        errors.append(point - targets)
        naive.append(np.tile(context[:, -24:], 4) - targets)
    minutes = (time.monotonic() - begun) / 60
    for name, of in (("model", np.concatenate(errors)), ("the day before", np.concatenate(naive))):
        print(f"{name}: MSE {np.square(of).mean():.4f}, MAE {np.abs(of).mean():.4f}")
    print(f"{len(np.concatenate(errors)):,} windows; {minutes:.1f} minutes; {chosen}")


if __name__ == "__main__":
    main(*sys.argv[1:])
