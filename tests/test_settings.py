"""Settings of recipes: what a field declares, how it is set, and the names of earlier versions."""

from dataclasses import FrozenInstanceError, dataclass

import pytest

from nlp_rnn import deprecation, recipes
from nlp_rnn.checks import UsageError, fraction, positive_int
from nlp_rnn.settings import (
    FINETUNING,
    SCRATCH,
    Settings,
    changed,
    current_names,
    declaration,
    describe,
    from_run,
    in_effect,
    setting,
    with_assignments,
)


@dataclass(frozen=True, kw_only=True)
class Base(Settings):
    units: int = setting(64, "units of each layer", positive_int)
    dropout: float = setting(0.5, "dropout", fraction)
    cell: str = setting("lstm", "recurrent cell", choices=("lstm", "gru"))


@dataclass(frozen=True, kw_only=True)
class Config(Base):
    units: int = 128  # another default alone
    batch_size: int = setting(32, "examples per batch", positive_int)
    lowercase: bool = setting(False, "fold case")
    model: str = setting("direct", "kind of model", choices=("direct", "sample_paths"))


@pytest.fixture(autouse=True)
def nothing_warned(monkeypatch):
    monkeypatch.setattr(deprecation, "_warned", set())


@pytest.mark.parametrize(
    "change, message",
    [
        ({"units": 0}, "units must be a positive int, got 0"),
        ({"dropout": 1.0}, "dropout must be a number from 0 up to, not including, 1, got 1.0"),
        ({"cell": "rnn"}, "cell must be one of lstm, gru, got 'rnn'"),
        ({"batch_size": -1}, "batch_size must be a positive int, got -1"),
    ],
)
def test_a_config_checks_its_fields_also_those_whose_default_alone_it_changes(change, message):
    with pytest.raises(ValueError, match=message):
        Config(**change)


def test_a_config_cannot_be_changed():
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'units'"):
        Config().units = 3


def test_a_default_out_of_range_is_refused_as_well():
    @dataclass(frozen=True, kw_only=True)
    class Wrong(Base):
        units: int = 0

    with pytest.raises(ValueError, match="units must be a positive int, got 0"):
        Wrong()


def test_a_changed_default_inherits_check_and_help():
    assert declaration(Config, "units") == declaration(Base, "units")
    assert declaration(Config, "units")["help"] == "units of each layer" and Config().units == 128
    assert declaration(Config, "nothing") == {}


def test_the_help_has_the_recipe_s_own_settings_first():
    assert describe(Config) == [
        ("units=128", "units of each layer (1 or above)"),
        ("batch_size=32", "examples per batch (1 or above)"),
        ("lowercase=False", "fold case"),
        ("model=direct", "kind of model (direct, sample_paths)"),
        ("dropout=0.5", "dropout (from 0 to below 1)"),
        ("cell=lstm", "recurrent cell (lstm, gru)"),
    ]


def test_a_plain_dataclass_is_described_by_its_defaults():
    @dataclass
    class Plain:
        path: str
        units: int = 3

    assert describe(Plain) == [("path=", ""), ("units=3", "")]


def test_assignments_are_read_as_the_type_of_the_field():
    config = with_assignments(Config(), ["units=3", "dropout=1e-1", "lowercase=Yes", "cell=gru", "units=4"])
    assert (config.units, config.dropout, config.lowercase, config.cell) == (4, 0.1, True, "gru")
    assert with_assignments(config, ["lowercase=0"]).lowercase is False
    assert with_assignments(config, []) == config


@pytest.mark.parametrize(
    "assignment, message",
    [
        ("units", "--set units: write KEY=VALUE"),
        ("unit=3", "--set unit: no setting 'unit'. Did you mean units. There are: units, dropout, cell, batch_size"),
        ("units=many", "--set units=many: units is of type int"),
        ("units=1.5", "--set units=1.5: units is of type int"),
        ("lowercase=perhaps", "--set lowercase=perhaps: lowercase is of type bool"),
        ("units=0", "--set: units must be a positive int, got 0"),
        ("cell=rnn", "--set: cell must be one of lstm, gru, got 'rnn'"),
    ],
)
def test_what_cannot_be_assigned_is_reported(assignment, message):
    with pytest.raises(UsageError, match=message):
        with_assignments(Config(), [assignment])


def test_a_former_name_is_accepted_with_one_warning(capsys):
    for _ in range(2):
        assert with_assignments(Config(), ["batch=8"]).batch_size == 8
    assert (
        capsys.readouterr().err == "--set batch is now --set batch_size; the old name will be removed in version 0.4\n"
    )


def test_a_former_value_is_accepted_with_a_warning(capsys):
    assert with_assignments(Config(), ["model=paths"]).model == "sample_paths"
    assert "--set model=paths is now --set model=sample_paths" in capsys.readouterr().err


@pytest.mark.parametrize("assignments", [["batch=8", "batch_size=9"], ["batch_size=9", "batch=8"]])
def test_a_setting_under_both_names_is_refused(assignments):
    with pytest.raises(UsageError, match=r"--set \w+ and --set \w+ are the same setting: give batch_size alone"):
        with_assignments(Config(), assignments)


