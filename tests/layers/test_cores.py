"""How many cores a process may use."""

import pytest

from nlp_rnn.layers import cores


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "250000 100000"}, 3),
        ({"cpu.max": "10000 100000"}, 1),
        ({"cpu.max": "1600000 100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu.max": "odd"}, 8),
    ],
)
def test_the_quota_of_a_container_limits_the_cores(files, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "CGROUP", tmp_path)
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: range(8), raising=False)
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text}\n")
    assert cores.available_cores() == expected


def test_tensorflow_uses_what_it_is_told(monkeypatch):
    monkeypatch.setattr(cores.tf.config.threading, "get_intra_op_parallelism_threads", lambda: 0)
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "5")
    assert cores.tensorflow_threads("intra") == 5
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "many")
    assert cores.tensorflow_threads("intra") == cores.available_cores()
