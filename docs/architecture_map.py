"""Write the map of docs/architecture.md anew, from the source: `python docs/architecture_map.py`.

What a package may import is what tests/test_architecture.py enforces, and the line about a module is the first of its
docstring. `tests/test_docs.py` fails where the page and the source differ.
"""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- map: written by docs/architecture_map.py -->\n", "<!-- end of the map -->"
# From the command line down to what knows nothing of the rest; what is not named here follows at the end.
ORDER = (
    *("cli", "export", "recipes", "tasks", "classification", "language_model", "seq2seq", "forecasting", "runs"),
    *("task", "report", "training", "decoding", "text", "datasets", "batches", "weights", "layers", "settings"),
    *(
        "plots",
        "allocator",
        "resources",
        "progress",
        "checks",
        "lazy",
        "deprecation",
        "former_names",
        "interrupts",
        "streams",
        "__init__",
    ),
)


def page() -> str:
    """The text of the page with the map as the source has it now."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{arrows()}\n{modules()}\n{END}{rest.partition(END)[2]}"


def arrows() -> str:
    """A table: each package, and what it may import."""
    from tests.test_architecture import BASE, MAY_IMPORT

    rows = ["| package | may import |", "|---|---|"]
    for room in _ordered(MAY_IMPORT):
        if room in BASE:
            continue
        below = ", ".join(f"`{name}`" for name in _ordered(MAY_IMPORT[room] - BASE)) or "nothing else"
        rows.append(f"| `{room}` | {below} |")
    base = ", ".join(f"`{name}`" for name in _ordered(BASE) if name != "__init__")
    return "\n".join([*rows, "", f"Everything may also import {base}.", ""])


def modules() -> str:
    """A section for each folder, with a line for each of its modules; files that lie in nlp_rnn/ itself come last."""
    from tests.test_architecture import MODULES, room

    folders: dict[str, list[str]] = {}
    for module in sorted(MODULES):
        alone = MODULES[module].parent.name == "nlp_rnn"
        folders.setdefault("nlp_rnn" if alone else room(module), []).append(module)
    sections = []
    for name in _ordered(folders):
        paths = [MODULES[module] for module in folders[name]]
        lines = [f"| `{path.relative_to(ROOT)}` | {_summary(path)} |" for path in paths]
        sections.append("\n".join([f"### {name}", "", "| module | what it is |", "|---|---|", *lines, ""]))
    return "\n".join(sections)


def _ordered(names):
    return sorted(names, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def _summary(path):
    """The first sentence of a module's docstring, as a cell of a table."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).split(". ")[0].replace("|", "\\|").removesuffix(".")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page(), encoding="utf-8")
