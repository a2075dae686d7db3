"""Prometheus metrics: every name in one place, without location, workflow or URL as a label."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram, start_http_server
from prometheus_client.metrics import MetricWrapperBase

RPC_HANDLED = Counter("grpc_server_handled_total", "Calls answered.", ["service", "method", "code"])
RPC_SECONDS = Histogram("grpc_server_handling_seconds", "Time to answer a call.", ["service"])
INGEST_EVENTS = Counter("runwarden_ingest_events_total", "Items taken in.", ["result"])
INGEST_BATCH = Histogram(
    "runwarden_ingest_batch_items",
    "Items in one batch.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 200, 350, 500),
)
INGEST_BATCHES = Counter(
    "runwarden_ingest_batches_total",
    "Batches of ended runs: counted in one trip to the database, judged in two, or asked about first.",
    ["kind"],
)
INGEST_LAG = Histogram(
    "runwarden_ingest_lag_seconds",
    "From the end of the oldest run of a batch until it is recorded.",
    buckets=(0.1, 0.5, 1, 5, 30, 60, 300, 1800, 3600, 6 * 3600, 86400, 7 * 86400),
)
RECORDING_GAPS = Counter(
    "runwarden_recording_gaps_total", "Times in which nothing could be recorded."
)
AT_THE_DOOR = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
DOOR_SECONDS = Histogram(
    "runwarden_door_seconds",
    "From a webhook's head until its answer, whatever that is.",
    buckets=AT_THE_DOOR,
)
DOOR_BATCH_SECONDS = Histogram(
    "runwarden_door_batch_seconds",
    "From the call that records a batch of webhooks until their answers.",
    buckets=AT_THE_DOOR,
)
SIGNED_WEBHOOKS = Counter(
    "runwarden_signed_webhooks_total",
    "Webhooks without a key, where HighLevel's signature is accepted: taken, conflict (known, with "
    "another body), or why not (limited, wrong, unread, location_unknown).",
    ["result"],
)
OUTBOX_DEPTH = Gauge("runwarden_outbox_events", "Events that wait to be told.", ["service"])
OUTBOX_AGE = Gauge(
    "runwarden_outbox_oldest_seconds", "Age of the oldest event that waits.", ["service"]
)
JOB_RUNS = Counter("runwarden_job_runs_total", "Runs of background jobs.", ["job", "result"])
TICK_LAG = Histogram(
    "runwarden_scheduler_fire_lag_seconds",
    "How late schedules fire.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600),
)
TICK_SECONDS = Histogram("runwarden_scheduler_tick_seconds", "Time to fire what is due.")
FIRE_BATCH = Histogram(
    "runwarden_scheduler_fire_batch_schedules",
    "Due schedules that one transaction fires.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 200, 350, 500),
)
FIRES = Counter("runwarden_schedule_fires_total", "What became of schedules' fires.", ["outcome"])
SCHEDULES_OVERDUE = Counter(
    "runwarden_schedules_overdue_total", "Times that people were told of an overdue schedule."
)
SCAN_SECONDS = Histogram(
    "runwarden_scan_seconds", "Time a scan takes.", buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 1800)
)
SCANS = Counter("runwarden_scans_total", "Scans by how they ended.", ["status"])
DELIVERIES = Counter(
    "runwarden_delivery_attempts_total", "Delivery attempts.", ["channel", "result"]
)
NOTIFICATIONS = Counter(
    "runwarden_notifications_total",
    "Deliveries decided: pending, or why none is sent.",
    ["channel", "result"],
)
OLDEST_DUE = Gauge(
    "runwarden_notifier_oldest_due_seconds", "How long the oldest delivery could have been sent."
)
ORPHANS = Counter(
    "runwarden_notifier_orphans_total", "Incidents that somebody was not told of, and then was."
)
EVENTS_TOLD = Counter("runwarden_events_total", "Events taken in by the notifier.", ["kind"])


def all_ours() -> list[MetricWrapperBase]:
    """Gives the metrics of all programs."""
    return [each for each in globals().values() if isinstance(each, MetricWrapperBase)]


@contextmanager
def exposed(port: int | None) -> Iterator[None]:
    """Serves `/metrics` on loopback while the block runs; nothing when no port is given."""
    if port is None:
        yield
        return
    server, thread = start_http_server(port, addr="127.0.0.1")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
