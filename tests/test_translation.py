"""Translation from a file of pairs to answers, through the command line, and what the pieces promise."""

import json
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from nlp_rnn import plots, runs, subwords
from nlp_rnn.batching import encode
from nlp_rnn.checks import CallError
from nlp_rnn.decoding import Search
from nlp_rnn.export import export
from nlp_rnn.losses import cross_entropy
from nlp_rnn.metrics import edit_distance
from nlp_rnn.metrics import translation as scores
from nlp_rnn.models import Seq2Seq
from nlp_rnn.objectives import TeacherForcing, shifted
from nlp_rnn.pairs import PairBuckets, encode_pairs
from nlp_rnn.sources import Example, same_data
from nlp_rnn.sources.pairs import open_pairs
from nlp_rnn.text import END, SUBWORD, TextEncoder, Vocabulary
from nlp_rnn.translation import Translator

ENGLISH = ("one", "two", "three", "four", "five")
FRENCH = ("un", "deux", "trois", "quatre", "cinq")
SMALL = ("units=24", "embedding=24", "vocabulary=60", "batch=32", "smoothing=0", "dropout=0", "source_unit=word")


def words(*settings):
    return [word for setting in settings for word in ("--set", setting)]


def pairs(number=900):
    draw = random.Random(0)
    for _ in range(number):
        chosen = [draw.randrange(5) for _ in range(draw.randint(1, 5))]
        yield " ".join(ENGLISH[n] for n in chosen), " ".join(FRENCH[n] for n in reversed(chosen))


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    """A small translator of numbers, which also turns their order round."""
    from nlp_rnn.cli import main

    folder = tmp_path_factory.mktemp("translation")
    (folder / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs()))
    told = ["run", "translation", "--data", str(folder / "pairs.tsv"), "--out", str(folder / "run")]
    result = CliRunner().invoke(main, told + words(*SMALL, "epochs=14", "learning_rate=0.02", "target_unit=word"))
    assert result.exit_code == 0, result.output
    return folder / "run"


def test_learns_and_translates(cli, translated):
    figures = json.loads((translated / "metrics.json").read_text())
    assert figures["exact"] > 0.8 > figures["copy_exact"] and figures["bleu"] > 80
    assert figures["token_accuracy"] > 0.9 and figures["token_perplexity"] < 1.5
    result = cli("predict", translated, "two one", "three five four")
    assert result.exit_code == 0 and result.stdout.splitlines() == ["un deux", "quatre cinq trois"]
    several = cli("predict", translated, "one two", "--nbest", 2, "--beam", 3).stdout.splitlines()
    assert several[0].split("\t")[1:] == ["deux un", "one two"] and len(several) == 2
    answer = json.loads(cli("predict", translated, "one two", "--json").stdout)
    assert answer["translations"][0]["text"] == "deux un"
    assert json.loads(cli("evaluate", translated, "--json").stdout)["exact"] == figures["exact"]
    assert (translated / "translations.csv").read_text().startswith("source,translation,reference")


def test_attention_is_drawn_and_reads_the_order(cli, translated):
    result = cli("predict", translated, "one two three", "--attention", "picture.png")
    assert result.exit_code == 0 and Path("picture.png").read_bytes().startswith(b"\x89PNG")
    source, target, weights = runs.load(translated).pipeline.attention("one two three", "trois deux un")
    assert source == ["one", "two", "three"] and target == ["trois", "deux", "un", "∎"]
    assert weights.shape == (4, 3)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)


def test_a_source_of_ten_thousand_tokens_is_cut_and_this_is_said(cli, translated):
    result = cli("predict", translated, "one " * 10_000, "")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 2
    assert "1 longer than 100 tokens were cut" in result.stderr


def test_the_search_can_be_told_what_to_avoid(cli, translated):
    def said(*more):
        result = cli("predict", translated, "one one one one", *more)
        assert result.exit_code == 0, result.output
        return result.stdout.split()

    assert said() == ["un"] * 4
    twice = list(pairwise(said("--no-repeat", 2)))
    assert len(twice) == len(set(twice)) and len(said("--min-length", 7)) >= 7
    assert said("--coverage-penalty", 0.3, "--beam", 3) == ["un"] * 4


