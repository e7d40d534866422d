"""Users, what proves that they are themselves, and how others come in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from packslip.db import NO_REUSE, Base, BigKey, BytewiseText, Changed, Created


class Role(StrEnum):
    """What a user may do on the whole site."""

    MEMBER = "member"
    CURATOR = "curator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a token may be used for; each includes reading packages."""

    READ = "read"
    UPLOAD = "upload"
    #: Reading and writing notes, those that are private included.
    NOTES = "notes"
    #: Changing the rules about what is mirrored, as far as its user may.
    MIRROR = "mirror"


class LinkPurpose(StrEnum):
    """What a link that was given to one user does."""

    RESET_PASSWORD = "reset-password"
    CONFIRM_EMAIL = "confirm-email"


class User(Changed, Base):
    """A person who owns packages and writes notes."""

    __tablename__ = "users"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: Lower case, so that the unique constraint decides regardless of spelling.
    username: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(default="")
    #: Lower case. None for people who are known only as the author of an imported package.
    email: Mapped[str | None] = mapped_column(String(320), unique=True, index=True)
    #: When the user, or the command line for them, showed that mail to `email` reaches them.
    email_confirmed_at: Mapped[datetime | None]
    #: Argon2id in PHC form. None for people who have no password and so cannot log in.
    hashed_password: Mapped[str | None]
    profile_image_url: Mapped[str | None]
    last_login: Mapped[datetime | None] = mapped_column(index=True)
    role: Mapped[str] = mapped_column(String(16), default=Role.MEMBER, server_default=Role.MEMBER)
    #: Since when the user can do nothing: no session, token or password of theirs works.
    disabled_at: Mapped[datetime | None]
    #: The shared secret of time-based codes (RFC 6238), sealed (`packslip.accounts.sealing`).
    totp_secret: Mapped[str | None]
    #: When a code showed that the user's device has the secret; it counts only from then on.
    totp_confirmed_at: Mapped[datetime | None]
    #: The time step of the last code that was taken, so that none is taken twice.
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)


class Token(Changed, Base):
    """A secret that stands for a user, with fewer rights. Only its hash is kept."""

    __tablename__ = "tokens"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    #: SHA-256 of the whole token, hexadecimal.
    hashed_secret: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(16))
    #: Normalised names of the packages it is limited to; None for all of the user's.
    packages: Mapped[list[str] | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_ip: Mapped[str | None] = mapped_column(String(45))
    #: The tool that used it last, as its `User-Agent` begins: `twine/6.2.0`.
    last_used_with: Mapped[str | None] = mapped_column(String(100))

    user: Mapped[User] = relationship()


class LoginSession(Changed, Base):
    """A browser in which a user is logged in. It ends when the row goes."""

    __tablename__ = "sessions"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: SHA-256 of the secret in the browser's cookie, hexadecimal.
    hashed_secret: Mapped[str] = mapped_column(String(64), unique=True)
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str] = mapped_column(String(400), default="")
    #: What proved who the user was, as the audit log says it; empty when that is not known.
    method: Mapped[str] = mapped_column(String(60), default="", server_default="")
    last_seen_at: Mapped[datetime]
    #: When it ends however much it is used.
    expires_at: Mapped[datetime] = mapped_column(index=True)

    user: Mapped[User] = relationship()


class RecoveryCode(Created, Base):
    """A code that replaces a second factor once. The row goes when it is used."""

    __tablename__ = "recovery_codes"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: See `packslip.accounts.recovery_codes`.
    hashed_code: Mapped[str] = mapped_column(String(64), unique=True)


class SecurityKey(Changed, Base):
    """A security key or passkey of a user (WebAuthn)."""

    __tablename__ = "security_keys"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    #: Base64url without padding, as browsers write it.
    credential_id: Mapped[str] = mapped_column(unique=True)
    #: COSE key, base64url without padding.
    public_key: Mapped[str]
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    transports: Mapped[list[str] | None]
    last_used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class Challenge(Created, Base):
    """A random value that a security key has to sign once. The row goes when that is done."""

    __tablename__ = "challenges"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: Base64url without padding.
    value: Mapped[str] = mapped_column(String(100), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AccountLink(Created, Base):
    """A link that lets one user do one thing once. The row goes when it is used."""

    __tablename__ = "account_links"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: One of `LinkPurpose`.
    purpose: Mapped[str] = mapped_column(String(16))
    #: The e-mail address that it was sent to; it does nothing once the user has another one.
    email: Mapped[str | None] = mapped_column(String(320))
    #: SHA-256 of the secret in the link, hexadecimal.
    hashed_secret: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    user: Mapped[User] = relationship()


class LinkedIdentity(Changed, Base):
    """Whom a provider of identities (OpenID Connect) knows the user as."""

    __tablename__ = "linked_identities"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        UniqueConstraint("user_id", "issuer"),
        NO_REUSE,
    )

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    issuer: Mapped[str] = mapped_column(String(400))
    #: What the provider calls them for ever; names and e-mail addresses may pass to others.
    subject: Mapped[str] = mapped_column(String(255))
    #: A name or e-mail address from the provider, for people to recognise it.
    label: Mapped[str] = mapped_column(String(200), default="")
    last_used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class GroupGrant(Changed, Base):
    """A role that the provider's groups gave the user, above what they were given by hand."""

    __tablename__ = "group_grants"
    __table_args__ = (UniqueConstraint("user_id", "package_id"), NO_REUSE)

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    #: None for the role on the whole site.
    package_id: Mapped[str | None] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    #: What the user had by hand, and has again when the groups give it no more; None for nothing.
    by_hand: Mapped[str | None] = mapped_column(String(16))


class Invitation(Changed, Base):
    """A link with which somebody can register where registration is not open."""

    __tablename__ = "invitations"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: Whom it was sent to; None for a link that was handed over in another way.
    email: Mapped[str | None] = mapped_column(String(320))
    role: Mapped[str] = mapped_column(String(16), default=Role.MEMBER)
    #: SHA-256 of the secret in the link, hexadecimal.
    hashed_secret: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    #: Who registered with it.
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    invited_by: Mapped[User | None] = relationship(foreign_keys=invited_by_id)
    user: Mapped[User | None] = relationship(foreign_keys=user_id)


class SetupCode(Created, Base):
    """A code with which the first admin can be made. All go when that is done."""

    __tablename__ = "setup_codes"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    #: SHA-256, hexadecimal.
    hashed_code: Mapped[str] = mapped_column(String(64), unique=True)


class Throttle(Changed, Base):
    """How often somebody failed lately to prove who they are, and until when they must wait."""

    __tablename__ = "throttles"

    #: What is counted: an account or a network, hashed, since people mistype passwords as names.
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    #: When those were that still count, in seconds since 1970, the latest last; for failures that
    #: are forgotten one by one.
    failed_at: Mapped[list[float]] = mapped_column(JSON, default=list)
    last_failure_at: Mapped[datetime] = mapped_column(index=True)
    blocked_until: Mapped[datetime | None]


class Policy(Changed, Base):
    """A rule that admins set for the whole site while it runs."""

    __tablename__ = "policies"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str]
