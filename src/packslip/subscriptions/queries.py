"""Reading watches, webhooks and what was sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from packslip.accounts.models import User
from packslip.db import is_key
from packslip.errors import NotFoundError
from packslip.subscriptions.models import Watch, Webhook, WebhookDelivery


class Coverage(Enum):
    """Which watches cover an event."""

    #: Those of the package, and those of everything that acts.
    ACTS = auto()
    #: Those of the package.
    PACKAGE = auto()
    #: Those of the package that are of new upstream releases, too.
    RELEASES = auto()


class UnknownWebhookError(NotFoundError):
    """There is no such webhook."""

    def __init__(self, webhook_id: int) -> None:
        super().__init__(f"There is no webhook {webhook_id}.")


class UnknownDeliveryError(NotFoundError):
    """There is no such message to a webhook."""

    def __init__(self, delivery_id: int) -> None:
        super().__init__(f"There is no delivery {delivery_id}.")


def list_watches(session: Session, user: User) -> Sequence[Watch]:
    """What the user watches; the watch of everything comes first."""
    found = session.scalars(select(Watch).where(Watch.user_id == user.id)).all()
    return sorted(found, key=lambda watch: watch.package_id or "")


def find_watch(session: Session, user: User, package_id: str | None) -> Watch | None:
    """How the user watches that package; with None, everything that acts."""
    wanted = select(Watch).where(Watch.user_id == user.id, Watch.package_id == package_id)
    return session.scalar(wanted)


def is_watching(session: Session, user: User, package_id: str | None) -> bool:
    """Whether the user does so."""
    return is_watching_by_id(session, user.id, package_id)


def is_watching_by_id(session: Session, user_id: int, package_id: str | None) -> bool:
    """The same for the user of that number."""
    wanted = select(Watch.id).where(Watch.user_id == user_id, Watch.package_id == package_id)
    return session.scalar(wanted) is not None


def packages_to_tell_of(session: Session) -> Sequence[str]:
    """The packages of which somebody is told when there are new upstream releases."""
    wanted = select(Watch.package_id).where(Watch.of_releases, Watch.package_id.is_not(None))
    return [one for one in session.scalars(wanted.distinct()) if one is not None]


def is_told(session: Session, user: User, package_id: str, coverage: Coverage) -> bool:
    """Whether the user watches what covers this."""
    wanted = select(Watch.id).where(Watch.user_id == user.id, _covers(package_id, coverage))
    return session.scalar(wanted.limit(1)) is not None


def list_watchers(session: Session, package_id: str, coverage: Coverage) -> Sequence[User]:
    """Who is told of it by mail: each once, with a confirmed address, and not disabled."""
    watching = select(Watch.user_id).where(_covers(package_id, coverage))
    reached = and_(
        User.disabled_at.is_(None), User.email.is_not(None), User.email_confirmed_at.is_not(None)
    )
    people = select(User).where(User.id.in_(watching), reached)
    return session.scalars(people.order_by(User.id)).all()


def list_webhooks(session: Session) -> Sequence[Webhook]:
    """All webhooks, in the order in which they were added."""
    webhooks = select(Webhook).options(joinedload(Webhook.created_by)).order_by(Webhook.id)
    return session.scalars(webhooks).all()


def webhooks_for(session: Session, kind: str) -> list[Webhook]:
    """The webhooks that are told of that kind of event."""
    enabled = session.scalars(select(Webhook).where(Webhook.enabled).order_by(Webhook.id))
    return [webhook for webhook in enabled if kind in webhook.events]


def get_webhook(session: Session, webhook_id: int) -> Webhook:
    """The webhook of that number.

    Raises:
        UnknownWebhookError: there is none.
    """
    found = session.get(Webhook, webhook_id) if is_key(webhook_id) else None
    if found is None:
        raise UnknownWebhookError(webhook_id)
    return found


def list_deliveries(
    session: Session, webhook: Webhook, *, before: int | None = None, limit: int = 50
) -> Sequence[WebhookDelivery]:
    """The newest messages to the webhook, the newest first; before that number alone."""
    statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)
    if before is not None:
        statement = statement.where(WebhookDelivery.id < before)
    return session.scalars(statement.order_by(WebhookDelivery.id.desc()).limit(limit)).all()


def get_delivery(session: Session, webhook: Webhook, delivery_id: int) -> WebhookDelivery:
    """One of them.

    Raises:
        UnknownDeliveryError: there is none of that number.
    """
    found = session.get(WebhookDelivery, delivery_id) if is_key(delivery_id) else None
    if found is None or found.webhook_id != webhook.id:
        raise UnknownDeliveryError(delivery_id)
    return found


def _covers(package_id: str, coverage: Coverage) -> ColumnElement[bool]:
    this = Watch.package_id == package_id
    match coverage:
        case Coverage.ACTS:
            return or_(this, Watch.package_id.is_(None))
        case Coverage.RELEASES:
            return this & Watch.of_releases
        case Coverage.PACKAGE:
            return this
