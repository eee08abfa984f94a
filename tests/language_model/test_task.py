"""Language models from a file to answers, through the command line."""

import csv
import json
from pathlib import Path

import pytest
from matplotlib.image import imread

from nlp_rnn import runs, task
from nlp_rnn.language_model.evaluation import LanguageModelReport
from nlp_rnn.language_model.pipeline import WordPrediction
from nlp_rnn.language_model.task import BlankAnswer
from tests.conftest import TINY


@pytest.mark.slow
def test_learns_and_answers(cli, spoken):
    figures = json.loads((spoken / "metrics.json").read_text())
    assert figures["perplexity"] < 2 < figures["frequency_perplexity"] and figures["tokens"] == 12 * 8
    result = cli("predict", spoken, "the clouds are in the ___", "the ___ swim in the sea .")
    assert result.exit_code == 0, result.output
    words = [line.split("\t")[0] for line in result.stdout.splitlines()]
    assert words[0] == "sky" and words[5] == "fish"
    answer = json.loads(cli("predict", spoken, "the books are in the ___", "--json").stdout)
    assert answer["words"][0]["word"] == "house"
    evaluated = json.loads(cli("evaluate", spoken, "--json").stdout)
    assert abs(evaluated["perplexity"] - figures["perplexity"]) < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    "texts, message",
    [
        (["___ and ___"], "put one blank, ___, where the word is missing; there are 2"),
        (["a ___", "no blank"], "text 2: 'no blank': put one blank, ___, where the word is missing; there are 0"),
        (["a ____"], "a blank is exactly three underscores, ___"),
        (["a ___", "--nbest", "0"], "--nbest must be from 1 to 256, got 0"),
    ],
)
def test_a_text_that_cannot_be_answered(cli, spoken, texts, message):
    result = cli("predict", spoken, *texts)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and message in result.stderr


@pytest.mark.slow
def test_as_many_words_as_requested_and_unknown_words_are_reported(cli, spoken, trained):
    words = ("the qwxz are in the ___", "жжж ___ qwxz", "--nbest", 3)
    result = cli("predict", spoken, *words, "--json")
    assert result.exit_code == 0, result.output
    assert [len(json.loads(line)["words"]) for line in result.stdout.splitlines()] == [3, 3]
    assert result.stderr.splitlines()[-1] == "not in the vocabulary, read as unknown: qwxz жжж"
    other = cli("predict", trained, "a", "--nbest", 3)
    assert other.exit_code == 2 and "--nbest is for runs of language models or translation" in other.stderr


def test_an_answer_is_one_line_per_word():
    answer = BlankAnswer("a\tb___", [WordPrediction("\n", 0.5), WordPrediction("\t", 0.25)])
    assert list(answer.lines()) == [" \t0.5000\ta b ", " \t0.2500\ta b "]


@pytest.mark.slow
def test_too_little_text(cli):
    Path("x.txt").write_text("a b\n")
    result = cli("run", "generation", "--data", "x.txt")
    assert result.exit_code == 1 and "tokens are too few" in result.stderr and not Path("runs").exists()


@pytest.mark.slow
def test_a_model_that_learned_less_than_the_frequencies_says_so(cli, spoken):
    Path("other.txt").write_text("sea sea sea sky sea sea sea sea\n" * 20)
    assert "the model does no better than these frequencies" in cli("evaluate", spoken, "--data", "other.txt").stdout
    assert "the model does no better than these frequencies" not in cli("evaluate", spoken).stdout


@pytest.mark.slow
def test_fine_tuning_keeps_known_words_and_is_compared_with_before(cli, spoken):
    Path("mine.txt").write_text("the cats are in the barn .\n" * 300)
    result = cli("finetune", spoken, "--data", "mine.txt", "--out", "mine", "--set", "epochs=8")
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("mine/metrics.json").read_text())
    assert figures["perplexity"] < figures["perplexity_before"]
    assert list(figures)[-3:] == ["old_perplexity", "perplexity_before", "old_perplexity_before"]
    assert f"perplexity of the original texts {figures['old_perplexity_before']:.2f} before" in result.stdout
    assert "2 tokens added to the 12 of the run" in result.stderr
    assert "before fine-tuning: perplexity" in result.stderr
    before, after = (runs.load(path).pipeline.encoder.vocabulary.tokens for path in (spoken, Path("mine")))
    assert after[: len(before)] == before and b"barn" in after


