"""The settings of the service."""

import dataclasses
import math
import re

# a path, or a port after a name; addresses of IPv6 have several colons
_NO_HOST = re.compile(r"/|^[^:]*:\d*$")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/A-Z]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
VERSIONS = ("latest", "all")


@dataclasses.dataclass(frozen=True)
class ServiceSettings:
    """Settings of the service.

    Args:
        versions: "latest" serves each model's highest version, "all" every version.
        poll_seconds: Seconds between two checks of the folder.
        batch_size: Maximum number of sentences in a batch. 1 computes each request
            separately.
        batch_delay: Seconds that a sentence waits for its batch.
        queue_size: Maximum number of waiting sentences per version; further requests
            get 503.
        timeout: Seconds that a request may take before it gets 504.
        max_body: Maximum size of a request's body in bytes.
        max_sentences: Maximum number of sentences in a request.
        max_characters: Maximum number of characters in a sentence.
        max_connections: Maximum number of connections at the same time.
        header_timeout: Seconds that the headers of a request may take.
        idle_timeout: Seconds that a connection may be idle between requests.
        read_timeout: Seconds after which a client that does not read its answer is
            disconnected.
        allowed_hosts: Names of this service besides `localhost` and addresses, for the
            `Host` of requests. "*" allows all.
        allowed_origins: Origins whose pages may use the service (CORS).
        token: Optional secret that clients must send.
        log_text: Whether the log contains the texts of requests and answers.
        warm_up_texts: Texts that each version computes before it is ready.

    Raises:
        ValueError: If a value is out of range.
    """

    versions: str = "latest"
    poll_seconds: float = 2.0
    batch_size: int = 32
    batch_delay: float = 0.005
    queue_size: int = 256
    timeout: float = 30.0
    max_body: int = 1 << 20
    max_sentences: int = 64
    max_characters: int = 2000
    max_connections: int = 512
    header_timeout: float = 10.0
    idle_timeout: float = 15.0
    read_timeout: float = 10.0
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    token: str | None = dataclasses.field(default=None, repr=False)
    log_text: bool = False
    warm_up_texts: tuple[str, ...] = ()

    @property
    def warm_up_batches(self) -> list[list[str]]:
        """Batches with each text 1, 2, 4, ... times, up to the largest batch."""
        largest = self.batch_size if self.batch_size > 1 else self.max_sentences
        sizes = [2**i for i in range((largest - 1).bit_length())]
        return [
            [text] * size for text in self.warm_up_texts for size in (*sizes, largest)
        ]

    def __post_init__(self):
        if self.versions not in VERSIONS:
            raise ValueError(
                f"Versions must be one of {VERSIONS}. Received: {self.versions}"
            )
        for name in (
            *("batch_size", "max_body", "max_sentences", "max_characters"),
            "max_connections",
        ):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1. Received: {getattr(self, name)}"
                )
        for name in (
            *("poll_seconds", "timeout"),
            *("header_timeout", "idle_timeout", "read_timeout"),
        ):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name} must be a positive number of seconds. Received: "
                    f"{getattr(self, name)}"
                )
        self._check_names()
        if not 0 <= self.batch_delay < math.inf:
            raise ValueError(
                "batch_delay must be a number of seconds, at least 0. Received: "
                f"{self.batch_delay}"
            )
        if self.queue_size < self.max_sentences:
            raise ValueError(
                "The queue must hold the largest request. Expected queue_size of at "
                f"least max_sentences={self.max_sentences}. Received: {self.queue_size}"
            )
        self._check_token()

    def _check_token(self) -> None:
        if self.token is None:
            return
        if not self.token:
            raise ValueError("The token must not be empty.")
        control = _CONTROL.search(self.token)
        if control:
            # without the token, which is secret
            raise ValueError(
                "The token must not contain control characters, which a header cannot "
                "transport. Expected one line of text. Received: a token with "
                f"U+{ord(control[0]):04X} as character {control.start() + 1}"
            )

    def _check_names(self) -> None:
        for host in self.allowed_hosts:
            if _NO_HOST.search(host):
                raise ValueError(
                    "Requests are compared with the name of the host only. Expected "
                    "one such as translate.example.org, without scheme and port. "
                    f"Received: {host}"
                )
            if "*" in host and host != "*":
                raise ValueError(
                    "A name is compared as a whole. Expected one such as "
                    f"translate.example.org, or * for all. Received: {host}"
                )
        for origin in self.allowed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    "Browsers send an origin without a path and in lower case. "
                    f"Expected one such as https://example.org. Received: {origin}"
                )
