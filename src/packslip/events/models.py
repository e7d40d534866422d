"""The audit log: who did what, when, from where."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import NO_REUSE, Base, BigKey, Created


class Action(StrEnum):
    """Every kind of act that is recorded, as `thing.verb`."""

    USER_CREATE = "user.create"
    USER_SET_PASSWORD = "user.set-password"
    TOKEN_CREATE = "token.create"
    TOKEN_REVOKE = "token.revoke"
    PACKAGE_CREATE = "package.create"
    PACKAGE_IMPORT = "package.import"
    PACKAGE_REMOVE = "package.remove"
    MAINTAINER_ADD = "maintainer.add"
    MAINTAINER_CHANGE = "maintainer.change"
    MAINTAINER_REMOVE = "maintainer.remove"
    RELEASE_CREATE = "release.create"
    RELEASE_YANK = "release.yank"
    RELEASE_UNYANK = "release.unyank"
    RELEASE_REMOVE = "release.remove"
    FILE_UPLOAD = "file.upload"
    FILE_REMOVE = "file.remove"


class Event(Created, Base):
    """One act that matters. Rows are added and never changed.

    People, tokens and packages are named by key alone, so that the log outlives them. The id of
    the latest event of a package is the package's serial.
    """

    __tablename__ = "events"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: One of `Action`.
    action: Mapped[str] = mapped_column(String(64), index=True)
    actor_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    #: The actor's username at that time, or what acted when it was no person.
    actor_name: Mapped[str] = mapped_column(String(80))
    token_id: Mapped[int | None] = mapped_column(BigInteger)
    package_id: Mapped[str | None] = mapped_column(index=True)
    ip_address: Mapped[str | None] = mapped_column(String(45))
    #: What the act was about, and what stood there before and after.
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
