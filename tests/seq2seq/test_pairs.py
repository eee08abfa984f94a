"""Pairs of texts, read from any kind of file and split."""

from pathlib import Path

import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.datasets.lineage import already_seen
from nlp_rnn.seq2seq.pairs import open_pairs

DOG_AND_CAT = [("a dog", "un chien"), ("a cat", "un chat")]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(*arguments):
    return [(pair.text, pair.label) for pair in open_pairs(*arguments).read("all")]


@pytest.mark.parametrize(
    ("files", "data", "message"),
    [
        ({"a.en": "x\ny\n", "a.fr": "x\n"}, "a.en,a.fr", "a.en has 2 lines and a.fr has 1"),
        ({"a.tsv": "a dog\tun chien\na cat\n"}, "a.tsv", "a.tsv, line 2: 1 column, but line 1 has 2"),
        ({"a.tsv": "a b\tc d\n" * 3000 + "a cat\n"}, "a.tsv", "a.tsv, line 3001: 1 column, but line 1 has 2"),
        ({"a.csv": "x,y,z\n1,2,3\n"}, "a.csv", "--source-column"),
        ({"a.jsonl": '{"source": "a", "target": 3}\n'}, "a.jsonl", "column 'target' holds int"),
        ({"a.tsv": "a\t\n\tb\n"}, "a.tsv", "no pairs"),
        ({"here.txt": "one"}, "here.txt,gone.txt", "gone.txt: no such file; it should hold the other side"),
        ({"here.tsv": "en\none"}, "here.tsv", "here.tsv has one column"),
    ],
)
def test_pairs_that_cannot_be_used(cli, files, data, message):
    for name, content in files.items():
        Path(name).write_text(content)
    result = cli("run", "translation", "--data", data)
    assert result.exit_code in (1, 2) and message in result.stderr and "Traceback" not in result.output
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("named.tsv", "en\tfr\na dog\tun chien\na cat\tun chat\n"),
        ("plain.tsv", "a dog\tun chien\na cat\tun chat\n"),
        ("named.csv", "fr,source\nun chien,a dog\nun chat,a cat\n"),
        ("a.jsonl", '{"en": "a dog", "fr": "un chien"}\n{"en": "a cat", "fr": "un chat"}\n'),
    ],
)
def test_pairs_are_read_from_every_kind_of_table(name, content):
    Path(name).write_text(content)
    assert read(name) == DOG_AND_CAT


@pytest.mark.parametrize("end", ["\n", ""])
def test_pairs_are_read_from_two_text_files(end):
    Path("a.en").write_text("a dog\na cat\n")
    Path("a.fr").write_text(f"un chien\nun chat{end}")
    assert read("a.en,a.fr") == DOG_AND_CAT
    with pytest.raises(UsageError, match="a.en,a.fr has no column 'en' for the source; it has: source, target"):
        open_pairs("a.en,a.fr", "en")


def test_two_text_files_are_recognised_by_any_path_to_them():
    for name in ("a.en", "a.fr", "b.fr"):
        Path(name).write_text("a\n")
    assert already_seen("a.en,a.fr", ["./a.en,./a.fr"]) and not already_seen("a.en,a.fr", ["a.en,b.fr"])


def test_pairs_without_a_side_are_left_out_and_named_once(capsys):
    Path("gaps.tsv").write_text("a\tb\nc\t\n\td\n \t \n")
    dataset = open_pairs("gaps.tsv")
    for _ in range(2):
        assert len(list(dataset.read("all"))) == 1 and dataset.skipped == {"all": 3}
    assert capsys.readouterr().err.splitlines() == [
        "gaps.tsv, line 2: no target; the pair is left out",
        "gaps.tsv, line 3: no source; the pair is left out",
        "gaps.tsv, line 4: no source and no target; the pair is left out",
    ]


def test_of_many_pairs_without_a_side_the_first_are_named(capsys):
    Path("gaps.fr").write_text("un\n" + "\n" * 1_200)
    Path("gaps.en").write_text("one\n" * 1_201)
    assert len(list(open_pairs("gaps.en,gaps.fr").read("all"))) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "gaps.en and gaps.fr, line 2: no target; the pair is left out" and len(lines) == 6
    assert lines[-1] == "1,195 more pairs without a source or a target are left out"


def test_a_named_column_decides_on_the_other_one():
    Path("named.tsv").write_text("en\tfr\na dog\tun chien\n")
    Path("named.csv").write_text("fr,source\nun chien,a dog\n")
    assert open_pairs("named.tsv", "fr").columns == ("fr", "en")
    assert open_pairs("named.csv", None, "source").columns == ("fr", "source")


def test_a_first_line_without_usual_names_is_a_pair_unless_one_of_its_columns_is_named():
    Path("odd.tsv").write_text("german\tfrench\nein Hund\tun chien\n")
    assert read("odd.tsv", "german", "french") == [("ein Hund", "un chien")]
    assert "the first line is read as a pair" in open_pairs("odd.tsv").notes[0]
    Path("same.tsv").write_text("OK\tOK\nyes\toui\n")
    assert read("same.tsv") == [("OK", "OK"), ("yes", "oui")]


@pytest.mark.parametrize(
    ("columns", "message"), [(("x",), "no column 'x' for the source"), (("source", "source"), "cannot be both")]
)
def test_wrong_columns_are_refused(columns, message):
    Path("plain.tsv").write_text("a dog\tun chien\na cat\tun chat\n")
    with pytest.raises(UsageError, match=message):
        open_pairs("plain.tsv", *columns)


@pytest.mark.thorough
def test_all_pronunciations_of_a_word_are_in_one_split():
    dataset = open_pairs("cmudict")
    splits = {split: {} for split in ("train", "validation", "test")}
    for split, targets in splits.items():
        for pair in dataset.stream(split):
            targets.setdefault(pair.text, []).append(pair.label)
    words = [set(targets) for targets in splits.values()]
    assert sum(map(len, words)) == len(set.union(*words)) == 126_052
    assert sum(len(texts) for targets in splits.values() for texts in targets.values()) == 135_166
    assert "R IY1 D" in [text for targets in splits.values() for text in targets.get("read", [])]


def test_a_first_line_that_is_a_pair_is_said_after_the_roles(tmp_path):
    (tmp_path / "a.tsv").write_text("a dog\tun chien\na cat\tun chat\n")
    pairs = open_pairs(str(tmp_path / "a.tsv"))
    assert type(pairs).__name__ == "PairDataset" and pairs.notes[-1].startswith("the first line is read as a pair")
    assert [(pair.text, pair.label) for pair in pairs.walk()] == [("a dog", "un chien"), ("a cat", "un chat")]
