"""A run that is being created: it becomes the run folder, or is removed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from nlp_rnn import runs
from nlp_rnn.checks import InputError, UsageError
from nlp_rnn.runs import Job


def test_a_workplace_becomes_the_run_or_goes(tmp_path):
    job = Job("sentiment", tmp_path / "new" / "out", {})
    with pytest.raises(InputError), runs.workplace(job, {}):
        raise InputError("something")
    assert not (tmp_path / "new").exists()
    with pytest.raises(KeyboardInterrupt), runs.workplace(job, {"seed": 0}) as folder:
        (folder / "checkpoint-00001").mkdir()
        raise KeyboardInterrupt
    assert runs.has_checkpoint(job.out)
    with pytest.raises(UsageError, match="holds an unfinished run; add --resume"), runs.workplace(job, {"seed": 0}):
        pass
    job = Job("sentiment", job.out, {}, resume=True)
    with (
        pytest.raises(UsageError, match="was started with seed=0, not 1: resume with the same"),
        runs.workplace(job, {"seed": 1}),
    ):
        pass
    newer = runs.workplace(job, {"seed": 0, "bigram_buckets": 9})
    with pytest.raises(UsageError, match="started when the recipe had no setting bigram_buckets: remove it"), newer:
        pass
    with runs.workplace(job, {"seed": 0}) as folder:
        assert (folder / "checkpoint-00001").exists()
    assert list(job.out.iterdir()) == [], "what only the making needs is gone"
    with pytest.raises(UsageError, match="exists already; choose another --out"), runs.workplace(job, {"seed": 0}):
        pass


def test_a_finished_run_is_not_lost_when_its_place_is_taken_meanwhile(tmp_path):
    job = Job("sentiment", tmp_path / "out", {})
    with pytest.raises(UsageError, match="exists already"), runs.workplace(job, {}) as folder:
        (folder / "run.json").write_text("{}")
        (tmp_path / "out" / "other").mkdir(parents=True)
    assert (tmp_path / "out.unfinished" / "run.json").exists()


def test_two_processes_do_not_share_a_workplace(tmp_path):
    job = Job("sentiment", tmp_path / "out", {}, resume=True)
    with runs.workplace(job, {}) as folder:
        with pytest.raises(UsageError, match="is in use: another process"), runs.workplace(job, {}):
            pass
        assert folder.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(self, *args, **kwargs):
        with open("/dev/full", "w") as file:
            file.write("x" * 10_000)
            file.flush()

    job = Job("sentiment", tmp_path / "out", {})
    with pytest.raises(OSError, match="No space left"), runs.workplace(job, {}) as folder:
        monkeypatch.setattr(Path, "write_text", full)
        runs.write_json(folder / "metrics.json", {})
    assert list(tmp_path.iterdir()) == []


def test_a_run_records_what_it_used_and_is_resumed_by_what_was_given(tmp_path, capsys):
    job = Job("mine", tmp_path / "out", {}, given={"sequence_length": 9})
    run = runs.NewRun(job, {"sequence_length": 9, "bigram_buckets": 100, "units": 8}, tmp_path)
    run.uses(bigram_buckets=10)
    run.without_effect("sequence_length", "the texts are short")
    run.without_effect("units", "of something")
    assert run.recorded == {"bigram_buckets": 10} and len(run.settings) == 3
    assert capsys.readouterr().err == "--set sequence_length=9 has no effect: the texts are short\n"


def test_the_specification_has_hashes_of_the_recipe_and_of_the_run_to_start_from(tmp_path):
    for name in ("mine.py", "run.json"):
        (tmp_path / name).write_text("")
    start = SimpleNamespace(path=tmp_path, data={"name": "x"}, lineage=SimpleNamespace(names=()))
    job = Job("mine.py", tmp_path / "out", {"name": "x.csv"}, start, files={"mine.py": tmp_path / "mine.py"})
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # printf '' | sha256sum
    about = job.specification({})
    assert about["sources"] == {"mine.py": empty, str(tmp_path): empty} and about["versions"] == runs.versions()
