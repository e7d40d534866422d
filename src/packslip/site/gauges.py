"""How things stand at the moment, for Prometheus: what waits, what is held, who answers."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from packslip import db
from packslip.downloads.spool import list_spools
from packslip.errors import PackslipError
from packslip.mail.models import Mail
from packslip.mirror.current import current_mirror
from packslip.mirror.models import MirrorUpstream
from packslip.packages.models import StandingAct
from packslip.site.queries import counts
from packslip.subscriptions.models import DeliveryState, WebhookDelivery
from packslip.web.context import current_settings, current_storage
from packslip.web.metrics import current_metrics


class StateCollector(Collector):
    """Looks when it is asked, within the current application."""

    def collect(self) -> Iterator[Metric]:
        """Each gauge. Of what cannot be reached there are none, but that it is so."""
        yield _gauge(
            "packslip_version",
            "The version that answers.",
            {current_metrics().version: 1},
            "version",
        )
        yield _storage_is_up()
        yield _spools()
        with contextlib.suppress(OSError):
            yield _room()
        try:
            found = _of_database(db.session())
        except SQLAlchemyError:
            found = []
        finally:
            db.db.session.remove()
        yield _gauge("packslip_database_up", "Whether the database answers.", int(bool(found)))
        yield from found


def _of_database(session: Session) -> list[Metric]:
    now = datetime.now(UTC)
    held = counts(session)
    waiting = {
        "mails": select(func.count()).select_from(Mail),
        "webhook deliveries": select(func.count())
        .select_from(WebhookDelivery)
        .where(WebhookDelivery.state == DeliveryState.WAITING),
        "acts to lift": select(func.count())
        .select_from(StandingAct)
        .where(StandingAct.expires_at <= now),
    }
    numbers = {queue: session.scalar(query) or 0 for queue, query in waiting.items()}
    broken = set(
        session.scalars(select(MirrorUpstream.name).where(MirrorUpstream.broken_until.is_not(None)))
    )
    upstreams = {
        upstream.name: int(upstream.name not in broken) for upstream in current_mirror().upstreams
    }
    return [
        _gauge("packslip_waiting", "What waits to be done, by queue.", numbers, "queue"),
        _gauge("packslip_packages", "Packages here, mirrored ones among them.", held.packages),
        _gauge("packslip_releases", "Releases here, mirrored ones among them.", held.releases),
        _gauge("packslip_users", "Accounts.", held.users),
        _gauge("packslip_upstream_up", "Whether the upstream is asked.", upstreams, "upstream"),
    ]


def _spools() -> Metric:
    text = "Bytes of download records that are no rows yet."
    size = 0
    for spool in list_spools(current_settings().downloads_folder):
        with contextlib.suppress(OSError):
            size += spool.stat().st_size
    return _gauge("packslip_download_spool_bytes", text, size)


def _storage_is_up() -> Metric:
    try:
        current_storage().check()
        is_up = 1
    except PackslipError:
        is_up = 0
    return _gauge("packslip_storage_up", "Whether bytes can be stored.", is_up)


def _room() -> Metric:
    usage = shutil.disk_usage(current_settings().data)
    text = "Bytes of the file system that holds the data folder."
    return _gauge("packslip_data_bytes", text, {"free": usage.free, "total": usage.total}, "state")


def _gauge(name: str, text: str, found: float | dict[str, int], label: str = "") -> Metric:
    if not isinstance(found, dict):
        return GaugeMetricFamily(name, text, value=found)
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in found.items():
        family.add_metric([value], number)
    return family
