"""Data sets by name: files, folders, those that ship with this project, and `tfds:NAME[/CONFIG]`.

Named data sets are read through TensorFlow Datasets.
"""

import contextlib
import io
import socket
import sys
import threading
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from nlp_rnn import resources
from nlp_rnn.checks import InputError, UsageError, nearest
from nlp_rnn.datasets.folders import SPLIT_NAMES, open_folder
from nlp_rnn.datasets.lines import count_lines, read_lines
from nlp_rnn.datasets.splits import TextDataset
from nlp_rnn.datasets.tables import Row, Table, open_table
from nlp_rnn.progress import say

if TYPE_CHECKING:
    from tensorflow_datasets.core import DatasetBuilder

_CONNECT_TIMEOUT = 5  # seconds
_DEFAULT_HOST = "storage.googleapis.com"
_READ_BATCH = 256  # rows; reading them one by one would take longer than all other work
SIDES = ("source", "target")
_SCALAR_FEATURES = ("Text", "ClassLabel", "Scalar")


def open_text_dataset(
    data: str,
    text_column: str | None = None,
    label_column: str | None = None,
    seed: int = 0,
    labelled: bool = True,
    split_column: str | None = None,
) -> TextDataset:
    """Open texts, labelled or not.

    Args:
        data: the name of a data set that ships with this project (NAME or NAME/CONFIG), "tfds:NAME[/CONFIG]", or a
            path: .csv, .tsv, .jsonl (these also .gz), .parquet, a folder with one sub-folder per class, or a folder of
            splits.
        text_column, label_column: names of columns; None to detect them by common names.
        seed: the seed of the hash that assigns missing splits.
        labelled: whether the texts must have labels.
        split_column: the column that names the split of each row; None to detect it; "none" if there is none.

    Raises:
        UsageError: no such data set, file or column.
        InputError: the data are broken; says where.
    """
    requested = {"text": text_column, "label": label_column} if labelled else {"text": text_column}
    return TextDataset.of(data, open_tables(data), requested, seed, split_column)


def open_tables(data: str, pairs: bool = False) -> dict[str, Table]:
    """The tables of a data set by split; one named "all" where it has none.

    Args:
        data: as for `open_text_dataset`.
        pairs: whether two text files with a comma between their names are a table, see `open_aligned`.

    Raises:
        UsageError: no such data set or file.
        InputError: the data are broken.
    """
    if data.startswith("tfds:"):
        return open_tfds(data.removeprefix("tfds:"))
    path = Path(data)
    if path.is_dir():
        return open_folder(path)
    if path.exists():
        return {"all": open_table(path)}
    names = list(resources.data_sets())
    if data.partition("/")[0] in names:
        return open_shipped(data)
    if pairs and (table := open_aligned(data)):
        return {"all": table}
    raise UsageError(
        f"{data}: no such file or folder, and no data set of that name ({', '.join(names)}).{nearest(data, names)}"
    )


def open_aligned(data: str) -> Table | None:
    """Two text files whose n-th lines form a pair, "corpus.en,corpus.fr", as a table; None if there are no such files.

    Raises:
        UsageError: only one of the files exists.
        InputError: the files have different numbers of lines.
    """
    paths = [Path(name) for name in data.split(",")]
    missing = [path for path in paths if not path.is_file()]
    if len(paths) != len(SIDES) or len(missing) > 1:
        return None
    if missing:
        raise UsageError(f"{missing[0]}: no such file; it should hold the other side of {data}")
    return _aligned(data, *paths)


def _aligned(name, source, target):
    counts = [count_lines(path) for path in (source, target)]
    if None not in counts and counts[0] != counts[1]:
        raise InputError(
            f"{source} has {counts[0]:,} lines and {target} has {counts[1]:,}: the n-th lines of both must be a pair"
        )

    def rows() -> Iterator[Row]:
        for number, pair in enumerate(zip_longest(read_lines(source), read_lines(target)), 1):
            if None in pair:
                short = (source, target)[pair.index(None)]
                raise InputError(f"{short} ends before line {number}: the n-th lines of both must be a pair")
            yield f"{source} and {target}, line {number}", dict(zip(SIDES, pair, strict=True))

    return Table(name, SIDES, rows, SIDES, counts[0])


def open_shipped(name: str) -> dict[str, Table]:
    """The tables of a data set in the project's `data` folder, by split: NAME or NAME/CONFIG.

    Raises:
        UsageError: there is no such config; the message lists all.
        InputError: it cannot be prepared, for example because its package is not installed.
    """
    return _tables(_shipped_builder(name), name.partition("/")[0], downloads=False)


def shipped_rows(name: str) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
    """The rows of each split of a shipped data set, NumPy values by feature, and the metadata of its builder.

    Raises:
        UsageError: there is no such config.
        InputError: it cannot be prepared.
    """
    builder = _shipped_builder(name)
    _prepare(builder, name, downloads=False)
    rows = {split: list(builder.as_dataset(split=split).as_numpy_iterator()) for split in builder.info.splits}
    return rows, dict(builder.info.metadata or {})


