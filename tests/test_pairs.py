"""Pairs of texts: read from any kind of file, split, cut into pieces and batches."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from nlp_rnn import subwords
from nlp_rnn.checks import CallError
from nlp_rnn.pair_data import choose_units
from nlp_rnn.pairs import PairBuckets, encode_pairs
from nlp_rnn.sources import Example
from nlp_rnn.sources.lineage import is_among
from nlp_rnn.sources.pairs import open_pairs
from nlp_rnn.text import END, SUBWORD, TextEncoder, Vocabulary
from tasks.translation import Config, load_data


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
    Path("odd.tsv").write_text("german\tfrench\nein Hund\tun chien\n")
    odd = open_pairs("odd.tsv", "german", "french")
    assert [(p.text, p.label) for p in odd.read("all")] == [("ein Hund", "un chien")]
    assert "the first line is read as a pair" in open_pairs("odd.tsv").notes[0]
    Path("same.tsv").write_text("OK\tOK\nyes\toui\n")
    assert [(p.text, p.label) for p in open_pairs("same.tsv").read("all")] == [("OK", "OK"), ("yes", "oui")]
    Path("b.fr").write_text("un chien\nun chat")  # no end of the last line
    assert len(list(open_pairs("a.en,b.fr").read("all"))) == 2
    for wrong, message in ((("x",), "no column 'x' for the source"), (("source", "source"), "cannot be both")):
        with pytest.raises(CallError, match=message):
            open_pairs("plain.tsv", *wrong)
    with pytest.raises(CallError, match="two text files have no columns"):
        open_pairs("a.en,a.fr", "en")
    assert is_among("a.en,a.fr", ["./a.en,./a.fr"]) and not is_among("a.en,a.fr", ["a.en,b.fr"])


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


@pytest.mark.parametrize(("target", "unit"), [("HH AH0 L", "word"), ("I_TURN I_WALK", SUBWORD), ("t_h E@ l", SUBWORD)])
def test_targets_are_words_only_where_no_mark_is_in_them(tmp_path, target, unit):
    (tmp_path / "a.tsv").write_text("source\ttarget\n" + f"hello\t{target}\n" * 2000)
    config = choose_units(Config(), open_pairs(str(tmp_path / "a.tsv")))
    assert (config.source_unit, config.target_unit) == ("character", unit)


SENTENCES = [
    "Le chat dort.",
    "le chien  dort-il ?",
    "L'été, il dort\u202f!",
    "漢字 a 漢",
    "",
    "x" * 50,
    "chat" * 30 + " dort le",
    "naïve 😀😀!",
]


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


def test_one_long_run_without_spaces_does_not_widen_all_words(monkeypatch):
    shapes, merged = [], subwords._merged

    def watched(symbols, ranks):
        shapes.append(tuple(symbols.shape))
        return merged(symbols, ranks)

    monkeypatch.setattr(subwords, "_merged", watched)
    kept = tf.lookup.KeyValueTensorInitializer(["a"], [0])
    words_ = [f"{n}" for n in range(50)]
    subwords.split(tf.constant([" ".join([*words_, "a" * 300])]), tf.lookup.StaticHashTable(kept, subwords.NO_PIECE))
    assert shapes == [(50, 3), (1, 301)]


def test_pairs_without_a_side_are_said_whatever_the_units_are(tmp_path, capsys):
    rows = [f"{n}\t{n + 1}\n" for n in range(300)] + ["only a source\t\n"] * 7
    (tmp_path / "gaps.tsv").write_text("source\ttarget\n" + "".join(rows))
    bytes_ = Config(source_unit="byte", target_unit="byte")
    load_data(bytes_, open_pairs(str(tmp_path / "gaps.tsv")), tmp_path, None)
    assert "7 pairs without a source or a target are left out" in capsys.readouterr().err


def test_targets_of_unknown_words_alone_are_said(tmp_path, capsys):
    rows = [f"{chr(97 + n % 20)}\t{chr(0x4E00 + n)}\n" for n in range(300)]
    (tmp_path / "odd.tsv").write_text("".join(rows))
    words = Config(source_unit="word", target_unit="word", vocabulary=3)
    load_data(words, open_pairs(str(tmp_path / "odd.tsv")), tmp_path, None)
    assert "of the target tokens are unknown" in capsys.readouterr().err


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
