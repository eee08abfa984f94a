"""Translation through the command line: train, evaluate, predict, fine-tune, wrong options."""

import json
import random
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nlp_rnn import deprecation, plots, runs, task
from nlp_rnn.seq2seq.pipeline import Translation
from nlp_rnn.seq2seq.task import TranslationAnswer
from tests.seq2seq.number_pairs import ENGLISH, FRENCH, SMALL, assignments, pairs


@pytest.mark.slow
def test_learns_and_translates(cli, translated):
    figures = json.loads((translated / "metrics.json").read_text())
    assert figures["exact"] > 0.8 > figures["copy_exact"] and figures["bleu"] > 80
    assert figures["token_accuracy"] > 0.9 and figures["token_perplexity"] < 1.5
    result = cli("predict", translated, "two one", "three five four")
    assert result.exit_code == 0 and result.stdout.splitlines() == ["un deux", "quatre cinq trois"]
    several = cli("predict", translated, "one two", "--nbest", 2, "--beam-width", 3).stdout.splitlines()
    assert several[0].split("\t")[1:] == ["deux un", "one two"] and len(several) == 2
    answer = json.loads(cli("predict", translated, "one two", "--json").stdout)
    assert answer["translations"][0]["text"] == "deux un"
    assert json.loads(cli("evaluate", translated, "--json").stdout)["exact"] == figures["exact"]
    assert (translated / "translations.csv").read_text().startswith("source,translation,reference")


@pytest.mark.slow
def test_the_summary_has_a_column_for_each_baseline(cli, translated):
    lines = cli("evaluate", translated).stdout.splitlines()
    figures = json.loads((translated / "metrics.json").read_text())
    assert lines[0] == f"{figures['sources']:,} sources, {figures['pairs']:,} targets of the held-out texts"
    assert lines[1].split("  ")[-3:] == ["translated", "copying the source", "the most frequent target"]
    assert [line.split()[0] for line in lines[2:5]] == ["bleu", "chrf", "exact"]
    assert float(lines[4].split()[1]) == pytest.approx(figures["exact"], abs=1e-4)
    assert lines[-1] == f"sacrebleu  {figures['bleu_signature']}"


def test_the_summary_after_fine_tuning_has_a_column_for_the_metrics_before():
    names = {"word_error_rate": 0.5, "phoneme_error_rate": 0.25}
    figures = {f"{prefix}{name}{suffix}": value for name, value in names.items() for prefix, suffix in
               (("", ""), ("", "_before"), ("copy_", ""), ("frequent_", ""))}  # fmt: skip
    figures |= {"sources": 1000, "pairs": 1200, "token_perplexity": 1.5, "token_accuracy": 0.75}
    lines = list(task.get("translator").summary(figures, "texts"))
    assert lines[0] == "1,000 sources, 1,200 targets of the texts"
    assert "before fine-tuning" in lines[1] and len(lines[1]) == len(lines[2]) == len(lines[3])
    assert lines[3].split() == ["phoneme", "error", "rate", *["0.2500"] * 4] and len(lines) == 5


