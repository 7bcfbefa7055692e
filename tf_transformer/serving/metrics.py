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
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "tf_transformer_requests_total",
            "Answered requests.",
            ("endpoint", "status"),
            registry=registry,
        )
        self.latency = Histogram(
            "tf_transformer_request_seconds",
            "Time from a predict request's first byte to its answer.",
            ("model", "signature"),
            buckets=SECONDS,
            registry=registry,
        )
        self.batch_size = Histogram(
            "tf_transformer_batch_sentences",
            "Sentences computed at once.",
            buckets=SENTENCES,
            registry=registry,
        )
        self.queue_length = Gauge(
            "tf_transformer_queue_sentences",
            "Sentences waiting to be computed.",
            registry=registry,
        )
        self.computing_seconds = Counter(
            "tf_transformer_computing_seconds_total",
            "Time that TensorFlow has computed.",
            registry=registry,
        )
        self.sentences = Counter(
            "tf_transformer_sentences_total",
            "Sentences of answered requests.",
            ("model",),
            registry=registry,
        )
        self.characters = Counter(
            "tf_transformer_characters_total",
            "Characters of answered requests.",
            ("model",),
            registry=registry,
        )

    def page(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
