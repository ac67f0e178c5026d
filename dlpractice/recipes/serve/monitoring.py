"""What Prometheus is told at `/metrics`."""

from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# Seconds: from a tiny net's to a large one's on a CPU.
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32)


@dataclass
class Meters:
    """Counters of one server."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        place = self.registry
        ProcessCollector(registry=place)
        self.requests = Counter("dlp_requests", "Requests answered.", ["path", "status"], registry=place)
        self.seconds = Histogram(
            "dlp_request_seconds",
            "From a request's head to its answer.",
            ["path"],
            buckets=_SECONDS,
            registry=place,
        )
        self.images = Counter(
            "dlp_images", "Images received, by what came of them.", ["outcome"], registry=place
        )
        self.batch_rows = Histogram("dlp_batch_rows", "Images in a batch.", buckets=_ROWS, registry=place)
        self.net_seconds = Histogram(
            "dlp_net_seconds", "What the net took for a batch.", buckets=_SECONDS, registry=place
        )
        self.waiting = Gauge("dlp_waiting_images", "Images that wait for the net.", registry=place)

    def watch_batch(self, rows: int, seconds: float) -> None:
        """Notes a batch of the net."""
        self.batch_rows.observe(rows)
        self.net_seconds.observe(seconds)

    def watch_request(self, path: str, status: int, seconds: float) -> None:
        """Notes an answer. path: of its route, such as `/v2/models/{name}`."""
        self.requests.labels(path, str(status)).inc()
        self.seconds.labels(path).observe(seconds)

    def write(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)
