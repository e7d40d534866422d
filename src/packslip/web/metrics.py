"""What this server counts of its work, for Prometheus.

Each process counts for itself. The processes of one server share a folder, from which any of them
tells what all have counted. No label holds what people choose: no package, user, or address.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from flask import Flask, current_app
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import Engine, event

#: The variable in which the library looks for the folder that processes share.
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_EXTENSION = "packslip_metrics"

#: How folders that processes share are called, and a file in each that is locked while one lives.
_PREFIX, _LOCK = "packslip-metrics-", "lock"

#: Upper limits in seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class Metrics:
    """What one process counts. Threads may share it; processes may not."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._is_shared = _FOLDER in os.environ
        # The library decides this when it is imported, which is before a server has its folder.
        values.ValueClass = (
            values.MultiProcessValue()  # type: ignore[no-untyped-call]
            if self._is_shared
            else values.MutexValue
        )
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "packslip_requests",
            "Answers, by method, route and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self.request_seconds = Histogram(
            "packslip_request_seconds",
            "Seconds until an answer began; those that are kept ready are not timed.",
            ["route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self.requests_under_way = self._gauge(
            "packslip_requests_under_way", "Requests that are being answered."
        )
        self.uploads = Counter(
            "packslip_uploads",
            "Files that tools sent: published, refused, or failed over.",
            ["outcome"],
            registry=self._registry,
        )
        self.downloads = Counter(
            "packslip_downloads", "Files that were served whole.", registry=self._registry
        )
        self.downloads_dropped = Counter(
            "packslip_downloads_dropped",
            "Downloads that could not be recorded.",
            registry=self._registry,
        )
        self.mirror_answers = Counter(
            "packslip_mirror_answers",
            "Mirrored pages, files and metadata: from what is kept, from upstream, or not at all.",
            ["kind", "outcome"],
            registry=self._registry,
        )
        self.upstream_requests = Counter(
            "packslip_upstream_requests",
            "Questions to upstreams: answered, failed, or not asked because they just failed.",
            ["upstream", "outcome"],
            registry=self._registry,
        )
        self.upstream_seconds = Histogram(
            "packslip_upstream_seconds",
            "Seconds that upstreams took to answer or fail.",
            ["upstream"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self.database_connections = self._gauge(
            "packslip_database_connections_in_use", "Connections to the database in use."
        )

    def tell(self, encode: Callable[[Collector], bytes], state: Collector) -> bytes:
        """What this process and those that share its folder counted, and `state`, encoded."""
        both = CollectorRegistry()
        if self._is_shared:
            MultiProcessCollector(both)  # type: ignore[no-untyped-call]
        else:
            both.register(self._registry)
        both.register(state)
        return encode(both)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry, multiprocess_mode="livesum")


def init_app(app: Flask, version: str) -> None:
    """Let the application, of that version, count."""
    app.extensions[_EXTENSION] = Metrics(version)


def watch_connections(app: Flask, engine: Engine) -> None:
    """Count the connections to the database that are in use."""
    in_use = metrics_of(app).database_connections
    event.listen(engine, "checkout", lambda *_: in_use.inc())
    event.listen(engine, "checkin", lambda *_: in_use.dec())


def metrics_of(app: Flask) -> Metrics:
    """What the application counts."""
    return cast("Metrics", app.extensions[_EXTENSION])


def current_metrics() -> Metrics:
    """What the current application counts."""
    return metrics_of(current_app)


@contextmanager
def shared_folder() -> Iterator[None]:
    """Have the processes that are started in the block count together.

    The folder is the one that `PROMETHEUS_MULTIPROC_DIR` names, else a new one that goes at the
    end.
    """
    if _FOLDER in os.environ:
        yield
        return
    sweep_folders()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    os.environ[_FOLDER] = str(folder)
    owner = os.getpid()
    # Workers inherit it, so the lock is held as long as any of them lives, whatever kills the rest.
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    try:
        yield
    finally:
        # Workers are forks, and leave by this way too.
        if os.getpid() == owner:
            del os.environ[_FOLDER]
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def sweep_folders() -> None:
    """Remove the folders of servers of this user that were killed: nobody holds their lock."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            # A link, or a folder of somebody else, is none of ours.
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            # One without a lock has only just been made.
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(lock)


def forget_process(pid: int) -> None:
    """Leave a process that ended out of what is so at the moment; what it counted stays."""
    if _FOLDER in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
