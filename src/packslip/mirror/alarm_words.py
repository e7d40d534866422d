"""Alarms in words: the title and the text of the note that each is a draft of."""

from __future__ import annotations

from packslip.mirror.alarm_models import AlarmKind, MirrorAlarm
from packslip.mirror.alarms import MOST

#: Versions that a title names.
_NAMED = 3

#: For one file or release, and for several.
_TITLES = {
    AlarmKind.ALTERED: ("a file's bytes changed upstream", "bytes of files changed upstream"),
    AlarmKind.WRONG: ("upstream sent wrong bytes of a file", "upstream sent wrong bytes of files"),
    AlarmKind.VANISHED: ("a file is gone upstream", "files are gone upstream"),
    AlarmKind.YANKED: ("yanked upstream", "yanked upstream"),
}

_TEXTS = {
    AlarmKind.ALTERED: (
        "Upstream gives another digest for these files than before. Where all is well, a file never"
        " changes under its name. The other bytes are refused; what was kept before is served."
    ),
    AlarmKind.WRONG: (
        "Upstream sent other bytes of these files than it announces. None of them was passed on or"
        " kept; they are asked for again after an hour."
    ),
    AlarmKind.VANISHED: (
        "Upstream does not list these files any more. What is kept here is still served; the rest"
        " cannot be had."
    ),
    AlarmKind.YANKED: (
        "Upstream yanked these releases. Installers take them only where exactly that version is"
        " asked for."
    ),
}

_ON_METADATA = (
    " Metadata that was made of parts of a wheel, and found wrong when the whole wheel came, may"
    " have been passed on before; it was replaced."
)


def title_of(alarm: MirrorAlarm) -> str:
    """Such as `requests 2.31.0: a file's bytes changed upstream`."""
    if alarm.kind == AlarmKind.STATUS:
        return f"{alarm.package_id}: {alarm.details.get('after')} upstream"[:200]
    versions = _versions(alarm)
    named = ", ".join(versions[:_NAMED])
    if len(versions) > _NAMED:
        named += f" and {len(versions) - _NAMED} more"
    is_several = len(_filenames(alarm)) > 1
    words = _TITLES[AlarmKind(alarm.kind)][is_several]
    return f"{alarm.package_id} {named}".strip()[:140] + f": {words}"


def body_of(alarm: MirrorAlarm) -> str:
    """The text of the note, in Markdown."""
    where = f" by the upstream `{_plain(alarm.upstream)}`" if alarm.upstream else ""
    lines = [text_of(alarm), "", f"Found on {alarm.day}{where}, event {alarm.event_id}.", ""]
    return "\n".join([*lines, *(f"- `{_plain(name)}`" for name in names_of(alarm))]).strip()


def text_of(alarm: MirrorAlarm) -> str:
    """What it means, as plain text."""
    if alarm.kind == AlarmKind.STATUS:
        before, after = alarm.details.get("before"), alarm.details.get("after")
        return f"Upstream says that the package is {after}; it was {before}."
    text = _TEXTS[AlarmKind(alarm.kind)]
    if any(name.endswith(".metadata") for name in _filenames(alarm)):
        text += _ON_METADATA
    return text


def names_of(alarm: MirrorAlarm) -> list[str]:
    """The files that it is about, or else the versions."""
    names = _filenames(alarm) or _versions(alarm)
    return [*names, "and perhaps more"] if len(names) == MOST else names


def range_of(alarm: MirrorAlarm) -> str | None:
    """The range of versions for its note; several releases have none but all."""
    versions = _versions(alarm)
    return f"=={versions[0]}" if len(versions) == 1 else None


def _versions(alarm: MirrorAlarm) -> list[str]:
    return [str(version) for version in alarm.details.get("versions", ())]


def _filenames(alarm: MirrorAlarm) -> list[str]:
    return [str(name) for name in alarm.details.get("filenames", ())]


def _plain(text: str | None) -> str:
    """Text from elsewhere, for a code span."""
    return " ".join((text or "").replace("`", "'").split())
