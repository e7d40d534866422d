"""Small real wheels and source distributions, made without running a build."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

Field = str | Iterable[str]

#: What an archive may hold: texts are written as UTF-8.
Content = str | bytes


def core_metadata(
    name: str,
    version: str,
    *,
    metadata_version: str = "2.1",
    description: str = "",
    **fields: Field,
) -> bytes:
    """Return a METADATA or PKG-INFO file.

    Args:
        name: The name as its author spells it.
        version: The version as its author spells it.
        metadata_version: The version of the core metadata specification.
        description: The body of the message.
        **fields: Further fields, spelled with underscores (`requires_dist=["a>1"]`).
    """
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}"]
    for field, value in fields.items():
        header = field.replace("_", "-").capitalize()
        values = [value] if isinstance(value, str) else value
        lines += [f"{header}: {item}" for item in values]
    return ("\n".join(lines) + "\n\n" + description).encode()


def build_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    tags: str = "py3-none-any",
    build: str | None = None,
    files: Mapping[str, Content] | None = None,
    filename: str | None = None,
    **metadata: str | Iterable[str],
) -> Path:
    """Write a wheel that pip and uv install, with a RECORD whose hashes are right.

    Args:
        folder: Where to write it; made when missing.
        name: The name as its author spells it.
        version: The version as its author spells it.
        tags: Python, ABI and platform tags.
        build: The build number, with or without a suffix.
        files: What it holds beside `.dist-info`; by default one module named as the package.
        filename: The name of the file, when it shall not be the normalised one.
        **metadata: As `core_metadata` takes it.
    """
    stem = f"{_escaped(name)}-{version}"
    if filename is None:
        filename = "-".join([stem, *([build] if build else []), tags]) + ".whl"
    info = f"{stem}.dist-info"
    members: dict[str, Content] = dict(files if files is not None else _module(name, version))
    members[f"{info}/METADATA"] = core_metadata(name, version, **metadata)  # type: ignore[arg-type]
    members[f"{info}/WHEEL"] = _wheel_file(tags, build)
    members[f"{info}/RECORD"] = record_of(members, f"{info}/RECORD")
    return write_zip(folder / filename, members)


def build_sdist(
    folder: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, Content] | None = None,
    filename: str | None = None,
    top: str | None = None,
    **metadata: str | Iterable[str],
) -> Path:
    """Write a source distribution: `.tar.gz`, or `.zip` when `filename` ends so.

    Args:
        folder: Where to write it; made when missing.
        name: The name as its author spells it.
        version: The version as its author spells it.
        files: What it holds beside PKG-INFO; by default a pyproject.toml and one module.
        filename: The name of the file, when it shall not be the normalised one.
        top: The one folder in it; by default the file's name without its ending.
        **metadata: As `core_metadata` takes it.
    """
    filename = filename or f"{_escaped(name)}-{version}.tar.gz"
    top = top or filename.removesuffix(".tar.gz").removesuffix(".zip")
    inside: dict[str, Content] = {"PKG-INFO": core_metadata(name, version, **metadata)}  # type: ignore[arg-type]
    inside |= files if files is not None else _source_tree(name, version)
    members = {f"{top}/{path}": content for path, content in inside.items()}
    write = write_zip if filename.endswith(".zip") else write_tar
    return write(folder / filename, members)


def write_zip(path: Path, members: Mapping[str, Content]) -> Path:
    """Write these members, and nothing else, as a zip archive; the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)
    return path


def write_tar(path: Path, members: Mapping[str, Content]) -> Path:
    """Write these members, and nothing else, as a gzipped tar archive; the same bytes each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("wb") as file,
        gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in members.items():
            data = _bytes(content)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def record_of(members: Mapping[str, Content], record: str) -> str:
    """Return the RECORD of a wheel that holds these members."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name, content in members.items():
        data = _bytes(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        writer.writerow((name, f"sha256={digest}", len(data)))
    writer.writerow((record, "", ""))
    return text.getvalue()


def _escaped(name: str) -> str:
    return canonicalize_name(name).replace("-", "_")


def _module(name: str, version: str) -> dict[str, Content]:
    return {f"{_escaped(name)}.py": f'"""A sample."""\n\n__version__ = "{version}"\n'}


def _wheel_file(tags: str, build: str | None) -> str:
    pythons, abis, platforms = tags.split("-")
    lines = ["Wheel-Version: 1.0", "Generator: tests", "Root-Is-Purelib: true"]
    lines += [
        f"Tag: {python}-{abi}-{platform}"
        for python in pythons.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
    ]
    lines += [f"Build: {build}"] if build else []
    return "\n".join(lines) + "\n"


def _source_tree(name: str, version: str) -> dict[str, Content]:
    pyproject = (
        '[build-system]\nrequires = ["flit_core>=3.12"]\nbuild-backend = "flit_core.buildapi"\n\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\ndescription = "A sample."\n'
    )
    return {"pyproject.toml": pyproject, **_module(name, version)}


def _bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content
