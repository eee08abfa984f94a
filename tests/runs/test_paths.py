"""Where runs are made."""

import multiprocessing
from pathlib import Path

import pytest

from nlp_rnn.checks import UsageError
from nlp_rnn.runs.paths import check_new, check_new_file, claimed, locked, to_resume


def begun(folder):
    folder.mkdir()
    (folder / "purpose.json").write_text("{}")
    return folder


def test_the_next_free_name_is_claimed_and_given_back(tmp_path):
    out = tmp_path / "runs" / "a"
    with claimed(out) as first, claimed(out) as second:
        assert first == out and second.name == "a-2", "at the same time"
        assert {path.name for path in out.parent.iterdir()} == {"a.unfinished", "a-2.unfinished"}
    assert not out.parent.exists(), "nothing was made"
    out.mkdir(parents=True)
    (out.parent / "a-2.unfinished").mkdir()
    with claimed(out) as third:
        assert third.name == "a-3"
    with claimed(out) as kept:
        (out.parent / "a-3.unfinished" / "checkpoint-00001").mkdir()
    assert kept.name == "a-3" and (out.parent / "a-3.unfinished").exists()


def claim(out, barrier, names):
    barrier.wait()
    with claimed(Path(out)) as name:
        names.put(name.name)
        barrier.wait()


@pytest.mark.slow
def test_processes_that_start_at_once_get_different_folders(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, names = context.Barrier(4), context.Queue()
    processes = [context.Process(target=claim, args=(str(tmp_path / "a"), barrier, names)) for _ in range(4)]
    for process in processes:
        process.start()
    assert sorted(names.get(timeout=60) for _ in processes) == ["a", "a-2", "a-3", "a-4"]
    for process in processes:
        process.join()


def test_the_first_unfinished_run_that_nobody_trains_is_resumed(tmp_path):
    out = tmp_path / "a"
    assert to_resume(out) is None and to_resume(tmp_path / "none" / "a") is None
    (tmp_path / "a.unfinished").mkdir()
    assert to_resume(out) is None, "nothing was begun there"
    begun(tmp_path / "a-10.unfinished")
    begun(tmp_path / "a-2.unfinished")
    begun(tmp_path / "a-b.unfinished")
    assert to_resume(out).name == "a-2"
    with locked(tmp_path / "a-2.unfinished"):
        assert to_resume(out).name == "a-10"
        with locked(tmp_path / "a-10.unfinished"):
            assert to_resume(out).name == "a-2", "its error says that it is in use"


def test_a_file_as_a_parent_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file is a file; choose another --out"):
        check_new(tmp_path / "file" / "run")
    with pytest.raises(UsageError, match="file is a file; choose another --out"), claimed(tmp_path / "file" / "run"):
        pass


def test_a_file_needs_a_folder(tmp_path):
    check_new_file(tmp_path / "a.csv", "--output")
    with pytest.raises(UsageError, match=r"--output .*a.csv: there is no folder .*none; create it first"):
        check_new_file(tmp_path / "none" / "a.csv", "--output")
