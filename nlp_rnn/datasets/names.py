"""What the names of columns say: the words in them, and common names for each role."""

import re
from collections.abc import Sequence

USUAL_NAMES = {
    "series": ("series", "unique_id", "series_id", "item_id", "id", "item", "sku", "store", "name"),
    "time": ("time", "ds", "date", "datetime", "timestamp", "period", "month", "week", "day", "year", "quarter"),
    "value": ("value", "y", "values", "target", "sales", "demand", "count", "quantity"),
    "category": ("category", "kind", "type", "class"),
}
PARTS = {  # of a date, by the words that name a column, and the range of their values
    "year": (("year", "yr", "yyyy", "jahr", "anno", "annee", "año"), (1000, 3000)),
    "quarter": (("quarter", "qtr", "quartal", "trimestre"), (1, 4)),
    "month": (("month", "mon", "mm", "mnth", "monat", "mes", "mois"), (1, 12)),
    "week": (("week", "wk", "kw", "woche", "epiweek", "isoweek", "weeknumber"), (1, 53)),
    "day": (("day", "dd", "dayofmonth", "tag", "dom", "mday"), (1, 31)),
    "hour": (("hour", "hr", "hh", "hourending", "he", "stunde", "hours"), (0, 24)),
    "minute": (("minute", "min", "mi", "minutes"), (0, 59)),
}
# A name that ends in one of these says that the column holds times: order_date, but not time_on_site or steps_per_day.
TIME_WORDS = frozenset((
    "time", "times", "date", "dates", "datetime", "timestamp", "ts", "ds", "period", "month", "week", "day", "year",
    "quarter", "hour", "epoch", "unix", "decade", "datum", "zeit", "uhrzeit", "fecha", "hora", "heure", "data", "mois",
    "mes", "trimestre", "semaine", "semana", "anno", "annee", "jour", "yyyymm", "yyyymmdd", "tag", "monat", "jahr", "yr"
))  # fmt: skip
LIKELY_WORDS = frozenset(("when", "at", "on", "start", "end", "begin", "from", "until"))  # of times written as such
CLOCK_WORDS = frozenset(("time", "hour", "clock", "uhrzeit", "zeit", "hora", "heure", "start", "begin", "from"))
ENTITY_WORDS = frozenset((
    "store", "shop", "item", "sku", "product", "site", "meter", "sensor", "station", "country", "region", "geo",
    "location", "host", "device", "instance", "symbol", "ticker", "customer", "account"
))  # fmt: skip
ID_WORDS = ENTITY_WORDS | {"id", "nbr", "nr", "no", "num", "number", "code", "key"}
COUNTER_WORDS = frozenset(
    ("id", "index", "idx", "row", "rownames", "rowid", "nr", "no", "num", "number", "obs", "instant", "line", "record")
)
_PERIODS = frozenset(("half", "season", "interval", "period", "hours", "weekday", "dow"))
_WORDS = re.compile(r"[A-Z]?[a-zäöüéñ]+|[A-Z]+(?![a-z])|\d+")


def words_of(name: str) -> list[str]:
    """The words of the name of a column, in lower case.

    Examples:
        >>> words_of("orderDate"), words_of("HourEnding"), words_of("DAY_of_month")
        (['order', 'date'], ['hour', 'ending'], ['day', 'of', 'month'])
    """
    return [word.lower() for word in _WORDS.findall(name)]


def names_times(name: str) -> bool:
    """Whether a name says that a column holds times.

    Examples:
        >>> names_times("order_date"), names_times("timestamp_utc"), names_times("steps_per_day")
        (True, True, False)
    """
    words = [word for word in words_of(name) if word not in ("utc", "gmt", "local", "ms", "s", "us", "ns")]
    return bool(words) and words[-1] in TIME_WORDS and not {"per", "of"} & set(words)


def names_part_of_times(name: str) -> bool:
    """Whether a name says that a column holds a part of a time, such as an hour: it does not name series."""
    words = set(words_of(name))
    return bool(words & (TIME_WORDS | _PERIODS) or words & {word for names, _ in PARTS.values() for word in names})


def usual_column(columns: Sequence[str], role: str) -> str | None:
    """The column with a common name for a role."""
    return column_named(columns, USUAL_NAMES[role])


def column_named(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """The column with the first of some names that there is, whatever its case."""
    lowered = {column.lower().strip(): column for column in reversed(columns)}
    return next((lowered[name] for name in names if name in lowered), None)
