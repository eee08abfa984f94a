#!/usr/bin/env bash
# ThetaModel of statsmodels forecasts growth for a series that has one value throughout.
#
# The Theta method is a mean of a trend line and exponential smoothing; of sixty times 5 both are 5. statsmodels fits the
# line with add_trend(y, "ct"), which leaves the constant out where the data already hold a constant column, and y is
# one; the first two columns that are then used as regressors are y and the trend. No warning is given.
#
# Seen with statsmodels 0.15.0, numpy 2.4.6, Python 3.11; the forecast printed was 11.24 11.86 12.49.
#
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check statsmodels==0.15.0 numpy==2.4.6 >/dev/null

forecast=$("$folder/venv/bin/python" -c "
import numpy as np
from statsmodels.tsa.forecasting.theta import ThetaModel
fitted = ThetaModel(np.full(60, 5.0), period=1, deseasonalize=False).fit()
print(*(f'{value:.2f}' for value in fitted.forecast(3)))")
echo "$forecast"
[[ $forecast == "11.24 11.86 12.49" ]]
