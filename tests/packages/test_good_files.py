"""Files as they are found in the wild, old ones among them, which must never be refused."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from tests.helpers.distributions import build_sdist, build_wheel, core_metadata

from packslip.packages.agreement import check_form
from packslip.packages.digests import digests_of
from packslip.packages.distributions import Distribution, read_distribution
from packslip.storage.local import LocalStorage

NAMES = st.sampled_from(
    ["demo", "Demo", "zope.interface", "Flask-SQLAlchemy", "ruamel.yaml.clib", "a", "A1", "foo-1",
     "backports.ssl_match", "PyYAML", "x__y", "Jinja2.tools-extra_2"]
)  # fmt: skip

#: As authors write them, and as file names of wheels have them.
VERSIONS = st.sampled_from(
    ["1.0", "1!2.0", "2013.9", "0.1.dev3", "1.0a1", "1.0rc2.post3.dev4", "1.0+local.1",
     "1!1.0+ubuntu.1", "20240101", "1.0.0.0.0", "3.1.26.post2", "0"]
)  # fmt: skip

TAGS = st.sampled_from(
    ["py3-none-any", "py2.py3-none-any", "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
     "cp36.cp37.cp38-abi3-win32.win_amd64", "py311-none-any", "pp39-pypy39_pp73-macosx_11_0_arm64",
     "cp27-cp27mu-linux_armv7l", "cp313-cp313t-ios_13_0_arm64_iphoneos"]
)  # fmt: skip

BUILDS = st.sampled_from([None, "1", "2b", "20240101", "1_abc.2"])

METADATA_VERSIONS = st.sampled_from(["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.9"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("good")


def taken(folder: Path, path: Path) -> Distribution:
    """What an upload of the file would publish."""
    with LocalStorage(folder / "files").stage() as staged:
        staged.write(path.read_bytes())
        return read_distribution(staged, path.name, digests_of(path))


def spelled(data: st.DataObject, name: str) -> str:
    """The name as tools of different times wrote it into file names."""
    ways = [name.replace("-", "_"), canonicalize_name(name).replace("-", "_")]
    return data.draw(st.sampled_from(ways))


@settings(deadline=None, derandomize=True, max_examples=80)
@given(data=st.data())
def test_wheels_of_all_times_are_taken(folder: Path, data: st.DataObject) -> None:
    name, version = data.draw(NAMES), data.draw(VERSIONS)
    tags, build = data.draw(TAGS), data.draw(BUILDS)
    stem = f"{spelled(data, name)}-{version}"
    path = build_wheel(
        folder,
        name,
        version,
        tags=tags,
        build=build,
        filename="-".join([stem, *([build] if build else []), tags]) + ".whl",
        metadata_version=data.draw(METADATA_VERSIONS),
        files={"a file with spaces (1).txt": "x", "Grüße/README": "", "Grüße/readme": ""},
    )
    distribution = taken(folder, path)
    assert distribution.name.package == canonicalize_name(name)
    check_form(
        {"name": [name], "version": [version], "filetype": ["bdist_wheel"]},
        distribution.name,
        distribution.metadata,
    )


@settings(deadline=None, derandomize=True, max_examples=80)
@given(data=st.data())
def test_source_distributions_of_all_times_are_taken(folder: Path, data: st.DataObject) -> None:
    name, version = data.draw(NAMES), data.draw(VERSIONS)
    spelling = data.draw(st.sampled_from([name, spelled(data, name)]))
    ending = data.draw(st.sampled_from([".tar.gz", ".zip"]))
    filename = f"{spelling}-{version}{ending}"
    path = build_sdist(
        folder,
        name,
        version,
        filename=filename,
        metadata_version=data.draw(METADATA_VERSIONS),
        # The folder was not always named as the file.
        top=data.draw(st.sampled_from([filename.removesuffix(ending), f"{name}-{version}", "src"])),
        files={"setup.py": "", "tests/data/Grüße 1.txt": "x"},
    )
    distribution = taken(folder, path)
    assert distribution.name.package == canonicalize_name(name)


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata_version": "1.0", "home_page": "UNKNOWN", "license": "UNKNOWN"},
        {"metadata_version": "1.0", "description": "UNKNOWN", "platform": "UNKNOWN"},
        {"metadata_version": "1.1", "home_page": "www.example.com", "classifier": "Odd"},
        {"metadata_version": "1.1", "home_page": "svn://example.com/trunk"},
        {"metadata_version": "1.2", "requires_dist": "odd (>=1.0", "requires_python": ">=2.6, 3"},
        {"metadata_version": "2.1", "home_page": "", "project_url": "Docs, https://example.com/ü"},
        {"metadata_version": "2.1", "license": "MIT\n        Second line\n        Third"},
        {"metadata_version": "2.1", "keywords": "a,b c,d", "requires_dist": "a (>=1.0,<2)"},
        {"metadata_version": "2.4", "license_expression": "MIT OR Apache-2.0"},
    ],
)
def test_what_metadata_of_all_times_says_is_taken(tmp_path: Path, fields: dict[str, str]) -> None:
    assert taken(tmp_path, build_wheel(tmp_path, "demo", "1.0", **fields))


def test_what_tar_programs_of_all_times_write_is_taken(tmp_path: Path) -> None:
    (tmp_path / "PKG-INFO").write_bytes(core_metadata("demo", "1.0", metadata_version="1.1"))
    (tmp_path / "link").symlink_to("PKG-INFO")
    for number, form in enumerate((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        path = tmp_path / str(number) / "demo-1.0.tar.gz"
        path.parent.mkdir()
        with tarfile.open(path, "w:gz", format=form, pax_headers={"comment": "0a1b"}) as archive:
            for name in ("PKG-INFO", "link"):
                # As files were named before UTF-8 was agreed on, and with a time before 1970.
                info = archive.gettarinfo(tmp_path / name, f"demo-1.0/{name}")
                info.mtime = -1 if form != tarfile.USTAR_FORMAT else 0
                with (tmp_path / name).open("rb") as file:
                    archive.addfile(info, file if info.isreg() else None)
            archive.addfile(tarfile.TarInfo("demo-1.0/caf\udce9"))
        assert taken(tmp_path, path)
