"""The help of every command, and `nlp-rnn list`."""

import json
import subprocess
import sys

COMMANDS = ("list", "run", "finetune", "evaluate", "predict", "generate", "export", "copy")


def test_help_answers_at_once_and_shows_an_example(cli):
    for command in COMMANDS:
        result = cli(command, "--help")
        assert result.exit_code == 0
        assert "nlp-rnn " + command in result.output.partition("Example")[2]
    code = "import resource, subprocess, sys\n"
    code += "subprocess.run([sys.executable, '-m', 'nlp_rnn.cli', '--help'], stdout=-3)\n"
    code += "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
    seconds = min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))
    assert seconds < 0.2


def test_help_lists_the_settings_of_a_recipe(cli, tmp_path):
    shown = " ".join(cli("run", "sentiment", "--help").output.partition("Settings of sentiment")[2].split())
    assert "vocabulary=30000 tokens in the vocabulary; the rest are <unk> (1 or above)" in shown
    assert "cell=lstm recurrent cell (lstm, gru, rnn)" in shown and "bidirectional=True" in shown
    recipe = tmp_path / "mine.py"
    head = "import tensorflow_is_not_needed_for_this\nfrom dataclasses import dataclass\n\n\n@dataclass\n"
    recipe.write_text(f"{head}class Config:\n    units: int = 2**3\n    cell: str = 'gru'\n")
    shown = " ".join(cli("run", "--out", "here", recipe, "--help").output.partition("for --set:")[2].split())
    assert shown == "units=8 cell=gru"
    assert "Settings of" not in cli("run", "sentimental", "--help").output + cli("run", "--help").output
    recipe.write_text("class Config:\n    units: int =\n")
    result = cli("run", recipe, "--help")
    assert result.exit_code == 1 and f"{recipe}, line 2" in result.stderr and "Usage" not in result.stdout


def test_list(cli):
    assert "sentiment" in cli("list").stdout and "movie_reviews" in cli("list").stdout
    listed = json.loads(cli("list", "--json").stdout)
    assert listed["recipes"]["sentiment"].startswith("Sentiment") and "movie_reviews" in listed["data"]
