"""The arrows of the map in the README: who may import whom. Read from the source, so it runs in no time."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BASE = {"checks"}
PARTS = {"checks", "text", "batching", "sources", "metrics", "progress", "shipped"}
TRANSLATION = {"decoding", "objectives", "pairs", "pair_data", "translation", "translation_evaluation"}
FORECASTING = {"backtest", "distributions", "forecasting", "panel", "series_checks", "windows"}
LANGUAGE = {"language", "language_data", "cloze", "held_out"}
MAY_IMPORT = {
    "__init__": set(),
    "options": BASE | {"recipes"},
    "opening": BASE | {"progress", "sources"},
    "distributions": set(),
    "forecast_metrics": set(),
    "baselines": {"progress"},
    "panel": set(),
    "windows": BASE | {"batching", "panel"},
    "forecasting": BASE | {"models", "panel", "progress", "sources"},
    "backtest": BASE | {"baselines", "forecast_metrics", "forecasting", "panel", "progress", "sources"},
    "forecast_answers": BASE | {"backtest", "forecasting", "panel", "plots", "progress", "series_checks", "sources"},
    "series_checks": BASE | {"distributions", "forecasting", "panel", "progress", "sources"},
    "checks": set(),
    "shipped": set(),
    "progress": set(),
    "plots": set(),
    "places": BASE,
    "metrics": BASE,
    "text": BASE | {"subwords"},
    "subwords": BASE,
    "batching": BASE | {"text"},
    "sources": BASE | {"panel", "shipped", "progress"},
    "layers": BASE | {"memory"},
    "losses": BASE,
    "memory": set(),
    "models": BASE | {"distributions", "layers"},
    "pipelines": BASE | {"models", "text"},
    "decoding": BASE,
    "streams": BASE | {"batching", "text"},
    "objectives": BASE | {"layers", "losses", "models", "text"},
    "pairs": BASE | {"batching", "text"},
    "pair_data": BASE | {"pairs", "progress", "sources", "subwords", "text", "translation"},
    "translation": BASE | {"decoding", "models", "objectives", "text"},
    "translation_evaluation": BASE
    | {"decoding", "metrics", "objectives", "sources", "pairs", "progress", "text", "translation"},
    "blanks": BASE,
    "language": BASE | {"blanks", "decoding", "losses", "models", "text"},
    "language_evaluation": BASE | {"batching", "objectives", "progress", "streams", "text"},
    "language_data": BASE
    | {"batching", "language", "language_evaluation", "models", "objectives", "progress", "sources", "streams", "text"},
    "held_out": BASE
    | {
        "batching",
        "language",
        "language_data",
        "language_evaluation",
        "objectives",
        "progress",
        "runs",
        "sources",
        "streams",
    },
    "optimizers": set(),
    "labelled_data": BASE | {"batching", "progress"},
    "cloze": BASE | {"language", "progress", "sources", "text"},
    "checkpoints": BASE | {"progress"},
    "training": BASE | {"batching", "checkpoints", "optimizers", "progress", "streams"},
    "runs": BASE
    | {"__init__", "language", "forecasting", "models", "pipelines", "places", "progress", "text", "translation"},
    "evaluation": BASE | {"batching", "metrics", "pipelines", "plots", "progress", "runs"},
    "export": BASE | {"places", "progress", "runs"},
    "resuming": BASE | {"places", "progress", "runs"},
    "console": BASE | {"progress"},
    "recipes": BASE | {"shipped"},
    "answers": BASE
    | {
        "decoding",
        "forecast_answers",
        "language",
        "metrics",
        "pipelines",
        "progress",
        "runs",
        "sources",
        "translation",
    },
    "commands": BASE
    | LANGUAGE
    | TRANSLATION
    | {
        "answers",
        "blanks",
        "console",
        "evaluation",
        "forecast_answers",
        "opening",
        "places",
        "plots",
        "progress",
        "recipes",
        "resuming",
        "runs",
        "sources",
    },
    "cli": BASE
    | PARTS
    | {"__init__", "answers", "commands", "console", "export", "opening", "options", "places", "recipes", "resuming"}
    | {"runs"},
    "tasks": BASE
    | PARTS
    | LANGUAGE
    | TRANSLATION
    | FORECASTING
    | {"evaluation", "labelled_data", "layers", "plots", "models", "pipelines", "runs", "training"},
}
FILES = [*(ROOT / "nlp_rnn").rglob("*.py"), *(ROOT / "tasks").glob("*.py")]


def area(parts):
    """The key of MAY_IMPORT: ("nlp_rnn", "layers", "cells") -> "layers"; ("tasks", "sentiment") -> "tasks"."""
    if parts[0] == "nlp_rnn":
        return parts[1] if len(parts) > 1 else "__init__"
    return parts[0]


def imported(path):
    """Line and dotted name of all that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module.split(".")
            names = [alias.name for alias in node.names] if module == ["nlp_rnn"] else [None]
            yield from ((node.lineno, [*module, *([name] if name else [])]) for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_map(path):
    here = area(path.relative_to(ROOT).with_suffix("").parts)
    for line, parts in imported(path):
        assert parts[0] not in ("tests", "benchmarks"), f"{path}:{line}: nobody imports {parts[0]}"
        if parts[0] in ("nlp_rnn", "tasks") and (there := area(tuple(parts))) != here:
            assert there in MAY_IMPORT[here], f"{path}:{line}: {here} may not import {there}"


def test_every_file_has_its_place_on_the_map():
    assert {area(path.relative_to(ROOT).with_suffix("").parts) for path in FILES} == set(MAY_IMPORT)


def test_the_command_line_starts_without_anything_heavy():
    heavy = {"tensorflow", "keras", "numpy", "matplotlib", "pyarrow", "tensorflow_datasets", "rich"}
    for name in (
        "__init__",
        "checks",
        "shipped",
        "progress",
        "recipes",
        "answers",
        "commands",
        "console",
        "options",
        "places",
        "resuming",
        "cli",
    ):
        tree = ast.parse((ROOT / "nlp_rnn" / f"{name}.py").read_text(encoding="utf-8"))
        at_top = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
        names = {(n.module if isinstance(n, ast.ImportFrom) else n.names[0].name).split(".")[0] for n in at_top}
        assert not names & heavy, f"{name}.py imports {names & heavy} at its top"
