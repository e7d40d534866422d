from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.helpers.documents import make_document, make_file, read

from packslip.packages.importing.documents import read_document
from packslip.packages.importing.report import Kind, NotImportableError, Skip
from packslip.packages.models import MaintainerRole
from packslip.packages.people import Person

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
INFO_KEYS = (
    *("author", "author_email", "classifiers", "description", "docs_url", "home_page", "keywords"),
    *("license", "license_expression", "maintainer", "maintainer_email", "package_url"),
    *("project_urls", "requires_dist", "requires_python", "summary", "version"),
)
FILE_KEYS = (
    *("comment_text", "digests", "filename", "md5_digest", "packagetype", "requires_python"),
    *("size", "upload_time", "upload_time_iso_8601", "url", "yanked", "yanked_reason"),
)


def skips(content: Any) -> list[tuple[Kind, str, str]]:
    return [(skip.kind, skip.name, skip.reason) for skip in read(content).skips]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\0binary", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"n": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "JSON of another kind"),
        (b'"text"', "JSON of another kind"),
        (b'{"info": []}', "JSON of another kind"),
        (b'{"info": {"name": null}}', "JSON of another kind"),
        (b'{"info": {"name": "UNKNOWN"}}', "JSON of another kind"),
        (b'{"info": {"name": "a/b"}}', "not a valid package name"),
    ],
)
def test_what_describes_no_package_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(NotImportableError) as caught:
        read_document(data)
    assert caught.value.reason == reason


