"""Every model, named once and in alphabetical order: what the migrations import."""

from packslip.accounts.models import Token, User
from packslip.downloads.models import Download, DownloadSpool
from packslip.events.models import Event
from packslip.notes.models import Note
from packslip.packages.models import (
    File,
    Language,
    License,
    Maintainer,
    Package,
    RegisteredFilename,
    Release,
)

__all__ = [
    "Download",
    "DownloadSpool",
    "Event",
    "File",
    "Language",
    "License",
    "Maintainer",
    "Note",
    "Package",
    "RegisteredFilename",
    "Release",
    "Token",
    "User",
]
