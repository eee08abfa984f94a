"""Old names of modules, functions and arguments, which are understood with a warning until version 0.4."""

import importlib
import inspect
import sys

import pytest

from nlp_rnn import checks, deprecation
from nlp_rnn.deprecation import (
    FORMER_SETTINGS,
    REMOVED_IN,
    current_arguments,
    install,
    renamed,
    renamed_arguments,
    warn_renamed,
)


@renamed_arguments({"unit": "token_level", "smoothing": "label_smoothing"})
def function(text, token_level="word", *, label_smoothing=0.0):
    """Its documentation."""
    return text, token_level, label_smoothing


@pytest.fixture
def former(monkeypatch):
    """Tables of two old modules, `oldchecks` and the package `oldtext`, and of one renamed function."""
    modules = {"oldchecks": ("checks",), "oldtext": ("text.chunks", "checks"), "oldtext.part": ("text.chunks",)}
    monkeypatch.setattr(deprecation, "MODULES", modules)
    monkeypatch.setattr(deprecation, "NAMES", {("oldchecks", "CallError"): ("checks", "UsageError")})
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    install()
    yield modules
    for name in modules:
        sys.modules.pop(f"nlp_rnn.{name}", None)
        package = sys.modules["nlp_rnn"]
        if name in vars(package):
            delattr(package, name)


def test_renamed_arguments_are_passed_on_with_a_warning():
    assert function("a", "byte", label_smoothing=0.1) == ("a", "byte", 0.1)
    with pytest.warns(FutureWarning, match=f"the argument unit is now token_level; .* in nlp-rnn {REMOVED_IN}") as seen:
        assert function("a", unit="byte") == ("a", "byte", 0.0)
    assert seen[0].filename == __file__, "the warning is for the line that calls"
    with pytest.warns(FutureWarning) as seen:
        assert function("a", unit="byte", smoothing=0.2) == ("a", "byte", 0.2)
    assert len(seen) == 2


def test_an_argument_under_both_names_is_refused():
    with pytest.raises(TypeError, match="token_level and unit are the same argument: give token_level alone"):
        function("a", unit="byte", token_level="byte")


def test_a_decorated_function_keeps_its_name_documentation_and_signature():
    assert function.__name__ == "function" and function.__doc__ == "Its documentation."
    assert list(inspect.signature(function).parameters) == ["text", "token_level", "label_smoothing"]


def test_a_config_of_an_older_version_has_its_arguments_renamed_without_a_warning():
    assert current_arguments({"unit": "byte", "size": 3}, {"unit": "token_level"}) == {"token_level": "byte", "size": 3}
    assert current_arguments({"token_level": "byte"}, {"unit": "token_level"}) == {"token_level": "byte"}


def test_an_option_is_reported_once(monkeypatch, capsys):
    monkeypatch.setattr(deprecation, "_warned", set())
    for _ in range(2):
        warn_renamed("--beam", "--beam-width")
    assert (
        capsys.readouterr().err == f"--beam is now --beam-width; the old name will be removed in version {REMOVED_IN}\n"
    )


def test_an_old_module_is_imported_with_the_names_it_had(former):
    old = importlib.import_module("nlp_rnn.oldchecks")
    with pytest.warns(
        FutureWarning, match=r"nlp_rnn.oldchecks.positive_int is now nlp_rnn.checks.positive_int"
    ) as seen:
        assert old.positive_int is checks.positive_int
    assert seen[0].filename == __file__
    with pytest.warns(FutureWarning, match=r"nlp_rnn.oldchecks.CallError is now nlp_rnn.checks.UsageError"):
        from nlp_rnn.oldchecks import CallError
    assert CallError is checks.UsageError


def test_an_old_module_may_be_in_several_ones_today_and_have_submodules(former):
    with pytest.warns(FutureWarning):
        from nlp_rnn.oldtext import chunks, nearest
        from nlp_rnn.oldtext.part import MAX_WEIGHT
    assert chunks.__module__ == "nlp_rnn.text.chunks" and nearest.__module__ == "nlp_rnn.checks" and MAX_WEIGHT


def test_names_and_modules_that_never_were_are_not_found(former):
    old = importlib.import_module("nlp_rnn.oldchecks")
    with pytest.raises(AttributeError, match=r"module 'nlp_rnn.oldchecks' has no attribute 'nothing'"):
        old.nothing  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from nlp_rnn.oldchecks import nothing  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'nlp_rnn.never'"):
        importlib.import_module("nlp_rnn.never")
    with pytest.raises(AttributeError, match="has no attribute '__path__'"):
        renamed("nlp_rnn.oldchecks", "__path__")


def test_existing_modules_are_found_before_old_names(former, monkeypatch):
    monkeypatch.setattr(deprecation, "MODULES", {**former, "lazy": ("text.chunks",)})
    monkeypatch.delitem(sys.modules, "nlp_rnn.lazy", raising=False)
    assert importlib.import_module("nlp_rnn.lazy").lazy_exports("package", {})[2] == []


def test_a_module_that_has_not_moved_has_its_former_names_too():
    cells = importlib.import_module("nlp_rnn.layers.cells")
    with pytest.warns(FutureWarning, match=r"nlp_rnn.layers.cells.squashed is now .*.activate_gates") as seen:
        assert cells.squashed is cells.activate_gates
    assert seen[0].filename == __file__
    with pytest.raises(AttributeError, match=r"module 'nlp_rnn.layers.cells' has no attribute 'nothing'"):
        cells.nothing  # noqa: B018
    assert cells.__spec__.loader.get_source("nlp_rnn.layers.cells")


def test_an_empty_folder_does_not_hide_a_former_module(former, monkeypatch, tmp_path):
    (tmp_path / "oldchecks").mkdir()
    package = sys.modules["nlp_rnn"]
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    with pytest.warns(FutureWarning):
        from nlp_rnn.oldchecks import CallError
    assert CallError.__name__ == "UsageError"


def test_the_warning_for_an_adapter_names_what_replaces_it():
    with pytest.warns(FutureWarning, match=r"nlp_rnn.pair_data.choose_units is now nlp_rnn.seq2seq.data.choose_token_"):
        from nlp_rnn.pair_data import choose_units
    assert choose_units.__module__ == "nlp_rnn.former_api"


def test_the_command_line_is_still_called_as_a_function():
    from nlp_rnn.cli import main

    with pytest.warns(FutureWarning, match=r"nlp_rnn.cli.main is now nlp_rnn.cli.main.main"), pytest.raises(SystemExit):
        main(["--version"])
    assert main.main.name == "main"


def test_a_function_whose_name_is_now_that_of_its_module_is_still_called():
    from nlp_rnn.text import chunks

    with pytest.warns(FutureWarning, match=r"nlp_rnn.text.chunks is now nlp_rnn.text.chunks.chunks"):
        assert list(chunks([1, 2, 3], 2)) == [[1, 2], [3]]


def test_installing_twice_adds_one_finder(former):
    count = len(sys.meta_path)
    install()
    assert len(sys.meta_path) == count


def test_the_table_of_old_names_leads_to_names_that_exist():
    for (module, name), (home, now) in deprecation.NAMES.items():
        assert hasattr(importlib.import_module(f"nlp_rnn.{home}"), now), f"{module}.{name} -> {home}.{now}"
    for module, homes in deprecation.MODULES.items():
        for home in homes:
            assert importlib.import_module(f"nlp_rnn.{home}"), f"{module} -> {home}"


def test_no_setting_has_the_former_name_of_another():
    assert not set(FORMER_SETTINGS) & set(FORMER_SETTINGS.values())