@pytest.mark.slow
def test_attention_is_drawn(cli, translated, figures):
    result = cli("predict", translated, "one two three", "--attention", "picture.png")
    assert result.exit_code == 0 and result.stdout == "trois deux un\n" and Path("picture.png").is_file()
    axes = figures[0].axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["one", "two", "three"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["trois", "deux", "un", "∎"]
    weights = runs.load(translated).pipeline.attention("one two three", "trois deux un").weights
    np.testing.assert_allclose(axes.get_images()[0].get_array(), weights, rtol=1e-5)


def test_an_attention_picture_holds_any_token_as_it_is(figures, tmp_path):
    source, target = ["$a$", "漢", "long token"], ["x", "∎"]
    plots.attention(source, target, np.full((2, 3), 1 / 3), tmp_path / "a.png")
    axes = figures[0].axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == source
    assert [label.get_text() for label in axes.get_yticklabels()] == target
    assert not any(label.get_parse_math() for label in (*axes.get_xticklabels(), *axes.get_yticklabels()))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.slow
def test_a_source_of_ten_thousand_tokens_is_cut_and_reported(cli, translated):
    result = cli("predict", translated, "one " * 10_000, "")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 2
    assert "1 longer than 100 tokens were cut" in result.stderr


@pytest.mark.slow
def test_options_of_the_search_change_the_translation(cli, translated):
    def translation(*options):
        result = cli("predict", translated, "one one one one", *options)
        assert result.exit_code == 0, result.output
        return result.stdout.split()

    assert translation() == ["un"] * 4
    bigrams = list(pairwise(translation("--no-repeat-ngram-size", 2)))
    assert len(bigrams) == len(set(bigrams)) and len(translation("--min-length", 7)) >= 7
    assert len(translation("--min-length", 30)) >= 30, "more than the limit of a text of this length"
    assert translation("--coverage-penalty", 0.3, "--beam-width", 3) == ["un"] * 4


@pytest.mark.slow
def test_a_blank_text_has_a_blank_translation_and_no_picture(cli, translated):
    result = cli("predict", translated, "one", "", " \u3000 ", "--min-length", 2)
    assert result.exit_code == 0 and [bool(line) for line in result.stdout.split("\n")] == [True, False, False, False]
    answer = json.loads(cli("predict", translated, "", "--json", "--nbest", 2).stdout)
    assert answer["translations"] == [{"text": "", "score": 0.0}]
    result = cli("predict", translated, "", "--attention", "x.png")
    assert result.exit_code == 0 and result.stdout == "\n" and not Path("x.png").exists()
    assert "x.png is not drawn: the text is blank" in result.stderr


@pytest.mark.parametrize(("size", "most"), [(1, 5), (2, 26), (3, 127)])  # with five words, 5^n + n - 1: de Bruijn
def test_a_search_that_can_find_nothing_is_refused(cli, translated, size, most):
    pipeline = runs.load(translated).pipeline
    assert len(pipeline.target.vocabulary.tokens) == 6 and pipeline.max_length(size) == most
    for extra in ((), ("--attention", "x.png")):
        result = cli("predict", translated, "one", "--no-repeat-ngram-size", size, "--min-length", most + 1, *extra)
        assert result.exit_code == 2 and not result.stdout and not Path("x.png").exists()
        assert f"--min-length must be at most {most} with --no-repeat-ngram-size {size}:" in result.stderr


@pytest.mark.slow
def test_a_search_finds_a_translation_of_every_word_once_or_names_the_text_without(cli, translated):
    result = cli("predict", translated, "one", "--no-repeat-ngram-size", 1, "--min-length", 5)
    assert result.exit_code == 0 and sorted(result.stdout.split()) == sorted(FRENCH)
    result = cli("predict", translated, "one", "--no-repeat-ngram-size", 2, "--min-length", 26, "--beam-width", 1)
    assert result.exit_code == 1 and not result.stdout
    assert "input 1, 'one': the search found no translation; lower --min-length" in result.stderr


def test_answers_print_one_line_for_each_translation():
    answer = TranslationAnswer("a\tb", [Translation("x\ny", -0.25), Translation("z", -1.0)])
    assert list(answer.lines()) == ["x y"]
    assert answer.json() == {"text": "a\tb", "translations": [{"text": "x\ny", "score": -0.25}]}
    assert list(answer._replace(nbest=2).lines()) == ["-0.2500\tx y\ta b", "-1.0000\tz\ta b"]
    assert len(answer._replace(nbest=2).json()["translations"]) == 2


@pytest.mark.slow
def test_fine_tuning_keeps_old_words_and_learns_new_ones(cli, translated):
    draw, rows = random.Random(1), [f"{source}\t{target}\n" for source, target in pairs(60)]
    for _ in range(200):
        digits = [draw.randrange(6) for _ in range(draw.randint(1, 3))]
        source, target = ([(*words, new)[n] for n in digits] for words, new in ((ENGLISH, "six"), (FRENCH, "sept")))
        rows.append(f"{' '.join(source)}\t{' '.join(reversed(target))}\n")
    Path("more.tsv").write_text("".join(rows))
    settings = assignments("epochs=12", "finetuning_learning_rate=0.01")
    result = cli("finetune", translated, "--data", "more.tsv", "--out", "more", *settings)
    assert result.exit_code == 0, result.output
    assert "before fine-tuning" in result.stdout and "before fine-tuning: bleu" in result.stderr
    figures = json.loads(Path("more", "metrics.json").read_text())
    assert figures["exact_before"] < figures["exact"]
    old, new = (runs.load(path).pipeline for path in (translated, Path("more")))
    assert new.target.vocabulary.tokens == (*old.target.vocabulary.tokens, b"sept")
    assert new.encoder.vocabulary.tokens == (*old.encoder.vocabulary.tokens, b"six")
    assert cli("predict", "more", "two six", "five one").stdout.splitlines() == ["sept deux", "un cinq"]


@pytest.mark.slow
def test_an_ensemble_translates(cli, translated):
    shutil.copytree(translated, "another")
    result = cli("predict", translated, "one two", "--ensemble", "another")
    assert result.exit_code == 0 and result.stdout == "deux un\n"
    result = cli("predict", translated, "one two", "--ensemble", "another", "--attention", "x.png")
    assert result.exit_code == 2 and "--attention needs one run of translation with attention" in result.stderr


@pytest.mark.thorough
def test_an_ensemble_of_other_runs_is_refused(cli, translated, trained):
    result = cli("predict", translated, "one", "--ensemble", trained)
    assert result.exit_code == 2 and f"{trained} is not a run of translation" in result.stderr
    Path("other.tsv").write_text("".join(f"{source} x\t{target} y\n" for source, target in pairs(200)))
    settings = assignments(*SMALL, "epochs=1")
    assert cli("run", "translation", "--data", "other.tsv", "--out", "other", *settings).exit_code == 0
    result = cli("predict", translated, "one", "--ensemble", "other")
    assert result.exit_code == 2 and "the vocabularies differ" in result.stderr


@pytest.mark.slow
def test_options_that_need_attention_are_refused_without(cli):
    Path("pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in pairs(200)))
    settings = assignments(*SMALL, "epochs=1", "attention=none")
    assert cli("run", "translation", "--data", "pairs.tsv", "--out", "plain", *settings).exit_code == 0
    for option, value in (("--coverage-penalty", 1), ("--attention", "x.png")):
        result = cli("predict", "plain", "one", option, value)
        assert result.exit_code == 2 and f"{option} needs" in result.stderr and "with attention" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beam-width", "0"], "--beam-width must be from 1 to 8, got 0"),
        (["--beam-width", "99"], "--beam-width must be from 1 to 8, got 99"),
        (["--nbest", "0"], "--nbest must be from 1 to --beam-width, 5, got 0"),
        (["--nbest", "3", "--beam-width", "2"], "--nbest must be from 1 to --beam-width, 2, got 3"),
        (["--length-penalty", "nan"], "--length-penalty must be from 0 to 10, got nan"),
        (["--coverage-penalty", "-1"], "--coverage-penalty must be from 0 to 10, got -1"),
        (["--min-length", "-2"], "--min-length must be from 0 to 1000, got -2"),
        (["--no-repeat-ngram-size", "101"], "--no-repeat-ngram-size must be from 0 to 100, got 101"),
        (["--attention", "x.png", "two"], "--attention draws one text, got 2"),
        (["--attention", "x.txt"], "the picture is a .png file"),
        (["--attention", "nowhere/x.png"], "there is no folder nowhere"),
        (["--ensemble", "nowhere"], "nowhere: no such run folder"),
        (["--text-column", "en"], "--text-column names a column"),
    ],
)
def test_a_wrong_option_is_refused(cli, translated, options, message):
    result = cli("predict", translated, "one", *options)
    assert result.exit_code == 2 and message in result.stderr and not result.stdout
    assert not Path("x.png").exists()


