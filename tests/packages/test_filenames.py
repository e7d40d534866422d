from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from packslip.packages.filenames import (
    InvalidFilenameError,
    parse_filename,
)


@pytest.mark.parametrize(
    ("filename", "package", "project", "version", "tags", "build"),
    [
        ("six-1.16.0-py2.py3-none-any.whl", "six", "six", "1.16.0", "py2.py3-none-any", None),
        (
            "Flask_SQLAlchemy-2.5.1-py2.py3-none-any.whl",
            "flask-sqlalchemy", "Flask_SQLAlchemy", "2.5.1", "py2.py3-none-any", None,
        ),
        (
            "zope.interface-4.7.2-cp27-cp27mu-manylinux2010_x86_64.whl",
            "zope-interface", "zope.interface", "4.7.2", "cp27-cp27mu-manylinux2010_x86_64", None,
        ),
        ("a__b-1-py3-none-any.whl", "a-b", "a__b", "1", "py3-none-any", None),
        ("a-1!2.0-py3-none-any.whl", "a", "a", "1!2.0", "py3-none-any", None),
        ("a-1.0+corp.1-py3-none-any.whl", "a", "a", "1.0+corp.1", "py3-none-any", None),
        ("a-1.0_1-py3-none-any.whl", "a", "a", "1.0.post1", "py3-none-any", None),
        ("a-1.0-2_g5-py3-none-any.whl", "a", "a", "1.0", "py3-none-any", "2_g5"),
        (
            "a-1.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "a", "a", "1.0", "cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64", None,
        ),
    ],
)  # fmt: skip
def test_wheels_old_and_new_are_taken_apart(
    filename: str, package: str, project: str, version: str, tags: str, build: str | None
) -> None:
    name = parse_filename(filename)
    assert (name.package, name.project, name.version) == (package, project, Version(version))
    assert (name.packagetype, name.tags, name.build) == ("bdist_wheel", tags, build)
    assert name.python_version == tags.split("-", maxsplit=1)[0]


@pytest.mark.parametrize(
    ("filename", "package", "project", "version"),
    [
        ("six-1.16.0.tar.gz", "six", "six", "1.16.0"),
        ("zope.interface-5.0.tar.gz", "zope.interface", "zope.interface", "5.0"),
        ("Flask-SQLAlchemy-2.5.1.tar.gz", "Flask-SQLAlchemy", "Flask-SQLAlchemy", "2.5.1"),
        ("numpy-1.16.6.zip", "numpy", "numpy", "1.16.6"),
        ("a-b-1.0-beta1.tar.gz", "a_b", "a-b", "1.0b1"),
        ("a-1!2.0+corp.3.tar.gz", "A", "a", "1!2.0+corp.3"),
        ("foo-1-2.tar.gz", "foo", "foo", "1.post2"),
        ("foo-1-2.tar.gz", "foo-1", "foo-1", "2"),
        ("foo-1-2.tar.gz", None, "foo-1", "2"),
    ],
)
def test_sources_split_where_the_package_says(
    filename: str, package: str | None, project: str, version: str
) -> None:
    name = parse_filename(filename, package)
    assert (name.project, name.version) == (project, Version(version))
    assert (name.packagetype, name.tags, name.python_version) == ("sdist", "source", "source")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Foo-1.0.tar.gz", "foo-1.0.tar.gz"),
        ("foo.bar-1.0.tar.gz", "foo_bar-1.0.0.tar.gz"),
        ("Foo_Bar-1.0-py3-none-any.whl", "foo.bar-1.0.0-py3-none-any.whl"),
        ("a-1-py2.py3-none-any.whl", "a-1-py3.py2-none-ANY.whl"),
        ("a-1.0-1-py3-none-any.whl", "a-1.0-01-py3-none-any.whl"),
        ("a-1.0_rc1-py3-none-any.whl", "a-1.0rc1-py3-none-any.whl"),
    ],
)
def test_equal_names_have_one_key(one: str, other: str) -> None:
    assert parse_filename(one).key == parse_filename(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a-1.0.tar.gz", "a-1.0.zip"),
        ("a-1.0.tar.gz", "a-1.0.1.tar.gz"),
        ("a-1.0-py3-none-any.whl", "a-1.0-1-py3-none-any.whl"),
        ("a-1.0-1-py3-none-any.whl", "a-1.0-2-py3-none-any.whl"),
        ("a-1.0-py3-none-any.whl", "a-1.0-py2.py3-none-any.whl"),
        ("a-1.0-cp312-none-any.whl", "a-1.0-cp312-abi3-any.whl"),
        ("a-1-0.tar.gz", "a-1.tar.gz"),
    ],
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert parse_filename(one, "a").key != parse_filename(other, "a").key


