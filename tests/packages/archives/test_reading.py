from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.helpers.distributions import (
    Content,
    build_sdist,
    build_wheel,
    core_metadata,
    record_of,
    write_tar,
    write_zip,
)

from packslip.packages.archives import InvalidArchiveError, read_metadata, reading, wheels
from packslip.packages.filenames import parse_filename


def metadata_of(path: Path) -> bytes:
    return read_metadata(path, parse_filename(path.name))


def wheel_members(info: str = "a-1.0.dist-info", **others: Content) -> dict[str, Content]:
    members: dict[str, Content] = {
        f"{info}/METADATA": b"x",
        f"{info}/WHEEL": b"Wheel-Version: 1.0",
        **others,
    }
    return members | {f"{info}/RECORD": record_of(members, f"{info}/RECORD")}


def wheel_of(folder: Path, members: dict[str, Content]) -> Path:
    return write_zip(folder / "a-1.0-py3-none-any.whl", members)


@pytest.mark.parametrize(
    "filename",
    [
        None,
        "Zope.Interface-1.0-py3-none-any.whl",
        "zope.interface-1.0.0-2-py2.py3-none-any.whl",
    ],
)
def test_a_wheel_gives_its_metadata_unchanged(tmp_path: Path, filename: str | None) -> None:
    odd = "Grüße\r\n  twice  \n".encode().decode()
    path = build_wheel(tmp_path, "Zope.Interface", "1.0", filename=filename, description=odd)
    expected = core_metadata("Zope.Interface", "1.0", description=odd)
    assert metadata_of(path) == expected


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_a_source_distribution_gives_its_pkg_info_unchanged(tmp_path: Path, ending: str) -> None:
    path = build_sdist(tmp_path, "Foo-Bar", "1.0", filename=f"Foo-Bar-1.0{ending}")
    assert metadata_of(path) == core_metadata("Foo-Bar", "1.0")


def test_an_old_wheels_dist_info_may_be_spelled_otherwise(tmp_path: Path) -> None:
    members = wheel_members("Foo.Bar-1.0.0.dist-info")
    assert metadata_of(write_zip(tmp_path / "foo_bar-1.0-py3-none-any.whl", members)) == b"x"


def test_a_vendored_dist_info_deeper_in_the_wheel_is_no_second_one(tmp_path: Path) -> None:
    path = wheel_of(tmp_path, wheel_members(**{"a/_vendor/b-2.dist-info/METADATA": b"y"}))
    assert metadata_of(path) == b"x"


@pytest.mark.parametrize("missing", ["METADATA", "WHEEL", "RECORD"])
def test_a_wheel_lacking_a_part_of_its_dist_info_is_refused(tmp_path: Path, missing: str) -> None:
    members = wheel_members()
    gone = f"a-1.0.dist-info/{missing}"
    del members[gone]
    if missing != "RECORD":
        record = "a-1.0.dist-info/RECORD"
        del members[record]
        members[record] = record_of(members, record)
    with pytest.raises(InvalidArchiveError, match=f"holds no a-1.0.dist-info/{missing}"):
        metadata_of(wheel_of(tmp_path, members))


@pytest.mark.parametrize("folder", ["b-1.0.dist-info", "a-1.1.dist-info", "a.dist-info"])
def test_a_wheel_with_another_packages_dist_info_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(InvalidArchiveError, match="not named as the file"):
        metadata_of(wheel_of(tmp_path, wheel_members(folder)))


def test_a_wheel_with_two_dist_infos_is_refused(tmp_path: Path) -> None:
    members = wheel_members(**{"A-1.0.dist-info/METADATA": b"y"})
    with pytest.raises(InvalidArchiveError, match=r"two \.dist-info"):
        metadata_of(wheel_of(tmp_path, members))


def test_a_source_distribution_without_pkg_info_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a-1.0.tar.gz", {"a-1.0/deep/PKG-INFO": b"x"})
    with pytest.raises(InvalidArchiveError, match=r"holds no a-1\.0/PKG-INFO"):
        metadata_of(path)


def test_a_source_distribution_with_two_folders_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a-1.0.tar.gz", {"a-1.0/PKG-INFO": b"x", "b/setup.py": b""})
    with pytest.raises(InvalidArchiveError, match="one folder at its top"):
        metadata_of(path)


