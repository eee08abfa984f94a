"""Where the modules and names of version 0.1 are now: the table former_names.tsv, for `deprecation`.

A row is the old module, the old name, and today's module and name, all modules without "nlp_rnn."; "*" stands for the
names that have not changed.
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


# By old module: today's modules. By old module and name: today's, where the name has changed too.
MODULES, NAMES = _read()
