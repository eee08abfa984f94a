"""Text that was trained on is recognised by its passages, whatever the file is called and whatever else it holds."""

import random
import shutil

import pytest

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.lineage import Lineage
from nlp_rnn.datasets.splits import Example
from nlp_rnn.language_model.documents import open_documents
from nlp_rnn.language_model.passages import MIN_PASSAGE, Fingerprinted, fingerprinted, recognises

WORDS = [a + b + c for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]


def words(number, seed):
    return random.Random(seed).choices(WORDS, k=number)


def of_lines(seed):
    return [f"{' '.join(words(9, f'{seed} {n}'))}\n" for n in range(300)]


def of_short_lines(seed):
    return [f"{' '.join(words(2, f'{seed} {n}'))}\n" for n in range(600)]


def of_single_words(seed):
    return [f"{word}\n" for word in words(900, seed)]


def of_one_line(seed):
    """Without a mark or a line break, as in text8."""
    return [f"{word} " for word in words(3000, seed)]


def of_paragraphs(seed):
    return [
        f"{' '.join(words(6, f'{seed} {n}'))}. Yes! {' '.join(words(60, f'{seed} of {n}'))}.\n\n" for n in range(60)
    ]


TEXTS = [of_lines, of_short_lines, of_single_words, of_one_line, of_paragraphs]
EACH = pytest.mark.parametrize("text", TEXTS)
RAW = pytest.mark.parametrize("raw", [False, True])


def write(path, *parts):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join("".join(part) for part in parts))
    return str(path)


def trained(path, raw):
    """The lineage of a run on a file, and the texts of its splits."""
    documents = open_documents(path, raw=raw)
    splits = {split: "".join(p.text for p in documents.stream(split)) for split in ("train", "validation", "test")}
    return documents.lineage(), splits


def counted(path, lineage, raw):
    """The text that a run with this lineage is evaluated on."""
    return "".join(piece.text for piece in open_documents(path, raw=raw).held_out(lineage))


def overlap(counted_text, trained_text):
    """The fraction of the trained text, in runs of six words, that was counted."""

    def runs(text):
        listed = text.split()
        return {tuple(listed[n : n + 6]) for n in range(len(listed) - 5)}

    return len(runs(counted_text) & runs(trained_text)) / len(runs(trained_text))


@EACH
@RAW
def test_a_renamed_file_has_its_test_split(tmp_path, text, raw, capsys):
    lineage, splits = trained(write(tmp_path / "a.txt", text(0)), raw)
    shutil.move(tmp_path / "a.txt", tmp_path / "b.txt")
    assert counted(str(tmp_path / "b.txt"), lineage, raw) == splits["test"]
    assert "left out" not in capsys.readouterr().err


@EACH
@RAW
def test_a_folder_that_grew(tmp_path, text, raw, capsys):
    folder = tmp_path / "texts"
    write(folder / "book.txt", text(0))
    lineage, splits = trained(str(folder), raw)
    write(folder / "a-new-one.txt", text(1), text(2))
    found = counted(str(folder), lineage, raw)
    assert overlap(found, splits["train"] + splits["validation"]) < 0.01
    assert overlap(found, "".join(text(1))) > 0.9 and overlap(found, splits["test"]) > 0.4
    assert "left out, since the run was trained on them: " in capsys.readouterr().err


@EACH
@RAW
@pytest.mark.parametrize("kept", [(0.0, 0.9), (0.0, 0.6), (0.3, 1.0)])
def test_a_file_that_was_trimmed(tmp_path, text, raw, kept):
    parts = text(0)
    lineage, splits = trained(write(tmp_path / "a.txt", parts), raw)
    begin, end = (round(share * len(parts)) for share in kept)
    write(tmp_path / "a.txt", parts[begin:end])
    try:
        found = counted(str(tmp_path / "a.txt"), lineage, raw)
    except InputError as error:
        assert "trained on all" in str(error) and end < len(parts)
        return
    assert overlap(found, splits["train"] + splits["validation"]) < 0.01
    assert end < len(parts) or overlap(found, splits["test"]) > 0.4


@EACH
@RAW
def test_a_file_that_is_a_part_of_a_larger_one(tmp_path, text, raw):
    lineage, splits = trained(write(tmp_path / "a.txt", text(0)), raw)
    found = counted(write(tmp_path / "b.txt", text(1), text(0), text(2)), lineage, raw)
    assert overlap(found, splits["train"] + splits["validation"]) < 0.01
    assert overlap(found, "".join(text(1))) > 0.9 and overlap(found, "".join(text(2))) > 0.9


