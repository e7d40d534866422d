from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from tests.helpers.distributions import core_metadata

from packslip.packages.metadata import InvalidMetadataError, parse_metadata

VERSIONS = ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"]


def refused(data: bytes) -> str:
    with pytest.raises(InvalidMetadataError) as refusal:
        parse_metadata(data)
    assert refusal.value.reason.isascii()
    assert "\n" not in refusal.value.reason
    assert len(refusal.value.reason) < 500
    return refusal.value.reason


@pytest.mark.parametrize("version", [*VERSIONS, "1.9", "2.7", "2.99"])
def test_each_minor_version_is_accepted(version: str) -> None:
    metadata = parse_metadata(core_metadata("A", "1.0", metadata_version=version, summary="So."))
    assert (metadata.metadata_version, metadata.summary) == (version, "So.")


@pytest.mark.parametrize("version", ["0.9", "3.0", "12.1", "2", "x", "2.1\nMetadata-Version: 2.2"])
def test_other_versions_are_refused(version: str) -> None:
    assert "Metadata-Version" in refused(core_metadata("a", "1", metadata_version=version))


def test_all_fields_are_read() -> None:
    data = core_metadata(
        "Sample.Pkg", "1.0", metadata_version="2.5", description="# Hello\n\nthere\n",
        summary="A sample", description_content_type="text/markdown; charset=UTF-8; variant=GFM",
        keywords="a, b,,a", home_page="https://example.com/", download_url="http://example.com/d",
        author="Jane", author_email="jane@example.com", maintainer="Joe",
        maintainer_email="joe@example.com", license_expression="mit or apache-2.0",
        license_file=["LICENSE", "licenses/MIT.txt"], platform=["any", "linux"],
        classifier=["Programming Language :: Python :: 3", "Private :: Do Not Upload"],
        requires_dist=["a>1", "b[x] ; extra == 'y'"], requires_python=">=3.11",
        requires_external="libpng (>=1.5)", provides_extra=["y"],
        project_url=["Docs, https://example.com/docs", "Source, https://example.com/src"],
        dynamic=["Description"], import_name=["sample_pkg"], import_namespace=["ns"],
        obsoletes_dist="Old", x_new="new thing",
    )  # fmt: skip
    metadata = parse_metadata(data)
    assert metadata.package == "sample-pkg"
    assert metadata.as_json() == {
        "metadata_version": "2.5",
        "name": "Sample.Pkg",
        "version": "1.0",
        "platform": ["any", "linux"],
        "summary": "A sample",
        "description": "# Hello\n\nthere\n",
        "description_content_type": "text/markdown; charset=UTF-8; variant=GFM",
        "keywords": ["a", "b"],
        "home_page": "https://example.com/",
        "download_url": "http://example.com/d",
        "author": "Jane",
        "author_email": "jane@example.com",
        "maintainer": "Joe",
        "maintainer_email": "joe@example.com",
        "license_expression": "MIT OR Apache-2.0",
        "license_file": ["LICENSE", "licenses/MIT.txt"],
        "classifier": ["Programming Language :: Python :: 3", "Private :: Do Not Upload"],
        "requires_dist": ["a>1", "b[x] ; extra == 'y'"],
        "requires_python": ">=3.11",
        "requires_external": ["libpng (>=1.5)"],
        "project_url": ["Docs, https://example.com/docs", "Source, https://example.com/src"],
        "provides_extra": ["y"],
        "dynamic": ["description"],
        "import_name": ["sample_pkg"],
        "import_namespace": ["ns"],
        "obsoletes_dist": ["Old"],
        "x_new": ["new thing"],
    }
    assert json.loads(json.dumps(metadata.as_json())) == metadata.as_json()


