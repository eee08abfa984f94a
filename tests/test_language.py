"""Language models from a file to answers, through the command line, and what the pieces promise."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import answers, runs
from nlp_rnn.cloze import COLUMNS, cloze_rows, measure_cloze
from nlp_rnn.decoding import Choice
from nlp_rnn.export import export
from nlp_rnn.layers import GRU, LSTM, PeepholeLSTM
from nlp_rnn.layers.chrono import remember
from nlp_rnn.models import LanguageModel
from nlp_rnn.sources.documents import open_texts
from nlp_rnn.text import END
from tests.conftest import TINY
from tests.small import language_pipeline


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


def test_generates_reproducibly_and_stops(cli, spoken):
    once = cli("generate", spoken, "the fish", "--length", 12, "--seed", 3)
    assert once.exit_code == 0 and once.stdout.startswith("the fish swim in the sea.")
    assert once.stdout == cli("generate", spoken, "the fish", "--length", 12, "--seed", 3).stdout
    stopped = cli("generate", spoken, "the fish", "--stop", "sea", "--temperature", 0).stdout
    assert stopped.rstrip() == "the fish swim in the"
    asked = ("generate", spoken, "the", "--samples", 3)
    assert [json.loads(line)["seed"] for line in cli(*asked, "--json").stdout.splitlines()] == [0, 1, 2]
    assert cli(*asked).stderr.splitlines()[-1] == "--- the (seed 2)"
    assert json.loads(cli(*asked, "--json").stdout.splitlines()[0])["whole"].startswith("the ")
    assert cli("generate", spoken, "", "--length", 5).exit_code == 0
    assert "read as unknown: qwxz жжж" in cli("generate", spoken, "qwxz жжж", "--length", 5).stderr


@pytest.mark.parametrize(
    "words, message",
    [
        (["predict", "___ and ___"], "put one blank, ___, where the word is missing; there are 2"),
        (
            ["predict", "a ___", "no blank"],
            "text 2: 'no blank': put one blank, ___, where the word is missing; there are 0",
        ),
        (["predict", "a ____"], "a blank is three underscores, ___, no more"),
        (["generate", "a", "--temperature", "-1"], "--temperature must be from 0"),
        (["generate", "a", "--top-p", "2"], "--top-p must be above 0 and up to 1, got 2.0"),
        (["generate", "a", "--length", "0"], "--length must be from 1"),
        (["generate", "a", "--stop", ""], "--stop must not be empty"),
        (["generate", "a", "--seed", str(2**31 - 1), "--samples", "2"], "--seed must be from 0 to 2**31 - 1"),
    ],
)
def test_a_wrong_call(cli, spoken, words, message):
    result = cli(words[0], spoken, *words[1:])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and message in result.stderr


def test_a_prompt_that_is_not_utf8_goes_on_all_the_same(cli, spoken):
    result = cli("generate", spoken, "caf\udce9", "--length", "3")
    assert result.exit_code == 0 and result.stdout.startswith("caf?"), result.output


def test_a_classifier_does_not_generate(cli, trained):
    result = cli("generate", trained, "a")
    assert result.exit_code == 2 and "is no language model" in result.stderr


@pytest.mark.parametrize(
    "content, message",
    [(b"", "is empty: give some text"), (b"a b\n", "tokens are too few"), (b"\0\1\2\n" * 50, "is binary, not text")],
)
def test_texts_that_cannot_be_used(cli, content, message):
    Path("x.txt").write_bytes(content)
    result = cli("run", "generation", "--data", "x.txt")
    assert result.exit_code in (1, 2) and message in result.stderr and not Path("runs").exists()


def test_a_model_that_learned_less_than_the_frequencies_says_so(cli, spoken):
    Path("other.txt").write_text("sea sea sea sky sea sea sea sea\n" * 20)
    assert "the model does no better than these" in cli("evaluate", spoken, "--data", "other.txt").stdout
    assert "the model does no better than these" not in cli("evaluate", spoken).stdout


def test_fine_tuning_keeps_known_words_and_says_how_it_was_before(cli, spoken):
    Path("mine.txt").write_text("the cats are in the barn .\n" * 300)
    result = cli("finetune", spoken, "--data", "mine.txt", "--out", "mine", "--json", "--set", "epochs=8")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["perplexity"] < figures["perplexity_before"]
    assert "2 tokens added to the 12 that the run knows" in result.stderr
    before, after = (runs.load(path).pipeline.encoder.vocabulary.tokens for path in (spoken, Path("mine")))
    assert after[: len(before)] == before and b"barn" in after


def test_the_export_generates_what_the_command_does(spoken, tmp_path):
    pipeline = runs.load(spoken).pipeline
    assert export(pipeline, tmp_path / "exported") <= 1e-5
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    assert set(loaded.signatures) == {"generate", "serving_default", "next_word", "fill", "score"}
    *_, expected = pipeline.generate(["the books", ""], 20, Choice(0.9, 5, 0.95), seed=11)
    inputs = {"length": 20, "top_k": 5, "seed": 11}
    floats = {"temperature": 0.9, "top_p": 0.95, "min_p": 0.0, "penalty": 1.0}
    answer = loaded.signatures["generate"](
        text=tf.constant(["the books", ""]),
        **{name: tf.constant(value) for name, value in inputs.items()},
        **{name: tf.constant(value) for name, value in floats.items()},
    )
    assert [row.decode() for row in answer["text"].numpy()] == expected


def test_scores_are_those_of_the_network_step_by_step():
    pipeline = language_pipeline([b"a", b"b", b"c"], layers=2)
    model = pipeline.model
    ids, states, total = [3, 5, 1, 4], model.initial_states(1), 0.0
    for before, token in zip([END, *ids], ids, strict=False):
        logits, states = model.step(tf.constant([before]), states)
        total += float(tf.nn.log_softmax(logits)[0, token])
    [found, other] = pipeline.score(["a c unknown b", "b"])
    np.testing.assert_allclose(found["log_probability"], total, rtol=1e-5)
    assert found["tokens"] == 4 and other["tokens"] == 1
    assert found["unknown"] == 1 and other["unknown"] == 0
    np.testing.assert_allclose(found["perplexity"], np.exp(-total / 4), rtol=1e-5)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_batch_of_prompts_is_answered_as_each_alone(temperature):
    pipeline = language_pipeline([bytes([n]) for n in range(97, 123)])
    prompts = ["a b c a", "", "c", "zzz b"]
    *_, together = pipeline.generate(prompts, 20, Choice(temperature), seed=4)
    for prompt, expected in zip(prompts, together, strict=True):
        *_, [alone] = pipeline.generate([prompt], 20, Choice(temperature), seed=4)
        assert alone == expected
    assert len(set(together)) == 4 or not temperature


def test_a_served_batch_may_have_a_seed_for_each_text():
    pipeline = language_pipeline([bytes([n]) for n in range(97, 123)])
    options = {"length": 20, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "penalty": 1.0}
    served = pipeline.signatures()["generate"](tf.constant(["a", "a", "a"]), *options.values(), tf.constant([3, 8, 3]))
    first, second, third = (row.decode() for row in served["text"].numpy())
    assert first == third != second
    *_, same = pipeline.generate(["a", "a"], 20, seed=[8, 3])
    assert same == [second, first]
    with pytest.raises(tf.errors.InvalidArgumentError, match="seed must be one, or one of each text"):
        pipeline.signatures()["generate"](tf.constant(["a"] * 3), *options.values(), tf.constant([3, 8]))


@pytest.mark.parametrize("make", [LSTM, GRU, PeepholeLSTM])
def test_remembering_gates_forget_slowly(make):
    """What is put into the state is still there after many steps, which it is not at Keras' start."""
    kept = []
    for steps in (1, 1000):
        layer = make(64)
        layer.build((None, None, 3))
        remember(layer, steps)
        initial = [tf.ones((1, 64))] * layer.states
        final = make.run(layer, tf.zeros((1, 60, 3)), initial).final[-1]
        kept.append(float(tf.reduce_mean(tf.abs(final))))
    assert kept[1] > 2 * kept[0]


