"""Rules as JSON documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from packslip.mirror.rule_models import MirrorRule
from packslip.mirror.rule_queries import rule_of
from packslip.mirror.rule_words import describe
from packslip.mirror.rules import FileKind, Kind, Rule

_Number = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]


class NewRule(msgspec.Struct, forbid_unknown_fields=True):
    """A rule, as somebody writes it; what its kind has no use for is ignored."""

    kind: Kind
    packages: list[str] = []
    version_range: str | None = None
    licenses: list[str] = []
    file_kind: FileKind | None = None
    tags: list[str] = []
    days: _Number | None = None
    not_after: datetime | None = None
    expires_at: datetime | None = None
    lifts_deny: bool = False
    reason: str = ""

    def rule(self) -> Rule:
        """The rule that is meant, unchecked."""
        return Rule(
            kind=self.kind,
            packages=tuple(self.packages),
            version_range=self.version_range,
            licenses=tuple(self.licenses),
            file_kind=self.file_kind,
            tags=tuple(self.tags),
            days=self.days,
            not_after=self.not_after,
            expires_at=self.expires_at,
            lifts_deny=self.lifts_deny,
            reason=self.reason,
        )


class RuleDocument(msgspec.Struct):
    """A rule."""

    id: int
    kind: Kind
    packages: list[str]
    version_range: str | None
    licenses: list[str]
    file_kind: FileKind | None
    tags: list[str]
    days: int | None
    not_after: datetime | None
    expires_at: datetime | None
    lifts_deny: bool
    reason: str
    #: The note that asked for it.
    note: int | None
    #: What it does, as a sentence.
    text: str
    made_by: str
    created_at: datetime
    updated_at: datetime


class RuleList(msgspec.Struct):
    """All rules."""

    rules: list[RuleDocument]


def rule_document(row: MirrorRule) -> RuleDocument:
    """The rule as a document."""
    rule = rule_of(row)
    return RuleDocument(
        id=row.id,
        kind=rule.kind,
        packages=row.packages,
        version_range=rule.version_range,
        licenses=row.licenses,
        file_kind=rule.file_kind,
        tags=row.tags,
        days=rule.days,
        not_after=rule.not_after,
        expires_at=rule.expires_at,
        lifts_deny=rule.lifts_deny,
        reason=rule.reason,
        note=rule.note_id,
        text=describe(rule),
        made_by=row.username,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
