"""The audit log: who did what, when, from where."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from packslip.db import NO_REUSE, Base, BigKey, Created


class Action(StrEnum):
    """Every kind of act that is recorded, as `thing.verb`."""

    SITE_SET_UP = "site.set-up"
    POLICY_CHANGE = "policy.change"
    USER_CREATE = "user.create"
    USER_REGISTER = "user.register"
    USER_LOG_IN = "user.log-in"
    USER_LOG_IN_FAIL = "user.log-in-fail"
    USER_LOG_OUT = "user.log-out"
    USER_CHANGE = "user.change"
    USER_CHANGE_ROLE = "user.change-role"
    USER_CHANGE_EMAIL = "user.change-email"
    USER_CONFIRM_EMAIL = "user.confirm-email"
    USER_SET_PASSWORD = "user.set-password"
    USER_ASK_RESET = "user.ask-reset"
    USER_RESET_PASSWORD = "user.reset-password"
    USER_DISABLE = "user.disable"
    USER_ENABLE = "user.enable"
    SESSION_REVOKE = "session.revoke"
    TOTP_ADD = "totp.add"
    TOTP_REMOVE = "totp.remove"
    RECOVERY_CODES_CREATE = "recovery-codes.create"
    RECOVERY_CODE_USE = "recovery-code.use"
    SECURITY_KEY_ADD = "security-key.add"
    SECURITY_KEY_REMOVE = "security-key.remove"
    IDENTITY_LINK = "identity.link"
    IDENTITY_UNLINK = "identity.unlink"
    TOKEN_CREATE = "token.create"
    TOKEN_REVOKE = "token.revoke"
    INVITATION_CREATE = "invitation.create"
    INVITATION_REVOKE = "invitation.revoke"
    PACKAGE_CREATE = "package.create"
    PACKAGE_IMPORT = "package.import"
    PACKAGE_REMOVE = "package.remove"
    PUBLISHER_ADD = "publisher.add"
    PUBLISHER_REMOVE = "publisher.remove"
    MAINTAINER_INVITE = "maintainer.invite"
    MAINTAINER_ACCEPT = "maintainer.accept"
    MAINTAINER_DECLINE = "maintainer.decline"
    MAINTAINER_WITHDRAW = "maintainer.withdraw"
    MAINTAINER_ADD = "maintainer.add"
    MAINTAINER_CHANGE = "maintainer.change"
    MAINTAINER_REMOVE = "maintainer.remove"
    TEAM_CREATE = "team.create"
    TEAM_CHANGE = "team.change"
    TEAM_REMOVE = "team.remove"
    TEAM_MEMBER_ADD = "team.add-member"
    TEAM_MEMBER_CHANGE = "team.change-member"
    TEAM_MEMBER_REMOVE = "team.remove-member"
    TEAM_GIVE_PACKAGE = "team.give-package"
    TEAM_TAKE_PACKAGE = "team.take-package"
    TEAM_GIVE_PREFIX = "team.give-prefix"
    TEAM_TAKE_PREFIX = "team.take-prefix"
    RELEASE_CREATE = "release.create"
    RELEASE_YANK = "release.yank"
    RELEASE_UNYANK = "release.unyank"
    RELEASE_REMOVE = "release.remove"
    FILE_UPLOAD = "file.upload"
    FILE_REMOVE = "file.remove"
    FILE_LOSE = "file.lose"
    FILE_RECOVER = "file.recover"
    NOTE_CREATE = "note.create"
    NOTE_EDIT = "note.edit"
    NOTE_SHARE = "note.share"
    NOTE_HIDE = "note.hide"
    NOTE_DELETE = "note.delete"
    NOTE_RESTORE = "note.restore"
    COMMENT_CREATE = "comment.create"
    COMMENT_EDIT = "comment.edit"
    COMMENT_DELETE = "comment.delete"
    ACT_BEGIN = "act.begin"
    ACT_CHANGE = "act.change"
    ACT_LIFT = "act.lift"
    ACT_EXPIRE = "act.expire"
    MIRROR_ADD = "mirror.add"
    MIRROR_RELEASE = "mirror.release"
    MIRROR_UPDATE = "mirror.update"
    MIRROR_DESCRIBE = "mirror.describe"
    MIRROR_MOVE = "mirror.move"
    MIRROR_MISS = "mirror.miss"
    MIRROR_ALTER = "mirror.alter"
    MIRROR_YANK = "mirror.yank"
    MIRROR_UNYANK = "mirror.unyank"
    MIRROR_CHANGE_STATUS = "mirror.change-status"
    MIRROR_CLAIM = "mirror.claim"
    MIRROR_FORGET = "mirror.forget"
    MIRROR_LOAD = "mirror.load"
    MIRROR_REFUSE_FILE = "mirror.refuse-file"
    MIRROR_LOSE_FILE = "mirror.lose-file"
    ALARM_DISMISS = "alarm.dismiss"
    WEBHOOK_ADD = "webhook.add"
    WEBHOOK_CHANGE = "webhook.change"
    WEBHOOK_REMOVE = "webhook.remove"
    RULE_ADD = "rule.add"
    RULE_CHANGE = "rule.change"
    RULE_REMOVE = "rule.remove"
    EXCEPTION_DECLINE = "exception.decline"
    DATA_MEND = "data.mend"


class Event(Created, Base):
    """One act that matters. Rows are added and never changed: the database refuses it.

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
    actor_name: Mapped[str] = mapped_column(String(80), index=True)
    token_id: Mapped[int | None] = mapped_column(BigInteger)
    #: The user that the act was about, if it was about one.
    subject_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    package_id: Mapped[str | None] = mapped_column(index=True)
    ip_address: Mapped[str | None] = mapped_column(String(45), index=True)
    #: What the act was about, and what stood there before and after.
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