@pytest.mark.slow
def test_fine_tuning_without_the_old_text_says_once_that_it_is_not_measured(cli):
    Path("old.txt").write_text("a b c d .\n" * 200)
    quick = [*TINY, "--set", "epochs=1"]
    assert cli("run", "generation", "--data", "old.txt", "--out", "old", *quick).exit_code == 0
    same = cli("finetune", "old", "--data", "old.txt", "--out", "same", "--json")
    assert same.exit_code == 0 and "old_perplexity" not in json.loads(same.stdout), "the old text is the new text"
    Path("old.txt").rename("new.txt")
    result = cli("finetune", "old", "--data", "new.txt", "--out", "new", "--json")
    assert result.exit_code == 0, result.output
    assert "old_perplexity" not in json.loads(result.stdout) and "perplexity_before" in json.loads(result.stdout)
    assert result.stderr.count("not measured on the original texts: ") == 1


def write_cloze_data(folder):
    """A folder of splits with the columns of a cloze test: the place follows from a word three words before."""
    folder.mkdir()
    for split in ("train", "valid", "test"):
        with (folder / f"{split}.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, ["text", "prompt", "answer", "kind", "gap"])
            table.writeheader()
            for n in range(120):
                place, word = (("sky", "clouds"), ("sea", "fish"))[n % 2]
                prompt = f"The {word} are there, says number {n}, so look at the"
                row = {"text": f"{prompt} {place}.", "prompt": prompt, "answer": place, "kind": "far", "gap": n % 3}
                table.writerow(row)


@pytest.mark.thorough
def test_next_word_compares_cells_on_short_texts_with_gaps(cli):
    write_cloze_data(Path("data"))
    small = [f"--set={setting}" for setting in ("units=8", "embedding=8", "epochs=4", "chrono_steps=20")]
    result = cli("run", "next_word", "--data", "data", "--text-column", "text", "--out", "run", *small)
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("run/metrics.json").read_text())
    assert set(figures["cloze"]) == {"lstm", "gru", "rnn"} and figures["passages"] is True
    assert "the same by the number of sentences in between" in result.stdout
    picture = imread("run/plots/gaps.png")
    assert picture.shape[0] > 300 and picture.std() > 0
    assert not [*Path("run").glob("*checkpoint*")]
    again = cli("evaluate", "run", "--json")
    assert json.loads(again.stdout)["cloze"]["lstm"] == figures["cloze"]["lstm"]
    assert runs.load(Path("run")).pipeline.independent_texts is True


def test_the_picture_of_gaps_has_a_line_for_each_cell_with_gaps(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("nlp_rnn.plots.lines", lambda named, *rest: drawn.append((named, rest[-1])))
    cells = {"lstm": {"gaps": {0: 1.0, 4: 0.5}}, "rnn": {"gaps": {}}}
    LanguageModelReport({"cloze": cells}).write(tmp_path)
    assert drawn == [({"LSTM": {0: 1.0, 4: 0.5}}, tmp_path / "plots" / "gaps.png")]
    LanguageModelReport({"cloze": {"rnn": {"gaps": {}}}}).write(tmp_path)
    LanguageModelReport({}).write(tmp_path)
    assert len(drawn) == 1


def test_the_summary_lists_gaps_in_a_table():
    figures = {"loss": 1.0, "perplexity": 2.7, "frequency_perplexity": 9.0, "top1": 0.5, "top5": 0.75}
    figures |= {"bits_per_character": 1.5, "tokens": 1234, "unknown": 0.125}
    gaps = {str(gap): gap / 10 for gap in range(7)}  # read back from JSON, where keys are strings
    figures["cloze"] = {"lstm": {"kinds": {"far": 0.25}, "gaps": gaps}, "rnn": {"kinds": {"far": 0.5}, "gaps": {}}}
    lines = list(task.get("language_model").summary(figures, "held-out texts"))
    assert lines[0] == "perplexity  2.70 over 1,234 tokens of the held-out texts, 12.5% of them unknown"
    assert "LSTM  words predicted correctly: far 0.250" in lines
    assert lines[-3:] == ["            0      4      6", "LSTM    0.000  0.400  0.600", "RNN                        "]


def test_independent_texts_is_saved_and_read_from_runs_of_version_0_1(spoken):
    about = json.loads((spoken / "run.json").read_text())
    assert about["options"] == {"independent_texts": False}
    load = task.get("language_model").load
    for options, passages, expected in (
        ({"independent_texts": True}, False, True),
        ({"independent_texts": False}, True, False),
        ({}, True, True),
        ({}, False, False),
    ):
        pipeline = load(spoken, {**about, "options": options, "metrics": {"passages": passages}})
        assert pipeline.independent_texts is expected


@pytest.mark.slow
def test_bytes_are_learned_and_printed_whole(cli):
    Path("x.txt").write_text("naïve 漢字 " * 300)
    words = ["--set", "token_level=byte", "--set", "learning_rate=0.02", *TINY]
    assert cli("run", "generation", "--data", "x.txt", "--out", "run", *words).exit_code == 0
    text = cli("generate", "run", "naïve ", "--temperature", 0, "--length", 40).stdout
    assert text.startswith("naïve 漢字 naïve 漢字")
