"""From `--data` and the options that name columns to an opened data set."""

from collections.abc import Mapping
from typing import Any

from nlp_rnn.progress import say
from nlp_rnn.task import SERIES_COLUMNS, TEXT_COLUMNS, Run, Task, refuse_columns

COLUMNS = (*TEXT_COLUMNS, *SERIES_COLUMNS)


def open_dataset(
    task: Task,
    data: str | None,
    columns: Mapping[str, Any],
    earlier: Mapping[str, Any],
    settings: Mapping[str, Any],
    start: Run | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Open the requested data for a task and say what was guessed.

    Args:
        task: what opens them.
        data: their name; None for those of the earlier request.
        columns: by the names in `COLUMNS`; where one is omitted, the earlier request decides, if it was for these data.
        earlier: an earlier request.
        settings: of the recipe.
        start: the run that is fine-tuned or measured.

    Returns:
        The data set, and the request: what run.json keeps of it.

    Raises:
        UsageError: there are no such data, or a column is named that they do not have.
        InputError: they are broken.
    """
    from nlp_rnn.datasets.lineage import lineage

    request = merged({"name": data or None, **{name: columns[name] for name in COLUMNS}}, earlier)
    refuse_columns({name: request[name] for name in COLUMNS if name not in task.columns})
    request |= lineage(request["name"], settings["seed"], start)
    dataset = task.open_data(request, settings, start if start is not None and start.task is task else None)
    for note in dataset.notes:
        say(note)
    return dataset, request


def merged(request: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """A request in which omitted options have the values of an earlier one, if that was for the same data."""
    same = request["name"] in (None, earlier.get("name"))
    return {key: value or (earlier.get(key, value) if same else value) for key, value in request.items()}