def test_the_json_form_leaves_absent_fields_out() -> None:
    data = core_metadata(
        "a", "1", summary="UNKNOWN", author="", platform="UNKNOWN", description="UNKNOWN\n"
    )
    assert parse_metadata(data).as_json() == {
        "metadata_version": "2.1",
        "name": "a",
        "version": "1",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("summary", "one\n        two"),
        ("summary", "x" * 513),
        ("description_content_type", "text/html"),
        ("description_content_type", "text/markdown; charset=latin-1"),
        ("description_content_type", "text/plain; x*"),
        ("description_content_type", "(" * 5000),
        ("requires_dist", "not a requirement!"),
        ("requires_dist", "a>=banana"),
        ("requires_dist", "a; " + "(" * 3000),
        ("requires_dist", "a; " + " or ".join(["os_name == 'a'"] * 1000)),
        ("requires_python", "banana"),
        ("requires_python", ">=" + "9" * 5000 + "x"),
        ("classifier", "Nonsense :: Classifier"),
        ("home_page", "javascript:alert(1)"),
        ("download_url", "data:text/html,hello"),
        ("project_url", "Docs, JavaScript:alert(1)"),
        ("author", ["Jane", "Joe"]),
    ],
)
def test_faults_are_refused_by_the_fields_name(field: str, value: Any) -> None:
    data = core_metadata("a", "1", metadata_version="2.1", **{field: value})
    assert field.replace("_", "-").lower() in refused(data).lower()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("license_expression", "Use-it-after-midnight"),
        ("license_expression", "MIT AND"),
        ("license_expression", "(" * 5000),
        ("license_file", "../LICENSE"),
        ("license_file", "/LICENSE"),
        ("provides_extra", "not a name"),
        ("import_name", "not-a-name"),
        ("dynamic", "Version"),
    ],
)
def test_newer_fields_are_checked_where_they_belong(field: str, value: str) -> None:
    assert "Invalid metadata" in refused(
        core_metadata("a", "1", metadata_version="2.5", **{field: value})
    )


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("summary", "one\n        two", "one two"),
        ("summary", "x" * 600, "x" * 512),
        ("description_content_type", "text/html", None),
        ("home_page", "git@git.example.com:a/b.git", None),
        ("requires_python", "banana", None),
        ("author", ["Jane", "Joe"], "Jane"),
    ],
)
def test_old_metadata_is_mended_or_left_out(field: str, value: Any, kept: str | None) -> None:
    metadata = parse_metadata(core_metadata("a", "1", metadata_version="1.2", **{field: value}))
    assert getattr(metadata, field) == kept


def test_metadata_newer_than_this_code_is_kept() -> None:
    metadata = parse_metadata(
        core_metadata(
            "a", "1", metadata_version="2.9", description_content_type="text/djot",
            license_expression="New-1.0", requires_dist="a ~> 5", classifier="New :: Kind",
            requires_python="~> 3", dynamic="Version", license_file="../x",
        )
    )  # fmt: skip
    assert metadata.description_content_type == "text/djot"
    assert metadata.license_expression == "New-1.0"
    assert metadata.requires_dist == ("a ~> 5",)
    assert metadata.classifiers == ("New :: Kind",)


@pytest.mark.parametrize("field", ["Name", "Version"])
@pytest.mark.parametrize("version", ["1.0", "2.1", "2.9"])
def test_name_and_version_are_needed_once_whatever_the_version(field: str, version: str) -> None:
    data = core_metadata("a", "1", metadata_version=version).decode()
    lines = data.splitlines(keepends=True)
    without = "".join(line for line in lines if not line.startswith(f"{field}:"))
    assert f"{field} is missing" in refused(without.encode())
    assert f"{field} is given more than once" in refused(f"{field}: other\n{data}".encode())


@pytest.mark.parametrize("name", ["-a", "a b", "ä", "a/b"])
def test_invalid_names_are_refused(name: str) -> None:
    assert "Name" in refused(core_metadata(name, "1", metadata_version="1.0"))


@pytest.mark.parametrize("version", ["banana", "1.0-", "1..0"])
def test_invalid_versions_are_refused(version: str) -> None:
    assert "Version" in refused(core_metadata("a", version, metadata_version="1.0"))


@pytest.mark.parametrize(
    "url",
    ["git@git.example.com:a/b.git", "www.example.com", "ssh://git@example.com/x", "http://",
     "https://[bad", "ftp://example.com/a", "https://example.com/a b"],
)  # fmt: skip
def test_addresses_that_no_page_could_link_to_are_refused_or_left_out(url: str) -> None:
    for field, value in (("home_page", url), ("download_url", url), ("project_url", f"A, {url}")):
        text = refused(core_metadata("a", "1", **{field: value}))
        assert field.replace("_", "-").title() in text
    old = core_metadata(
        "a", "1", metadata_version="1.2", home_page=url, project_url=[f"Code, {url}", "Odd"]
    )
    metadata = parse_metadata(old)
    assert metadata.home_page is None
    assert metadata.project_urls == {}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "DATA:text/html,x", " vbscript:x"])
def test_addresses_that_would_run_code_are_refused_however_old(url: str) -> None:
    assert "Home-Page" in refused(core_metadata("a", "1", metadata_version="1.0", home_page=url))


def test_of_a_label_given_twice_the_first_counts() -> None:
    urls = ["Docs, https://example.com/1", "Docs, https://example.com/2"]
    metadata = parse_metadata(core_metadata("a", "1", project_url=urls))
    assert metadata.project_urls == {"Docs": "https://example.com/1"}