def test_a_recipe_of_version_0_1_keeps_its_own_names(capsys):
    @dataclass(frozen=True)
    class Old:
        batch: int = 32

    assert with_assignments(Old(), ["batch=8"]) == Old(8)
    assert capsys.readouterr().err == ""


def test_settings_of_an_old_run_are_understood():
    old = {"units": 7, "batch": 16, "model": "paths", "gone_since": 1}
    assert from_run(Config, old) == Config(units=7, batch_size=16, model="sample_paths")
    assert current_names(old) == {**old, "model": "sample_paths", "batch_size": 16}
    assert current_names({"batch": 1, "batch_size": 2})["batch_size"] == 2, "the current name wins"
    with pytest.raises(
        UsageError, match="units must be a positive int, got 0: the recipe does not accept the settings"
    ):
        from_run(Config, {"units": 0})


@pytest.mark.parametrize("name", sorted(deprecation.FORMER_SETTINGS))
def test_every_renamed_setting_is_one_of_a_recipe(name):
    classes = [recipes.config_class(path) for path in recipes.resources.recipes().values()]
    takers = [config for config in classes if name in config.__dataclass_fields__]
    assert takers, f"no recipe has the setting {name}"
    former = deprecation.FORMER_SETTINGS[name]
    assert not [config for config in takers if former in config.__dataclass_fields__ and former != "steps"]


@pytest.mark.parametrize("recipe", sorted(recipes.resources.recipes()))
def test_every_setting_of_a_recipe_declares_its_help_and_its_range(recipe):
    config = recipes.config_class(recipes.resources.recipes()[recipe])
    for name, field in config.__dataclass_fields__.items():
        declared = declaration(config, name)
        assert declared.get("help"), name
        checked = declared["check"] or declared["choices"] or field.type in (bool, "bool")
        assert checked, f"{name} has neither a check nor choices"


CONFIGS = {name: recipes.config_class(path) for name, path in recipes.resources.recipes().items()}
WITHOUT_EFFECT = [  # recipe, kind of run, settings, the one that has no effect, the message
    *((name, FINETUNING, {"learning_rate": 1.0}, "learning_rate", "set finetuning_learning_rate") for name in CONFIGS),
    *((name, FINETUNING, {"cycles": 2}, "cycles", "on fine-tuning") for name in CONFIGS),
    ("next_word", FINETUNING, {"compare_cells": True}, "compare_cells", "on fine-tuning"),
    ("next_word", FINETUNING, {"chrono_steps": 7}, "chrono_steps", "on fine-tuning"),
    *(
        (recipe, SCRATCH, {"token_level": "byte", name: 9}, name, "with token_level=byte; it needs token_level word or")
        for recipe in ("sentiment", "next_word", "generation")
        for name in ("vocabulary", "min_count")
    ),
    ("sentiment", SCRATCH, {"bigram_buckets": 0, "bigram_dropout": 0.1}, "bigram_dropout", "bigram_buckets 1 or above"),
    ("forecasting", SCRATCH, {"model": "sample_paths", "segment": 3}, "segment", "it needs model quantiles"),
    ("forecasting", SCRATCH, {"likelihood": "normal"}, "likelihood", "it needs model sample_paths"),
    ("forecasting", SCRATCH, {"scaling": "size", "centering_window": 3}, "centering_window", "with scaling=size"),
]


@pytest.mark.parametrize(("recipe", "kind", "given", "name", "message"), WITHOUT_EFFECT)
def test_a_setting_without_effect_is_refused_and_never_recorded(recipe, kind, given, name, message):
    config = changed(CONFIGS[recipe](), given)
    with pytest.raises(UsageError, match=f"--set {name}={given[name]}: {name} has no effect .*{message}"):
        in_effect(config, given, kind)
    assert name not in in_effect(config, {}, kind), "one that a run hands on is not refused"


@pytest.mark.parametrize("recipe", CONFIGS)
def test_settings_for_fine_tuning_are_kept_for_it_with_a_message(recipe, capsys):
    given = {"finetuning_learning_rate": 0.5, "layerwise_decay": 2.0, "unfreeze_interval": 1.0}
    config = changed(CONFIGS[recipe](), given)
    assert in_effect(config, given, SCRATCH).items() >= given.items()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and all("no effect on training from scratch; the run keeps it" in line for line in said)
    assert in_effect(config, given, FINETUNING).items() >= given.items() and not capsys.readouterr().err


def test_a_given_setting_that_the_run_replaces_is_refused():
    config = CONFIGS["forecasting"](scaling="size", horizon=18)
    with pytest.raises(UsageError, match="--set scaling=log: scaling is size on this run; leave it out"):
        in_effect(config, {"scaling": "log"}, SCRATCH)
    assert in_effect(config, {"horizon": 0, "scaling": "auto"}, SCRATCH)["horizon"] == 18, "0 and auto leave it open"