def test_fine_tuning_on_new_words_keeps_the_old_and_learns_the_new(cli, translated):
    draw, rows = random.Random(1), [f"{a}\t{b}\n" for a, b in pairs(60)]
    for _ in range(200):
        chosen = [draw.randrange(6) for _ in range(draw.randint(1, 3))]
        source, target = ([(*known, new)[n] for n in chosen] for known, new in ((ENGLISH, "six"), (FRENCH, "sept")))
        rows.append(f"{' '.join(source)}\t{' '.join(reversed(target))}\n")
    Path("more.tsv").write_text("".join(rows))
    told = words("epochs=12", "finetuning_rate=0.01")
    result = cli("finetune", translated, "--data", "more.tsv", "--out", "more", *told)
    assert result.exit_code == 0, result.output
    old, new = (runs.load(path).pipeline for path in (translated, Path("more")))
    assert new.target.vocabulary.tokens == (*old.target.vocabulary.tokens, b"sept")
    assert new.encoder.vocabulary.tokens == (*old.encoder.vocabulary.tokens, b"six")
    assert cli("predict", "more", "two six", "five one").stdout.splitlines() == ["sept deux", "un cinq"]


def test_new_ids_of_a_translator_start_at_the_mean_and_the_rest_stays():
    old, new = (Seq2Seq(size, size - 2, embedding=6, units=4) for size in (9, 12))
    for model in (old, new):
        model.build((None, None))
    new.start_from(old)
    for layer in ("source_embedding", "target_embedding"):
        known, grown = (getattr(model, layer).embeddings.numpy() for model in (old, new))
        np.testing.assert_array_equal(grown[: len(known)], known)
        np.testing.assert_allclose(grown[len(known) :], np.tile(known.mean(0), (3, 1)), rtol=1e-5)
    source, target = tf.constant([[4, 5, 8]]), tf.constant([[2, 6]])
    np.testing.assert_allclose(new((source, target))[..., :7], old((source, target)), rtol=1e-5, atol=1e-6)


def test_an_ensemble_decides_together(cli, translated):
    tuned = cli("finetune", translated, "--data", translated.parent / "pairs.tsv", "--out", "tuned", *words("epochs=1"))
    assert tuned.exit_code == 0, tuned.output
    result = cli("predict", translated, "one two", "--ensemble", "tuned")
    assert result.exit_code == 0 and result.stdout == "deux un\n"
    one, two = (runs.load(path).pipeline for path in (translated, Path("tuned")))
    two.model.output_bias.assign(np.random.default_rng(0).normal(size=len(two.target.vocabulary)))
    both, tokens = one.together([two]), tf.constant([END])
    begun = [p.model.encode(one.encoder(tf.constant(["one two"]))) for p in (one, two)]
    logits = [p.model.step(tokens, *of)[0] for p, of in zip((one, two), begun, strict=True)]
    together, *_ = both._read(tokens, [of.memory for of in begun], [of.standing for of in begun])
    mean = np.mean([tf.nn.softmax(of) for of in logits], 0)
    np.testing.assert_allclose(tf.nn.softmax(together), mean, rtol=1e-4, atol=1e-6)


def test_runs_that_cannot_decide_together_are_refused(cli, translated, trained):
    result = cli("predict", translated, "one", "--ensemble", trained)
    assert result.exit_code == 2 and "is no run of translation" in result.stderr
    Path("other.tsv").write_text("".join(f"{a} x\t{b} y\n" for a, b in pairs(200)))
    told = words(*SMALL, "epochs=1", "target_unit=word")
    assert cli("run", "translation", "--data", "other.tsv", "--out", "other", *told).exit_code == 0
    result = cli("predict", translated, "one", "--ensemble", "other")
    assert result.exit_code == 2 and "the vocabularies differ" in result.stderr


