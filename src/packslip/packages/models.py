"""Packages, their releases and files, and who looks after them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from packslip.accounts.models import User
from packslip.db import (
    NO_REUSE,
    Base,
    BigId,
    BigKey,
    BytewiseText,
    Changed,
    Created,
    UTCDateTime,
    utc_now,
)


class Origin(StrEnum):
    """Where a package comes from."""

    HOSTED = "hosted"
    MIRRORED = "mirrored"


class MaintainerRole(StrEnum):
    """What a maintainer may do with the package: owners also decide who maintains it."""

    OWNER = "owner"
    MAINTAINER = "maintainer"


class Act(StrEnum):
    """What a note does to the package or releases that it is attached to."""

    NONE = "none"
    WARN = "warn"
    YANK = "yank"
    HOLD = "hold"
    DEPRECATE = "deprecate"
    ARCHIVE = "archive"
    QUARANTINE = "quarantine"


package_languages = Table(
    "package_languages",
    Base.metadata,
    Column(
        "package_id", BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True
    ),
    Column(
        "language_id", ForeignKey("languages.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    Column("created_at", UTCDateTime, server_default=utc_now(), nullable=False, index=True),
)


class License(Created, Base):
    """A licence, keyed by its SPDX identifier where it has one."""

    __tablename__ = "licenses"

    id: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str] = mapped_column(default="")


class Language(Created, Base):
    """A programming language, keyed by its name."""

    __tablename__ = "languages"

    id: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str] = mapped_column(default="")


class Package(Changed, Base):
    """A name under which releases are published. Its texts are those of the latest release."""

    __tablename__ = "packages"
    __table_args__ = (Index(None, "origin", "created_at"),)

    #: The normalised name (PEP 503).
    id: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    #: The name as its owner spells it.
    name: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    description_content_type: Mapped[str | None]
    home_page: Mapped[str | None]
    docs_url: Mapped[str | None]
    package_url: Mapped[str | None]
    author_name: Mapped[str | None]
    author_email: Mapped[str | None] = mapped_column(index=True)
    license_id: Mapped[str | None] = mapped_column(ForeignKey("licenses.id"), index=True)
    origin: Mapped[str] = mapped_column(String(16), default=Origin.HOSTED)
    #: PEP 792: active, archived, deprecated or quarantined.
    status: Mapped[str] = mapped_column(String(16), default="active", server_default="active")
    status_reason: Mapped[str | None]
    #: What is said where the package comes from. `status` is that and what acts together: see
    #: `packslip.packages.effects`.
    upstream_status: Mapped[str] = mapped_column(
        String(16), default="active", server_default="active"
    )
    upstream_status_reason: Mapped[str | None]
    #: When the first of the acts on it expires.
    acts_until: Mapped[datetime | None] = mapped_column(index=True)
    #: The id of the latest event that changed what the index says about this package.
    serial: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    #: The version of the latest release; None when there is no release. See
    #: `packslip.packages.queries.precedence` for which one that is.
    latest_version: Mapped[str | None]
    #: When its first file came.
    latest_at: Mapped[datetime | None] = mapped_column(index=True)
    requires_python: Mapped[str | None]
    latest_yanked: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Words that the metadata gives, with commas between them.
    keywords: Mapped[str] = mapped_column(default="", server_default="")
    #: Everybody whom the metadata names, with their addresses.
    people: Mapped[str] = mapped_column(default="", server_default="")

    license: Mapped[License | None] = relationship()
    languages: Mapped[list[Language]] = relationship(
        secondary=package_languages, order_by=Language.id
    )
    releases: Mapped[list[Release]] = relationship(
        back_populates="package",
        order_by="Release.sort_key.desc()",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    maintainers: Mapped[list[Maintainer]] = relationship(
        back_populates="package", cascade="all, delete-orphan", passive_deletes=True
    )


class Release(Changed, Base):
    """One version of a package."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("package_id", "version"),
        UniqueConstraint("package_id", "canonical_version"),
        Index(None, "package_id", "sort_key"),
        # The newest of the hosted ones are found however many are mirrored.
        Index(None, "origin", "created_at"),
        NO_REUSE,
    )

    id: Mapped[BigKey]
    package_id: Mapped[str] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), index=True
    )
    #: In the normal form of PEP 440; imported versions that do not follow it stay as they are.
    version: Mapped[str]
    #: That of its package.
    origin: Mapped[str] = mapped_column(
        String(16), default=Origin.HOSTED, server_default=Origin.HOSTED
    )
    #: The version without trailing zeros: 1.0 and 1.0.0 are one release.
    canonical_version: Mapped[str]
    #: Sorts as PEP 440 orders versions; see `packslip.packages.versions`.
    sort_key: Mapped[str] = mapped_column(BytewiseText)
    is_prerelease: Mapped[bool] = mapped_column(default=False)
    major_ver: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    minor_ver: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    build_ver: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    comment: Mapped[str | None]
    #: Where the release can be fetched when its bytes are not held here.
    url: Mapped[str | None]
    #: Bytes of all its files together.
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    # These three are what acts and what upstream says together: see `packslip.packages.effects`.
    yanked: Mapped[bool] = mapped_column(default=False)
    yanked_reason: Mapped[str | None]
    #: Why its bytes are refused, as a whole sentence; None while they are not.
    held_reason: Mapped[str | None]
    upstream_yanked: Mapped[bool] = mapped_column(default=False, server_default=false())
    upstream_yanked_reason: Mapped[str | None]
    #: Core metadata, with the keys of its JSON form (PEP 566).
    core_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)

    package: Mapped[Package] = relationship(back_populates="releases")
    files: Mapped[list[File]] = relationship(
        back_populates="release",
        order_by="File.filename",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )


class File(Changed, Base):
    """One distribution: a wheel or a source distribution."""

    __tablename__ = "files"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    release_id: Mapped[int] = mapped_column(
        ForeignKey("releases.id", ondelete="CASCADE"), index=True
    )
    filename: Mapped[str] = mapped_column(BytewiseText, unique=True)
    #: `bdist_wheel` or `sdist`; imported files may be of older kinds.
    packagetype: Mapped[str] = mapped_column(String(32))
    #: The compatibility tags of a wheel as its name gives them, or `source`.
    tags: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64), index=True)
    md5: Mapped[str | None] = mapped_column(String(32))
    blake2_256: Mapped[str | None] = mapped_column(String(64))
    requires_python: Mapped[str | None]
    uploaded_at: Mapped[datetime] = mapped_column(index=True)
    uploader_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    #: SHA-256 of its core metadata file; None when there is none to serve.
    metadata_sha256: Mapped[str | None] = mapped_column(String(64))
    #: Whether the metadata also holds for what is built from it: always so for a wheel, for a
    #: source distribution only when nothing in it is dynamic (PEP 643).
    metadata_is_static: Mapped[bool] = mapped_column(default=False)
    #: The key under which the storage has its bytes; None when they are known but not held.
    storage_key: Mapped[str | None]
    #: Where bytes that are not held here can be found.
    url: Mapped[str | None]

    release: Mapped[Release] = relationship(back_populates="files")
    uploader: Mapped[User | None] = relationship()


class RegisteredFilename(Created, Base):
    """A filename that was once taken. It stays taken when the file is removed.

    The primary key decides which of several uploads of one name wins.
    """

    __tablename__ = "registered_filenames"

    #: The filename in a form in which equal names are equal: see `packslip.packages.filenames`.
    id: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    sha256: Mapped[str | None] = mapped_column(String(64))


class Maintainer(Changed, Base):
    """Links a user to a package that they look after."""

    __tablename__ = "maintainers"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    package_id: Mapped[str] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(16), default=MaintainerRole.OWNER)

    user: Mapped[User] = relationship()
    package: Mapped[Package] = relationship(back_populates="maintainers")


class PackageInvitation(Changed, Base):
    """An offer to look after a package, which its user has not answered yet."""

    __tablename__ = "package_invitations"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    package_id: Mapped[str] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    invited_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )

    user: Mapped[User] = relationship(foreign_keys=user_id)
    package: Mapped[Package] = relationship()
    invited_by: Mapped[User | None] = relationship(foreign_keys=invited_by_id)


class Requirement(Changed, Base):
    """What the latest release of a package requires, so that it can be asked from both ends."""

    __tablename__ = "requirements"
    __table_args__ = (Index(None, "required_id", "package_id"),)

    package_id: Mapped[str] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), primary_key=True
    )
    #: The normalised name of what is required; there may be no such package here.
    required_id: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    #: As the metadata says it, a line for each requirement (PEP 508).
    text: Mapped[str]


class StandingAct(Created, Base):
    """What a note does to a package as long as the row is here.

    The domain of notes writes it together with the note; here it is only read.
    """

    __tablename__ = "acts"

    #: The key of the note, whose table is not known here.
    note_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    package_id: Mapped[str] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), index=True
    )
    #: As `packslip.packages.version_ranges` writes it; None for all releases.
    version_range: Mapped[str | None]
    act: Mapped[str] = mapped_column(String(16))
    #: That of the note. It is empty for a yank without a reason.
    title: Mapped[str] = mapped_column(String(200))
    #: Who acts.
    username: Mapped[str] = mapped_column(String(80))
    expires_at: Mapped[datetime | None]


class SearchEntry(Changed, Base):
    """A package in the index that search reads, which `packslip.packages.search_index` writes.

    Its words and the trigrams of its name are in tables that are of another kind on each database.
    """

    __tablename__ = "search_entries"
    __table_args__ = NO_REUSE

    id: Mapped[BigKey]
    package_id: Mapped[str] = mapped_column(
        BytewiseText, ForeignKey("packages.id", ondelete="CASCADE"), unique=True
    )
    #: The name without what separates its words.
    compact: Mapped[str] = mapped_column(BytewiseText, index=True)
    # What results are filtered and sorted by stands here again: rows of `packages` hold whole
    # descriptions, and reading thousands of them takes too long.
    #: While there is no release, when the package came.
    latest_at: Mapped[datetime] = mapped_column(index=True)
    license_id: Mapped[str | None]
    origin: Mapped[str] = mapped_column(String(16))
    yanked: Mapped[bool]
    #: Bit n is set when Python 3.n is allowed.
    pythons: Mapped[int] = mapped_column(BigInteger)
