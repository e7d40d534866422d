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
from packslip.index.models import StagedUpload
from packslip.mail.models import Mail
from packslip.mirror.alarm_models import MirrorAlarm
from packslip.mirror.models import MirrorFile, MirrorPage, MirrorUpstream
from packslip.mirror.rule_models import MirrorDecision, MirrorRule, MirrorRuleState
from packslip.notes.models import (
    Note,
    NoteComment,
    NoteDraft,
    NoteLink,
    NoteRevision,
    NoteTag,
)
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
    StandingAct,
)
from packslip.packages.stamps import PageStamp
from packslip.schema import SchemaState
from packslip.subscriptions.models import Watch, Webhook, WebhookDelivery
from packslip.turns import Turn

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
    "MirrorAlarm",
    "MirrorDecision",
    "MirrorFile",
    "MirrorPage",
    "MirrorRule",
    "MirrorRuleState",
    "MirrorUpstream",
    "Note",
    "NoteComment",
    "NoteDraft",
    "NoteLink",
    "NoteRevision",
    "NoteTag",
    "Package",
    "PackageInvitation",
    "PageStamp",
    "Policy",
    "RecoveryCode",
    "RegisteredFilename",
    "Release",
    "Requirement",
    "SchemaState",
    "SearchEntry",
    "SecurityKey",
    "SetupCode",
    "StagedUpload",
    "StandingAct",
    "Throttle",
    "Token",
    "Turn",
    "User",
    "Watch",
    "Webhook",
    "WebhookDelivery",
]
