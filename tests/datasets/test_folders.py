"""Folders: one sub-folder per class, folders and tables of splits."""

from collections import Counter

import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.folders import split_of
from tests.datasets.files import labelled_texts, write_folder, write_table


def test_reads_a_folder_with_one_sub_folder_per_class(tmp_path):
    counts = Counter(label for _, label in labelled_texts(open_text_dataset(str(write_folder(tmp_path)))))
    assert counts == {"good": 20, "bad": 20}


def test_reads_folders_and_tables_of_splits(tmp_path):
    dataset = open_text_dataset(str(write_folder(tmp_path / "a", ("train", "test"))))
    assert {e.text.split()[0] for e in dataset.stream("test")} == {"test"}
    assert {e.text.split()[0] for e in dataset.stream("validation")} == {"train"}
    (tmp_path / "b").mkdir()
    for split in ("train", "dev", "test"):
        write_table(tmp_path / "b" / f"{split}.tsv", [(f"{split} {n}", "ab"[n % 2]) for n in range(10)])
    dataset = open_text_dataset(str(tmp_path / "b"))
    assert {e.text.split()[0] for e in dataset.stream("validation")} == {"dev"}
    assert len(list(dataset.stream("train"))) == 10


def test_a_split_that_comes_twice_and_files_in_hidden_folders(tmp_path):
    for name in ("pos/a.txt", "neg/b.txt", "pos/.ipynb_checkpoints/a-checkpoint.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert {example.text for example in open_text_dataset(str(tmp_path)).walk()} == {"pos/a.txt", "neg/b.txt"}
    for name in ("train.csv", "val.csv", "dev.csv"):
        (tmp_path / name).write_text("text,label\na,b\n")
    with pytest.raises(InputError, match=r"has two validation splits: dev.csv and val.csv; keep one"):
        open_text_dataset(str(tmp_path))


def test_a_folder_without_sub_folders(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(InputError, match="has no sub-folders: put the texts of each class"):
        open_text_dataset(str(tmp_path))


def test_a_file_in_a_folder_that_is_not_utf8(tmp_path):
    (write_folder(tmp_path) / "good" / "0.txt").write_bytes(b"ok\n\xe9t\xe9")
    with pytest.raises(InputError, match=r"0.txt, line 2, byte 3: 0xe9 is not UTF-8"):
        labelled_texts(open_text_dataset(str(tmp_path)))


@pytest.mark.parametrize(
    "name, split",
    [("Train.csv", "train"), ("dev.jsonl.gz", "validation"), ("testing.parquet", "test"), ("test.txt", None)],
)
def test_the_split_of_a_table_is_in_its_name(tmp_path, name, split):
    (tmp_path / name).write_text("")
    assert split_of(tmp_path / name) == split
