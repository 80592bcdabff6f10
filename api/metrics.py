"""Every metric of the API: its name, its labels and what it says. One registry an application, no global."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The API's metrics. A route is labelled by its template, so that ids do not multiply the series."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        # Requests that were answered, streams and websockets included once they end.
        self.requests = Counter(
            "tidemark_http_requests", "Answered requests", ["method", "route", "status"], registry=self.registry
        )
        # From the first line of a request to the end of its answer; streams and websockets are left out.
        self.request_seconds = Histogram(
            "tidemark_http_request_seconds",
            "Time to answer",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        # Requests that are being answered at this moment.
        self.in_flight = Gauge("tidemark_http_requests_in_flight", "Requests under way", registry=self.registry)
        # Connections that are open, whether a request is under way on them or not.
        self.connections = Gauge("tidemark_connections", "Open connections", registry=self.registry)
        # Connections that were cut off: `slow` and `large` heads, `full`: no room, `unreadable`: no HTTP.
        self.connections_cut = Counter(
            "tidemark_connections_cut", "Connections cut off", ["reason"], registry=self.registry
        )
        # Websockets and event streams that are open on this node.
        self.watchers = Gauge(
            "tidemark_watchers", "Open websockets and event streams", ["kind"], registry=self.registry
        )
        # Progress events read from Kafka: `watched` were for somebody here, `other` were dropped unread.
        self.progress_events = Counter(
            "tidemark_progress_events", "Progress events read", ["outcome"], registry=self.registry
        )
        # Watchers that were closed because they did not take what was sent.
        self.stalled = Counter("tidemark_watchers_stalled", "Watchers closed for stalling", registry=self.registry)
        # Bytes taken in by multipart uploads, whether the upload succeeded or not.
        self.upload_bytes = Counter("tidemark_upload_bytes", "Bytes of multipart uploads", registry=self.registry)
        # Uploads whose processing was accepted, by the door they came in by.
        self.uploads_accepted = Counter(
            "tidemark_uploads_accepted", "Accepted uploads", ["source"], registry=self.registry
        )
