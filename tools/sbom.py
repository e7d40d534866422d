"""A bill of materials in CycloneDX's form, out of the locks: what is in an installation."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: The extras that have locks of their own.
EXTRAS = ("attestations", "otel", "parquet", "postgres", "s3", "sso")

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/packslip")


@dataclass(frozen=True)
class Locked:
    """One distribution in a lock."""

    name: str
    version: str
    marker: str
    #: The distributions and files that ask for it.
    wanted_by: tuple[str, ...]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(path: Path) -> list[Locked]:
    """The distributions in a lock that uv wrote."""
    entries = re.split(r"(?m)^(?=[\w.-]+(?:\[[^\]]*\])?==)", path.read_text())
    return [_locked(entry) for entry in entries if entry[:1] not in {"", "#"}]


def _locked(entry: str) -> Locked:
    stated = Requirement(entry.partition("--hash")[0].replace("\\\n", " ").strip().rstrip("\\"))
    (specifier,) = stated.specifier
    comments = re.findall(r"(?m)^ +# +(?:via +)?(\S.*)$", entry)
    wanted_by = tuple(comment for comment in comments if comment != "via")
    marker = str(stated.marker or "")
    return Locked(canonicalize_name(stated.name), specifier.version, marker, wanted_by)


def make_sbom(
    version: str, requirements: Path, built_at: int, files: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """The bill for a version of Packslip.

    Args:
        version: the version, as `packslip.__version__` says it.
        requirements: the folder with the locks.
        built_at: seconds since 1970, as in `SOURCE_DATE_EPOCH`; the same input makes the same bill.
        files: names of the distributions that were built, with their SHA-256.
    """
    own = f"pkg:pypi/packslip@{version}"
    # Of some there are two versions, for two versions of Python.
    run = {one.purl: one for one in read_lock(requirements / "run.txt")}
    locked = dict(run)
    for extra in EXTRAS:
        for one in read_lock(requirements / f"{extra}.txt"):
            locked.setdefault(one.purl, one)
    components = [
        _component(one, _scope(one) if one.purl in run else "optional")
        for _, one in sorted(locked.items())
    ]
    wanted = _wanted(own, locked.values())
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, repr((components, sorted(files))))}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(built_at, UTC).isoformat(),
            "lifecycles": [{"phase": "build"}],
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": "packslip",
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": "MIT"}}],
                "components": [_file(name, digest) for name, digest in sorted(files)],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(wanted[ref])}
            for ref in (own, *(component["bom-ref"] for component in components))
        ],
    }


def _scope(one: Locked) -> str:
    """What only builds is no part of an installation."""
    return "excluded" if set(one.wanted_by) == {"-r requirements/build.in"} else "required"


def _component(one: Locked, scope: str) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        "version": one.version,
        "scope": scope,
        "purl": one.purl,
    }
    if one.marker:
        component["properties"] = [{"name": "python:marker", "value": one.marker}]
    return component


def _file(name: str, digest: str) -> dict[str, Any]:
    return {
        "type": "file",
        "bom-ref": name,
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def _wanted(own: str, locked: Collection[Locked]) -> defaultdict[str, set[str]]:
    refs: defaultdict[str, set[str]] = defaultdict(set)
    refs["packslip"].add(own)
    for one in locked:
        refs[one.name].add(one.purl)
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for one in locked:
        for by in one.wanted_by:
            for ref in refs.get(by.split()[0], ()):
                wanted[ref].add(one.purl)
    return wanted
