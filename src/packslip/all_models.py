"""Every model, named once and in alphabetical order: what the migrations import."""

from packslip.accounts.models import (
    AccountLink,
    Challenge,
    GroupGrant,
    Invitation,
    LinkedIdentity,
    LoginSession,
    Policy,
    RecoveryCode,
    SecurityKey,
    SetupCode,
    Throttle,
    Token,
    User,
)
from packslip.attestations.models import Attested
from packslip.downloads.models import (
    Download,
    DownloadPart,
    DownloadSpool,
    DownloadSum,
    DownloadTotal,
)
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
from packslip.packages.team_models import Team, TeamMember, TeamPackage, TeamPrefix
from packslip.publishers.models import MintedToken, Publisher, UsedIdentity
from packslip.schema import SchemaState
from packslip.subscriptions.models import Watch, Webhook, WebhookDelivery
from packslip.turns import Turn

__all__ = [
    "AccountLink",
    "Attested",
    "Challenge",
    "Download",
    "DownloadPart",
    "DownloadSpool",
    "DownloadSum",
    "DownloadTotal",
    "Event",
    "File",
    "GroupGrant",
    "Invitation",
    "Language",
    "License",
    "LinkedIdentity",
    "LoginSession",
    "Mail",
    "Maintainer",
    "MintedToken",
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
    "Publisher",
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
    "Team",
    "TeamMember",
    "TeamPackage",
    "TeamPrefix",
    "Throttle",
    "Token",
    "Turn",
    "UsedIdentity",
    "User",
    "Watch",
    "Webhook",
    "WebhookDelivery",
]