@given(st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_refused_politely(data: bytes) -> None:
    with pytest.raises(NotImportableError):
        read_document(data)


@given(
    st.dictionaries(st.sampled_from(INFO_KEYS), JSON_VALUES),
    JSON_VALUES
    | st.dictionaries(
        st.sampled_from(["1.0", "1", "odd one"]) | st.text(),
        st.lists(JSON_VALUES | st.dictionaries(st.sampled_from(FILE_KEYS), JSON_VALUES)),
    ),
    JSON_VALUES,
)
def test_odd_values_of_a_package_are_never_an_error(info: Any, releases: Any, urls: Any) -> None:
    document = read({"info": info | {"name": "Demo"}, "releases": releases, "urls": urls})
    assert document.package_id == "demo"
    assert json.dumps(document.metadata).encode()


def test_an_old_document_without_newer_keys_is_read() -> None:
    file = {
        "filename": "Demo-1.0.tar.gz",
        "md5_digest": "ab" * 16,
        "size": 5,
        "upload_time": "2010-04-16T14:30:00",
        "url": "http://files.example.com/Demo-1.0.tar.gz",
        "packagetype": "sdist",
    }
    document = read(make_document(releases={"1.0": [file], "0.9": []}, author="UNKNOWN"))
    assert (document.package_id, document.name) == ("demo", "Demo")
    assert (document.people, document.skips) == ([], [])
    assert document.releases["0.9"].files == []
    (known,) = document.releases["1"].files
    assert (known.md5, known.sha256, known.yanked, known.requires_python) == (
        "ab" * 16,
        None,
        False,
        None,
    )
    assert known.uploaded_at == datetime(2010, 4, 16, 14, 30, tzinfo=UTC)
    assert (known.key, known.packagetype, known.tags) == ("demo-1.tar.gz", "sdist", "source")


def test_a_new_document_is_read() -> None:
    file = make_file(
        "demo-1.0-py3-none-any.whl",
        digests={"sha256": "cd" * 32, "md5": "ab" * 16, "blake2b_256": "ef" * 32},
        requires_python=">=3.6.*",
        upload_time_iso_8601="2024-05-06T07:08:09.123456Z",
        comment_text="first",
        yanked=True,
        yanked_reason="broken\nbuild",
    )
    document = read(make_document(releases={"1.0": [file]}))
    (known,) = document.releases["1"].files
    assert (known.sha256, known.md5, known.blake2_256) == ("cd" * 32, "ab" * 16, "ef" * 32)
    assert known.uploaded_at == datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
    assert (known.requires_python, known.comment, known.tags) == (
        ">=3.6",
        "first",
        "py3-none-any",
    )
    release = document.releases["1"]
    assert (release.is_yanked, release.yanked_reason) == (True, "broken build")


def test_the_files_of_a_single_release_stand_in_urls() -> None:
    content = {"info": {"name": "Demo", "version": "2.0"}, "urls": [make_file("demo-2.0.tar.gz")]}
    document = read(content)
    assert [file.filename for file in document.releases["2"].files] == ["demo-2.0.tar.gz"]


def test_urls_add_only_what_the_releases_lack_and_are_no_repetition() -> None:
    one, two = make_file("demo-1.0.tar.gz"), make_file("demo-1.0-py3-none-any.whl")
    document = read(make_document(releases={"1.0": [one]}, urls=[one, two]))
    assert [file.filename for file in document.releases["1"].files] == [
        "demo-1.0.tar.gz",
        "demo-1.0-py3-none-any.whl",
    ]
    assert document.skips == []


def test_a_document_without_files_still_names_its_release() -> None:
    assert list(read({"info": {"name": "Demo", "version": "1.0"}}).releases) == ["1"]


def test_odd_versions_are_kept_and_impossible_ones_reported() -> None:
    releases = {"2004d": [], "0.9-final rc": [], "": [], "1/2": [], "v" * 300: [], "ü": []}
    document = read(make_document(releases=releases))
    assert list(document.releases) == ["2004d", "0.9-final rc"]
    assert {skip.reason for skip in document.skips} == {"not a version"}
    assert len(document.skips) == 4


def test_two_spellings_of_a_version_are_one_release() -> None:
    content = make_document(
        releases={"1.0": [make_file("demo-1.0.tar.gz")], "1.0.0": [make_file("demo-1.0.0.zip")]}
    )
    assert skips(content) == [(Kind.RELEASE, "1.0.0", "another spelling of a release")]
    assert len(read(content).releases["1"].files) == 2


def test_files_that_cannot_be_the_packages_are_reported() -> None:
    files = [
        make_file("demo-1.0.tar.gz"),
        make_file("demo-1.0.tar.gz"),
        make_file("other-1.0.tar.gz"),
        make_file("demo-1.0/../x.tar.gz"),
        make_file(""),
        "text",
    ]
    assert skips(make_document(releases={"1.0": files})) == [
        (Kind.FILE, "demo-1.0.tar.gz", "named twice"),
        (Kind.FILE, "other-1.0.tar.gz", "named for another package"),
        (Kind.FILE, "demo-1.0/../x.tar.gz", "not a file name"),
        (Kind.FILE, "", "no file name"),
        (Kind.FILE, "", "no file name"),
    ]


def test_kinds_of_files_that_nobody_uploads_any_more_are_known() -> None:
    files = [
        make_file("Demo-1.0-py2.7.egg", packagetype="bdist_egg"),
        make_file("Demo-1.0.win32.exe", packagetype="bdist_wininst"),
        make_file("demo-1.0.rpm", packagetype={"no": "text"}),
    ]
    document = read(make_document(releases={"1.0": files}))
    known = [(file.key, file.packagetype, file.tags) for file in document.releases["1"].files]
    assert known == [
        ("Demo-1.0-py2.7.egg", "bdist_egg", ""),
        ("Demo-1.0.win32.exe", "bdist_wininst", ""),
        ("demo-1.0.rpm", "unknown", ""),
    ]


def test_the_yank_of_one_file_alone_is_reported() -> None:
    files = [make_file("demo-1.0.tar.gz"), make_file("demo-1.0.zip", yanked=True)]
    content = make_document(releases={"1.0": files})
    assert not read(content).releases["1"].is_yanked
    reason = "the yank of one file; here a release is yanked as a whole"
    assert read(content).skips == [Skip(Kind.FILE, "demo-1.0.zip", reason)]


def test_info_becomes_core_metadata() -> None:
    content = make_document(
        summary="Says\nsomething",
        description="long",
        keywords="a, b",
        classifiers=["Programming Language :: Python", "No :: Such"],
        home_page="javascript:alert(1)",
        docs_url="https://docs.example.com/",
        project_urls={"Source": "https://example.com/source", "Bad": "ftp://example.com"},
        license="MIT",
        requires_dist=["a>1", "b (>=2.*)"],
        version="odd 1",
        downloads={"last_day": -1},
    )
    assert read(content).metadata == {
        "name": "Demo",
        "version": "odd 1",
        "summary": "Says something",
        "description": "long",
        "keywords": ["a", "b"],
        "classifier": ["Programming Language :: Python", "No :: Such"],
        "project_url": [
            "Source, https://example.com/source",
            "Documentation, https://docs.example.com/",
        ],
        "license": "MIT",
        "requires_dist": ["a>1", "b (>=2)"],
    }


def test_authors_own_what_has_no_maintainers() -> None:
    document = read(make_document(author="Jane, John", author_email="jane@example.com"))
    jane = (Person("Jane", "jane@example.com"), MaintainerRole.OWNER)
    assert document.people == [jane, (Person("John", None), MaintainerRole.OWNER)]


def test_maintainers_own_it_and_authors_beside_them_maintain() -> None:
    document = read(
        make_document(
            author="Jane, John",
            author_email="jane@example.com, john@example.com",
            maintainer="john",
        )
    )
    assert document.people == [
        (Person("Jane", "jane@example.com"), MaintainerRole.MAINTAINER),
        (Person("John", "john@example.com"), MaintainerRole.OWNER),
    ]
