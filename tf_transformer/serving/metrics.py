"""Metrics for Prometheus."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SENTENCES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counters of one service."""

    def __init__(self):
        self._registry = CollectorRegistry()
        self.requests = self._add(
            Counter, "requests_total", "Answered requests.", ("endpoint", "status")
        )
        self.latency = self._add(
            Histogram,
            "request_seconds",
            "Time from a predict request's first byte to its answer.",
            ("model", "signature"),
            buckets=SECONDS,
        )
        self.batch_size = self._add(
            Histogram,
            "batch_sentences",
            "Sentences computed at once.",
            buckets=SENTENCES,
        )
        self.queue_length = self._add(
            Gauge, "queue_sentences", "Sentences waiting to be computed."
        )
        self.computing_seconds = self._add(
            Counter, "computing_seconds_total", "Time that TensorFlow has computed."
        )
        self.sentences = self._add(
            Counter, "sentences_total", "Sentences of answered requests.", ("model",)
        )
        self.characters = self._add(
            Counter, "characters_total", "Characters of answered requests.", ("model",)
        )

    def _add(self, kind, name: str, description: str, labels=(), **options):
        return kind(
            f"tf_transformer_{name}",
            description,
            labels,
            registry=self._registry,
            **options,
        )

    def page(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
