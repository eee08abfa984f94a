"""The documentation: its code runs, its commands exist with their options and settings, and its map is complete."""

import dataclasses
import importlib.util
import re
import shlex
import shutil
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from nlp_rnn import recipes, resources, runs, settings
from nlp_rnn.cli.errors import Commands
from nlp_rnn.cli.options import with_current_names
from nlp_rnn.deprecation import FORMER_OPTIONS, FORMER_SETTINGS

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "tests" / "fixtures" / "v0_1"
PAGES = {str(path.relative_to(ROOT)): path for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]}
# The folders in runs/ that the pages use, and the small runs that stand in for them.
STAND_INS = {"sentiment": "classifier", "next_word": "language_model", "translation": "translator"}
MADE = "co2"  # a forecaster, made here
TRAINS = "docs/guides/classification.md"


def text_of(name):
    return PAGES[name].read_text(encoding="utf-8")


def checks():
    """The module docs/check_outputs.py."""
    spec = importlib.util.spec_from_file_location("check_outputs", ROOT / "docs" / "check_outputs.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


CHECKS = checks()
COMMANDS = [(name, command) for name in PAGES for block in CHECKS.blocks(text_of(name)) for command in block.commands]


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A function that makes the run folder and the export of a name, once, and gives the folder that holds both."""
    root = tmp_path_factory.mktemp("documented")

    def make(name, exported):
        run, export = root / "runs" / name, root / "exported" / name
        if not run.exists():
            if name == MADE:
                save_forecaster(run)
            else:
                shutil.copytree(FIXTURES / "runs" / STAND_INS[name], run)
        if exported and not export.exists():
            from nlp_rnn.export import savedmodel

            export.mkdir(parents=True)
            savedmodel._save(runs.load(run).pipeline, export)  # without the check in a process of its own
        return root

    return make


def save_forecaster(out):
    """An untrained forecaster of quantiles as a run folder."""
    from nlp_rnn.forecasting import DirectForecaster, Forecaster

    model = DirectForecaster(context_length=24, horizon=12, segment=12, units=4)
    pipeline = Forecaster(model, season=12, horizon=12, context_length=24, frequency="M1")
    config = recipes.load("forecasting").Config(units=4)
    with runs.new(runs.Job("forecasting", out, {"name": "co2.csv"}), config) as run:
        runs.save(run.folder, pipeline, {}, [])


def names_in(text, folder):
    return set(re.findall(rf"\b{folder}/(\w+)", text)) & {*STAND_INS, MADE}


def with_python():
    """A case for each page with Python; those that need an export, or train, take long."""
    for name in PAGES:
        code = "".join(CHECKS.python_blocks(text_of(name)))
        if code:
            slow = "export" in code or name == TRAINS
            yield pytest.param(name, id=name, marks=pytest.mark.slow if slow else ())


@pytest.mark.slow
@pytest.mark.parametrize("name", list(with_python()))
def test_the_code_of_a_page_runs_from_top_to_bottom(name, folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = CHECKS.python_blocks(text_of(name))
    for folder in ("runs", "exported"):
        Path(folder).mkdir()
        for used in names_in("".join(code), folder):
            Path(folder, used).symlink_to(folders(used, folder == "exported") / folder / used)
    shutil.copyfile(FIXTURES / "data" / "reviews.csv", "reviews.csv")
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # dataclasses look themselves up there
    for number, block in enumerate(code):
        exec(compile(block, f"{name}, Python block {number + 1}", "exec"), vars(module))


@pytest.mark.parametrize("name, command", COMMANDS, ids=lambda value: value.text[:60] if hasattr(value, "text") else "")
def test_a_command_parses(name, command):
    for words in command.parts:
        check(words)


def check(words):
    """Check that the words of a command name what exists, and that `nlp-rnn` accepts its options and settings."""
    if words[0] == "make":
        targets = re.findall(r"^(?:\$\(VENV\)|[\w.-]+)[\w./-]*(?=:)", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert words[1].replace(".venv", "$(VENV)") in targets, f"make has no target {words[1]}"
    elif words[:2] == ["python", "-m"] and words[2].startswith("benchmarks"):
        module = ROOT / words[2].replace(".", "/")
        assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), f"no module {words[2]}"
    elif words[0] == "nlp-rnn" and "--help" not in words:
        check_own(words[1:])


def check_own(words):
    from nlp_rnn.cli.main import main

    assert isinstance(main, Commands)
    assert with_current_names(words) == words, f"an old name of an option in {shlex.join(words)}"
    context = click.Context(main, info_name="nlp-rnn", **main.context_settings)
    command = main.get_command(context, words[0])
    assert command is not None, f"nlp-rnn has no command {words[0]}"
    params = command.make_context(words[0], words[1:], parent=context).params
    assigned = params.get("assignments", ())
    if words[0] == "run" and not params["recipe"].endswith(".py"):
        configs = [recipes.config_class(recipes.find(params["recipe"]))]
    else:
        configs = [recipes.config_class(path) for path in resources.recipes().values()]
    for assignment in assigned:
        key = assignment.partition("=")[0]
        able = [config for config in configs if key in {field.name for field in dataclasses.fields(config)}]
        assert able, f"no setting {key} for {shlex.join(words)}"
        settings.with_assignments(able[0](), [assignment])


def test_wrong_commands_are_noticed():
    for text in ("make nothing", "python -m benchmarks.nothing", "nlp-rnn nothing", "nlp-rnn run sentiment --nothing"):
        with pytest.raises((AssertionError, click.UsageError)):
            check(shlex.split(text))
    for text in ("nlp-rnn run sentiment --set beam_width=3", "nlp-rnn predict runs/translation x --beam 3"):
        with pytest.raises(AssertionError):
            check(shlex.split(text))


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    text = re.sub(r"```.*?```", "", text_of(name), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not re.match(r"\w+:", target) and "images/" not in target:  # pictures are drawn by `make pictures`
            assert (PAGES[name].parent / target).exists(), f"{name} links to {target}"


def test_pages_show_only_pictures_that_are_generated():
    drawn = (ROOT / "docs" / "pictures.py").read_text(encoding="utf-8")
    for name in PAGES:
        for picture, suffix in re.findall(r"images/(\w+)\.(png|svg)", text_of(name)):
            assert f"{picture}.{suffix}" in drawn or f'"{picture}"' in drawn, f"{name} shows {picture}.{suffix}"


def test_the_map_shows_every_module_and_no_other(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    spec = importlib.util.spec_from_file_location("architecture_map", ROOT / "docs" / "architecture_map.py")
    architecture_map = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(architecture_map)
    assert architecture_map.page() == text_of("docs/architecture.md"), "run: python docs/architecture_map.py"
    listed = re.findall(r"^\| `((?:nlp_rnn|tasks)/\S+\.py)` \|", text_of("docs/architecture.md"), re.MULTILINE)
    there = [*(ROOT / "nlp_rnn").rglob("*.py"), *(ROOT / "tasks").glob("*.py")]
    assert sorted(listed) == sorted(str(path.relative_to(ROOT)) for path in there)


def test_the_reference_of_the_code_shows_every_public_name():
    shown = set(re.findall(r"^::: (\S+)$", text_of("docs/api.md"), re.MULTILINE))
    for name in (
        "classification",
        "language_model",
        "seq2seq",
        "forecasting",
        "datasets",
        "decoding",
        "training",
        "layers",
    ):
        package = importlib.import_module(f"nlp_rnn.{name}")
        for public in set(package.__all__) - {"mean_logits"}:
            ending = f".{public}"
            homes = [path for path in shown if path.startswith(package.__name__) and path.endswith(ending)]
            assert homes, f"docs/api.md lacks nlp_rnn.{name}.{public}"
    for path in shown:
        module, _, attribute = path.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), f"docs/api.md shows {path}"


def test_the_changelog_lists_every_renamed_setting_and_option():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    options = [(new, old) for of_command in FORMER_OPTIONS.values() for old, new in of_command.items()]
    for new, old in [*FORMER_SETTINGS.items(), *options]:
        assert re.search(rf"^\|.*`{old}`.*\|.*`{new}`", text, re.MULTILINE), f"CHANGELOG.md lacks {old}"
