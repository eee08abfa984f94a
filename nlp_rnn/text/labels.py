"""Spellings of labels: certainly the same class, such as 0 and 0.0, or merely similar."""

import re
import unicodedata
from collections.abc import Collection, Iterable


def label_key(label: str) -> str:
    """A key that labels share if they are certainly the same: equal whole numbers, or equal Unicode text.

    Examples:
        >>> label_key("0.0"), label_key("1."), label_key("1.5"), label_key("01")
        ('0', '1', '1.5', '01')
        >>> label_key("cafe\u0301") == label_key("caf\u00e9")
        True
    """
    return re.sub(r"^([+-]?\d+)\.0*$", r"\1", unicodedata.normalize("NFC", label))


def similarity_key(label: str) -> str:
    """A key that labels share if they look alike: they differ in case, spaces, invisible characters or number format.

    Examples:
        >>> similarity_key("Sport\u200b") == similarity_key("sport"), similarity_key("01") == similarity_key("1.0")
        (True, True)
        >>> similarity_key("pop") == similarity_key("pop-up")
        False
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())
    text = " ".join("".join(mark for mark in text if unicodedata.category(mark) != "Cf").split())
    return repr(float(text.replace(",", "."))) if re.fullmatch(r"[+-]?\d+([.,]\d*)?", text) else text


def spellings(labels: Iterable[str], known: Collection[str] = ()) -> dict[str, str]:
    """The class of each label: its spelling in `known`, or else the shortest of those that are certainly the same.

    Examples:
        >>> spellings(["0", "0.0", "1.0", "2.5"], known=["1"])
        {'0': '0', '0.0': '0', '1.0': '1', '2.5': '2.5'}
    """
    labels = list(labels)
    chosen: dict[str, str] = {}
    for label in sorted(labels, key=lambda label: (len(label), label)):
        chosen.setdefault(label_key(label), label)
    chosen |= {label_key(name): name for name in known}
    return {label: label if label in known else chosen[label_key(label)] for label in labels}
