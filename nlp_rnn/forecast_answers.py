"""What commands print of forecasts: tables of what follows, points that are not as expected, how good it is."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from nlp_rnn import plots
from nlp_rnn.backtest import DRAWN, HERE, START, evaluate, fan, loses, table
from nlp_rnn.checks import CallError, InputError
from nlp_rnn.forecasting import AT_ONCE, forecast_at
from nlp_rnn.panel import Panel
from nlp_rnn.progress import say
from nlp_rnn.series_checks import check_fits
from nlp_rnn.sources.calendar import after
from nlp_rnn.sources.series import Opened

PLAIN = (0.1, 0.5, 0.9)


def measured(trained, opened: Opened) -> dict:
    """The figures of a run on the ends of series."""
    panel = check_fits(trained.pipeline, opened.panel)
    settings = trained.settings
    return evaluate(trained.pipeline, panel, settings.get("origins", 1), settings.get("classical", True)).figures


def lines(trained, panel: Panel, as_json: bool, horizon, quantiles, plot: Path | None, anomalies) -> Iterator[str]:
    """What follows each series, or which points are unexpected: a table, or an object a row.

    Raises:
        CallError: an option is out of its range.
        InputError: the model cannot tell what was asked; or is of another frequency.
    """
    panel = check_fits(trained.pipeline, panel)
    if "methods" in trained.metrics and loses(trained.metrics):
        say("on what was held out the seasonal naive forecast was better than this model")
    if anomalies is not None:
        if horizon or quantiles or plot:
            raise CallError("--anomalies is about the points given: leave out --horizon, --quantiles and --plot")
        rows = _unexpected(trained.pipeline, panel, anomalies)
    else:
        rows = _following(trained.pipeline, panel, horizon, quantiles, plot)
    for number, row in enumerate(rows):
        if as_json:
            # Seven digits are what a float32 holds.
            plain = {name: float(f"{v:.7g}") if isinstance(v, float) else v for name, v in row.items()}
            yield json.dumps(plain, ensure_ascii=False)
            continue
        if not number:
            yield ",".join(row)
        yield ",".join(_cell(value) for value in row.values())


def _cell(value):
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"' if set(value) & set(',"\n\r') else value
    return f"{value:.7g}" if isinstance(value, float) else str(value)


def _levels(text):
    try:
        levels = [float(part) for part in (text or ",".join(map(str, PLAIN))).split(",")]
    except ValueError:
        levels = [0.0]
    if not all(0 < level < 1 for level in levels):
        raise CallError(
            f"--quantiles must be numbers between 0 and 1 with commas between, such as 0.1,0.5,0.9; got {text}"
        )
    return sorted(set(levels))


def _following(forecaster, panel, horizon, quantiles, plot):
    """A row for each step of each series."""
    levels = _levels(quantiles)
    if horizon is not None and horizon < 1:
        raise CallError(f"--horizon must be 1 or above, got {horizon}")
    horizon = horizon or forecaster.options["horizon"]
    forecaster.check(horizon, levels)
    known = forecaster.options["known"]
    usable = [n for n in range(len(panel)) if not np.isnan(panel.series(n)[-known:]).all()]
    told = set(usable)
    old = [n for n, length in enumerate(panel.lengths) if length and n not in told]
    if old:
        name = panel.names[old[0]]
        say(f"left out: {len(old):,} series without a value among the last {known} points that are read, as '{name}'")
    if not usable:
        raise InputError(f"{panel.name}: no series has a value among the last {known} points that are read")
    _check_known_ahead(panel, usable, horizon)
    _say_what_is_rare(panel, usable, known)
    for begin in range(0, len(usable), AT_ONCE):  # of covariates there may be more than fits into memory
        some = usable[begin : begin + AT_ONCE]
        beside = panel.all_beside(some, panel.lengths[some], known, horizon)
        series, kinds = [panel.series(n) for n in some], panel.categories[some]
        found = forecaster.forecast(series, horizon, levels, kinds, begin, beside)
        if plot and not begin:
            _draw(panel, some, found, levels, plot)
        for n, mean, told in zip(some, found.mean, found.quantiles, strict=True):
            yield from _steps(panel, n, mean, told, levels)


def _say_what_is_rare(panel, usable, known):
    """Say which series are told from little, or from an earlier time than others."""
    few = max(panel.season, 2)
    short = [n for n in usable if np.isfinite(panel.series(n)[-known:]).sum() < few]
    if short:
        name = panel.names[short[0]]
        say(f"{len(short):,} series, as '{name}', have fewer than {few} values among the {known} that are read")
    if panel.begins is not None and panel.step:
        ends = [after(panel.begins[n], panel.lengths[n], panel.step) for n in usable]
        latest = max(ends)
        early = [n for n, end in zip(usable, ends, strict=True) if end < latest]
        if early:
            say(
                f"{len(early):,} series, as '{panel.names[early[0]]}', end before others and are told from their end on"
            )


def _steps(panel, number, mean, told, levels):
    """A row for each step that is told of a series: mean [H] and quantiles [H, Q]."""
    for step, (middle, values) in enumerate(zip(mean, told, strict=True)):
        quantiles = {f"q{level:g}": float(value) for level, value in zip(levels, values, strict=True)}
        when = _when(panel, number, panel.lengths[number] + step)
        yield {"series": panel.names[number], **when, "mean": float(middle), **quantiles}


def _check_known_ahead(panel, usable, horizon):
    if not panel.ahead:
        return
    known = panel.known_ahead[usable]
    if len(usable) and known.min() < horizon:
        raise InputError(
            f"{panel.name}: series '{panel.names[usable[known.argmin()]]}': {', '.join(panel.columns[: panel.ahead])} "
            f"must be known for {horizon} steps after its last value, and is for {known.min()}: add rows with the "
            "values left empty" + (", or ask for a shorter --horizon" if known.min() else "")
        )


def _when(panel, number, place):
    """The time of a place in a series, or where there are no times how many points come up to it."""
    if panel.begins is None:
        return {"point": place + 1}
    return {"time": after(panel.begins[number], place, panel.step)}


def _draw(panel, usable, found, levels, plot):
    some = zip(usable[:DRAWN], found.quantiles, strict=False)
    drawn = [fan(panel, n, panel.lengths[n], told, levels) for n, told in some]
    plots.fans(drawn, plot)
    which = f"the first {len(drawn)} of {len(usable):,} series" if len(drawn) < len(usable) else "all series"
    say(f"{which} are drawn in {plot}")


def _unexpected(forecaster, panel, share):
    """A row for each point outside the interval of this share, told from the points before it, a horizon at a time."""
    if not 0 < share < 1:
        raise CallError(f"--anomalies must be between 0 and 1, such as 0.9, got {share}")
    low, high = (round((1 - share) / 2, 6), round((1 + share) / 2, 6))
    horizon, known = forecaster.options["horizon"], forecaster.options["known"]
    most = round(1 - 2 * forecaster.lowest, 6)
    if share > most:
        raise CallError(f"--anomalies must be at most {most} with this model, got {share}")
    places = [(n, end) for n, length in enumerate(panel.lengths) for end in range(horizon, length, horizon)]
    places = [(n, end) for n, end in places if not np.isnan(panel.series(n)[max(end - known, 0) : end]).all()]
    if not places:
        raise CallError(f"no series is longer than the horizon, {horizon}: there is nothing to tell a point from")
    found = forecast_at(forecaster, panel, places, (low, 0.5, high)).quantiles
    for (n, end), told in zip(places, found, strict=True):
        came = panel.series(n)[end : end + horizon]
        for step, (value, (least, middle, most)) in enumerate(zip(came, told, strict=False)):
            if value < least or value > most:
                expected = {"value": float(value), "expected": float(middle), "low": float(least), "high": float(most)}
                yield {"series": panel.names[n], **_when(panel, n, end + step), **expected}


def print_backtest(figures: dict) -> None:
    """Print how good a forecaster is, beside the other methods."""
    series, origins, horizon = (figures[name] for name in ("series", "origins", "horizon"))
    times = "one origin" if origins == 1 else f"{origins} origins"
    held_out = f"the last {horizon * origins} points of each held out"
    click.echo(f"{series:,} series, {held_out}, forecast {horizon} at once (the median) from {times}")
    rows = table(figures)
    width = max(len(row[0]) for row in rows)
    for row in rows:
        click.echo(f"{row[0]:<{width}}" + "".join(f"{cell:>10}" for cell in row[1:]))
    model = figures["methods"][HERE]
    lowest = "" if series == 1 else f" (of a tenth of the series {model['coverage_80_of_lowest_tenth']:.0%} or less)"
    click.echo(f"80 % intervals hold {model['coverage_80']:.1%} of what was held out{lowest}; CRPS {model['crps']:.4g}")
    if model["weighted_quantile_loss"] is not None:
        click.echo(f"weighted quantile loss {model['weighted_quantile_loss']:.4f}")
    if loses(figures):
        click.echo("the seasonal naive forecast is better than this model: do not use it")
    if loses(figures, START):
        click.echo("fine-tuning made it no better: keep the run that it started from")
