"""From pairs to encoders and encoded splits."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from nlp_rnn.seq2seq.data import choose_token_levels, learn_encoder
from nlp_rnn.seq2seq.pairs import open_pairs
from nlp_rnn.text.encoder import TextEncoder
from nlp_rnn.text.token_levels import SUBWORD
from tasks.translation import Config, load_data


@pytest.mark.parametrize(("target", "level"), [("HH AH0 L", "word"), ("I_TURN I_WALK", SUBWORD), ("t_h E@ l", SUBWORD)])
def test_targets_are_words_only_where_tokens_have_no_marks(tmp_path, target, level):
    (tmp_path / "a.tsv").write_text("source\ttarget\n" + f"hello\t{target}\n" * 2000)
    config = choose_token_levels(Config(), open_pairs(str(tmp_path / "a.tsv")))
    assert (config.source_token_level, config.target_token_level) == ("character", level)


def test_token_levels_that_are_set_are_kept(tmp_path, capsys):
    (tmp_path / "a.tsv").write_text("source\ttarget\n" + "a dog\tun chien\n" * 20)
    config = Config(source_token_level="byte", target_token_level="character")
    assert choose_token_levels(config, open_pairs(str(tmp_path / "a.tsv"))) == config
    assert not capsys.readouterr().err


@pytest.mark.slow
def test_pairs_without_a_side_are_reported_at_any_token_level(tmp_path, capsys):
    rows = [f"{n}\t{n + 1}\n" for n in range(300)] + ["only a source\t\n"] * 7
    (tmp_path / "gaps.tsv").write_text("source\ttarget\n" + "".join(rows))
    config = Config(source_token_level="byte", target_token_level="byte")
    load_data(config, open_pairs(str(tmp_path / "gaps.tsv")), tmp_path, None)
    lines = capsys.readouterr().err.splitlines()
    assert f"{tmp_path / 'gaps.tsv'}, line 302: no target; the pair is left out" in lines
    assert lines.count("2 more pairs without a source or a target are left out") == 1


@pytest.mark.slow
def test_unknown_target_tokens_are_reported(tmp_path, capsys):
    rows = [f"{chr(97 + n % 20)}\t{chr(0x4E00 + n)}\n" for n in range(300)]
    (tmp_path / "odd.tsv").write_text("".join(rows))
    config = Config(source_token_level="word", target_token_level="word", vocabulary=3)
    load_data(config, open_pairs(str(tmp_path / "odd.tsv")), tmp_path, None)
    assert "of the target tokens are unknown" in capsys.readouterr().err


def test_target_words_keep_their_spaces_and_those_of_a_run_stay_as_they_were(tmp_path):
    (tmp_path / "prices.tsv").write_text("source\ttarget\n" + "three point five\tIt's 3.5 euros.\n" * 40)
    pairs = open_pairs(str(tmp_path / "prices.tsv"))
    config = Config(source_token_level="word", target_token_level="word")
    source, target = (learn_encoder(config, pairs, side, None) for side in ("source", "target"))
    text = tf.constant(["It's 3.5 euros."])
    assert target.decode(target(text)).numpy().tolist() == text.numpy().tolist()
    assert target.tokenizer.spacing and not source.tokenizer.spacing
    earlier = SimpleNamespace(encoder=source, target=TextEncoder(target.vocabulary, lowercase=False, version=1))
    assert learn_encoder(config, pairs, "target", earlier).tokenizer.form == {"version": 1}