@pytest.mark.parametrize("text", [of_lines, of_short_lines])
def test_a_file_that_became_a_member_of_a_folder_of_splits(tmp_path, text):
    lineage, _ = trained(write(tmp_path / "a.txt", text(0)), raw=False)
    write(tmp_path / "all" / "train.txt", text(1))
    write(tmp_path / "all" / "test.txt", text(0)[:40], text(2)[:40])
    assert counted(str(tmp_path / "all"), lineage, raw=False) == "".join(text(2)[:40])


def test_another_test_split_beside_the_same_training_text(tmp_path):
    write(tmp_path / "train.txt", of_lines(0))
    write(tmp_path / "test.txt", of_lines(1))
    lineage, _ = trained(str(tmp_path), raw=False)
    write(tmp_path / "test.txt", of_lines(0)[:100], of_lines(2))
    assert counted(str(tmp_path), lineage, raw=False) == "".join(of_lines(2))


def test_the_test_split_of_the_run_may_repeat_its_training_text_but_not_other_text(tmp_path, capsys):
    own = of_lines(0)[:-4] + of_lines(0)[:4]
    mine = open_documents(write(tmp_path / "a.txt", own), split_by="position")
    test = [piece.text for piece in mine.stream("test")]

    def held_out(lineage, **options):
        return [piece.text for piece in mine.held_out(lineage, **options)]

    assert test[-4:] == own[:4] and held_out(mine.lineage(), own=True) == held_out(mine.lineage()) == test
    other = open_documents(write(tmp_path / "b.txt", of_lines(1), own[-10:-6]))
    assert held_out(mine.lineage() | other.lineage(), own=True) == test, "the test split of the other text"
    other = open_documents(write(tmp_path / "b.txt", own[-10:-6], of_lines(1)))
    rest = [text for text in test if text not in own[-10:-6]]
    for own_run in (True, False):
        assert held_out(mine.lineage() | other.lineage(), own=own_run) == rest
    assert f"left out, since the run was trained on them: 4 of {len(test)} texts" in capsys.readouterr().err
    assert held_out(mine.lineage(), also=other.lineage()) == rest
    other = open_documents(write(tmp_path / "b.txt", own[-10:], of_lines(1)))
    assert held_out(mine.lineage(), also=other.lineage()) == rest[:-6], "what the new text contains is never excused"


def test_a_run_that_recorded_a_path_says_that_it_trusts_it(tmp_path, capsys):
    path = write(tmp_path / "a.txt", of_lines(0))
    documents = open_documents(path)
    assert list(documents.held_out(Lineage(names=[path]))) == list(documents.stream("test"))
    assert "is known by its path only" in capsys.readouterr().err


def test_fingerprints_do_not_depend_on_where_a_text_is_cut():
    text = "".join(of_paragraphs(0)[:9]) + "".join(of_short_lines(0)[:60]) + "".join(of_one_line(0)[:400])

    def fingerprints(step):
        begins = range(0, len(text), step)
        pieces = [Example(text[n : n + step], "", "", "train", n + step >= len(text)) for n in begins]
        return {value for piece in fingerprinted(pieces) for value in piece.hashes}

    whole = fingerprints(10**6)
    assert fingerprints(len(text) // 2) == whole
    assert len(fingerprints(150) & whole) > 0.8 * len(whole)


def test_every_piece_comes_back_in_order_and_a_short_one_needs_its_neighbours():
    pieces = [Example(f"{n}\n", "", "", "train", True) for n in range(100)]
    marked = list(fingerprinted(pieces))
    assert [piece.text for piece in marked] == [piece.text for piece in pieces]
    assert all(piece.hashes for piece in marked)
    assert not any(piece.hashes for piece in fingerprinted(pieces[: MIN_PASSAGE // 4]))


def test_a_piece_of_which_nothing_is_recorded_is_taken_for_what_the_one_before_is():
    pieces = [Fingerprinted("", "", True, n, hashes) for n, hashes in enumerate([[1], [4], [3], [2], [4, 1]])]
    recognised = recognises({1}.__contains__, decides=lambda value: value != 4)
    assert [recognised(piece) for piece in pieces] == [True, True, False, False, True]
