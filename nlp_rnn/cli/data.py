"""Open the data set that `--data` and the column options name."""

from collections.abc import Mapping
from typing import Any

from nlp_rnn.datasets.columns import NO_COLUMN, SERIES_COLUMNS, SPLIT_COLUMN, TEXT_COLUMNS, refuse_columns
from nlp_rnn.progress import say
from nlp_rnn.task import Run, Task

COLUMNS = (*TEXT_COLUMNS, SPLIT_COLUMN, *SERIES_COLUMNS)


def open_dataset(
    task: Task,
    data: str | None,
    columns: Mapping[str, Any],
    earlier: Mapping[str, Any],
    settings: Mapping[str, Any],
    start: Run | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Open the requested data for a task and print what was guessed.

    Args:
        task: opens the data.
        data: the name of the data; None for those of the earlier request.
        columns: by the names in `COLUMNS`; where one is omitted, the earlier request decides, if it was for these data.
        earlier: an earlier request.
        settings: the settings of the recipe.
        start: the run to fine-tune or evaluate.

    Returns:
        The data set, and the request as recorded in run.json.

    Raises:
        UsageError: there are no such data, or a named column is missing.
        InputError: the data are broken.
    """
    from nlp_rnn.datasets.lineage import FORMER_SPLIT, former_split, split_seed

    refuse_columns({name: columns[name] for name in COLUMNS if name not in task.columns})
    request = merged({"name": data or None, **{name: columns[name] for name in COLUMNS}}, earlier)
    request["split_seed"] = split_seed(start) if start else settings.get("seed", 0)
    if start and not request[SPLIT_COLUMN] and _trained_without_split_column(start, request["name"]):
        request[SPLIT_COLUMN] = NO_COLUMN
    request["split_by"] = former_split(request["name"], earlier, start)
    dataset = task.open_data(request, settings, start if start is not None and start.task is task else None)
    request["split_by"] = getattr(dataset, "split_by", None)
    if request["split_by"] in (None, FORMER_SPLIT):
        del request["split_by"]
    for note in dataset.notes:
        say(note)
    return dataset, request


def _trained_without_split_column(start, name):
    """Whether a run of an earlier version was trained on these data: it may have trained on rows marked as test."""
    from nlp_rnn.datasets.lineage import lineage_of

    earlier_version = SPLIT_COLUMN not in start.data or start.data.get("trained_on")
    return earlier_version and lineage_of(start).knows(name)


def merged(request: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """A request in which omitted options have the values of an earlier one, if that was for the same data."""
    same = request["name"] in (None, earlier.get("name"))
    return {key: value or (earlier.get(key, value) if same else value) for key, value in request.items()}
