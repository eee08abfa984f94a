"""Copies in a text: they are in one split, or their share is printed."""

import csv
import gzip
import itertools
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nlp_rnn.datasets.catalogue import open_text_dataset
from nlp_rnn.datasets.hashing import copy_key
from nlp_rnn.datasets.lineage import FORMER_SPLIT
from nlp_rnn.language_model.copies import CopyCounter
from nlp_rnn.language_model.documents import open_documents
from nlp_rnn.seq2seq.pairs import open_pairs

WORDS = [a + b + c for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]


def lines(number, copies=0.0, seed=0, times=2):
    """Lines of random words, a share of them copies of others, shuffled."""
    choose = random.Random(seed)
    once = [" ".join(choose.choices(WORDS, k=12)) for _ in range(round(number * (1 - copies)))]
    rest = [once[n % max(1, len(once) // times)] for n in range(number - len(once))]
    choose.shuffle(mixed := [*once, *rest])
    return mixed


def shared(dataset):
    """The fraction of held-out texts that are in the training split, too, and the number of texts by split."""
    splits = {"train": [], "validation": [], "test": []}
    for example in dataset.walk():
        splits[example.split].append(" ".join(example.text.split()).lower())
    held_out = splits["validation"] + splits["test"]
    trained = set(splits["train"])
    between = set(splits["validation"]) & set(splits["test"])
    return sum(text in trained for text in held_out) + len(between), {split: len(t) for split, t in splits.items()}


def said(dataset, capsys):
    dataset.say_split()
    return capsys.readouterr().err


def write_texts(path, texts):
    """Write texts in the form that the suffix names; in a folder, a third of them in each file."""
    columns = [{"text": text, "label": f"c{n % 2}"} for n, text in enumerate(texts)]
    if path.suffix == "":
        path.mkdir()
        for n in range(3):
            (path / f"{n}.txt").write_text("\n".join(texts[n::3]) + "\n")
    elif path.name.endswith(".txt.gz"):
        path.write_bytes(gzip.compress("\n".join(texts).encode()))
    elif path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, ["text", "label"], delimiter="\t" if path.suffix == ".tsv" else ",")
            table.writeheader()
            table.writerows(columns)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in columns))
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(columns), path)
    else:
        path.write_text("\n".join(texts) + "\n")
    return str(path)


FORMS = ["a.txt", "folder", "a.txt.gz", "a.csv", "a.tsv", "a.jsonl", "a.parquet"]


@pytest.mark.parametrize("name", FORMS)
def test_copies_never_straddle_in_any_form_of_text(tmp_path, name):
    data = write_texts(tmp_path / name, lines(1000, copies=0.2))
    leaks, sizes = shared(open_documents(data))
    assert leaks == 0 and min(sizes["validation"], sizes["test"]) > 20


@pytest.mark.parametrize("name", FORMS[3:])
def test_copies_never_straddle_in_labelled_tables_and_pairs(tmp_path, name):
    data = write_texts(tmp_path / name, lines(1000, copies=0.2))
    for dataset in (open_text_dataset(data), open_pairs(data, "text", "label")):
        leaks, sizes = shared(dataset)
        assert leaks == 0 and min(sizes["validation"], sizes["test"]) > 50


def test_copies_never_straddle_in_two_aligned_files(tmp_path):
    texts = lines(1000, copies=0.2)
    for name in ("a.en", "a.fr"):
        (tmp_path / name).write_text("\n".join(texts) + "\n")
    assert shared(open_pairs(f"{tmp_path}/a.en,{tmp_path}/a.fr"))[0] == 0


def test_near_copies_are_copies(tmp_path):
    texts = lines(300)
    variants = [f"{n}. {text.capitalize()}!" if n % 2 else f"  {text.upper()} ({n})" for n, text in enumerate(texts)]
    random.Random(0).shuffle(mixed := [*texts, *variants])
    dataset = open_documents(write_texts(tmp_path / "a.txt", mixed))
    splits = {}
    for piece in dataset.walk():
        splits.setdefault(copy_key(piece.text), set()).add(piece.split)
    assert len(splits) == 300 and all(len(found) == 1 for found in splits.values())


def test_text_with_few_copies_is_split_by_position(tmp_path, capsys):
    texts = lines(1000)
    dataset = open_documents(write_texts(tmp_path / "a.txt", texts))
    assert dataset.split_by == "position" and [p.text.strip() for p in dataset.stream("test")] == texts[-50:]
    assert said(dataset, capsys) == ""
    dataset = open_documents(write_texts(tmp_path / "a.txt", [*texts, *texts[:4]]))
    assert dataset.split_by == "position", "few copies are not worth taking the lines from their context"
    assert said(dataset, capsys) == "4.0% of the held-out text also stands in the training text\n"
    assert open_documents(write_texts(tmp_path / "a.txt", [*texts, *texts[:20]])).split_by == "hash"