def open_tfds(name: str) -> dict[str, Table]:
    """The tables of a data set of TensorFlow Datasets, by split: NAME or NAME/CONFIG.

    Raises:
        UsageError: there is no such data set or config; the message names the nearest.
        InputError: it has to be downloaded, and its host cannot be reached.
    """
    import tensorflow_datasets as tfds

    base = name.partition("/")[0]
    try:
        builder = tfds.builder(name, try_gcs=False)
    except tfds.core.registered.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        raise UsageError(f"tfds has no data set '{base}'.{nearest(base, known)}") from None
    except ValueError as error:
        raise UsageError(f"tfds:{name}: {str(error).splitlines()[0]}") from None
    return _tables(builder, f"tfds:{name}")


def _shipped_builder(name: str) -> "DatasetBuilder":
    import tensorflow_datasets as tfds

    name, _, config = name.partition("/")
    path = resources.data_sets()[name]
    with tfds.core.registered.skip_registration():
        builder_class = resources.load_module(path).Builder
    builder_class.pkg_dir_path = tfds.core.Path(path.parent)
    configs = [c.name for c in builder_class.BUILDER_CONFIGS]
    if config and config not in configs:
        raise UsageError(f"{name} has no config '{config}'; choose from {', '.join(configs)}")
    return builder_class(config=config or None)


def _tables(builder, name, downloads=True):
    """The tables of the train, validation and test splits, except those with withheld labels."""
    _prepare(builder, name, downloads)
    names = {SPLIT_NAMES.get(split, split): split for split in builder.info.splits}
    if "train" not in names:
        raise InputError(f"{name} has no train split; it has: {', '.join(builder.info.splits)}")
    if not _features_of_type(builder, "Text"):
        raise InputError(f"{name} has no text among its features: {', '.join(builder.info.features)}")
    preferred, columns = _preferred(builder), tuple(_scalar_features(builder))

    def table(split):
        size = builder.info.splits[split].num_examples
        return Table(f"{name}, split {split}", columns, lambda: _rows(builder, name, split), preferred, size)

    wanted = [split for split in ("train", "validation", "test") if split in names]
    return {split: table(names[split]) for split in wanted if _is_labelled(builder, names[split])}


def _preferred(builder):
    """The input and target features: those that the builder declares, or its only text and its only class."""
    texts, labels = _features_of_type(builder, "Text"), _features_of_type(builder, "ClassLabel")
    declared = builder.info.supervised_keys
    if declared and declared[0] in texts and declared[1] in (*labels, *texts):
        return declared
    return (texts[0], labels[0]) if len(texts) == len(labels) == 1 else None


def _prepare(builder, name, downloads):
    import tensorflow_datasets as tfds

    if builder.is_prepared():
        return
    if downloads:
        _check_host(builder, name)
    say(f"preparing {name} in {builder.data_dir}, once for all runs")
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # standard output is for results
            builder.download_and_prepare()
    except Exception as error:  # a builder may fail in any way: a manual download, a missing package
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{name} could not be prepared: {why}") from error


def _check_host(builder, name):
    """Check within seconds that the download can begin; TensorFlow Datasets itself retries for minutes."""
    if getproxies():  # a direct connection would prove nothing
        return
    hosts = {urlsplit(url).hostname for url in builder.url_infos or {}} - {None}
    host = min(hosts or {_DEFAULT_HOST})
    # In a thread, since a name look-up has no timeout of its own.
    errors = ["no answer"]
    attempt = threading.Thread(target=_try_to_connect, args=(host, errors), daemon=True)
    attempt.start()
    attempt.join(_CONNECT_TIMEOUT)
    if errors[-1]:
        raise InputError(
            f"{name} has to be downloaded from {host}, which cannot be reached ({errors[-1]}); "
            "connect to a network, or prepare it elsewhere and set TFDS_DATA_DIR"
        )


def _try_to_connect(host, errors):
    """Append why a host cannot be reached; an empty string if it can."""
    try:
        socket.create_connection((host, 443), timeout=_CONNECT_TIMEOUT).close()
        errors.append("")
    except OSError as error:
        errors.append(str(error))


def _features_of_type(builder, feature_type):
    return [name for name, feature in builder.info.features.items() if type(feature).__name__ == feature_type]


def _scalar_features(builder):
    """The features with one value per row: texts, classes, numbers."""
    return [name for feature_type in _SCALAR_FEATURES for name in _features_of_type(builder, feature_type)]


def _is_labelled(builder, split):
    """False for a split whose labels are withheld, as in some competitions: they are all -1."""
    labels = _features_of_type(builder, "ClassLabel")
    if not labels:
        return True
    first = next(iter(builder.as_dataset(split=split).take(1).as_numpy_iterator()), {labels[0]: 0})
    return first[labels[0]] >= 0


def _rows(builder, name, split) -> Iterator[Row]:
    features, columns = builder.info.features, _scalar_features(builder)
    labels = _features_of_type(builder, "ClassLabel")
    number = 0
    rows = builder.as_dataset(split=split).map(lambda row: {c: row[c] for c in columns}).batch(_READ_BATCH)
    for batch in rows.as_numpy_iterator():
        batch |= {c: [features[c].int2str(int(v)) for v in batch[c]] for c in labels}
        for row in zip(*batch.values(), strict=True):
            number += 1
            values = (v.decode() if isinstance(v, bytes) else v for v in row)
            yield f"{name}, split {split}, row {number}", dict(zip(batch, values, strict=True))
