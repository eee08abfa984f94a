"""Evaluation on the data of the original run, before and after fine-tuning: it shows forgetting."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.datasets.lineage import find_data, lineage_of, resolved, split_seed
from nlp_rnn.datasets.split_columns import NO_COLUMN
from nlp_rnn.progress import say
from nlp_rnn.task import Run

MAX_CHARACTERS = 2_000_000  # of the original texts: enough to show forgetting


def figures_on_original(
    run: Run, data: Any, before: bool, measure: Callable[[Iterable], dict[str, Any]]
) -> dict[str, Any]:
    """The figures on what the original run held out of its data, while another run is fine-tuned from it.

    Texts that the new data contain are left out.

    Args:
        run: the run that is being created.
        data: what it is trained on.
        before: the run is about to be fine-tuned; prints why there are no such figures.
        measure: measures examples, about `MAX_CHARACTERS` in total.

    Returns:
        The figures; none if there is no original run of this task, its data are these, they cannot be opened, or the
        new data contain all that was held out.
    """
    start = run.start
    if (
        start is None
        or start.task is not run.task
        or resolved(find_data(start.data, start.path)) == resolved(data.name)
    ):
        return {}
    try:
        held_out = open_original(start).held_out(lineage_of(start), also=data.lineage())
        held_out = replace(held_out, strict=True, title="original texts")
        return measure(_first(held_out, MAX_CHARACTERS))
    except (UsageError, InputError) as error:
        if before:
            say(f"not measured on the original texts: {error}")
        return {}


def open_original(start: Run) -> Any:
    """The data that a run was trained on, with the splits of its training.

    Raises:
        UsageError: they no longer exist.
        InputError: they are broken.
    """
    columns = {**dict.fromkeys(start.task.columns), "split_column": NO_COLUMN}
    request = {**columns, **start.data, "name": find_data(start.data, start.path), "split_seed": split_seed(start)}
    return start.task.open_data(request, start.settings)


def _first(examples: Iterable, limit: int) -> Iterator:
    """The first examples, of about `limit` characters in total."""
    characters = 0
    for example in examples:
        if characters > limit:
            return
        characters += len(example.text)
        yield example
