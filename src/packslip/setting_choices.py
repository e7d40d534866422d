"""Settings that are one of a few words."""

from __future__ import annotations

from enum import StrEnum


class Read(StrEnum):
    """Who may read the index."""

    PUBLIC = "public"
    MEMBERS = "members"


class Registration(StrEnum):
    """Who may make an account for themselves."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class DownloadAddresses(StrEnum):
    """How much of a client's address the records of downloads keep."""

    WHOLE = "whole"
    SHORTENED = "shortened"
    NONE = "none"


class StorageDownloads(StrEnum):
    """How files come to clients from an object store."""

    STREAM = "stream"
    REDIRECT = "redirect"


class Attestations(StrEnum):
    """What is done with attestations that come with an upload (PEP 740)."""

    STORE = "store"
    VERIFY = "verify"


class LogRequests(StrEnum):
    """Which requests the log has a line for, besides those over which the server fails."""

    ALL = "all"
    NONE = "none"


class MetricsAudience(StrEnum):
    """Who may read the metrics without a token."""

    LOCAL = "local"
    EVERYBODY = "everybody"
    NOBODY = "nobody"


class PlacedPages(StrEnum):
    """Which pages lie in files, for the web server in front."""

    NONE = "none"
    SIMPLE = "simple"


class SsoRegistration(StrEnum):
    """Whom the provider of identities lets in for the first time."""

    LINK = "link"
    GROUPS = "groups"
    CREATE = "create"


class SsoLinking(StrEnum):
    """How an account comes to be linked with an identity of the provider."""

    PASSWORD = "password"  # noqa: S105 - a way of linking
    EMAIL = "email"


class SsoOnly(StrEnum):
    """Whether everybody but admins has to log in through the provider."""

    YES = "yes"
    NO = "no"


class SsoSecondFactor(StrEnum):
    """Whose second factor counts when somebody comes through the provider."""

    OWN = "own"
    AMR = "amr"
    PROVIDER = "provider"
