"""The state of one version of a model."""

import dataclasses

from tf_transformer.serving.folder import printable
from tf_transformer.serving.loaded_version import LoadedVersion


@dataclasses.dataclass
class VersionState:
    """State and error of one version, in TensorFlow Serving's terms."""

    version: int
    state: str = "START"
    error_code: str = "OK"
    error_message: str = ""
    changed: float = 0.0
    loaded: LoadedVersion | None = None
    num_requests: int = 0

    def as_json(self) -> dict:
        """The entry of a status answer."""
        message = printable(self.error_message)  # may name a file
        status = {"error_code": self.error_code, "error_message": message}
        return {"version": str(self.version), "state": self.state, "status": status}
