"""What an upload that waits is, in words: each check with its result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from packaging.version import Version
from sqlalchemy.orm import Session
from trove_classifiers import classifiers as trove

from packslip.accounts.models import Role, User
from packslip.index.models import StagedUpload
from packslip.mirror.claiming import UpstreamNameError, upstream_of_name
from packslip.notes.expiry import lift_expired_of
from packslip.packages.descriptions import render_description
from packslip.packages.digests import Digests
from packslip.packages.examination import Step
from packslip.packages.filenames import DistributionName, InvalidFilenameError, parse_filename
from packslip.packages.licenses import license_of
from packslip.packages.lookalikes import lookalikes
from packslip.packages.prospects import Prospect, foresee
from packslip.packages.tag_words import describe_tags

#: So many classifiers are named that nobody knows.
_NAMED = 5


class Verdict(StrEnum):
    """The result of one check."""

    GOOD = "good"
    WARNING = "warning"
    FAULT = "fault"
    #: A fault of something else stands before it.
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Check:
    """One check: what was looked at, and what was found; nothing where it was not looked at."""

    title: str
    verdict: Verdict
    text: str


@dataclass
class Review:
    """An upload that waits, with all checks in the order in which they were made."""

    upload: StagedUpload
    checks: list[Check] = field(default_factory=list)
    #: The normalised name and the version, where they are known.
    package: str | None = None
    version: str | None = None

    def of(self, verdict: str) -> list[Check]:
        """The checks with this result."""
        return [check for check in self.checks if check.verdict == verdict]

    @property
    def can_be_published(self) -> bool:
        """Whether nothing stands in its way now."""
        return not self.of(Verdict.FAULT)


#: The checks of single fields, with the fields whose faults belong to each.
_FIELDS = {
    "Description": {"description", "description-content-type"},
    "Classifiers": {"classifier"},
    "Python": {"requires-python"},
    "Licence": {"license", "license-expression", "license-file"},
}


def review(session: Session, user: User, upload: StagedUpload) -> Review:
    """Go through the checks. Those of the file itself were made when it came."""
    said = upload.core_metadata
    name = _name(upload, said)
    found = Review(upload, list(_file_checks(upload, name)))
    if said:
        found.checks += _field_checks(upload, said)
        found.package = name.package if name is not None else None
    else:
        found.checks += [_unseen(title) for title in _FIELDS]
    if name is None or not said:
        return _without_index(found)
    digests = Digests(upload.sha256, upload.md5, upload.blake2_256)
    lift_expired_of(session, name.package)
    found.version = str(name.version)
    upstream = upstream_of_name(session, name.package)
    takes_over = upstream is not None and user.role == Role.ADMIN
    if upstream is not None and not takes_over:
        found.checks.append(_fault("Package", UpstreamNameError(name.package, upstream).reason))
        found.checks += [_unseen(title) for title in ("Release", "File")]
        return found
    prospect = foresee(session, user, said["name"], name, digests, is_taken_over=takes_over)
    if takes_over:
        text = (
            f"Its name belongs to a package of {upstream}. Publishing takes it over: the package is"
        )
        text += " hosted here from then on, and what came of it from upstream goes."
        found.checks.append(_warning("Package", text))
    found.checks += _package_checks(session, said["name"], prospect)
    found.checks += _release_checks(name, prospect)
    return found


def _name(upload: StagedUpload, said: dict[str, Any]) -> DistributionName | None:
    for package in (said.get("name"), None):
        try:
            return parse_filename(upload.filename, package)
        except InvalidFilenameError:
            # It is named for another package, or is no name at all.
            continue
    return None


def _without_index(found: Review) -> Review:
    found.checks += [_unseen(title) for title in ("Package", "Release", "File")]
    return found


def _file_checks(upload: StagedUpload, name: DistributionName | None) -> Iterator[Check]:
    faults = {step: [one for one in upload.faults if one["step"] == step] for step in Step}
    if name is None or faults[Step.NAME]:
        yield from _faults("File name", faults[Step.NAME])
        yield from map(_unseen, ("Archive", "Metadata", "Name and version"))
        return
    kind = "wheel" if name.is_wheel else "source distribution"
    yield _good("File name", f"A {kind} of {name.project} {name.version}.")
    if name.is_wheel:
        yield _good("Fits", f"{describe_tags(name.tags)}.")
    if faults[Step.ARCHIVE]:
        yield from _faults("Archive", faults[Step.ARCHIVE])
        yield from map(_unseen, ("Metadata", "Name and version"))
        return
    yield _good("Archive", "Readable to its end; each checksum in it is right.")
    own_checks = set().union(*_FIELDS.values())
    others = [one for one in faults[Step.METADATA] if one["field"] not in own_checks]
    said = upload.core_metadata
    yield from _faults("Metadata", others) or [
        _good("Metadata", f"Follows version {said['metadata_version']} of its specification.")
    ]
    if not said:
        yield _unseen("Name and version")
        return
    yield from _faults("Name and version", faults[Step.AGREEMENT]) or [
        _good("Name and version", "The same in the file name and in the metadata.")
    ]


def _field_checks(upload: StagedUpload, said: dict[str, Any]) -> Iterator[Check]:
    looks = {
        "Description": _description,
        "Classifiers": _classifiers,
        "Python": _python,
        "Licence": _license,
    }
    for title, fields in _FIELDS.items():
        faults = [one for one in upload.faults if one["field"] in fields]
        yield from _faults(title, faults) or [looks[title](title, said)]


def _description(title: str, said: dict[str, Any]) -> Check:
    text = said.get("description") or ""
    if not text.strip():
        return _warning(title, "There is none: the page of this release will be empty.")
    fault = render_description(text, said.get("description_content_type")).fault
    if fault:
        return _warning(title, f"It will be shown as text, as it cannot be rendered: {fault}.")
    return _good(title, "It can be rendered.")


def _classifiers(title: str, said: dict[str, Any]) -> Check:
    given = said.get("classifier", [])
    # What begins with "Private" is in no list, and is not meant to be.
    unknown = [one for one in given if one not in trove and not one.startswith("Private ::")]
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        return _warning(title, f"Not among the known ones: {'; '.join(unknown[:_NAMED])}{more}.")
    return _good(title, f"{len(given)}, all known." if given else "None, which is fine.")


def _python(title: str, said: dict[str, Any]) -> Check:
    wanted = said.get("requires_python")
    if wanted:
        return _good(title, f"Requires {wanted}.")
    return _warning(title, "No Requires-Python: installers try it with every version of Python.")


def _license(title: str, said: dict[str, Any]) -> Check:
    found = license_of(
        said.get("license_expression"), said.get("classifier", ()), said.get("license")
    )
    return _good(title, f"{found}.") if found else _warning(title, "None is given.")


def _package_checks(session: Session, spelled: str, prospect: Prospect) -> Iterator[Check]:
    title, package = "Package", prospect.package
    for reason in prospect.package_faults:
        yield _fault(title, reason)
    if package is None:
        if not prospect.package_faults:
            yield _good(title, f"{spelled} is new here: you become its owner.")
        if alike := lookalikes(session, spelled):
            text = f"Its name is easily taken for that of another one: {' or '.join(alike)}."
            yield _warning(title, text)
    elif not prospect.package_faults:
        yield _good(title, f"You are {prospect.role} of {package.name}.")


def _release_checks(name: DistributionName, prospect: Prospect) -> Iterator[Check]:
    release, version = prospect.release, name.version
    if release is None:
        yield _good("Release", f"{version} is new.")
    else:
        yield _good("Release", f"{release.version} is here and gets one more file.")
        if release.yanked and prospect.file is None:
            yield _warning("Release", "It is yanked, and so is what is added to it.")
    if Version(str(version)).is_prerelease:
        yield _warning("Release", "It is a pre-release: installers take it only when asked to.")
    for reason in prospect.file_faults:
        yield _fault("File", reason)
    if prospect.file is not None:
        yield _good("File", "The very same file is here already: publishing changes nothing.")
    elif not prospect.file_faults:
        yield _good("File", "Its name is free.")


def _faults(title: str, faults: list[dict[str, Any]]) -> list[Check]:
    return [_fault(title, one["reason"]) for one in faults]


def _good(title: str, text: str) -> Check:
    return Check(title, Verdict.GOOD, text)


def _warning(title: str, text: str) -> Check:
    return Check(title, Verdict.WARNING, text)


def _fault(title: str, text: str) -> Check:
    return Check(title, Verdict.FAULT, text)


def _unseen(title: str) -> Check:
    return Check(title, Verdict.UNSEEN, "")
