from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypi_simple import IndexPage, ProjectPage

from packslip.simple_api.page import (
    FileEntry,
    ListedPackage,
    NoteEntry,
    PackagePage,
    PackageStatus,
    RootPage,
    normalize_name,
)
from packslip.simple_api.render import package_html, package_json, root_html, root_json

SHA256 = "0123456789abcdef" * 4
METADATA_SHA256 = "fedcba9876543210" * 4
DEMO = normalize_name("demo")


def make_file(**values: Any) -> FileEntry:
    defaults: dict[str, Any] = {
        "filename": "demo-1.0.tar.gz",
        "url": "../../files/01/23/demo-1.0.tar.gz",
        "hashes": {"sha256": SHA256},
        "size": 1234,
        "upload_time": datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC),
    }
    return FileEntry(**defaults | values)


def make_page(*files: FileEntry, **values: Any) -> PackagePage:
    defaults: dict[str, Any] = {"versions": ["0.9", "1.0"], "last_serial": 42}
    return PackagePage(name=DEMO, files=files, **defaults | values)


class StrictParser(HTMLParser):
    """Collects the elements of a document and fails on one that is left open."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.declaration = ""
        self.metas: dict[str, str] = {}
        self.anchors: list[tuple[dict[str, str | None], str]] = []

    def handle_decl(self, decl: str) -> None:
        self.declaration = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        values = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "meta" and "name" in values:
            self.metas[str(values["name"])] = str(values["content"])
        if tag == "a":
            self.anchors.append((values, ""))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "a":
            attributes, text = self.anchors[-1]
            self.anchors[-1] = (attributes, text + data)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parse(document: bytes) -> StrictParser:
    parser = StrictParser()
    parser.feed(document.decode())
    parser.close()
    assert parser.open == []
    assert parser.declaration == "DOCTYPE html"
    return parser


def test_json_has_every_key_of_the_specification() -> None:
    page = make_page(
        make_file(
            requires_python=">=3.8",
            yanked=True,
            yanked_reason="drops sessions",
            core_metadata_sha256=METADATA_SHA256,
            provenance="https://example.com/provenance",
        ),
        status=PackageStatus.DEPRECATED,
        status_reason="use other",
    )

    assert json.loads(package_json(page)) == {
        "meta": {"api-version": "1.4", "_last-serial": 42},
        "name": "demo",
        "project-status": {"status": "deprecated", "reason": "use other"},
        "versions": ["0.9", "1.0"],
        "files": [
            {
                "filename": "demo-1.0.tar.gz",
                "url": "../../files/01/23/demo-1.0.tar.gz",
                "hashes": {"sha256": SHA256},
                "requires-python": ">=3.8",
                "size": 1234,
                "upload-time": "2024-05-06T07:08:09.123456Z",
                "yanked": "drops sessions",
                "core-metadata": {"sha256": METADATA_SHA256},
                "dist-info-metadata": {"sha256": METADATA_SHA256},
                "provenance": "https://example.com/provenance",
            }
        ],
    }


def test_json_leaves_out_what_is_not_known() -> None:
    data = json.loads(package_json(make_page(make_file(hashes={}))))

    assert data["project-status"] == {"status": "active"}
    assert data["files"] == [
        {
            "filename": "demo-1.0.tar.gz",
            "url": "../../files/01/23/demo-1.0.tar.gz",
            "hashes": {},
            "size": 1234,
            "upload-time": "2024-05-06T07:08:09.123456Z",
            "yanked": False,
        }
    ]


@pytest.mark.parametrize("reason", [None, ""])
def test_a_yanked_file_without_reason_is_true_in_json_and_empty_in_html(
    reason: str | None,
) -> None:
    page = make_page(make_file(yanked=True, yanked_reason=reason))

    assert json.loads(package_json(page))["files"][0]["yanked"] is True
    assert parse(package_html(page)).anchors[0][0]["data-yanked"] == ""


def test_the_reason_of_a_file_that_is_not_yanked_is_not_shown() -> None:
    page = make_page(make_file(yanked=False, yanked_reason="was broken"))

    assert json.loads(package_json(page))["files"][0]["yanked"] is False
    assert "data-yanked" not in parse(package_html(page)).anchors[0][0]


def test_a_quarantined_package_offers_no_files() -> None:
    page = make_page(make_file(), status=PackageStatus.QUARANTINED, status_reason="malware")

    data = json.loads(package_json(page))
    assert data["files"] == []
    assert data["project-status"] == {"status": "quarantined", "reason": "malware"}
    html = parse(package_html(page))
    assert html.anchors == []
    assert html.metas["pypi:project-status"] == "quarantined"
    assert html.metas["pypi:project-status-reason"] == "malware"


def test_the_upload_time_may_be_a_full_second() -> None:
    page = make_page(make_file(upload_time=datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)))

    assert json.loads(package_json(page))["files"][0]["upload-time"] == "2024-05-06T07:08:09Z"


def test_html_names_its_version_and_the_status() -> None:
    metas = parse(package_html(make_page())).metas

    assert metas == {"pypi:repository-version": "1.4", "pypi:project-status": "active"}


def test_html_prefers_sha256_in_the_address() -> None:
    md5 = "d41d8cd98f00b204e9800998ecf8427e"

    def fragment(hashes: dict[str, str]) -> str:
        attributes, _ = parse(package_html(make_page(make_file(hashes=hashes)))).anchors[0]
        return str(attributes["href"]).removeprefix("../../files/01/23/demo-1.0.tar.gz")

    assert fragment({"md5": md5, "sha256": SHA256}) == f"#sha256={SHA256}"
    assert fragment({"md5": md5}) == f"#md5={md5}"
    assert fragment({}) == ""


def test_html_cannot_be_broken_by_what_it_shows() -> None:
    hostile = """"><script>alert('1')</script>&amp;\x00\x1b[31m\r\n"""
    page = make_page(
        make_file(filename=hostile, requires_python=hostile, yanked=True, yanked_reason=hostile),
        status_reason=hostile,
    )

    html = parse(package_html(page))

    shown = """"><script>alert('1')</script>&amp; [31m """
    ((attributes, text),) = html.anchors
    assert text == attributes["data-requires-python"] == attributes["data-yanked"] == shown
    assert html.metas["pypi:project-status-reason"] == shown


