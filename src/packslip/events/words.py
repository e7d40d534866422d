"""Events in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packslip.events.models import Action, Event

#: What was done, as it stands behind who did it. In braces stands what `_values` gives; what an
#: event does not tell is left out there, or called unknown.
SENTENCES: Mapping[str, str] = {
    Action.SITE_SET_UP: "set this index up",
    Action.POLICY_CHANGE: "changed the rule {name}{change}",
    Action.USER_CREATE: "added the user {subject}{as_role}",
    Action.USER_REGISTER: "registered as {subject}{as_role}",
    Action.USER_LOG_IN: "logged in{with_method}",
    Action.USER_LOG_IN_FAIL: "failed to log in{as_subject}{with_method}{because}",
    Action.USER_LOG_OUT: "logged out",
    Action.USER_CHANGE: "changed the name of {subject}{change}",
    Action.USER_CHANGE_ROLE: "changed the role of {subject}{change}",
    Action.USER_CHANGE_EMAIL: "changed the e-mail address of {subject}{change}",
    Action.USER_CONFIRM_EMAIL: "confirmed the e-mail address of {subject}",
    Action.USER_SET_PASSWORD: "set the password of {subject}",
    Action.USER_ASK_RESET: "asked for a link that sets a new password for {subject}",
    Action.USER_RESET_PASSWORD: "set a new password for {subject} by a link",
    Action.USER_DISABLE: "disabled the account of {subject}{because}",
    Action.USER_ENABLE: "enabled the account of {subject}",
    Action.SESSION_REVOKE: "ended {sessions} of {subject}",
    Action.TOTP_ADD: "added an authenticator app to the account of {subject}",
    Action.TOTP_REMOVE: "removed the authenticator app from the account of {subject}",
    Action.RECOVERY_CODES_CREATE: "made recovery codes for {subject}",
    Action.RECOVERY_CODE_USE: "used a recovery code of {subject}",
    Action.SECURITY_KEY_ADD: "added the security key {name} to the account of {subject}",
    Action.SECURITY_KEY_REMOVE: "removed the security key {name} from the account of {subject}",
    Action.IDENTITY_LINK: "linked the account of {subject} with single sign-on as {name}",
    Action.IDENTITY_UNLINK: "unlinked the account of {subject} from single sign-on as {name}",
    Action.TOKEN_CREATE: "made the token {token} for {subject}",
    Action.TOKEN_REVOKE: "revoked the token {token} of {subject}",
    Action.INVITATION_CREATE: "made an invitation to this index{to_email}{as_role}",
    Action.INVITATION_REVOKE: "took an invitation to this index back{to_email}",
    Action.PACKAGE_CREATE: "began the package {package}",
    Action.PACKAGE_IMPORT: "imported what is known of {package}",
    Action.PACKAGE_REMOVE: "removed the package {package} for good",
    Action.PUBLISHER_ADD: "let {publisher} publish {package} for {subject}",
    Action.PUBLISHER_REMOVE: "let {publisher} no longer publish {package} for {subject}",
    Action.MAINTAINER_INVITE: "invited {subject} to become {after} of {package}",
    Action.MAINTAINER_ACCEPT: "accepted the invitation and became {after} of {package}",
    Action.MAINTAINER_DECLINE: "declined to become {before} of {package}",
    Action.MAINTAINER_WITHDRAW: "withdrew {subject}'s invitation to become {before} of {package}",
    Action.MAINTAINER_ADD: "made {subject} {after} of {package}",
    Action.MAINTAINER_CHANGE: "made {subject} {after} of {package} instead of {before}",
    Action.MAINTAINER_REMOVE: "removed {subject}, who was {before}, from {package}",
    Action.TEAM_CREATE: "made the team {team}",
    Action.TEAM_CHANGE: "described the team {team} anew",
    Action.TEAM_REMOVE: "removed the team {team}",
    Action.TEAM_MEMBER_ADD: "took {subject} into the team {team} as {after}",
    Action.TEAM_MEMBER_CHANGE: "made {subject} {after} of the team {team} instead of {before}",
    Action.TEAM_MEMBER_REMOVE: "took {subject}, who was {before}, out of the team {team}",
    Action.TEAM_GIVE_PACKAGE: "made the team {team} {after} of {package}",
    Action.TEAM_TAKE_PACKAGE: "removed the team {team}, which was {before}, from {package}",
    Action.TEAM_GIVE_PREFIX: "made the team {team} {after} of all packages under {prefix}",
    Action.TEAM_TAKE_PREFIX: "took the prefix {prefix} from the team {team}, which was {before}",
    Action.RELEASE_CREATE: "began the release {package} {version}",
    Action.RELEASE_YANK: "yanked {package} {version}{because}",
    Action.RELEASE_UNYANK: "took the yank of {package} {version} back",
    Action.RELEASE_REMOVE: "removed the release {package} {version} for good",
    Action.FILE_UPLOAD: "published the file {filename}",
    Action.FILE_REMOVE: "removed the file {filename} for good",
    Action.FILE_LOSE: "took the bytes of {filename} out of the index{because}",
    Action.FILE_RECOVER: "put the bytes of {filename} back into the index",
    Action.NOTE_CREATE: "wrote the {note}",
    Action.NOTE_EDIT: "edited the {note}",
    Action.NOTE_SHARE: "let others see the {note}",
    Action.NOTE_HIDE: "made the {note} private",
    Action.NOTE_DELETE: "deleted the {note}",
    Action.NOTE_RESTORE: "took the {note} out of the bin",
    Action.COMMENT_CREATE: "commented on the {note}",
    Action.COMMENT_EDIT: "changed a comment on the {note}",
    Action.COMMENT_DELETE: "deleted a comment on the {note}",
    Action.ACT_BEGIN: "began to {act} {package}{range} by the {note}",
    Action.ACT_CHANGE: "changed the act of the {note} on {package}{change}",
    Action.ACT_LIFT: "lifted the {act} of {package}{range} by the {note}",
    Action.ACT_EXPIRE: "let the {act} of {package}{range} by the {note} expire",
    Action.MIRROR_ADD: "began to mirror {package}",
    Action.MIRROR_RELEASE: "found new releases of {package} upstream{versions}",
    Action.MIRROR_UPDATE: "took in what is new upstream of {package}{versions}",
    Action.MIRROR_DESCRIBE: "took in what {package} {version} says of itself",
    Action.MIRROR_MOVE: "mirrors {package} from {after} instead of {before} from now on",
    Action.MIRROR_MISS: "found files of {package} gone upstream{filenames}",
    Action.MIRROR_ALTER: "refused files of {package} whose bytes upstream has changed{filenames}",
    Action.MIRROR_YANK: "found releases of {package} yanked upstream{versions}",
    Action.MIRROR_UNYANK: "found a yank of {package} taken back upstream{versions}",
    Action.MIRROR_CHANGE_STATUS: "found {package} {after} upstream, which was {before}",
    Action.MIRROR_CLAIM: "took the name {package} over from upstream",
    Action.MIRROR_FORGET: "forgot what was mirrored of {package}",
    Action.MIRROR_LOAD: "took files of {package} in from a bundle",
    Action.MIRROR_REFUSE_FILE: "refused the bytes of {filename} that upstream sent{because}",
    Action.MIRROR_LOSE_FILE: "could not get the whole of {filename} from upstream{because}",
    Action.ALARM_DISMISS: "dismissed an alarm about {package}",
    Action.WEBHOOK_ADD: "added the webhook {webhook}",
    Action.WEBHOOK_CHANGE: "switched the webhook {webhook} {on_or_off}",
    Action.WEBHOOK_REMOVE: "removed the webhook {webhook}",
    Action.RULE_ADD: "made the rule {name}",
    Action.RULE_CHANGE: "changed the rule {name}{change}",
    Action.RULE_REMOVE: "removed the rule {name}",
    Action.EXCEPTION_DECLINE: "declined the exception that the {note} asks for",
    Action.DATA_MEND: "mended {what}{because}",
}

#: The same where people acted on themselves.
OWN_SENTENCES: Mapping[str, str] = {
    Action.USER_CHANGE: "changed their name{change}",
    Action.USER_CHANGE_EMAIL: "changed their e-mail address{change}",
    Action.USER_CONFIRM_EMAIL: "confirmed their e-mail address",
    Action.USER_SET_PASSWORD: "changed their password",
    Action.USER_ASK_RESET: "asked for a link that sets a new password",
    Action.USER_RESET_PASSWORD: "set a new password by a link",
    Action.SESSION_REVOKE: "ended {sessions} of their own",
    Action.TOTP_ADD: "added an authenticator app",
    Action.TOTP_REMOVE: "removed their authenticator app",
    Action.RECOVERY_CODES_CREATE: "made recovery codes",
    Action.RECOVERY_CODE_USE: "used a recovery code",
    Action.SECURITY_KEY_ADD: "added the security key {name}",
    Action.SECURITY_KEY_REMOVE: "removed the security key {name}",
    Action.IDENTITY_LINK: "linked their account with single sign-on as {name}",
    Action.IDENTITY_UNLINK: "unlinked their account from single sign-on as {name}",
    Action.TOKEN_CREATE: "made the token {token}",
    Action.TOKEN_REVOKE: "revoked the token {token}",
    Action.PUBLISHER_ADD: "let {publisher} publish {package}",
    Action.PUBLISHER_REMOVE: "let {publisher} no longer publish {package}",
    Action.MAINTAINER_CHANGE: "became {after} of {package} instead of {before}",
    Action.MAINTAINER_REMOVE: "left {package}, as {before}",
    Action.TEAM_MEMBER_ADD: "joined the team {team} as {after}",
    Action.TEAM_MEMBER_CHANGE: "became {after} of the team {team} instead of {before}",
    Action.TEAM_MEMBER_REMOVE: "left the team {team}, as {before}",
}

_UNKNOWN = "(unknown)"

#: Of longer lists only so many are named.
_LISTED = 10


def describe(event: Event) -> str:
    """What was done, in a sentence whose first word is who did it: `ada yanked demo 1.0`.

    It is plain text with words of users in it, to be escaped like any other.
    """
    return f"{event.actor_name} {describe_act(event)}"


def describe_act(event: Event) -> str:
    """The same without who did it."""
    sentence = SENTENCES.get(event.action)
    if event.actor_id is not None and event.actor_id == event.subject_id:
        sentence = OWN_SENTENCES.get(event.action, sentence)
    # A newer version may have recorded acts that this one has no words for.
    return event.action if sentence is None else sentence.format_map(_values(event))


def _values(event: Event) -> Mapping[str, str]:
    data = event.data
    name, before, after = data.get("name"), data.get("before"), data.get("after")
    sessions = data.get("sessions", 1)
    token = f"“{name}”" if name else f"number {data.get('token_id', _UNKNOWN)}"
    return {
        "package": event.package_id or _UNKNOWN,
        "subject": _subject(event) or _UNKNOWN,
        "name": str(name or data.get("policy") or _UNKNOWN),
        "version": str(data.get("version") or _UNKNOWN),
        "what": str(data.get("what") or _UNKNOWN),
        "filename": str(data.get("filename") or _UNKNOWN),
        "versions": _behind(": ", _listed(data.get("versions"))),
        "filenames": _behind(": ", _listed(data.get("filenames"))),
        "token": token,
        "note": _note(data),
        "publisher": str(data.get("publisher") or _UNKNOWN),
        "team": str(data.get("team") or _UNKNOWN),
        "prefix": str(data.get("prefix") or _UNKNOWN),
        "act": str(data.get("act") or _UNKNOWN),
        "webhook": str(data.get("webhook_id") or _UNKNOWN),
        "on_or_off": "on" if data.get("enabled") else "off",
        "range": _behind(" ", data.get("version_range")),
        "sessions": "a session" if sessions == 1 else f"{sessions} sessions",
        "before": str(before or "nothing"),
        "after": str(after or "nothing"),
        "change": _change(before, after),
        "because": _behind(": ", _reason(data)),
        "as_subject": _behind(" as ", _subject(event)),
        "as_role": _behind(" as ", data.get("role")),
        "with_method": _behind(" with ", data.get("method")),
        "to_email": _behind(" for ", data.get("email")),
    }


def _subject(event: Event) -> str | None:
    username = event.data.get("username")
    if username:
        return str(username)
    return None if event.subject_id is None else f"user {event.subject_id}"


def _note(data: Mapping[str, Any]) -> str:
    title = data.get("title")
    return f"note {data.get('note_id', _UNKNOWN)}{f' “{title}”' if title else ''}"


def _reason(data: Mapping[str, Any]) -> object:
    after = data.get("after")
    return data.get("reason") or (after.get("reason") if isinstance(after, dict) else None)


def _listed(values: object) -> str:
    if not isinstance(values, list):
        return ""
    more = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
    return ", ".join(map(str, values[:_LISTED])) + more


def _behind(word: str, value: object) -> str:
    return f"{word}{value}" if value else ""


def _change(before: object, after: object) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        changes = [f"{key}{_change(before.get(key), after.get(key))}" for key in keys]
        return _behind(": ", ", ".join(changes))
    if before is None and after is None:
        return ""
    return f" from {_shown(before)} to {_shown(after)}"


def _shown(value: object) -> str:
    return "nothing" if value in (None, "", []) else str(value)
