"""What the server under test holds: wheels made here, and a folder of real distributions."""

from __future__ import annotations

import base64
import hashlib
import random
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import Parser
from pathlib import Path

from packaging.utils import (
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

KB, MB = 10**3, 10**6

_CHUNK = 2**20

#: The oldest date that a ZIP entry may bear: the same wheel has the same bytes every time.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Distribution:
    """A file to upload, and what the upload's form says of it."""

    path: Path
    name: str
    version: str
    metadata_version: str
    filetype: str
    python: str
    sha256: str

    @property
    def form(self) -> dict[str, str]:
        """The fields that go with the file in an upload."""
        return {
            ":action": "file_upload",
            "protocol_version": "1",
            "metadata_version": self.metadata_version,
            "name": self.name,
            "version": self.version,
            "filetype": self.filetype,
            "pyversion": self.python,
            "sha256_digest": self.sha256,
        }


@dataclass(frozen=True)
class Corpus:
    """Everything that goes into the server before it is measured.

    `pages` maps the number of files of a page to the package that has them.
    """

    made: list[Distribution]
    real: list[Distribution]
    pages: dict[int, str]
    application: str
    small: Distribution
    medium: Distribution
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = frozenset(canonicalize_name(one.name) for one in [*self.made, *self.real])
        object.__setattr__(self, "names", names)


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    payload: int = 0,
    requires: Sequence[str] = (),
) -> Distribution:
    """Write a valid wheel of one module and `payload` bytes that do not compress.

    The payload is written in pieces, so that a wheel of any size takes little memory, and is
    always the same for the same name and version.
    """
    stem = f"{canonicalize_name(name).replace('-', '_')}-{version}"
    module = stem.partition("-")[0]
    path = folder / f"{stem}-py3-none-any.whl"
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        "Summary: Made for a measurement",
        "License-Expression: MIT",
        "Requires-Python: >=3.8",
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    wheel = ["Wheel-Version: 1.0", "Generator: bench", "Root-Is-Purelib: true", "Tag: py3-none-any"]
    record: list[str] = []
    with zipfile.ZipFile(path, "w") as archive:

        def add(inside: str, pieces: Iterator[bytes]) -> None:
            digest, size = _write_entry(archive, inside, pieces)
            record.append(f"{inside},sha256={digest},{size}")

        add(f"{module}/__init__.py", iter([f'__version__ = "{version}"\n'.encode()]))
        if payload:
            add(f"{module}/payload.bin", _noise(stem, payload))
        add(f"{stem}.dist-info/METADATA", iter([_lines(metadata)]))
        add(f"{stem}.dist-info/WHEEL", iter([_lines(wheel)]))
        record.append(f"{stem}.dist-info/RECORD,,")
        _write_entry(archive, f"{stem}.dist-info/RECORD", iter([_lines(record)]))
    return Distribution(path, name, version, "2.4", "bdist_wheel", "py3", _sha256(path))


def make_corpus(folder: Path, many: int, real: Path | None = None) -> Corpus:
    """Make the corpus in `folder`; `many` is how many files the largest page has."""
    one = write_wheel(folder, "bench-one", "1.0", payload=16 * KB)
    medium = write_wheel(folder, "bench-medium", "1.0", payload=30 * MB)
    seven = [write_wheel(folder, "bench-seven", f"1.{n}", payload=KB) for n in range(7)]
    largest = [write_wheel(folder, "bench-many", f"{n // 10}.{n % 10}") for n in range(many)]
    application = make_application(folder)
    return Corpus(
        made=[one, medium, *seven, *largest, *application],
        real=read_folder(real) if real else [],
        pages={1: "bench-one", 7: "bench-seven", many: "bench-many"},
        application="bench-application",
        small=one,
        medium=medium,
    )


def make_application(folder: Path, dependencies: int = 20) -> list[Distribution]:
    """Make an application whose dependencies are a tree, three releases of each.

    An installer learns of each level only from the one above, as with real applications.
    """
    made = []
    for number in range(dependencies + 1):
        name = f"bench-part-{number}" if number else "bench-application"
        below = [n for n in (2 * number + 1, 2 * number + 2) if n <= dependencies]
        requires = [f"bench-part-{n}>=1.0" for n in below]
        made += [
            write_wheel(folder, name, f"1.{minor}", payload=50 * KB, requires=requires)
            for minor in range(3)
        ]
    return made


def read_folder(folder: Path) -> list[Distribution]:
    """Every wheel and sdist of a folder tree, older versions first."""
    paths = [p for p in folder.rglob("*") if p.name.endswith((".whl", ".tar.gz", ".zip"))]
    return [read_distribution(path) for path in sorted(paths)]


def read_distribution(path: Path) -> Distribution:
    """Read what an upload's form needs from a wheel or an sdist.

    Raises:
        ValueError: if it is neither, or has no metadata.
    """
    if path.suffix == ".whl":
        tags = parse_wheel_filename(path.name)[3]
        filetype, python = "bdist_wheel", min(tag.interpreter for tag in tags)
        metadata = _wheel_metadata(path)
    else:
        parse_sdist_filename(path.name)
        filetype, python = "sdist", "source"
        metadata = _sdist_metadata(path)
    return Distribution(
        path=path,
        name=metadata["Name"],
        version=metadata["Version"],
        metadata_version=metadata["Metadata-Version"],
        filetype=filetype,
        python=python,
        sha256=_sha256(path),
    )


def _wheel_metadata(path: Path) -> Message:
    with zipfile.ZipFile(path) as archive:
        for inside in archive.namelist():
            if inside.endswith(".dist-info/METADATA") and inside.count("/") == 1:
                return Parser().parsestr(archive.read(inside).decode())
    raise ValueError(f"{path.name} has no METADATA")


def _sdist_metadata(path: Path) -> Message:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for inside in archive.namelist():
                if inside.endswith("/PKG-INFO") and inside.count("/") == 1:
                    return Parser().parsestr(archive.read(inside).decode())
    else:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name.endswith("/PKG-INFO") and member.name.count("/") == 1:
                    content = archive.extractfile(member)
                    if content:
                        return Parser().parsestr(content.read().decode())
    raise ValueError(f"{path.name} has no PKG-INFO")


def _write_entry(archive: zipfile.ZipFile, inside: str, pieces: Iterator[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with archive.open(zipfile.ZipInfo(inside, _DATE), "w", force_zip64=True) as entry:
        for piece in pieces:
            entry.write(piece)
            digest.update(piece)
            size += len(piece)
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode(), size


def _noise(seed: str, size: int) -> Iterator[bytes]:
    source = random.Random(seed)
    for begin in range(0, size, _CHUNK):
        yield source.randbytes(min(_CHUNK, size - begin))


def _lines(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