plain_text = st.text(st.characters(exclude_categories=["Cc", "Cs"]))
words = plain_text.map(str.strip).filter(bool)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
versions = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda v: f"{v[0]}.{v[1]}")
entries = st.builds(
    FileEntry,
    filename=versions.map(lambda version: f"demo-{version}.tar.gz"),
    url=digests.map(lambda digest: f"https://example.com/files/{digest}/demo.tar.gz"),
    hashes=st.fixed_dictionaries({"sha256": digests}),
    size=st.integers(0, 2**53),
    upload_time=st.none() | st.datetimes(timezones=st.just(UTC)),
    requires_python=st.none() | words,
    yanked=st.booleans(),
    yanked_reason=st.none() | words,
    core_metadata_sha256=st.none() | st.just("") | digests,
    provenance=st.none() | digests.map(lambda digest: f"https://example.com/{digest}"),
)
pages = st.builds(
    PackagePage,
    name=st.just(DEMO),
    files=st.lists(entries, max_size=5),
    versions=st.lists(versions, max_size=5),
    last_serial=st.integers(0, 2**53),
    status=st.sampled_from(PackageStatus),
    status_reason=st.none() | words,
)


def assert_read_back(page: PackagePage, read: ProjectPage, *, html: bool) -> None:
    assert read.project == "demo"
    assert read.repository_version == "1.4"
    assert str(read.status) == page.status
    assert read.status_reason == page.status_reason
    if not html:
        assert read.last_serial == str(page.last_serial)
        assert read.versions == page.versions
    assert len(read.packages) == len(page.offered_files)
    for package, file in zip(read.packages, page.offered_files, strict=True):
        reason = (file.yanked_reason or ("" if html else None)) if file.yanked else None
        core_metadata = file.core_metadata_sha256
        assert package.filename == file.filename
        assert package.url == file.url
        assert package.digests == file.hashes
        assert package.requires_python == file.requires_python
        assert package.is_yanked == file.yanked
        assert package.yanked_reason == reason
        assert bool(package.has_metadata) == (core_metadata is not None)
        assert (package.metadata_digests or {}) == (
            {"sha256": core_metadata} if core_metadata else {}
        )
        assert package.provenance_url == file.provenance
        if not html:
            assert package.size == (file.size or None)
            assert package.upload_time == file.upload_time


@given(pages)
def test_a_client_reads_the_same_page_from_json(page: PackagePage) -> None:
    read = ProjectPage.from_json_data(json.loads(package_json(page)))

    assert_read_back(page, read, html=False)


@given(pages)
def test_a_client_reads_the_same_page_from_html(page: PackagePage) -> None:
    read = ProjectPage.from_html("demo", package_html(page))

    assert_read_back(page, read, html=True)


@given(pages)
def test_html_is_well_formed(page: PackagePage) -> None:
    html = parse(package_html(page))

    assert [text for _, text in html.anchors] == [file.filename for file in page.offered_files]


def test_the_list_of_packages_is_read_back_from_both_forms() -> None:
    names = [normalize_name(name) for name in ("a", "b-c", "zope-interface")]
    page = RootPage(
        packages=[ListedPackage(name, serial) for serial, name in enumerate(names)], last_serial=7
    )

    from_json = IndexPage.from_json_data(json.loads(root_json(page)))
    from_html = IndexPage.from_html(root_html(page))

    assert from_json.projects == from_html.projects == names
    assert from_json.repository_version == from_html.repository_version == "1.4"
    assert from_json.last_serial == "7"
    assert json.loads(root_json(page))["projects"][2] == {
        "name": "zope-interface",
        "_last-serial": 2,
    }
    assert [attributes["href"] for attributes, _ in parse(root_html(page)).anchors] == [
        "a/",
        "b-c/",
        "zope-interface/",
    ]


def test_notes_stand_in_json_alone() -> None:
    whole = NoteEntry(id=3, title="Ours", url="https://example.com/notes/3", act="none")
    some = NoteEntry(
        id=42, title="Drops", url="https://example.com/notes/42", act="yank", versions="<2"
    )
    page = make_page(make_file(notes=[some]), make_file(filename="b.tar.gz"), notes=[whole])
    document = json.loads(package_json(page))
    assert document["_notes"] == [
        {
            "id": 3,
            "title": "Ours",
            "url": "https://example.com/notes/3",
            "act": "none",
            "versions": None,
        }
    ]
    first, second = document["files"]
    assert [note["id"] for note in first["_notes"]] == [42]
    assert first["_notes"][0]["versions"] == "<2"
    assert "_notes" not in second
    assert b"notes" not in package_html(page)
    assert "_notes" not in json.loads(package_json(make_page(make_file())))
