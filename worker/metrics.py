"""What Prometheus scrapes: this process's own numbers, and a snapshot of the database's."""

from collections.abc import Iterable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from worker.schedule import JOBS

_JOB_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_DELIVERY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

_SEND_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

CHANNELS = ("email", "sms")
JOB = "job_name"  # Prometheus calls what it scrapes "job"

# key of the snapshot: (metric, labels or None, kind, help). A labelled number comes as {label value: number};
# several labels, and their values, have a blank between them.
_SNAPSHOT: dict[str, tuple[str, str | None, type[GaugeMetricFamily | CounterMetricFamily], str]] = {
    "appointments": (
        "chairtime_appointments", "status", GaugeMetricFamily,
        "Appointments there are, by status, as of the last refresh_daily_metrics.",
    ),
    "events": ("chairtime_events", "event", CounterMetricFamily, "Events written, by kind."),
    "booked": ("chairtime_appointments_booked", None, CounterMetricFamily, "Appointments booked."),
    "cancelled": ("chairtime_appointments_cancelled", None, CounterMetricFamily, "Appointments cancelled."),
    "rescheduled": ("chairtime_appointments_rescheduled", None, CounterMetricFamily, "Appointments moved."),
    "refusals": (
        "chairtime_refusals", "code", CounterMetricFamily,
        "Requests refused, by the error code the client got. Counted even though a refusal rolls back.",
    ),
    "messages": (
        "chairtime_messages", "kind channel outcome", CounterMetricFamily,
        "Messages, by what became of them: sent, failed, unknown, retried, or skipped and why.",
    ),
    "messages_due": (
        "chairtime_messages_due", "channel", GaugeMetricFamily,
        "Messages that are due and not sent. 1000 also stands for more.",
    ),
    "messages_late_seconds": (
        "chairtime_messages_late_seconds", "channel", GaugeMetricFamily,
        "How long the oldest message that is due has been waiting: its sender is behind, or missing.",
    ),
    "holds": (
        "chairtime_holds", "outcome", CounterMetricFamily,
        "Holds, by what became of them: created, converted to an appointment, released, expired.",
    ),
    "offers": (
        "chairtime_waitlist_offers", "outcome", CounterMetricFamily,
        "Times offered to the waiting list: made, and accepted.",
    ),
    "filled_seconds": (
        "chairtime_waitlist_filled_seconds", None, CounterMetricFamily,
        "How long the visits are that the waiting list filled.",
    ),
    "holds_live": ("chairtime_holds_live", None, GaugeMetricFamily, "Holds that have not run out."),
    "holds_unswept": (
        "chairtime_holds_unswept", None, GaugeMetricFamily,
        "Holds that ran out and are not swept yet. They block nobody, but their end is not announced.",
    ),
    "sweep_lag_seconds": (
        "chairtime_sweep_lag_seconds", None, GaugeMetricFamily,
        "Age of the oldest hold that ran out and is not swept. Above 1 s clients learn late of free time.",
    ),
    "tail_lag_seconds": (
        "chairtime_tail_lag_seconds", None, GaugeMetricFamily,
        "Age of the oldest event that the log has not acknowledged.",
    ),
    "oldest_transaction_seconds": (
        "chairtime_oldest_transaction_seconds", None, GaugeMetricFamily,
        "Age of the oldest open transaction that has written. Events after it are withheld from readers.",
    ),
    "utilisation": (
        "chairtime_utilisation_ratio", "clinic", GaugeMetricFamily,
        "Share of today's working time that is booked, by clinic. 0 on a day off.",
    ),
    "invariant_violations": (
        "chairtime_invariant_violations", "invariant", GaugeMetricFamily,
        "Rows that contradict a promise, such as two bookings of one dentist at one time. Must be 0.",
    ),
    "invariants_checked_at": (
        "chairtime_invariants_checked_timestamp_seconds", None, GaugeMetricFamily,
        "When the invariants were last verified, Unix time. 0: never.",
    ),
    "invariants_whole_at": (
        "chairtime_invariants_whole_timestamp_seconds", None, GaugeMetricFamily,
        "When the last whole round of verifying began, Unix time: all has been verified since. 0: never.",
    ),
    "partitions_ahead": (
        "chairtime_event_partitions_ahead", None, GaugeMetricFamily,
        "Event partitions, a day each, that exist for days after today.",
    ),
    "workers": ("chairtime_workers", None, GaugeMetricFamily, "Workers that reported within half a minute."),
    "epoch": (
        "chairtime_leadership_epoch", None, GaugeMetricFamily,
        "Epoch of the lease: one more at every takeover.",
    ),
    "job_last_success": (
        "chairtime_job_last_success_timestamp_seconds", JOB, GaugeMetricFamily,
        "When the job last succeeded, whoever ran it, Unix time.",
    ),
}  # fmt: skip


