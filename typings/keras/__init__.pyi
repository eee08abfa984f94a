# Keras ships no types: what is inferred from its source is often wrong.
from typing import Any

def __getattr__(name: str) -> Any: ...
