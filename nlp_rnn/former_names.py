"""Where the modules and names of version 0.1 are now: the table former_names.tsv, for `deprecation`.

A row holds the former module, the former name, and the current module and name, all modules without "nlp_rnn."; "*"
stands for the names that have not changed.
"""

from pathlib import Path


def _read() -> tuple[dict[str, tuple[str, ...]], dict[tuple[str, str], tuple[str, str]]]:
    table = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8")
    modules: dict[str, tuple[str, ...]] = {}
    names: dict[tuple[str, str], tuple[str, str]] = {}
    for line in table.splitlines()[1:]:
        old_module, old_name, module, name = line.split("\t")
        if old_name == "*":
            modules[old_module] = (*modules.get(old_module, ()), module)
        else:
            names[old_module, old_name] = (module, name)
    return modules, names


# By former module: the current modules. By former module and name: the current ones, where the name changed too.
MODULES, NAMES = _read()
