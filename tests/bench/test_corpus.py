from __future__ import annotations

import base64
import csv
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from bench.corpus import make_application, read_distribution, read_folder, write_wheel
from packaging.requirements import Requirement


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_wheel_s_record_names_every_file_with_its_digest_and_size(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "Bench-Some.Thing", "1.2", payload=3_000_000)

    inside = entries(wheel.path)
    rows = list(csv.reader(io.StringIO(inside["bench_some_thing-1.2.dist-info/RECORD"].decode())))
    assert {row[0] for row in rows} == set(inside)
    for name, digest, size in rows:
        if name.endswith("/RECORD"):
            assert (digest, size) == ("", "")
        else:
            sha256 = base64.urlsafe_b64encode(hashlib.sha256(inside[name]).digest())
            assert digest == f"sha256={sha256.rstrip(b'=').decode()}"
            assert int(size) == len(inside[name])
    assert len(inside["bench_some_thing/payload.bin"]) == 3_000_000


def test_a_wheel_that_was_written_reads_back_as_what_the_form_says(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "bench-one", "1.0", payload=10)

    assert wheel.path.name == "bench_one-1.0-py3-none-any.whl"
    assert read_distribution(wheel.path) == wheel
    assert wheel.form["sha256_digest"] == hashlib.sha256(wheel.path.read_bytes()).hexdigest()


def test_the_same_wheel_has_the_same_bytes_and_another_version_has_others(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    first = write_wheel(tmp_path, "bench-one", "1.0", payload=1000)
    again = write_wheel(tmp_path / "again", "bench-one", "1.0", payload=1000)
    other = write_wheel(tmp_path, "bench-one", "1.1", payload=1000)

    assert first.sha256 == again.sha256
    payload = "bench_one/payload.bin"
    assert entries(first.path)[payload] != entries(other.path)[payload]


def test_every_part_of_the_application_is_asked_for_and_made(tmp_path: Path) -> None:
    made = make_application(tmp_path, dependencies=5)

    asked = {"bench-application"}
    for one in made:
        metadata = entries(one.path)[f"{one.path.name.removesuffix('-py3-none-any.whl')}"
                                     ".dist-info/METADATA"].decode()  # fmt: skip
        for line in metadata.splitlines():
            if line.startswith("Requires-Dist: "):
                asked.add(Requirement(line.partition(": ")[2]).name)
    assert asked == {one.name for one in made}
    assert len(made) == 6 * 3


def write_sdist(path: Path) -> None:
    content = b"Metadata-Version: 2.1\nName: Some_Thing\nVersion: 2.0\n"
    with tarfile.open(path, "w:gz") as archive:
        for inside in ("some_thing-2.0/src/PKG-INFO", "some_thing-2.0/PKG-INFO"):
            member = tarfile.TarInfo(inside)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_a_folder_is_read_with_its_wheels_and_sdists_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    write_wheel(tmp_path / "deep" / "er", "bench-one", "1.0")
    write_sdist(tmp_path / "some_thing-2.0.tar.gz")
    (tmp_path / "README.txt").write_text("not a distribution")

    wheel, sdist = read_folder(tmp_path)
    assert (wheel.filetype, wheel.python, wheel.name) == ("bdist_wheel", "py3", "bench-one")
    assert (sdist.filetype, sdist.python) == ("sdist", "source")
    assert (sdist.name, sdist.version, sdist.metadata_version) == ("Some_Thing", "2.0", "2.1")


def test_an_archive_without_metadata_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bench_one-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("bench_one.py", "")

    with pytest.raises(ValueError, match="has no METADATA"):
        read_distribution(tmp_path / "bench_one-1.0-py3-none-any.whl")
