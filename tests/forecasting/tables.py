"""Tables of series and panels for the tests of forecasting."""

import csv

import numpy as np

from nlp_rnn.forecasting.panel import Panel
from nlp_rnn.forecasting.series import open_series

SMALL = (
    *("units=16", "horizon=6", "epochs=4", "steps_per_epoch=40", "batch_size=32", "learning_rate=0.01"),
    "classical_baselines=false",
)


def assignments(*settings):
    """Settings as options of the command line."""
    return [word for setting in settings for word in ("--set", setting)]


def write(path, rows):
    """Write rows as a CSV file; returns its path."""
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def monthly(number=12, months=72, seed=0):
    """Seasonal series with a trend, as a table in wide format: a row per month, a column per series."""
    random = np.random.default_rng(seed)
    level, trend, phase = random.uniform(20, 200, number), random.normal(0.3, 0.1, number), random.uniform(0, 6, number)
    t = np.arange(months)[:, None]
    season = 1 + 0.3 * np.sin(2 * np.pi * t / 12 + phase)
    values = (level + trend * t) * season * random.normal(1, 0.02, (months, number))
    dates = np.datetime64("2018-01", "M") + np.arange(months)
    rows = [[f"{day}-01", *row.round(2)] for day, row in zip(dates, values, strict=True)]
    return [["date", *(f"shop {n}" for n in range(number))], *rows]


def promoted(days=160, future=6):
    """Sales that a promotion doubles, known for future days as well, as a table in long format."""
    random = np.random.default_rng(0)
    rows = [["id", "date", "promo", "rain", "y"]]
    for shop in range(6):
        level, promotion = random.uniform(50, 150), random.integers(0, 2, days + future)
        for day in range(days + future):
            value = round(level * (1 + promotion[day]) * random.normal(1, 0.02), 2) if day < days else ""
            rain = random.integers(0, 9) if day < days else ""
            rows.append([f"shop {shop}", np.datetime64("2024-01-01") + day, promotion[day], rain, value])
    return rows


def panel_of(*series, season=1, **fields):
    """A panel of series named a, b and so on."""
    offsets = np.cumsum([0, *map(len, series)])
    values = np.concatenate([np.asarray(one, np.float64) for one in series])
    names = tuple("abcdefgh"[: len(series)])
    return Panel("shops", names, values, offsets, season, np.zeros(len(series), np.int32), **fields)


def normal_panel(lengths, season=4, seed=0):
    """A panel of normally distributed values."""
    values = np.random.default_rng(seed).normal(size=sum(lengths))
    names = tuple(f"s{n}" for n in range(len(lengths)))
    return Panel("some", names, values, np.cumsum([0, *lengths]), season, np.zeros(len(lengths), np.int32))


def open_text(folder, text, name="series.csv", **columns):
    """The series of a table with this text, written into a folder."""
    path = folder / name
    path.write_text(text)
    return open_series(str(path), **columns)
