# Keras declares no types, and what a checker infers for `keras.ops` is wrong.
from typing import Any

def __getattr__(name: str) -> Any: ...
