"""Every model, named once and in alphabetical order: what the migrations import."""

from packslip.accounts.models import (
    AccountLink,
    Challenge,
    Invitation,
    LoginSession,
    Policy,
    RecoveryCode,
    SecurityKey,
    SetupCode,
    Throttle,
    Token,
    User,
)
from packslip.downloads.models import Download, DownloadSpool, DownloadSum, DownloadTotal
from packslip.events.models import Event
from packslip.mail.models import Mail
from packslip.notes.models import Note
from packslip.packages.models import (
    File,
    Language,
    License,
    Maintainer,
    Package,
    PackageInvitation,
    RegisteredFilename,
    Release,
    Requirement,
    SearchEntry,
)

__all__ = [
    "AccountLink",
    "Challenge",
    "Download",
    "DownloadSpool",
    "DownloadSum",
    "DownloadTotal",
    "Event",
    "File",
    "Invitation",
    "Language",
    "License",
    "LoginSession",
    "Mail",
    "Maintainer",
    "Note",
    "Package",
    "PackageInvitation",
    "Policy",
    "RecoveryCode",
    "RegisteredFilename",
    "Release",
    "Requirement",
    "SearchEntry",
    "SecurityKey",
    "SetupCode",
    "Throttle",
    "Token",
    "User",
]
