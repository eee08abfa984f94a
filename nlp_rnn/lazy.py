"""Names of a package that are imported when they are first used, so that `import nlp_rnn` takes no time."""

import importlib
from collections.abc import Callable, Mapping, Sequence

from nlp_rnn import deprecation


def lazy_exports(package: str, modules: Mapping[str, Sequence[str]]) -> tuple[Callable, Callable, list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package.

    Args:
        package: its `__name__`.
        modules: the names that each of its modules exports, the module as seen from the package, such as "folder".

    Examples:
        >>> get, names, public = lazy_exports("nlp_rnn", {"checks": ["positive_int"]})
        >>> get("positive_int")("units", 3), public
        (3, ['positive_int'])
    """
    homes = {name: f"{package}.{module}" for module, names in modules.items() for name in names}

    def get(name: str) -> object:
        if name in homes:
            return getattr(importlib.import_module(homes[name]), name)
        return deprecation.renamed(package, name, stacklevel=4)

    return get, lambda: sorted(homes), sorted(homes)
