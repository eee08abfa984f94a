# TensorFlow ships no types, and the stubs that type checkers bundle are partial: they refuse code that runs.
from typing import Any

def __getattr__(name: str) -> Any: ...