def test_how_copies_are_split_is_said(tmp_path, capsys):
    data = write_texts(tmp_path / "a.txt", lines(600, copies=2 / 3, times=1))
    assert said(open_documents(data), capsys) == (
        "100% of the text are copies of each other: split by a hash of each line, so that copies are in one split\n"
    )
    dataset = open_documents(data, raw=True)
    assert dataset.split_by == "position", "a text of characters is the whole file"
    assert "% of the held-out text also stands in the training text; --set documents=line" in said(dataset, capsys)
    dataset = open_documents(data, raw=True, documents="line")
    assert dataset.split_by == "hash" and shared(dataset)[0] == 0


def test_paragraphs_and_files_are_split_by_hash_as_well(tmp_path):
    texts = ["\n".join(lines(3, seed=n % 150)) for n in range(300)]
    random.Random(0).shuffle(texts)
    (tmp_path / "a.txt").write_text("\n\n".join(texts))
    dataset = open_documents(str(tmp_path / "a.txt"))
    assert dataset.split_by == "hash" and shared(dataset)[0] == 0
    (tmp_path / "folder").mkdir()
    for n, text in enumerate(texts):
        (tmp_path / "folder" / f"{n:03d}.txt").write_text(text)
    dataset = open_documents(str(tmp_path / "folder"), raw=True)
    assert dataset.split_by == "hash" and shared(dataset)[0] == 0


@pytest.mark.parametrize("raw", [False, True])
def test_copies_of_lines_within_paragraphs_are_counted(tmp_path, raw, capsys):
    texts = lines(1000, copies=0.2)
    (tmp_path / "a.txt").write_text(
        "".join(f"{text}\n" if n % 4 else f"{text}\n\nYes.\n" for n, text in enumerate(texts))
    )
    dataset = open_documents(str(tmp_path / "a.txt"), raw=raw)
    held_out = [text for text in texts[900:] if text in texts[:900]]
    assert dataset.split_by == "position" and 10 < len(held_out) < 60
    share = float(said(dataset, capsys).partition("% of the held-out text also")[0])
    assert share == pytest.approx(len(held_out), abs=1.5)


def test_copies_of_short_lines(tmp_path):
    names = [f"{a}{b}" for a, b in itertools.pairwise(WORDS)]
    random.Random(0).shuffle(listed := names * 3)
    dataset = open_documents(write_texts(tmp_path / "a.txt", listed))
    assert dataset.split_by == "hash" and shared(dataset)[0] == 0


@pytest.mark.parametrize("distinct", [3, 80])
def test_too_few_distinct_texts_for_a_split_by_hash(tmp_path, distinct, capsys):
    dataset = open_documents(write_texts(tmp_path / "a.txt", lines(distinct) * 30))
    assert dataset.split_by == "position" and {piece.split for piece in dataset.walk()} == {
        "train",
        "validation",
        "test",
    }
    assert "100.0% of the held-out text also stands in the training text" in said(dataset, capsys)


def test_given_splits_are_kept_and_their_copies_counted(tmp_path, capsys):
    texts = lines(300)
    for name, part in {"train": texts[:200], "valid": texts[200:250], "test": texts[190:290]}.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(part) + "\n")
    dataset = open_documents(str(tmp_path))
    assert [p.text.strip() for p in dataset.stream("test")] == texts[190:290]
    assert said(dataset, capsys) == "6.7% of the held-out text also stands in the training text\n"
    (tmp_path / "train.txt").write_text("\n".join(texts[:200] * 3) + "\n")
    (tmp_path / "valid.txt").unlink()
    dataset = open_documents(str(tmp_path))
    trained, validation = ({p.text.strip() for p in dataset.stream(split)} for split in ("train", "validation"))
    assert dataset.split_by == "hash" and validation and not trained & validation


def test_a_recorded_split_stays(tmp_path):
    data = write_texts(tmp_path / "a.txt", texts := lines(600, copies=0.5))
    assert open_documents(data).split_by == "hash"
    for split_by in ("position", FORMER_SPLIT):
        dataset = open_documents(data, split_by=split_by)
        assert [p.text.strip() for p in dataset.stream("test")] == texts[-30:] and dataset.split_by == split_by
    assert [p.split for p in open_documents(data, seed=1).walk()] != [p.split for p in open_documents(data).walk()]


def test_copies_are_counted_in_bounded_memory():
    exact, sampled = CopyCounter(), CopyCounter(sample=500)
    for n in range(20_000):
        copy = n % 5 == 0  # a fifth of the texts are copies of another fifth
        key = copy_key(f"the text with number {n // 5 if copy else 10**6 + n}, which is long enough")
        for counter in (exact, sampled):
            counter.add(key, 40, "test" if n % 10 == 0 else "train", True)
            if copy:
                counter.add(key, 40, "train", True)
    assert exact.copied() == pytest.approx(8 / 24) and exact.leaked() == 1
    assert sampled.copied() == pytest.approx(exact.copied(), abs=0.1) and len(sampled._seen) <= 500