def test_what_macos_and_tar_dot_leave_at_the_top_is_passed_over(tmp_path: Path) -> None:
    names = ("./._a-1.0", "./a-1.0/PKG-INFO", "./a-1.0/._PKG-INFO")
    infos = [member("./", type=tarfile.DIRTYPE), *(member(name, b"x") for name in names)]
    assert metadata_of(tar_of(tmp_path, infos)) == b"x"


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../../x", "C:/x", "C:x", "a\\..\\..\\x", "\\x", "a/b\nc", "a\x7f"]
)
def test_members_outside_of_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    fault = "leads out" if name.isprintable() else "not printable"
    with pytest.raises(InvalidArchiveError, match=fault):
        metadata_of(wheel_of(tmp_path, wheel_members(**{name: b""})))
    members = {"a-1.0/PKG-INFO": b"x", name: b""}
    with pytest.raises(InvalidArchiveError, match=fault) as refusal:
        metadata_of(write_tar(tmp_path / "a-1.0.tar.gz", members))
    assert "\n" not in refusal.value.reason


@pytest.mark.parametrize(
    "name", ["a-1.0.dist-info/METADATA", "a-1.0.dist-info//METADATA", "./a-1.0.dist-info/METADATA"]
)
def test_a_member_that_is_there_twice_is_refused(tmp_path: Path, name: str) -> None:
    path = wheel_of(tmp_path, wheel_members())
    with zipfile.ZipFile(path, "a") as archive:
        if name in archive.namelist():
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr(name, b"y")
        else:
            archive.writestr(name, b"y")
    with pytest.raises(InvalidArchiveError, match="there twice"):
        metadata_of(path)


def test_a_tar_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    infos = [member("a-1.0/PKG-INFO", b"x"), member("a-1.0/PKG-INFO", b"y")]
    with pytest.raises(InvalidArchiveError, match="there twice"):
        metadata_of(tar_of(tmp_path, infos))


def member(name: str, content: bytes = b"", **attributes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.pax_headers["content"] = content.decode()
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


def tar_of(folder: Path, infos: list[tarfile.TarInfo], form: int = tarfile.PAX_FORMAT) -> Path:
    path = folder / "a-1.0.tar.gz"
    with tarfile.open(path, "w:gz", format=form) as archive:
        for info in infos:
            content = info.pax_headers.pop("content").encode()
            archive.addfile(info, io.BytesIO(content) if info.size else None)
    return path


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_each_format_of_tar_is_read(tmp_path: Path, form: int) -> None:
    long = "a-1.0/" + "d" * 90 + "/" + "é" * 40
    infos = [
        member("a-1.0", type=tarfile.DIRTYPE),
        member(long, b"z" * 1000),
        member("a-1.0/link", type=tarfile.SYMTYPE, linkname="../a-1.0/PKG-INFO"),
        member("a-1.0/hard", type=tarfile.LNKTYPE, linkname=long),
        member("a-1.0", type=tarfile.DIRTYPE),
        member("a-1.0/PKG-INFO", b"x" * 513),
    ]
    if form == tarfile.USTAR_FORMAT:
        infos[1].name = infos[3].linkname = "a-1.0/short"
    assert metadata_of(tar_of(tmp_path, infos, form)) == b"x" * 513


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "../../x"),
        (tarfile.SYMTYPE, "d/../../../x"),
        (tarfile.SYMTYPE, "../x"),
        (tarfile.SYMTYPE, ".."),
        (tarfile.SYMTYPE, "C:/x"),
        (tarfile.SYMTYPE, "..\\..\\x"),
        (tarfile.LNKTYPE, "../x"),
        (tarfile.LNKTYPE, "/etc/passwd"),
    ],
)
def test_links_that_leave_the_archive_are_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    infos = [member("a-1.0/PKG-INFO", b"x"), member("a-1.0/l", type=kind, linkname=target)]
    with pytest.raises(InvalidArchiveError, match="link that leads out"):
        metadata_of(tar_of(tmp_path, infos))


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, b"S", b"V"])
def test_special_files_are_refused(tmp_path: Path, kind: bytes) -> None:
    infos = [member("a-1.0/PKG-INFO", b"x"), member("a-1.0/special", type=kind)]
    with pytest.raises(InvalidArchiveError, match="special is neither"):
        metadata_of(tar_of(tmp_path, infos))


def test_pkg_info_that_is_a_link_is_refused(tmp_path: Path) -> None:
    infos = [member("a-1.0/PKG-INFO", type=tarfile.SYMTYPE, linkname="x")]
    with pytest.raises(InvalidArchiveError, match="PKG-INFO is not a file"):
        metadata_of(tar_of(tmp_path, infos))


def test_metadata_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_METADATA", 100)
    monkeypatch.setitem(wheels._LIMITS, "METADATA", 100)
    for path in (
        build_wheel(tmp_path, "a", "1.0", description="x" * 100),
        build_sdist(tmp_path, "a", "1.0", description="x" * 100),
    ):
        with pytest.raises(InvalidArchiveError, match="larger than 100 bytes"):
            metadata_of(path)


def test_a_missing_file_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    for name in ("a-1.0.tar.gz", "a-1.0.zip", "a-1.0-py3-none-any.whl"):
        with pytest.raises(FileNotFoundError):
            metadata_of(tmp_path / name)
