"""Evaluation of a translator: baselines, references, the report."""

import csv
import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn.checks import InputError
from nlp_rnn.datasets.splits import Example
from nlp_rnn.decoding.beam import BeamSearchConfig
from nlp_rnn.seq2seq.evaluation import evaluate, teacher_forced
from nlp_rnn.seq2seq.model import Seq2Seq
from nlp_rnn.seq2seq.pipeline import Translator
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.vocabulary import Vocabulary


def translator(lowercase):
    encoder = TextEncoder(Vocabulary([b"hello", b"you"]).with_end(), lowercase=lowercase)
    return Translator(encoder, Seq2Seq(5, 5, embedding=4, units=4), target=encoder)


def examples(*rows):
    return [Example(*row, "") for row in rows]


@pytest.mark.slow
def test_copies_are_compared_in_the_case_of_the_references():
    rows = examples(("Hello.", "Hello."), ("HELLO Hello hello hello", "HELLO Hello hello hello"))
    assert evaluate(translator(lowercase=True), rows, BeamSearchConfig(1)).figures["copy_exact"] == 1


@pytest.mark.slow
def test_pairs_with_the_same_source_are_one_source_with_several_references(tmp_path):
    rows = examples(("you", "hello you"), ("you", "you you"), ("hello", "you you"))
    report = evaluate(translator(lowercase=False), rows, BeamSearchConfig(2))
    figures = report.figures
    assert (figures["sources"], figures["pairs"], figures["frequent_exact"], figures["copy_exact"]) == (2, 3, 1, 0)
    report.write(tmp_path)
    with (tmp_path / "translations.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [(row["source"], row["reference"]) for row in written] == [("you", "hello you"), ("hello", "you you")]
    report.add_before(replace(report, figures=dict(figures)))
    assert {name for name in report.figures if name.endswith("_before")} == {
        "bleu_before",
        "chrf_before",
        "exact_before",
    }


@pytest.mark.slow
def test_teacher_forcing_counts_every_token_and_the_end():
    one = translator(lowercase=False)
    figures = teacher_forced(one, examples(("you", "hello you"), ("hello", "")))
    total = -sum(one.score([("you", "hello you"), ("hello", "")]))
    assert figures["token_perplexity"] == pytest.approx(math.exp(total / 4), rel=1e-4)
    logits = one.model((tf.constant([[4]]), tf.constant([[2, 3, 4]])))
    empty = one.model((tf.constant([[3]]), tf.constant([[2]])))
    correct = np.sum(np.argmax(logits[0], -1) == [3, 4, 2]) + (np.argmax(empty[0, 0]) == 2)
    assert figures["token_accuracy"] == pytest.approx(correct / 4)


def test_nothing_to_evaluate_on_is_an_error():
    with pytest.raises(InputError, match="no pairs to evaluate on"):
        evaluate(translator(lowercase=False), [], BeamSearchConfig())


@pytest.mark.slow
def test_texts_are_compared_as_they_are_written_and_the_signature_says_in_which_case():
    rows = examples(("hello", "Hello,  cafe\u0301!"), ("you", "hello"))
    for lowercase, case in ((True, "lc"), (False, "mixed")):
        report = evaluate(translator(lowercase=lowercase), rows, BeamSearchConfig(1))
        assert f"|case:{case}|" in report.figures["bleu_signature"]
        assert f"|case:{case}|" in report.figures["chrf_signature"]
        assert report.translations[0]["reference"] == ("hello, café!" if lowercase else "Hello, café!")
