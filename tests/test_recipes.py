"""Recipes: found, loaded, and read by the new names where they were written for version 0.1."""

from pathlib import Path

import pytest

from nlp_rnn import recipes, task
from nlp_rnn.checks import UsageError
from nlp_rnn.training.trainer import training_plan

FORMER = """
from dataclasses import dataclass

TAKES = "text"
DATA = "everyday"


@dataclass(frozen=True)
class Config:
    unit: str = "byte"
    clip: float = 0.5
    learning_rate: float = 0.01
    patience: int = 1
    seed: int = 0


def load_data(): ...
def build_model(): ...
def train(config, source, job): ...
"""


@pytest.fixture
def former(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FORMER)
    return recipes.load(str(path))


def test_a_recipe_of_version_0_1_is_read_by_the_new_names(former, capsys):
    config = former.Config()
    assert config.token_level == "byte" and training_plan(config, 3, finetune=False).global_clipnorm == 0.5
    assert recipes.task_of(former) is task.get("language_model")
    assert 'is now a recipe with TASK = "language_model"' in capsys.readouterr().err


def test_the_settings_of_a_recipe_are_read_without_tensorflow(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"import no_such_module\n{FORMER}")
    assert recipes.config_class(path)().unit == "byte"


def test_a_task_that_does_not_exist_is_named(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FORMER.replace('TAKES = "text"', 'TASK = "painting"'))
    with pytest.raises(UsageError, match="mine.py: there is no task 'painting', only text_classifier, language_model"):
        recipes.task_of(recipes.load(str(path)))


def test_every_recipe_that_ships_names_its_task_and_data():
    for name in recipes.resources.recipes():
        recipe = recipes.load(name)
        assert recipe.TASK in task.TASKS and recipe.DATA.partition("/")[0] in recipes.resources.data_sets()
        assert Path(recipe.__file__).stem == name


def test_the_files_that_decide_what_a_recipe_does(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import keras, my_layers\nfrom my_texts.words import x\nfrom nlp_rnn import runs\n"
    )
    (tmp_path / "my_layers.py").write_text("import my_cells, mine\n")
    (tmp_path / "my_cells.py").write_text("")
    (tmp_path / "other.py").write_text("")
    (tmp_path / "my_texts").mkdir()
    (tmp_path / "my_texts" / "words.py").write_text("")
    files = recipes.source_files(str(tmp_path / "mine.py"))
    assert sorted(files) == ["mine.py", "my_cells.py", "my_layers.py", "my_texts/words.py"]
    monkeypatch.chdir(tmp_path)
    assert recipes.source_files("mine.py").keys() == files.keys()
    assert list(recipes.source_files("sentiment")) == ["sentiment.py"]


def test_a_recipe_without_a_task_is_refused_before_it_trains(tmp_path):
    path = tmp_path / "mine.py"
    text = FORMER.replace('TAKES = "text"', "from nlp_rnn.training.settings import TrainingSettings")
    config = text[text.index("@dataclass") : text.index("def load_data")]
    path.write_text(text.replace(config, "class Config(TrainingSettings): ...\n\n\n"))
    with pytest.raises(UsageError, match="mine.py: the recipe names no task: add TASK, one of text_classifier"):
        recipes.task_of(recipes.load(str(path)))
