"""Data sets by name, through TensorFlow Datasets: those that ship with this project, and `tfds:NAME[/CONFIG]`."""

import contextlib
import io
import socket
import sys
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies

from nlp_rnn import shipped
from nlp_rnn.checks import CallError, InputError, nearest
from nlp_rnn.progress import say
from nlp_rnn.sources.folders import SPLIT_NAMES
from nlp_rnn.sources.tables import Row, Table

_PATIENCE = 5  # seconds to wait for a host before saying that it cannot be reached
_USUAL_HOST = "storage.googleapis.com"
_ROWS_AT_ONCE = 256  # one by one, reading costs more than the rest of the work


def open_shipped(name: str) -> dict[str, Table]:
    """Tables by split of a data set in the project's `data` folder: NAME or NAME/CONFIG."""
    return _tables(_builder_of(name), name.partition("/")[0], downloads=False)


def shipped_rows(name: str) -> tuple[dict[str, list[dict]], dict]:
    """The rows of each split of a shipped data set, as NumPy values by feature; and what its builder says of it."""
    builder = _builder_of(name)
    _prepare(builder, name, downloads=False)
    rows = {split: list(builder.as_dataset(split=split).as_numpy_iterator()) for split in builder.info.splits}
    return rows, dict(builder.info.metadata or {})


def _builder_of(name):
    import tensorflow_datasets as tfds

    name, _, config = name.partition("/")
    path = shipped.data_sets()[name]
    with tfds.core.registered.skip_registration():
        builder_class = shipped.load_module(path).Builder
    builder_class.pkg_dir_path = tfds.core.Path(path.parent)
    return _configured(builder_class, name, config)


def open_tfds(name: str) -> dict[str, Table]:
    """Tables by split of a data set of TensorFlow Datasets: NAME or NAME/CONFIG.

    Raises:
        CallError: there is no such set or no such config; says the nearest.
        InputError: it has to be downloaded and its host cannot be reached.
    """
    import tensorflow_datasets as tfds

    base = name.partition("/")[0]
    try:
        builder = tfds.builder(name, try_gcs=False)
    except tfds.core.registered.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        raise CallError(f"tfds has no data set '{base}'.{nearest(base, known)}") from None
    except ValueError as error:
        raise CallError(f"tfds:{name}: {str(error).splitlines()[0]}") from None
    return _tables(builder, f"tfds:{name}")


def _configured(builder_class, name, config):
    configs = [c.name for c in builder_class.BUILDER_CONFIGS]
    if config and config not in configs:
        raise CallError(f"{name} has no config '{config}'; choose from {', '.join(configs)}")
    return builder_class(config=config or None)


def _tables(builder, name, downloads=True):
    _prepare(builder, name, downloads)
    label = _columns_of_kind(builder, "ClassLabel")
    names = {SPLIT_NAMES.get(split, split): split for split in builder.info.splits}
    if "train" not in names:
        raise InputError(f"{name} has no train split, but {', '.join(builder.info.splits)}")
    texts = _columns_of_kind(builder, "Text")
    if not texts:
        raise InputError(f"{name} has no text among its features: {', '.join(builder.info.features)}")
    preferred = builder.info.supervised_keys
    if not (preferred and preferred[0] in texts and preferred[1] in (*label, *texts)):
        preferred = (texts[0], label[0]) if len(texts) == len(label) == 1 else None

    def table(split):
        size = builder.info.splits[split].num_examples
        columns = tuple(_flat_columns(builder))
        return Table(f"{name}, split {split}", columns, lambda: _rows(builder, name, split), preferred, size)

    wanted = [s for s in ("train", "validation", "test") if s in names]
    return {split: table(names[split]) for split in wanted if _is_labelled(builder, names[split], label)}


def _prepare(builder, name, downloads):
    import tensorflow_datasets as tfds

    if builder.is_prepared():
        return
    if downloads:
        _check_hosts(builder, name)
    say(f"preparing {name} in {builder.data_dir}, once for all runs")
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # standard output is for results
            builder.download_and_prepare()
    except Exception as error:  # a builder may fail in any way: a manual download, a package that it lacks
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{name} could not be prepared: {why}") from error


def _check_hosts(builder, name):
    """Say within seconds what is out of reach; TensorFlow Datasets itself retries for minutes."""
    if getproxies():  # then a direct connection says nothing
        return
    hosts = {urlsplit(url).hostname for url in builder.url_infos or {}} - {None}
    for host in sorted(hosts or {_USUAL_HOST})[:1]:
        # In a thread, since a name look-up has no time limit of its own.
        answer = ["no answer"]
        asking = threading.Thread(target=_ask, args=(host, answer), daemon=True)
        asking.start()
        asking.join(_PATIENCE)
        if answer[-1]:
            raise InputError(
                f"{name} has to be downloaded from {host}, which cannot be reached ({answer[-1]}); "
                "connect to a network, or prepare it elsewhere and set TFDS_DATA_DIR"
            )


def _ask(host, answer):
    try:
        socket.create_connection((host, 443), timeout=_PATIENCE).close()
        answer.append("")
    except OSError as error:
        answer.append(str(error))


def _columns_of_kind(builder, kind):
    return [column for column, feature in builder.info.features.items() if type(feature).__name__ == kind]


def _flat_columns(builder):
    """The features of one value a row: text, classes, numbers."""
    kinds = ("Text", "ClassLabel", "Scalar")
    return [column for kind in kinds for column in _columns_of_kind(builder, kind)]


def _is_labelled(builder, split, label):
    """False for a split whose labels are held back, as some contests do: they are all -1."""
    if not label:
        return True
    first = next(iter(builder.as_dataset(split=split).take(1).as_numpy_iterator()), {label[0]: 0})
    return first[label[0]] >= 0


def _rows(builder, name, split) -> Iterator[Row]:
    features = builder.info.features
    labels = _columns_of_kind(builder, "ClassLabel")
    number = 0
    plain = _flat_columns(builder)
    rows = builder.as_dataset(split=split).map(lambda row: {c: row[c] for c in plain}).batch(_ROWS_AT_ONCE)
    for batch in rows.as_numpy_iterator():
        batch |= {c: [features[c].int2str(int(v)) for v in batch[c]] for c in labels}
        for row in zip(*batch.values(), strict=True):
            number += 1
            texts = (v.decode() if isinstance(v, bytes) else v for v in row)
            yield f"{name}, split {split}, row {number}", dict(zip(batch, texts, strict=True))