def test_fields_of_later_versions_are_read_in_earlier_ones() -> None:
    metadata = parse_metadata(
        core_metadata(
            "a", "1", metadata_version="1.2", provides_extra="x", license_file="LICENSE",
            description_content_type="text/markdown",
        )
    )  # fmt: skip
    assert metadata.provides_extra == ("x",)
    assert metadata.license_files == ("LICENSE",)
    assert metadata.description_content_type == "text/markdown"


@pytest.mark.parametrize("folding", [" " * 8, "       |"])
def test_a_description_in_the_header_loses_its_folding(folding: str) -> None:
    lines = ["Title", "=====", "", "    code", "end"]
    folded = "\n".join([lines[0], *(folding + line for line in lines[1:])])
    metadata = parse_metadata(
        core_metadata("a", "1", metadata_version="1.1", description_="x").replace(
            b"Description-: x", f"Description: {folded}".encode()
        )
    )
    assert metadata.description == "\n".join(lines)


def test_latin_1_in_one_field_does_not_spoil_the_others() -> None:
    data = core_metadata("a", "1", metadata_version="1.0", summary="Grüße")
    data = data.replace(b"Summary", "Author: José\nSummary".encode("latin-1"))
    metadata = parse_metadata(data)
    assert (metadata.author, metadata.summary) == ("José", "Grüße")


def test_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    data = core_metadata("a", "1", summary="So.", description="one\ntwo\n")
    expected = parse_metadata(data)
    assert parse_metadata(data.replace(b"\n", b"\r\n")) == expected
    assert parse_metadata(b"\xef\xbb\xbf" + data) == expected


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "Metadata-Version is missing"),
        (b"\n\nName: a", "Metadata-Version is missing"),
        (core_metadata("a", "1", description="x\0y"), "NUL"),
        (core_metadata("a", "1", content_type="multipart/mixed; boundary=x"), "several parts"),
        (core_metadata("a", "1", platform=map(str, range(20_000))), "too many headers"),
        (core_metadata("a", "1", **{f"h{n}": "x" for n in range(500)}), "too many headers"),
    ],
)
def test_files_that_are_no_metadata_are_refused(data: bytes, fault: str) -> None:
    assert fault in refused(data)


@given(st.binary(max_size=1000), st.sampled_from(VERSIONS))
def test_any_bytes_are_read_or_refused(data: bytes, version: str) -> None:
    start = core_metadata("a", "1", metadata_version=version).rstrip(b"\n")
    for candidate in (data, start + b"\n" + data, start + b"\n\n" + data):
        try:
            metadata = parse_metadata(candidate)
        except InvalidMetadataError as refusal:
            reason = refusal.reason
        else:
            reason = json.dumps(metadata.as_json())
        assert reason.isascii()


field_names = st.sampled_from([
    "Summary", "Description", "Description-Content-Type", "Keywords", "Home-page", "Author-email",
    "License", "License-Expression", "License-File", "Classifier", "Requires-Dist", "Dynamic",
    "Requires-Python", "Provides-Extra", "Project-URL", "Import-Name", "Content-Type", "X-Other",
])  # fmt: skip
words = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from([
    "a>=1", ">=3", "MIT", "text/plain; charset", "=?utf-8?q?x?=", "a; (((", "Docs, https://[",
    "multipart/mixed; boundary=", "name*=x''%ff", "\ud7ff", "[", '"',
])  # fmt: skip


@given(st.lists(st.tuples(field_names, st.lists(words, max_size=3)), max_size=6), st.data())
def test_any_fields_are_read_or_refused(
    fields: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    version = data.draw(st.sampled_from([*VERSIONS, "2.8"]))
    text = core_metadata("a", "1", metadata_version=version).decode().rstrip("\n")
    for name, parts in fields:
        text += f"\n{name}: {' '.join(parts)}"
    try:
        metadata = parse_metadata(text.encode())
    except InvalidMetadataError:
        return
    assert all(url.startswith(("http:", "https:")) for url in metadata.project_urls.values())
    assert len((metadata.summary or "").splitlines()) <= 1
    if version != "2.8" and version >= "2.1":
        assert all(Requirement(requirement) for requirement in metadata.requires_dist)


@pytest.mark.parametrize(
    ("version", "dynamic", "static"),
    [
        ("2.1", [], False),
        ("2.2", [], True),
        ("2.4", ["License-File", "Description"], True),
        ("2.2", ["Requires-Dist"], False),
        ("2.2", ["requires-python"], False),
        ("2.6", ["Provides-Extra"], False),
        ("2.10", [], True),
    ],
)
def test_metadata_is_static_when_no_build_changes_the_dependencies(
    version: str, dynamic: list[str], static: bool
) -> None:
    data = core_metadata("a", "1", metadata_version=version, dynamic=dynamic)
    assert parse_metadata(data).is_static is static