def test_the_export_answers_as_the_run_does(translated, tmp_path):
    pipeline = runs.load(translated).pipeline
    export(pipeline, tmp_path / "exported")
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    texts = ["one two", "five", "", "nothing known"]
    answer = loaded.signatures["serving_default"](text=tf.constant(texts))
    expected = list(pipeline.translate(texts))
    assert [row[0].decode() for row in answer["translation"].numpy()] == [found[0].text for found in expected]
    np.testing.assert_allclose(answer["score"][:, 0], [found[0].score for found in expected], rtol=1e-5)
    assert loaded.signatures["serving_default"](text=tf.constant([], tf.string))["translation"].shape == (0, 5)
    for beams, penalty, message in (
        (0, 1.0, "beams must be from 1 to 8"),
        (9, 1.0, "to 8"),
        (2, -1.0, "length_penalty"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            asked = {"beams": tf.constant(beams), "length_penalty": tf.constant(penalty)}
            loaded.signatures["translate"](text=tf.constant(["one"]), **asked)
    weights = loaded.signatures["attend"](text=tf.constant(["one two"]))["attention"]
    np.testing.assert_allclose(weights[0], pipeline.attention("one two", "deux un").weights, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--beam", "0"], "--beam must be from 1 to 8"),
        (["--beam", "99"], "--beam must be from 1 to 8, got 99"),
        (["--nbest", "0"], "--nbest must be from 1 to --beam"),
        (["--length-penalty", "nan"], "--length-penalty must be from 0 to 10"),
        (["--coverage-penalty", "-1"], "--coverage-penalty must be from 0 to 10, got -1"),
        (["--min-length", "-2"], "--min-length must be from 0 to 1000, got -2"),
        (["--no-repeat", "101"], "--no-repeat must be from 0 to 100"),
        (["--attention", "x.png", "two"], "--attention draws one text, got 2"),
        (["--attention", "x.txt"], "the picture is a .png file"),
        (["--attention", "nowhere/x.png"], "there is no folder nowhere"),
        (["--ensemble", "nowhere"], "nowhere: no such run folder"),
    ],
)
def test_a_wrong_question_is_said(cli, translated, more, message):
    result = cli("predict", translated, "one", *more)
    assert result.exit_code == 2 and message in result.stderr and not result.stdout
    assert not Path("x.png").exists()


def test_a_classifier_has_no_beams(cli, trained):
    result = cli("predict", trained, "good", "--beam", 3)
    assert result.exit_code == 2 and "--beam is for runs of translation" in result.stderr


@pytest.mark.parametrize(
    ("files", "data", "message"),
    [
        ({"a.en": "x\ny\n", "a.fr": "x\n"}, "a.en,a.fr", "a.en has 2 lines and a.fr has 1"),
        ({"a.tsv": "a dog\tun chien\na cat\n"}, "a.tsv", "a.tsv, line 2: 1 columns"),
        ({"a.tsv": "a b\tc d\n" * 3000 + "a cat\n"}, "a.tsv", "a.tsv, line 3001: 1 columns"),
        ({"a.csv": "x,y,z\n1,2,3\n"}, "a.csv", "--source-column"),
        ({"a.jsonl": '{"source": "a", "target": 3}\n'}, "a.jsonl", "column 'target' holds int"),
        ({"a.tsv": "a\t\n\tb\n"}, "a.tsv", "no pairs"),
    ],
)
def test_pairs_that_cannot_be_used(cli, files, data, message):
    for name, content in files.items():
        Path(name).write_text(content)
    result = cli("run", "translation", "--data", data)
    assert result.exit_code in (1, 2) and message in result.stderr and "Traceback" not in result.output
    assert not Path("runs").exists()


def test_pairs_are_read_from_every_kind_of_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.en").write_text("a dog\na cat\n")
    Path("a.fr").write_text("un chien\nun chat\n")
    Path("named.tsv").write_text("en\tfr\na dog\tun chien\na cat\tun chat\n")
    Path("plain.tsv").write_text("a dog\tun chien\na cat\tun chat\n")
    Path("named.csv").write_text("fr,source\nun chien,a dog\nun chat,a cat\n")
    Path("a.jsonl").write_text('{"en": "a dog", "fr": "un chien"}\n{"en": "a cat", "fr": "un chat"}\n')
    for name in ("a.en,a.fr", "named.tsv", "plain.tsv", "named.csv", "a.jsonl"):
        found = [(pair.text, pair.label) for pair in open_pairs(name).read("all")]
        assert found == [("a dog", "un chien"), ("a cat", "un chat")], name
    Path("gaps.tsv").write_text("a\tb\nc\t\n\td\n")
    source = open_pairs("gaps.tsv")
    assert len(list(source.read("all"))) == 1 and source.skipped == {"all": 2}
    assert open_pairs("named.tsv", "fr").columns == ("fr", "en")
    assert open_pairs("named.csv", None, "source").columns == ("fr", "source")
    Path("same.tsv").write_text("OK\tOK\nyes\toui\n")
    assert [(p.text, p.label) for p in open_pairs("same.tsv").read("all")] == [("OK", "OK"), ("yes", "oui")]
    Path("b.fr").write_text("un chien\nun chat")  # no end of the last line
    assert len(list(open_pairs("a.en,b.fr").read("all"))) == 2
    for wrong, message in ((("x",), "no column 'x' for the source"), (("source", "source"), "cannot be both")):
        with pytest.raises(CallError, match=message):
            open_pairs("plain.tsv", *wrong)
    with pytest.raises(CallError, match="two text files have no columns"):
        open_pairs("a.en,a.fr", "en")
    assert same_data("a.en,a.fr", "./a.en,./a.fr") and not same_data("a.en,a.fr", "a.en,b.fr")


def test_batches_hold_pairs_of_like_length(tmp_path):
    encoder = TextEncoder(Vocabulary([b"a", b"b"]).with_end())
    rows = [Example("a " * (n % 7 + 1), "b " * (n % 5), "") for n in range(50)]
    found = encode_pairs(lambda: iter(rows), encoder, encoder, tmp_path / "x")
    assert len(found) == 50 and found.lengths.max() == 7
    seen = 0
    for source, target in PairBuckets(found, 8, 40, seed=0).dataset():
        assert source.shape[0] == target.shape[0] <= 8
        assert (np.sum(target.numpy() == END, 1) == 1).all()
        seen += len(source)
    assert seen == 50


def test_neither_side_of_pairs_is_padded_much(tmp_path):
    encoder = TextEncoder(Vocabulary([b"a", b"b"]).with_end())
    draw = np.random.default_rng(0)
    rows = [Example("a " * int(n), "b " * int(m), "") for n, m in draw.integers(3, 15, (4000, 2))]
    found = encode_pairs(lambda: iter(rows), encoder, encoder, tmp_path / "x")
    for side in (0, 1):
        ids = [pair[side].numpy() for pair in PairBuckets(found, 32, 4000, seed=0).dataset()]
        assert sum(np.count_nonzero(batch) for batch in ids) > 0.85 * sum(batch.size for batch in ids)


SENTENCES = ["Le chat dort.", "le chien  dort-il ?", "L'été, il dort\u202f!", "漢字 a 漢", "", "x" * 50, "naïve 😀😀!"]


def test_subwords_are_those_of_the_library():
    import io

    import sentencepiece

    corpus = SENTENCES[:3] * 30
    pieces = subwords.learn(corpus, 40)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(" ".join(text.split()) for text in corpus), model_writer=model, model_type="bpe",
        vocab_size=40, hard_vocab_limit=False, normalization_rule_name="identity", bos_id=-1, eos_id=-1, minloglevel=2,
    )  # fmt: skip
    library = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    encoder = TextEncoder(Vocabulary(pieces).with_end(), SUBWORD, lowercase=False)
    for text in SENTENCES:
        expected = library.encode(" ".join(text.split()), out_type=str)
        known = [piece if library.piece_to_id(piece) != library.unk_id() else "\x00" for piece in expected]
        assert [piece.decode() for piece in encoder.tokens(text)] == known, text
    assert subwords.join(tf.constant([encoder.tokens("Le chat dort.")])).numpy()[0] == b"Le chat dort."


