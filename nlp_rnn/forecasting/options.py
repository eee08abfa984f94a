"""The options of `nlp-rnn predict` for forecasters. Imports no TensorFlow."""

from pathlib import Path

import click

PREDICT_OPTIONS = (
    click.Option(["--horizon"], type=int, help="Forecasting: steps to forecast; by default as in training."),
    click.Option(
        ["--quantiles"],
        help="Forecasting: quantile levels, separated by commas; by default 0.1,0.5,0.9. The default model predicts "
        "levels from 0.025 to 0.975.",
    ),
    click.Option(
        ["--plot"],
        type=click.Path(path_type=Path),
        help="Forecasting: plot the forecasts of up to nine series into this new .png file.",
    ),
    click.Option(
        ["--anomalies"],
        type=float,
        metavar="SHARE",
        help="Forecasting: print the points outside the prediction interval of this probability, such as 0.9. The "
        "first points of a series, as many as the horizon, are not tested.",
    ),
)
