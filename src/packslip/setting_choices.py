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


class LogRequests(StrEnum):
    """Which requests the log has a line for, besides those over which the server fails."""

    ALL = "all"
    NONE = "none"


class MetricsAudience(StrEnum):
    """Who may read the metrics without a token."""

    LOCAL = "local"
    EVERYBODY = "everybody"
    NOBODY = "nobody"