class Metrics(Collector):
    """All metrics of one worker, in a registry of their own.

    The numbers of the snapshot are the database's, the same at every worker: aggregate them with max.
    Those declared in ``__init__`` are this process's: aggregate them with sum.
    """

    def __init__(self, version: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # Prometheus needs none of them
        self.registry = registry = CollectorRegistry()
        self.snapshot: dict[str, Any] | None = None
        self.snapshot_seconds = Gauge(
            "chairtime_snapshot_duration_seconds",
            "What the last snapshot cost, in seconds.",
            registry=registry,
        )
        self.database_up = Gauge(
            "chairtime_database_up", "1 if the last exchange with the database succeeded.", registry=registry
        )
        self.pool = Gauge(
            "chairtime_database_pool_connections",
            "Connections of the pool, by state.",
            ["state"],
            registry=registry,
        )
        self.pool_waiting = Gauge(
            "chairtime_database_pool_waiting",
            "Requests waiting for a connection of the pool.",
            registry=registry,
        )
        self.leader = Gauge(
            "chairtime_leader", "1 if this worker leads, 0 if it stands by.", registry=registry
        )
        self.takeovers = Counter(
            "chairtime_leadership_gained", "Times this worker became the leader.", registry=registry
        )
        self.job_runs = Counter(
            "chairtime_job_runs",
            "Runs of jobs by this worker. succeeded; failed (and is tried again); busy (running elsewhere); "
            "done (this tick was run already); gone (taken for dead and replaced).",
            [JOB, "outcome"],
            registry=registry,
        )
        self.job_duration = Histogram(
            "chairtime_job_duration_seconds", "How long a run took, all its batches.", [JOB],
            buckets=_JOB_SECONDS, registry=registry,
        )  # fmt: skip
        for job in JOBS:
            self.job_duration.labels(job.name)
            for outcome in ("succeeded", "failed"):
                self.job_runs.labels(job.name, outcome)
        self.tailed = Counter(
            "chairtime_tail_events", "Events this worker wrote to its log.", registry=registry
        )
        self._declare_delivery(registry)
        self._declare_sending(registry)
        Info("chairtime_worker", "The worker's build.", registry=registry).info({"version": version})
        for collector in (ProcessCollector, GCCollector, PlatformCollector):
            collector(registry=registry)
        registry.register(self)

    def _declare_delivery(self, registry: CollectorRegistry) -> None:
        self.subscribed = Gauge(
            "chairtime_delivery_subscribed_topics", "Topics the probe listens to now.", registry=registry
        )
        self.delivery = Histogram(
            "chairtime_delivery_latency_seconds",
            "Time from an event's writing, just before its commit, to its arrival at a subscribed client.",
            buckets=_DELIVERY_SECONDS,
            registry=registry,
        )
        self.missed = Counter(
            "chairtime_delivery_missed", "Events a subscribed client never got.", registry=registry
        )
        self.duplicates = Counter(
            "chairtime_delivery_duplicates", "Events a subscribed client got again.", registry=registry
        )
        self.reconnects = Counter(
            "chairtime_delivery_reconnects", "Times the probe had to connect again.", registry=registry
        )

    def _declare_sending(self, registry: CollectorRegistry) -> None:
        self.sender_up = Gauge(
            "chairtime_message_sender_configured",
            "1 if this worker had a sender for the channel when it began to lead; else 0.",
            ["channel"],
            registry=registry,
        )
        self.sending = Histogram(
            "chairtime_message_send_duration_seconds",
            "How long handing a message over took, whatever became of it.",
            ["channel"],
            buckets=_SEND_SECONDS,
            registry=registry,
        )
        for channel in CHANNELS:
            self.sender_up.labels(channel).set(0)
            self.sending.labels(channel)

    def count_run(self, job: str, outcome: str) -> None:
        """Count one run of a job."""
        self.job_runs.labels(job, outcome).inc()

    def collect(self) -> Iterable[Metric]:
        """Yield the families of the snapshot; only their names and helps while there is none."""
        for key, (name, labels, family, about) in _SNAPSHOT.items():
            names = labels.split() if labels else []
            metric = family(name, about, labels=names or None)
            value = (self.snapshot or {}).get(key)
            if names:
                for label_values, number in sorted((value or {}).items()):
                    metric.add_metric(label_values.split(" ", len(names) - 1), number)
            elif value is not None:
                metric.add_metric([], value)
            yield metric