@pytest.mark.parametrize(
    ("filename", "fault"),
    [
        ("", "empty"),
        ("six-1.0.tar.bz2", "only .whl"),
        ("six-1.0.exe", "only .whl"),
        ("six-1.0.WHL", "only .whl"),
        ("../six-1.0.tar.gz", "folder"),
        ("a\\six-1.0.tar.gz", "folder"),
        (".six-1.0.tar.gz", "dot"),
        ("six-1.0\n.tar.gz", "printable"),
        ("six-1.0 .tar.gz", "spaces"),
        ("sïx-1.0.tar.gz", "ASCII"),
        ("s" * 250 + "-1.0.tar.gz", "240"),
        ("six.tar.gz", "name-version"),
        ("six-.tar.gz", "name-version"),
        ("six-banana.tar.gz", "PEP 440"),
        ("-1.0.tar.gz", "PEP 440"),
        ("six-1.0-py3-none.whl", "name-version"),
        ("six-1.0-1-2-py3-none-any.whl", "name-version"),
        ("six-1.0-one-py3-none-any.whl", "build"),
        ("six-banana-py3-none-any.whl", "PEP 440"),
        ("_-1.0-py3-none-any.whl", "package name"),
        ("six-1.0-py3--any.whl", "tags"),
        ("six-1.0-py3..py2-none-any.whl", "tags"),
        ("six-1.0-py3-none-<b>.whl", "tags"),
        ("six-1.0-" + "a." * 40 + "a-" + "b." * 40 + "b-any.whl", "1000"),
    ],
)
def test_other_names_are_refused_with_the_fault(filename: str, fault: str) -> None:
    with pytest.raises(InvalidFilenameError, match=fault) as refusal:
        parse_filename(filename)
    assert refusal.value.reason.isascii()
    assert "\n" not in refusal.value.reason


def test_a_name_of_another_package_is_refused() -> None:
    for filename in ("six-1.0.tar.gz", "six-1.0-py3-none-any.whl"):
        with pytest.raises(InvalidFilenameError, match="not named for seven"):
            parse_filename(filename, "seven")


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for filename in (text, f"{text}.whl", f"{text}.tar.gz", f"a-1-{text}-py3-none-any.whl"):
        try:
            name = parse_filename(filename)
        except InvalidFilenameError:
            continue
        assert name.filename == filename
        assert parse_filename(name.key).key == name.key


def test_the_reason_shows_a_long_name_cut_short() -> None:
    with pytest.raises(InvalidFilenameError) as refusal:
        parse_filename("\U0001f600" * 5000)
    assert len(refusal.value.reason) < 200


names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._]{0,8}[A-Za-z0-9])?", fullmatch=True)
versions = st.from_regex(
    r"([0-9]!)?[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9])?(\.post[0-9])?(\+[a-z0-9]{1,3})?",
    fullmatch=True,
)


@given(names, versions, st.sampled_from(["py3-none-any", "cp39.cp310-abi3-linux_x86_64"]))
def test_current_names_are_read_as_packaging_reads_them(
    project: str, version: str, tags: str
) -> None:
    sdist = f"{project}-{version}.tar.gz"
    ours = parse_filename(sdist)
    assert (ours.package, ours.version) == parse_sdist_filename(sdist)
    project = project.replace("__", "_").replace("__", "_").replace("__", "_")
    wheel = f"{project}-{version}-{tags}.whl"
    theirs = parse_wheel_filename(wheel)
    assert (parse_filename(wheel).package, parse_filename(wheel).version) == theirs[:2]