def small_model(**settings):
    return Seq2Seq(9, 8, embedding=6, units=6, **{"dropout": 0.0, **settings})


def test_smoothed_labels_are_what_the_formula_says():
    states, kernel, bias = (tf.constant(np.random.default_rng(n).normal(size=s), tf.float32) for n, s in
                            enumerate([(5, 4), (7, 4), (7,)]))  # fmt: skip
    targets, weights = tf.constant([0, 3, 6, 2, 1]), tf.constant([1.0, 2.0, 0.0, 1.0, 1.0])
    found = {}
    for chunk in (7, 10_000):
        with tf.GradientTape() as tape:
            tape.watch((states, kernel, bias))
            loss = cross_entropy(states, kernel, bias, targets, weights, chunk, smoothing=0.2)
        found[chunk] = loss, *tape.gradient(loss, (states, kernel, bias))
    with tf.GradientTape() as tape:
        tape.watch((states, kernel, bias))
        logits = tf.matmul(states, kernel, transpose_b=True) + bias
        wanted = 0.8 * tf.one_hot(targets, 7) + 0.2 / 7
        plain = tf.reduce_sum(weights * tf.nn.softmax_cross_entropy_with_logits(wanted, logits))
    wanted = plain, *tape.gradient(plain, (states, kernel, bias))
    for values in found.values():
        for got, expected in zip(values, wanted, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_scheduled_sampling_reads_what_the_model_says():
    model = small_model()
    source, target = tf.constant([[3, 4, 5]]), tf.constant([[4, 5, 6, END]])
    trained = TeacherForcing(model, sampling=0.999999)
    read = trained._mixed(source, shifted(target)).numpy()
    said = np.argmax(model((source, shifted(target))), -1)
    assert read[0, 0] in (END, said[0, 0]) and read[0, 1:].tolist() == said[0, :-1].tolist()
    loss, _, tokens = trained.loss_of(source, target, training=True)
    assert np.isfinite(loss) and tokens == 4


def test_padding_is_left_out_of_the_loss():
    model = small_model()
    source, target = tf.constant([[3, 0, 0], [3, 4, 5]]), tf.constant([[4, END, 0, 0], [4, 5, 6, END]])
    trained, ids = TeacherForcing(model), tf.TensorSpec([None, None], tf.int32)
    loss = tf.function(lambda *pair: trained.loss_of(*pair, training=False), input_signature=[ids, ids])
    found, _, tokens = loss(source, target)
    each = tf.nn.sparse_softmax_cross_entropy_with_logits(target, model((source, shifted(target)))).numpy()
    np.testing.assert_allclose(found, each[target != 0].mean(), rtol=1e-5)
    assert tokens == 6


def test_the_score_of_a_pair_is_that_of_its_translation():
    encoder = TextEncoder(Vocabulary([b"a", b"b", b"c", b"d"]), lowercase=False)
    target = TextEncoder(Vocabulary([b"u", b"v", b"w"]).with_end(), lowercase=False)
    translator = Translator(encoder, Seq2Seq(6, 6, embedding=6, units=6), target=target)
    [found] = translator.translate(["a b"], Search(20, 0.0))
    short = [row for row in found if len(row.text.split()) < 4]
    assert short
    for row in short:
        np.testing.assert_allclose(translator.score([("a b", row.text)]), row.score, rtol=1e-5)


def test_texts_are_translated_in_any_company_and_any_number(translated):
    pipeline = runs.load(translated).pipeline
    texts = [text for text, _ in pairs(40)] + ["", "one " * 300]
    together = list(pipeline.translate(texts))
    for text, found in zip(texts[:6] + texts[-2:], together[:6] + together[-2:], strict=True):
        [alone] = pipeline.translate([text])
        assert alone[0].text == found[0].text
        np.testing.assert_allclose(alone[0].score, found[0].score, rtol=1e-3, atol=1e-4)


def test_figures_of_phonemes_and_of_text():
    found = scores(["HH AH0 L OW1", "R IY0 D", "K"], [["HH AH1 L OW0"], ["R EH1 D", "R IY1 D"], ["K AE1 T"]])
    assert found["word_error_rate"] == pytest.approx(1 / 3) and found["phoneme_error_rate"] == pytest.approx(2 / 10)
    found = scores(["le chien dort là", "deux"], [["un chat", "le chien dort là"], ["trois"]])
    assert found["exact"] == 0.5 and 50 < found["bleu"] < 100 and "nrefs:var" in found["bleu_signature"]
    assert edit_distance("", "abc") == edit_distance("abc", "") == 3 and edit_distance("abc", "abc") == 0


def test_a_long_source_is_cut_and_an_attention_picture_holds_marks(tmp_path):
    encoder = TextEncoder(Vocabulary([b"a"]), max_tokens=20)
    texts = encode([("a " * 10_000, 0)], encoder, tmp_path / "x")
    assert texts.lengths.tolist() == [20] and texts.cut == 1
    plots.attention(["$a$", "漢", "long token"], ["x", "∎"], np.full((2, 3), 1 / 3), tmp_path / "a.png")


def test_targets_of_unknown_words_alone_are_said(cli):
    rows = [f"{chr(97 + n % 20)}\t{chr(0x4E00 + n)}\n" for n in range(300)]
    Path("odd.tsv").write_text("".join(rows))
    told = words("target_unit=word", "vocabulary=3", "units=8", "embedding=8", "epochs=1")
    result = cli("run", "translation", "--data", "odd.tsv", "--out", "odd", *told)
    assert result.exit_code == 0, result.output
    assert "of the target tokens are unknown" in result.stderr


def test_all_pronunciations_of_a_word_are_in_one_split():
    source = open_pairs("cmudict")
    of = {split: {} for split in ("train", "validation", "test")}
    for split, found in of.items():
        for pair in source.stream(split):
            found.setdefault(pair.text, []).append(pair.label)
    words_ = [set(found) for found in of.values()]
    assert sum(map(len, words_)) == len(set.union(*words_)) == 126_052
    assert sum(len(texts) for found in of.values() for texts in found.values()) == 135_166
    assert "R IY1 D" in [text for found in of.values() for text in found.get("read", [])]


@pytest.mark.parametrize(
    ("data", "text", "message"),
    [("here.txt,gone.txt", "one", "gone.txt: no such file, which"), ("here.tsv", "en\none", "here.tsv has one column")],
)
def test_half_of_the_pairs_missing_is_said(cli, data, text, message):
    Path("here.txt").write_text(text, encoding="utf-8")
    Path("here.tsv").write_text(text, encoding="utf-8")
    result = cli("run", "translation", "--data", data)
    assert result.exit_code == 2 and message in result.stderr and not Path("runs").exists()
