"""The forms of the mirror's rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from wtforms import (
    BooleanField,
    DateTimeLocalField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Optional

from packslip.mirror.rule_fields import LONGEST_EXCEPTION, split
from packslip.mirror.rules import FileKind, Kind, Rule
from packslip.web.forms import Form

#: Days for which an exception stands if nothing else is said.
DAYS = 30

_KINDS = {
    Kind.COOLDOWN.value: "Cooldown: withhold what is younger than so many days",
    Kind.FREEZE.value: "Freeze: withhold what came after a date",
    Kind.DENY.value: "Deny: refuse it",
    Kind.ALLOW.value: "Allow: refuse all that no such rule allows",
}

_FILE_KINDS = {
    "": "all",
    FileKind.SDIST.value: "source distributions",
    FileKind.WHEEL.value: "wheels",
    FileKind.OTHER.value: "files of older kinds",
}


class RuleForm(Form):
    """A rule, as an admin writes it."""

    kind = RadioField("What it does", choices=_KINDS, default=Kind.COOLDOWN.value)
    days = IntegerField("Days", [Optional()], description="Of a cooldown.")
    not_after = DateTimeLocalField(
        "Nothing newer than (UTC)",
        [Optional()],
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        description="Of a freeze.",
    )
    packages = TextAreaField(
        "Packages",
        description="Such as django or acme-*, and !acme-tools for what is left out, with commas or"
        " lines between. Empty means all of them.",
    )
    version_range = StringField("Versions", description="Such as <2 or >=1.1,<1.3. Empty: all.")
    licenses = StringField(
        "Licences",
        description="Such as AGPL-*, with commas between; “unknown” is for what says none. Empty:"
        " all.",
    )
    file_kind = SelectField("Package type", choices=_FILE_KINDS)
    tags = StringField(
        "Wheel tags", description="Python, ABI and platform, such as *-*-win*. Empty: all files."
    )
    reason = StringField("Reason", description="One line that clients print. It may stay empty.")

    def rule(self) -> Rule:
        """The rule that is meant, unchecked."""
        not_after = self.not_after.data
        return Rule(
            kind=Kind(self.kind.data),
            packages=split(self.packages.data),
            version_range=self.version_range.data,
            licenses=split(self.licenses.data),
            file_kind=FileKind(self.file_kind.data) if self.file_kind.data else None,
            tags=split(self.tags.data),
            days=self.days.data,
            not_after=None if not_after is None else not_after.replace(tzinfo=UTC),
            reason=self.reason.data or "",
        )


class ExceptionForm(Form):
    """For how long and for which versions an exception is made."""

    version_range = StringField("Versions", description="Such as ==1.3. Empty means all of them.")
    days = IntegerField(
        "Days",
        [InputRequired("Say for how many days.")],
        description=f"After which it ends by itself, from 1 to {LONGEST_EXCEPTION}.",
    )
    lifts_deny = BooleanField(
        "Also lift what is denied or not allowed, not only cooldown and freeze"
    )


class NewExceptionForm(ExceptionForm):
    """An exception that nobody asked for."""

    packages = StringField("Package", [InputRequired("Say which package.")])
    reason = StringField("Reason", description="One line. It may stay empty.")

    def rule(self) -> Rule:
        """The exception that is meant, unchecked."""
        # Out of bounds it is refused by `check_rule`, and it stays within the calendar.
        days = max(-1, min(self.days.data or 0, 10_000))
        return Rule(
            kind=Kind.EXCEPTION,
            packages=split(self.packages.data),
            version_range=self.version_range.data,
            expires_at=datetime.now(UTC) + timedelta(days=days),
            lifts_deny=bool(self.lifts_deny.data),
            reason=self.reason.data or "",
        )


class ApproveForm(ExceptionForm):
    """The exception that a note asks for."""

    edition = HiddenField()


class DeclineForm(Form):
    """Why there is none."""

    why = TextAreaField("Why", [InputRequired("Say why.")], description="In Markdown.")
    edition = HiddenField()


class AskForm(Form):
    """What a member asks for."""

    version_range = StringField("Versions", description="Such as ==1.3. Empty means all of them.")
    why = TextAreaField(
        "Why it is needed",
        [InputRequired("Say why.")],
        description="In Markdown; the team reads it.",
    )


def values_of(rule: Rule) -> dict[str, object]:
    """What the form for the rule holds."""
    return {
        "kind": rule.kind.value,
        "days": rule.days,
        "not_after": rule.not_after,
        "packages": ", ".join(rule.packages),
        "version_range": rule.version_range or "",
        "licenses": ", ".join(rule.licenses),
        "file_kind": "" if rule.file_kind is None else rule.file_kind.value,
        "tags": ", ".join(rule.tags),
        "reason": rule.reason,
    }


class ClaimForm(Form):
    """A name that is taken over from upstream."""

    name = StringField("Package", validators=[InputRequired()])
    owner = StringField(
        "Owner", validators=[InputRequired()], description="The username of who owns it then."
    )
