"""`nlp-rnn generate`: what is printed, and when."""

import json

import pytest

from nlp_rnn.language_model.commands import print_growing, until_stop


@pytest.mark.slow
def test_generates_reproducibly_and_stops(cli, spoken):
    once = cli("generate", spoken, "the fish", "--length", 12, "--seed", 3)
    assert once.exit_code == 0 and once.stdout.startswith("the fish swim in the sea .")
    assert once.stdout == cli("generate", spoken, "the fish", "--length", 12, "--seed", 3).stdout
    stopped = cli("generate", spoken, "the fish", "--stop", "sea", "--temperature", 0).stdout
    assert stopped.rstrip() == "the fish swim in the"
    assert cli("generate", spoken, "", "--length", 5).exit_code == 0
    assert "read as unknown: qwxz жжж" in cli("generate", spoken, "qwxz жжж", "--length", 5).stderr


@pytest.mark.slow
def test_several_samples_have_seeds_that_follow_one_another(cli, spoken):
    words = ("generate", spoken, "the", "--samples", 3)
    lines = [json.loads(line) for line in cli(*words, "--json").stdout.splitlines()]
    assert [line["seed"] for line in lines] == [0, 1, 2] and list(lines[0]) == ["prompt", "text", "seed", "whole"]
    assert lines[0]["whole"] == f"the{lines[0]['text']}" and lines[0]["text"].startswith(" ")
    printed = cli(*words)
    assert printed.stderr.splitlines()[-1] == "--- the (seed 2)"
    assert printed.stdout.splitlines() == [line["whole"] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options, message",
    [
        (["--temperature", "-1"], "--temperature must be from 0"),
        (["--top-p", "2"], "--top-p must be above 0 and up to 1, got 2.0"),
        (["--top-k", "-1"], "--top-k must be from 0"),
        (["--min-p", "1.5"], "--min-p must be from 0 to 1, got 1.5"),
        (["--repetition-penalty", "0"], "--repetition-penalty must be above 0 and up to 100 (1 for none), got 0.0"),
        (["--length", "0"], "--length must be from 1"),
        (["--stop", ""], "--stop must not be empty"),
        (["--samples", "0"], "--samples must be from 1 to 1000, got 0"),
        (["--seed", str(2**31 - 1), "--samples", "2"], "--seed must be from 0 to 2**31 - 1"),
    ],
)
def test_an_option_out_of_its_range(cli, spoken, options, message):
    result = cli("generate", spoken, "a", *options)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and message in result.stderr


@pytest.mark.slow
def test_the_former_name_of_the_repetition_penalty(cli, spoken):
    result = cli("generate", spoken, "the", "--length", 9, "--temperature", 0, "--penalty", 50)
    assert result.exit_code == 0, result.output
    now = cli("generate", spoken, "the", "--length", 9, "--temperature", 0, "--repetition-penalty", 50)
    assert result.stdout == now.stdout != cli("generate", spoken, "the", "--length", 9, "--temperature", 0).stdout


@pytest.mark.slow
def test_a_prompt_that_is_not_utf8_is_continued_all_the_same(cli, spoken):
    result = cli("generate", spoken, "caf\udce9", "--length", "3")
    assert result.exit_code == 0 and result.stdout.startswith("caf?"), result.output


def test_a_classifier_does_not_generate(cli, trained):
    result = cli("generate", trained, "a")
    assert result.exit_code == 2 and "generate is for runs of language models" in result.stderr


def test_text_that_may_still_change_is_not_printed_yet(capsys):
    print_growing(iter(["one ##", "one ## two", "one ## two"]), len("###"))
    assert capsys.readouterr().out == "one ## two\n"
    print_growing(until_stop(iter([["a #"], ["a ##"], ["a ### b"]]), ("###",)), 3)
    assert capsys.readouterr().out == "a \n"
    print_growing(iter(["na\ufffd", "naï", "naïve"]), 0)
    assert capsys.readouterr().out == "naïve\n"