@pytest.mark.slow
def test_former_options_are_understood_with_a_warning(cli, translated, monkeypatch):
    monkeypatch.setattr(deprecation, "_warned", set())
    result = cli("predict", translated, "one two", "--beam", 3, "--no-repeat=2")
    assert result.exit_code == 0 and result.stdout == "deux un\n"
    for former, current in (("--beam", "--beam-width"), ("--no-repeat", "--no-repeat-ngram-size")):
        assert f"{former} is now {current}; the old name will be removed in version" in result.stderr


def test_options_of_translation_are_refused_for_other_runs(cli, trained):
    result = cli("predict", trained, "good", "--beam-width", 3)
    assert result.exit_code == 2 and "--beam-width is for runs of translation" in result.stderr


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("units=25", "units must be even, got 25"),
        ("beam_width=101", "beam_width must be at most 100, got 101"),
        ("source_token_level=letter", "source_token_level must be one of auto, word, character, byte, subword"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_read(cli, setting, message):
    result = cli("run", "translation", *assignments(setting))
    assert result.exit_code == 2 and f"--set: {message}" in result.stderr and not Path("runs").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["coverage=true"], "coverage needs attention=additive, got attention=multiplicative"),
        (["attention=none", "input_feeding=true"], "input_feeding needs attention, got attention=none"),
    ],
)
def test_settings_that_need_attention_are_refused_without(cli, settings, message):
    result = cli("run", "translation", *assignments(*settings))
    assert result.exit_code == 2 and f"--set: {message}" in result.stderr and not Path("runs").exists()