def test_the_everyday_set_keeps_combinations_and_gaps_apart():
    tables = open_texts("everyday").tables
    rows = {split: [values for _, values in table.rows()] for split, table in tables.items()}
    assert sum(map(len, rows.values())) == 50_000
    assert len({row["text"] for part in rows.values() for row in part}) == 50_000
    gaps = {split: {int(row["gap"]) for row in part if row["kind"] == "origin"} for split, part in rows.items()}
    assert gaps["test"] == set(range(21)) and gaps["train"] == set(range(21)) - {3, 8, 14, 19}
    assert sum(row["text"][0].islower() for row in rows["train"]) > 500, "as the example begins"
    assert all(row["text"].startswith(f"{row['prompt']} {row['answer']}") for row in rows["test"][:500])


def test_right_words_are_counted_by_kind_and_gap():
    rows = [("a", "X", "far", 0), ("b", "y", "far", 0), ("c", "x", "far", 5), ("d", "z", "near", 0)]
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    class Says:
        encoder = SimpleNamespace(lowercase=True)

        def next_words(self, prompts):
            return ["x" if prompt in "abc" else "z" for prompt in prompts]

    found = measure_cloze(Says(), rows)
    assert found["kinds"] == {"far": 2 / 3, "near": 1.0} and found["gaps"] == {0: 0.5, 5: 1.0}
    assert found["frequent"] == {"far": 1 / 3, "near": 1.0}


