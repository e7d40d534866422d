"""Recording downloads while they are served.

What is promised:

- A download is recorded when a file is served whole. Its record is handed to the kernel before the
  last bytes of the file are, so no completed download is without one. From then on it survives the
  death of any process of the server, `kill -9` included.
- It becomes a row of `downloads` once and only once, whenever processes die; as a rule within a
  second, else when the server starts or `packslip stats` is run.
- A download is never refused or delayed because it cannot be recorded. While the disk is full or
  read-only, each process keeps up to a MiB of records (some thousands) in memory and writes them
  when it can. Lost are those beyond that, those in memory when the process ends, and, if the
  machine itself stops (power, kernel), those of the last seconds, which were not rows yet. The log
  says when records cannot be written, and how many were dropped.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import cast

import msgspec
import structlog
from flask import Flask, current_app
from sqlalchemy.orm import Session

from packslip.db import db
from packslip.downloads.addresses import kept_address
from packslip.downloads.drain import Drainer
from packslip.downloads.spool import BacklogFullError, DownloadRecord, SpoolWriter
from packslip.setting_choices import DownloadAddresses
from packslip.settings import Settings
from packslip.storage.factory import open_storage
from packslip.storage.protocol import Storage
from packslip.web.metrics import Metrics, metrics_of

#: Characters of a `User-Agent` that are kept; pip and uv need about 500.
USER_AGENT_LENGTH = 2000

_EXTENSION = "packslip_downloads"

log = structlog.get_logger()


class DownloadRecorder:
    """Records downloads in this process's spool."""

    def __init__(
        self,
        writer: SpoolWriter,
        addresses: DownloadAddresses,
        drainer: Drainer,
        metrics: Metrics,
    ) -> None:
        self._writer = writer
        self._metrics = metrics
        self._addresses = addresses
        self._drainer = drainer
        self._failing = False
        self._dropped = 0

    def record(
        self,
        *,
        package_id: str,
        release_id: int,
        filename: str,
        address: str | None,
        user_agent: str,
        user_id: int | None = None,
        token_id: int | None = None,
    ) -> None:
        """Record that a file is served now. Whatever happens, nothing is raised."""
        self._metrics.downloads.inc()
        try:
            record = DownloadRecord(
                at=datetime.now(UTC),
                package=package_id,
                release=release_id,
                file=filename,
                address=kept_address(address, self._addresses),
                user_agent=user_agent[:USER_AGENT_LENGTH],
                user=user_id,
                token=token_id,
            )
            self._append(msgspec.json.encode(record))
            self._drainer.wake()
        except Exception:
            log.exception("recording a download failed", package=package_id, file=filename)

    def start(self) -> None:
        """Have the spools of processes that died drained, and look for such from now on."""
        self._drainer.wake()

    def close(self) -> None:
        """Drain what was recorded, and let go of the spool and the thread."""
        self._drainer.stop()
        self._writer.close()

    def _append(self, line: bytes) -> None:
        try:
            self._writer.append(line)
        except (OSError, BacklogFullError) as error:
            if isinstance(error, BacklogFullError):
                self._dropped += 1
                self._metrics.downloads_dropped.inc()
            if not self._failing:
                self._failing = True
                log.error("downloads cannot be recorded", error=str(error))
        else:
            if self._failing:
                log.warning("downloads can be recorded again", dropped=self._dropped)
            self._failing = False
            self._dropped = 0


def init_app(app: Flask, settings: Settings) -> None:
    """Give the application a recorder. Nothing is opened or started before the first record."""

    def open_session() -> Session:
        with app.app_context():
            return Session(db.engine)

    writer = SpoolWriter(settings.downloads_folder)
    drainer = Drainer(
        writer, open_session, settings.keep_downloads, partial(open_archive, settings)
    )
    app.extensions[_EXTENSION] = DownloadRecorder(
        writer, settings.download_addresses, drainer, metrics_of(app)
    )


def open_archive(settings: Settings) -> Storage | None:
    """The storage in which downloads are archived; None if they are not."""
    if not settings.downloads_archive:
        return None
    return open_storage(settings.downloads_archive, staging=settings.staging_folder)


def current_recorder() -> DownloadRecorder:
    """The recorder of the current application."""
    return cast("DownloadRecorder", current_app.extensions[_EXTENSION])
