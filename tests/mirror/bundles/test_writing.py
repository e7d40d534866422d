"""`packslip mirror bundle`."""

from __future__ import annotations

import fcntl
import json
import tarfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.bundles import manifest
from tests.helpers.mirroring import add_mirrored_file
from tests.helpers.packages import add_file, add_package, add_release

from packslip.errors import ConflictError, NotFoundError, PackslipError, StorageFullError
from packslip.mirror.bundles.reading import BundleReader
from packslip.mirror.bundles.writing import (
    UnwritableBundleError,
    new_bundle,
    translated,
    write_bundle,
)
from packslip.mirror.commands import mirror_commands
from packslip.packages.models import File, Release
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import content_key, kept_metadata_key
from packslip.web.context import current_storage

UPLOADED = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
#: Too long for the old headers of tar.
LONG = f"demo-1.0-py3-none-{'manylinux_2_17_x86_64.' * 6}any.whl"


def keep(session: Session, data: bytes, filename: str, *, package: str = "demo") -> File:
    """A file of which the bytes are kept, and the metadata if it is a wheel."""
    key = content_key(sha256(data).hexdigest(), filename)
    current_storage().put_bytes(key, data)
    url = f"http://127.0.0.1:9/{filename}?key=secret#x"
    values: dict[str, Any] = {"storage_key": key, "uploaded_at": UPLOADED}
    mirrored: dict[str, Any] = {"kept_at": UPLOADED}
    if filename.endswith(".whl"):
        metadata = b"Name: " + data
        values["metadata_sha256"] = sha256(metadata).hexdigest()
        mirrored |= {"metadata_kept": True, "yanked": "Broken"}
        current_storage().put_bytes(
            kept_metadata_key(values["metadata_sha256"], filename), metadata
        )
    return add_mirrored_file(
        session, url, data, filename, package=package, mirrored=mirrored, **values
    )


def bundle(app: Flask, path: Path, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(
        mirror_commands, ["bundle", str(path), *arguments], catch_exceptions=True
    )


def refusal(result: Result) -> PackslipError:
    assert result.exit_code == 1
    assert isinstance(result.exception, PackslipError)
    return result.exception


def test_what_is_kept_of_mirrored_packages_is_written_and_nothing_else(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    keep(session, b"long", LONG)
    keep(session, b"sdist", "demo-1.0.tar.gz")
    keep(session, b"other", "a_other-2.0.tar.gz", package="a-other")
    add_mirrored_file(session, "http://127.0.0.1:9/x", filename="demo-1.0-py2-none-any.whl")
    ours = add_file(session, add_release(session, add_package(session, "ours")), "ours-1.0.tar.gz")
    ours.storage_key = content_key("0" * 64, ours.filename)
    session.commit()
    result = bundle(app, tmp_path / "bundle.tar", "--json")
    assert result.exit_code == 0, result.exception
    size = (tmp_path / "bundle.tar").stat().st_size
    assert json.loads(result.stdout) == {
        "packages": 2, "files": 3, "size": len(b"otherName: longlongsdist"), "left_out": [],
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.glob("bundle*")) == ["bundle.tar"]
    with tarfile.open(tmp_path / "bundle.tar") as archive:
        assert archive.getnames() == [
            "manifest.json",
            "files/a-other/a_other-2.0.tar.gz",
            f"files/demo/{LONG}.metadata",
            f"files/demo/{LONG}",
            "files/demo/demo-1.0.tar.gz",
        ]
        told = archive.extractfile("manifest.json")
        assert told is not None
        text = told.read()
        assert b"secret" not in text
        assert b"ours" not in text
    with (tmp_path / "bundle.tar").open("rb") as opened:
        reader = BundleReader(opened)
    _, package = reader.manifest.packages
    assert [file.said.filename for file in package.files] == [LONG, "demo-1.0.tar.gz"]
    said = package.files[0].said
    assert (said.uploaded_at, said.yanked, said.size) == (UPLOADED, "Broken", 4)
    assert (package.upstream, said.url) == ("upstream", f"http://127.0.0.1:9/{LONG}")
    # Named packages alone, and in the same order.
    assert bundle(app, tmp_path / "bundle.tar", "A.Other").exit_code == 0
    assert (tmp_path / "bundle.tar").stat().st_size < size


def test_what_installers_do_not_get_is_left_out_and_told(
    app: Flask, session: Session, tmp_path: Path
) -> None:
    held = keep(session, b"sdist", "demo-1.0.tar.gz")
    session.get_one(Release, held.release_id).held_reason = "On hold by ada: worm (note 1)"
    session.commit()
    keep(session, b"wheel", "other-1.0-py3-none-any.whl", package="other")
    keep(session, b"other", "other-1.0.tar.gz", package="other")
    session.commit()
    rule = ["rule", "add", "deny", "--type", "sdist"]
    assert app.test_cli_runner().invoke(mirror_commands, rule).exit_code == 0
    result = bundle(app, tmp_path / "bundle.tar", "--json")
    found = json.loads(result.stdout)
    assert (found["packages"], found["files"]) == (1, 1)
    assert {one["filename"] for one in found["left_out"]} == {"demo-1.0.tar.gz", "other-1.0.tar.gz"}


def test_what_cannot_be_bundled_leaves_no_file(
    app: Flask, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle.tar"
    assert isinstance(refusal(bundle(app, path)), NotFoundError)
    add_package(session, "ours")
    file = keep(session, b"sdist", "demo-1.0.tar.gz")
    session.commit()
    assert "hosted" in refusal(bundle(app, path, "ours")).reason
    assert isinstance(refusal(bundle(app, path, "unknown")), NotFoundError)
    assert "no such file" in refusal(bundle(app, tmp_path / "no" / "bundle.tar")).reason
    with (tmp_path / "bundle.tar.part").open("wb") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        assert isinstance(refusal(bundle(app, path)), ConflictError)
    # What a killed command left is no hindrance, and an older bundle stays when this one fails.
    (tmp_path / "bundle.tar.part").write_bytes(b"x" * 100_000)
    assert bundle(app, path).exit_code == 0
    before = path.read_bytes()
    assert len(before) < 100_000
    assert file.storage_key is not None
    with current_storage().open(file.storage_key) as stored:
        kept = Path(str(stored.local_file.name if stored.local_file else ""))
    kept.chmod(0o600)
    kept.write_bytes(b"SDIST")
    assert "demo-1.0.tar.gz" in refusal(bundle(app, path)).reason
    kept.unlink()
    assert "demo-1.0.tar.gz" in refusal(bundle(app, path)).reason
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.glob("bundle*")] == ["bundle.tar"]


def test_a_disk_that_is_full_is_told_in_one_line(tmp_path: Path) -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(StorageFullError),
        translated(),
    ):
        write_bundle(full, manifest(), LocalStorage(tmp_path), lambda: None)
    with pytest.raises(UnwritableBundleError), new_bundle(Path("/dev/full")):
        pass