def test_words_are_asked_for_of_words_alone(tmp_path):
    (tmp_path / "a.txt").write_text("no table")
    assert len(cloze_rows(open_texts("everyday"), "word")) > 1000
    assert (
        cloze_rows(open_texts("everyday"), "character") == cloze_rows(open_texts(str(tmp_path / "a.txt")), "word") == []
    )


def test_next_word_on_short_passages_compares_where_there_are_gaps(cli, monkeypatch):
    """A small table with the columns of `everyday`, as a data set."""
    from nlp_rnn import commands
    from nlp_rnn.sources import Source
    from nlp_rnn.sources.tables import Table

    def rows():
        for n in range(120):
            place, answer = (("sky", "clouds"), ("sea", "fish"))[n % 2]
            prompt = f"The {answer} are there, says number {n}, so look at the"
            row = {"text": f"{prompt} {place}.", "prompt": prompt, "answer": place, "kind": "far", "gap": n % 3}
            yield f"row {n}", row

    columns = ("text", "prompt", "answer", "kind", "gap")
    tables = {split: Table("x", columns, rows, size=120) for split in ("train", "validation", "test")}
    monkeypatch.setattr(commands, "opened", lambda *_: Source("x", tables, ("text",)))
    small = [f"--set={setting}" for setting in ("units=8", "embedding=8", "epochs=4", "memory=20")]
    result = cli("run", "next_word", "--out", "run", *small)
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("run/metrics.json").read_text())
    assert set(figures["cloze"]) == {"lstm", "gru", "rnn"} and figures["passages"] is True
    assert "right words by sentences in between" in result.stdout and Path("run/plots/gaps.png").exists()
    assert not [*Path("run").glob("*checkpoint*")]
    again = cli("evaluate", "run", "--json")
    assert json.loads(again.stdout)["cloze"]["lstm"] == figures["cloze"]["lstm"]


def test_what_may_still_go_is_not_printed_yet(capsys):
    answers._print_growing(iter(["one ##", "one ## two", "one ## two"]), len("###"))
    assert capsys.readouterr().out == "one ## two\n"
    grown = answers._texts(iter([["a #"], ["a ##"], ["a ### b"]]), ("###",))
    answers._print_growing(grown, 3)
    assert capsys.readouterr().out == "a \n"
    answers._print_growing(iter(["na\ufffd", "naï", "naïve"]), 0)
    assert capsys.readouterr().out == "naïve\n"


def test_bytes_are_learned_and_printed_whole(cli):
    Path("x.txt").write_text("naïve 漢字 " * 300)
    words = ["--set", "unit=byte", "--set", "learning_rate=0.02", *TINY]
    assert cli("run", "generation", "--data", "x.txt", "--out", "run", *words).exit_code == 0
    assert cli("generate", "run", "naïve ", "--temperature", 0, "--length", 40).stdout.startswith(
        "naïve 漢字 naïve 漢字"
    )


@pytest.mark.parametrize(
    "choice", [Choice(0.1), Choice(1.0, 2), Choice(1.0, 0, 0.4), Choice(1.0, 0, 1.0, 0.9), Choice(1.0, penalty=9.0)]
)
def test_the_served_graph_heeds_every_option(choice):
    """Of an untrained model, which takes each word about as often: every option changes the text."""
    pipeline = language_pipeline([bytes([n]) for n in range(97, 123)])
    scalars = zip(("temperature", "top_k", "top_p", "min_p", "penalty"), choice, strict=True)
    options = {name: tf.constant(value, tf.int32 if name == "top_k" else tf.float32) for name, value in scalars}
    serve = pipeline.signatures()["generate"]
    text = serve(tf.constant(["a b"]), tf.constant(30), *options.values(), tf.constant(5))["text"]
    *_, expected = pipeline.generate(["a b"], 30, choice, seed=5)
    *_, plain = pipeline.generate(["a b"], 30, Choice(), seed=5)
    assert [row.decode() for row in text.numpy()] == expected
    assert expected != plain


def test_words_dropped_are_dropped_wherever_they_stand():
    model = LanguageModel(20, embedding=4, units=4, word_dropout=0.5)
    model.build((None, None))
    ids = tf.constant([[3, 4, 3, 5], [5, 3, 4, 4]])
    x = tf.ones((2, 4, 4))
    dropped = model._words_dropped(x, ids, training=True).numpy()[..., 0]
    for word in (3, 4, 5):
        assert len(set(dropped[ids.numpy() == word])) == 1, "one word, one fate"
    many = model._words_dropped(tf.ones((1, 20, 4)), tf.range(20)[None], training=True).numpy()
    assert set(np.unique(many)) == {0.0, 2.0}
    np.testing.assert_array_equal(model._words_dropped(x, ids, training=False), x)
