"""Opens the data that a command was asked for, each kind by its own reader."""

from nlp_rnn.checks import CallError
from nlp_rnn.progress import say

COLUMNS = ("text_column", "label_column", "time_column", "future_columns", "past_columns")
OF_SERIES, BESIDE = COLUMNS[2:], COLUMNS[3:]


def opened(asked: dict, takes: str, seed: int, unit: str):
    """The data that a recipe takes: labels, text, pairs or series; says what was found in them.

    Args:
        asked: their name, and columns by the names in `COLUMNS`.
        unit: what a language model reads; characters and bytes read a text file as a whole.

    Raises:
        CallError: there are no such data, or a column is named that they do not have.
        InputError: they are broken.
    """
    name, columns = asked["name"], (asked["text_column"], asked["label_column"])
    if takes != "series":
        refuse(asked, OF_SERIES)
    if takes == "labels":
        from nlp_rnn.sources import open_source

        source = open_source(name, *columns, seed)
    elif takes == "series":
        from nlp_rnn.sources.series import open_series

        more = (asked.get("time_column"), asked.get("step", ""))
        source = open_series(name, *columns, *more, *(asked.get(role) or () for role in BESIDE))
    elif takes == "pairs":
        from nlp_rnn.sources.pairs import open_pairs

        source = open_pairs(name, *columns, seed)
    else:
        from nlp_rnn.sources.documents import open_texts

        source = open_texts(name, asked["text_column"], unit != "word", seed)
    for note in source.notes:
        say(note)
    return source


def refuse(asked: dict, columns: tuple[str, ...]) -> None:
    """Refuse that these columns are named.

    Raises:
        CallError: one is; says which.
    """
    for name in columns:
        if asked.get(name):
            option = name.removesuffix("s").replace("_", "-")
            raise CallError(f"--{option} is for tables, and here is none that has to be told: leave it out")


def asked_for(said: dict, before: dict) -> dict:
    """Name and columns of the data: what was said now, or else what was said before, of the same data."""
    same = said["name"] in (None, before.get("name"))
    return {key: value or (before.get(key, value) if same else value) for key, value in said.items()}


def found_again(data: dict) -> dict:
    """What a run wrote down of its data, their name such that it leads to them from here."""
    from nlp_rnn.sources.lineage import where

    return {**data, "name": where(data)}


def columns_of(trained, columns: dict) -> dict:
    """The columns that are named, or else those that were named for a run of forecasting.

    Those beside the values belong together: where one is named, the run's are not taken.
    """
    if trained.pipeline.kind != "forecaster":
        return columns
    named = any(columns[role] for role in BESIDE)
    kept = {role: trained.data.get(role) for role in columns if not (named and role in BESIDE)}
    return {role: column or kept.get(role) for role, column in columns.items()}
