"""The same forecaster with darts' RNNModel: an LSTM that tells a normal distribution of the next value."""

import logging
import warnings

import numpy as np
import pandas as pd
from darts import TimeSeries
from darts.models import RNNModel
from darts.utils.likelihood_models.torch import GaussianLikelihood

QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "logger": False, "enable_checkpointing": False}


def forecasting(_, case):
    """Of a `Forecasting` case, what to time: one pass over all windows that are taken."""
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    series = [TimeSeries.from_times_and_values(pd.RangeIndex(len(v)), v.astype(np.float32)) for v in case.values()]
    model = RNNModel(
        input_chunk_length=case.context_length,
        training_length=case.context_length + case.horizon - 1,
        model=case.cell,
        hidden_dim=case.units,
        n_rnn_layers=case.layers,
        batch_size=case.batch,
        n_epochs=1,
        likelihood=GaussianLikelihood(),
        pl_trainer_kwargs={**QUIET, "enable_model_summary": False},
    )
    return lambda: model.fit(series, epochs=1, max_samples_per_ts=case.windows // case.series)
