"""The options of `nlp-rnn predict` for forecasters. Imports no TensorFlow."""

from pathlib import Path

import click

PREDICT_OPTIONS = (
    click.Option(["--horizon"], type=int, help="Forecasting: steps to forecast; by default those of the training."),
    click.Option(
        ["--quantiles"],
        help="Forecasting: quantile levels with commas between; by default 0.1,0.5,0.9. The default model predicts "
        "those from 0.025 to 0.975.",
    ),
    click.Option(
        ["--plot"],
        type=click.Path(path_type=Path),
        help="Forecasting: draw the forecasts of up to nine series to a new .png file.",
    ),
    click.Option(
        ["--anomalies"],
        type=float,
        metavar="SHARE",
        help="Forecasting: print the points outside the prediction interval of this share, such as 0.9. The first "
        "points of a series, as many as the horizon, are not tested.",
    ),
)
