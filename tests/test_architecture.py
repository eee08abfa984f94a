"""The architecture, read from the source: who may import whom, no cycles, nothing outside a task asks for its kind."""

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TASKS = {"classification", "language_model", "seq2seq", "forecasting"}
BASE = {"checks", "progress", "deprecation", "former_names", "interrupts", "lazy", "streams", "__init__"}
# What a room may import, itself and BASE aside. The arrows point down: the command line on top, checks at the bottom.
LIBRARY = {"allocator", "batches", "datasets", "decoding", "graph", "layers", "plots", "resources", "settings"} | {
    "text", "training"
}  # fmt: skip
MAY_IMPORT = {
    **{name: set() for name in ("checks", "former_names", "progress", "plots", "resources", "allocator", "__init__")},
    **{name: set() for name in ("deprecation", "interrupts", "streams")},
    "graph": set(),
    "lazy": set(),
    "report": set(),
    "settings": set(),
    "batches": set(),
    "layers": {"graph"},
    "weights": {"layers"},
    "datasets": {"resources"},
    "text": {"batches", "graph"},
    "decoding": set(),
    "training": {"allocator", "batches", "graph", "layers", "settings", "text"},
    "task": {"datasets", "report"},
    "runs": {"datasets", "plots", "settings", "task", "weights"},
    "recipes": {"resources", "settings", "task", "training"},
    "export": {"graph", "runs", "task"},
    **{name: LIBRARY | {"report", "runs", "task", "weights"} for name in TASKS},
    "cli": {"datasets", "export", "recipes", "report", "resources", "runs", "settings", "task"},
    "tasks": LIBRARY | TASKS | {"runs"},
}
MAY_IMPORT["former_api"] = LIBRARY | TASKS | {"recipes", "runs", "task"}  # nobody may import it
MAY_IMPORT["classification"] |= {"language_model"}  # a classifier may start from a language model
FILES = sorted([*(ROOT / "nlp_rnn").rglob("*.py"), *(ROOT / "tasks").glob("*.py")])
LIGHT = [*(ROOT / "nlp_rnn" / "cli").glob("*.py"), *(ROOT / "nlp_rnn").glob("*/task.py")]
LIGHT += [ROOT / "nlp_rnn" / f"{name}.py" for name in ("__init__", "task", "settings", "recipes", "checks", "progress")]
LIGHT += [ROOT / "nlp_rnn" / f"{name}.py" for name in ("interrupts", "streams")]
HEAVY = {"tensorflow", "keras", "numpy", "matplotlib", "pyarrow", "tensorflow_datasets", "rich", "pandas"}
MAX_LINES, MAX_FUNCTION, MAX_MEDIAN = 300, 40, 8


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def room(module):
    """The key of MAY_IMPORT that a module belongs to: "nlp_rnn.layers.cells" -> "layers"; "tasks.x" -> "tasks"."""
    first, *rest = module.split(".")
    return (rest[0] if rest else "__init__") if first == "nlp_rnn" else first


def imported(path):
    """Line and module of all that a file imports, also inside functions."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield node.lineno, inside if inside in MODULES else node.module


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_follow_the_map(path):
    here = room(module_of(path))
    for line, module in imported(path):
        assert module.split(".")[0] not in ("tests", "benchmarks"), f"{path}:{line}: nobody imports {module}"
        there = room(module)
        if module.split(".")[0] in ("nlp_rnn", "tasks") and there != here:
            assert there in MAY_IMPORT[here] | BASE, f"{path}:{line}: {here} may not import {there}"


def test_every_room_is_on_the_map():
    assert {room(module) for module in MODULES} == set(MAY_IMPORT)


def at_import(path):
    """The modules of the project that are imported when a file is: at its top, not for types alone."""
    for node in parsed(path).body:
        names = [node] if isinstance(node, ast.Import | ast.ImportFrom) else []
        for one in names:
            if isinstance(one, ast.Import):
                yield from (alias.name for alias in one.names)
            else:
                for alias in one.names:
                    inside = f"{one.module}.{alias.name}"
                    yield inside if inside in MODULES else one.module


def test_no_module_imports_itself_through_others():
    graph = {module: {name for name in at_import(path) if name in MODULES} for module, path in MODULES.items()}
    done, path = set(), []

    def visit(module):
        assert module not in path, f"import cycle: {' -> '.join([*path[path.index(module) :], module])}"
        if module in done:
            return
        path.append(module)
        for other in sorted(graph[module] - {module}):
            visit(other)
        done.add(path.pop())

    for module in graph:
        visit(module)


@pytest.mark.parametrize("path", LIGHT, ids=module_of)
def test_the_command_line_starts_without_anything_heavy(path):
    assert not {name.split(".")[0] for name in at_import(path)} & HEAVY


def asks_for_a_kind(node):
    """Whether a node compares, looks up or matches the kind of a task or the class of a pipeline."""
    pipelines = {"TextClassifier", "LanguagePipeline", "Translator", "Forecaster"}

    def is_kind(value):
        return isinstance(value, ast.Attribute) and value.attr == "kind" and getattr(value.value, "attr", "") != "dtype"

    if isinstance(node, ast.Compare):
        return any(map(is_kind, [node.left, *node.comparators]))
    if isinstance(node, ast.Subscript):
        return is_kind(node.slice)
    if isinstance(node, ast.Match):
        return is_kind(node.subject)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass"):
        return any(isinstance(part, ast.Name) and part.id in pipelines for part in ast.walk(node))
    return False


OUTSIDE = [path for path in FILES if room(module_of(path)) not in TASKS | {"task", "tasks", "layers"}]


@pytest.mark.parametrize("path", OUTSIDE, ids=module_of)
def test_no_code_outside_a_task_asks_which_task_it_is(path):
    lines = [node.lineno for node in ast.walk(parsed(path)) if asks_for_a_kind(node)]
    assert not lines, f"{path}:{lines[0]}: ask the task instead, through an attribute or a method of Task"


def test_questions_for_the_kind_are_recognised():
    for text in ("run.pipeline.kind == 'x'", "TABLE[run.kind]", "a.kind in ('x',)", "isinstance(p, Translator)"):
        assert any(map(asks_for_a_kind, ast.walk(ast.parse(text)))), text
    for text in ("values.dtype.kind == 'M'", "task.get(about['kind'])", "isinstance(p, str)"):
        assert not any(map(asks_for_a_kind, ast.walk(ast.parse(text)))), text


def functions(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = len((ast.get_docstring(node, clean=False) or "").splitlines())
            yield node, node.end_lineno - node.lineno + 1 - documented


def test_files_and_functions_are_short():
    sizes = []
    for path in FILES:
        assert path.read_text(encoding="utf-8").count("\n") <= MAX_LINES, f"{path} is longer than {MAX_LINES} lines"
        for node, size in functions(path):
            assert size <= MAX_FUNCTION, f"{path}:{node.lineno}: {node.name} has {size} lines of code"
            sizes.append(size)
    assert statistics.median(sizes) <= MAX_MEDIAN


def test_the_library_asserts_nothing():
    for path in FILES:
        lines = [node.lineno for node in ast.walk(parsed(path)) if isinstance(node, ast.Assert)]
        assert not lines, f"{path}:{lines[0]}: raise an error that names what was expected and what came"
