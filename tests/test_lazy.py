"""Names of a package that are imported when they are first used."""

import importlib
import subprocess
import sys

import pytest

from nlp_rnn import lazy

PACKAGES = ["", ".text", ".datasets", ".training", ".decoding", ".classification", ".language_model", ".seq2seq"]


def test_a_name_is_imported_from_its_module():
    get, names, public = lazy.lazy_exports(
        "nlp_rnn", {"checks": ["positive_int", "fraction"], "lazy": ["lazy_exports"]}
    )
    assert get("lazy_exports") is lazy.lazy_exports
    assert names() == public == ["fraction", "lazy_exports", "positive_int"]
    with pytest.raises(AttributeError, match="module 'nlp_rnn' has no attribute 'nothing'"):
        get("nothing")


def test_a_former_name_of_a_package_warns_the_line_that_uses_it(monkeypatch):
    monkeypatch.setattr(lazy.deprecation, "NAMES", {("text", "split_words"): ("text.chunks", "chunks")})
    with pytest.warns(FutureWarning, match="nlp_rnn.text.split_words is now nlp_rnn.text.chunks.chunks") as seen:
        from nlp_rnn.text import split_words
    assert split_words.__name__ == "chunks" and seen[0].filename == __file__


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_of_a_package_can_be_imported(package):
    module = importlib.import_module(f"nlp_rnn{package}")
    for name in getattr(module, "__all__", []):
        assert getattr(module, name) is not None
    assert set(getattr(module, "__all__", [])) <= set(dir(module))


def test_importing_a_package_does_not_import_tensorflow():
    code = (
        f"import sys, importlib; [importlib.import_module('nlp_rnn' + p) for p in {PACKAGES}]; "
        "print([m for m in ('tensorflow', 'keras', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
