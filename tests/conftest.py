"""What all tests share: no network, a folder of their own for prepared data, small runs trained once per process."""

import os
import tempfile

_PREPARED = tempfile.mkdtemp(prefix="nlp-rnn-tests-")
os.environ.update(TFDS_DATA_DIR=_PREPARED, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", NO_GCE_CHECK="true")
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
if PROFILE == "default":  # XLA compiles faster what then runs slower; `make test-thorough` takes what users have
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import gc  # noqa: E402
import json  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402
from click.testing import CliRunner  # noqa: E402

# Few examples per property in everyday runs, always the same; many, at random, in `make test-thorough`.
hypothesis.settings.register_profile("default", max_examples=50, deadline=None, derandomize=True)
hypothesis.settings.register_profile("thorough", max_examples=2000, deadline=None)
hypothesis.settings.load_profile(PROFILE)

SMALL = ["--set", "embedding=8", "--set", "units=8", "--set", "batch_size=16", "--set", "bigram_buckets=4096"]
TINY = ["units=16", "epochs=20", "batch_size=8", "sequence_length=16", "dropout=0"]
TINY = [word for setting in TINY for word in ("--set", setting)]
SENTENCES = ("the clouds are in the sky .", "the fish swim in the sea .", "the books are in the house .")
GOOD, BAD = ("good", "great", "lovely", "fine"), ("bad", "awful", "dull", "weak")


# Graphs are many objects, which the collector would look through again and again: a tenth of the time of all tests.
gc.set_threshold(50_000, 50, 100)

collect_ignore = ["fixtures/v0_1/recipes"]  # no doctests: importing them warns


def pytest_collection_modifyitems(items):
    """Measure no coverage in slow tests: each would take a third longer, for 3 % of the branches in all."""
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Nor in the processes that slow tests start."""
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("no_cover"):
            patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


def pytest_sessionfinish():
    shutil.rmtree(_PREPARED, ignore_errors=True)


def reviews(number=200):
    """Texts that one word decides, with their labels; every fifth has marks that try a reader."""
    for n in range(number):
        label, words = ("positive", GOOD) if n % 2 else ("negative", BAD)
        mark = ', "so they said"' if n % 5 == 0 else ""
        yield f"film number {n} was {words[n // 2 % 4]} to see{mark} 😀", label


@pytest.fixture(scope="session")
def reviews_csv(tmp_path_factory):
    import csv

    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("review", "sentiment"), *reviews()])
    return path


@pytest.fixture
def cli(monkeypatch, tmp_path):
    """Call the command line inside an empty folder; gives click's result, with standard error apart."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, **options):
        from nlp_rnn.cli.main import main

        words = [str(word) for word in arguments]
        monkeypatch.setattr("sys.argv", ["nlp-rnn", *words])
        with monkeypatch.context() as patch:
            if words and words[0] in ANSWERING and "--recipe" not in words:
                load_once(patch)
            return CliRunner().invoke(main, words, **options)

    return call


ANSWERING = ("predict", "generate", "evaluate")  # commands that leave a run's model as it is
MOST_LOADED = 8
LOADED: dict = {}  # their pipelines, by the digest of the run: a second one would be traced again, for a second or two


def load_once(patch):
    """Let commands share the pipeline of a run; its files are read and checked every time."""
    from nlp_rnn import task

    def shared(load):
        def load_or_reuse(self, folder, about):
            key = about.get("digest")
            if key is None or key not in LOADED:
                while len(LOADED) >= MOST_LOADED:  # their graphs take memory
                    LOADED.pop(next(iter(LOADED)))
                LOADED[key] = load(self, folder, about)
            if "cut" in vars(LOADED[key]):
                LOADED[key].cut = 0  # the texts that it has truncated
            return LOADED[key]

        return load_or_reuse

    for kind in task.TASKS:
        one = type(task.get(kind))
        patch.setattr(one, "load", shared(one.load))


@pytest.fixture(scope="session")
def trained(tmp_path_factory, reviews_csv):
    """A small finished run."""
    from nlp_rnn.cli.main import main

    out = tmp_path_factory.mktemp("runs") / "reviews"
    words = ["run", "sentiment", "--data", str(reviews_csv), "--out", str(out), *SMALL, "--set", "epochs=12"]
    result = CliRunner().invoke(
        main, [*words, "--set", "learning_rate=0.02", "--set", "word_dropout=0.05", "--set", "dropout=0.1"]
    )
    if result.exit_code:
        raise RuntimeError(result.output) from result.exception
    return out


@pytest.fixture(scope="session")
def spoken(tmp_path_factory):
    """A small language model of words."""
    from nlp_rnn.cli.main import main

    folder = tmp_path_factory.mktemp("language")
    (folder / "text.txt").write_text("".join(f"{SENTENCES[n % 3]}\n" for n in range(240)))
    words = ["run", "generation", "--data", str(folder / "text.txt"), "--out", str(folder / "run"), *TINY]
    result = CliRunner().invoke(main, [*words, "--set", "learning_rate=0.02"])
    assert result.exit_code == 0, result.output
    return folder / "run"


class CleanProcess:
    """What answers for exports: one clean process for many, since importing TensorFlow takes seconds."""

    process: subprocess.Popen | None = None

    def __call__(self, folder, checks):
        self.process = self.process or self.start()
        self.process.stdin.write(json.dumps([str(folder.resolve()), checks]) + "\n")  # it runs in another folder
        self.process.stdin.flush()
        answers = self.process.stdout.readline()
        assert answers, "the process ended: run the test alone, with savedmodel._answers as it is"
        return json.loads(answers)

    def start(self):
        from nlp_rnn.export import savedmodel

        code, _, _ = savedmodel._CLEAN_PROCESS.rpartition("print(")
        code += "for line in sys.stdin:\n    print(json.dumps(answers(*json.loads(line))), flush=True)"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        return subprocess.Popen([sys.executable, "-P", "-c", code], env=savedmodel._environment(), **pipes)

    def stop(self):
        if self.process:
            self.process.communicate()


@pytest.fixture(scope="session")
def clean_process():
    one = CleanProcess()
    yield one
    one.stop()


@pytest.fixture(autouse=True)
def exports_are_checked_by_one_process(request, monkeypatch, clean_process):
    """Everywhere but in the tests of exports themselves."""
    if "test_savedmodel" not in str(request.path):
        monkeypatch.setattr("nlp_rnn.export.savedmodel._answers", clean_process)


@pytest.fixture
def figures(monkeypatch):
    """The matplotlib figures that are saved during a test."""
    from matplotlib.figure import Figure

    saved, save = [], Figure.savefig

    def savefig(self, *arguments, **options):
        saved.append(self)
        return save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return saved
