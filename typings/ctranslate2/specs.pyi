# Without types of its own, or with wrong ones.
from typing import Any

def __getattr__(name: str) -> Any: ...
