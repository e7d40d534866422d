"""Reading pages of upstreams, as JSON and as HTML."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import NormalizedName

from packslip.mirror.upstream_pages import UnreadablePageError, UpstreamPage, read_page

DEMO = NormalizedName("demo")
ADDRESS = "https://packages.example.com/simple/demo/"
JSON = "application/vnd.pypi.simple.v1+json"
SHA256 = "a" * 64


def document(*files: dict[str, Any], **more: Any) -> bytes:
    return json.dumps(
        {"meta": {"api-version": "1.1"}, "name": "Demo", "files": files, **more}
    ).encode()


def entry(filename: str = "demo-1.0-py3-none-any.whl", **more: Any) -> dict[str, Any]:
    return {
        "filename": filename,
        "url": f"../../files/{filename}",
        "hashes": {"sha256": SHA256},
        **more,
    }


def read(body: bytes, kind: str = JSON) -> UpstreamPage:
    return read_page(DEMO, body, kind, ADDRESS)


def test_everything_that_the_json_form_says_is_read() -> None:
    body = document(
        entry(
            **{
                "size": 10,
                "upload-time": "2026-01-02T03:04:05.678901Z",
                "requires-python": ">=3.9",
                "yanked": "it is broken",
                "core-metadata": {"sha256": "b" * 64},
                "provenance": "https://packages.example.com/provenance",
            }
        ),
        **{
            "versions": ["1.0", "2.0.0"],
            "project-status": {"status": "deprecated", "reason": "use another"},
        },
    )
    page = read(body)
    [file] = page.files
    assert file.url == "https://packages.example.com/files/demo-1.0-py3-none-any.whl"
    assert (file.version, file.packagetype, file.tags) == ("1.0", "bdist_wheel", "py3-none-any")
    assert (file.size, file.digests, file.metadata) == (10, {"sha256": SHA256}, "b" * 64)
    assert file.uploaded_at == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert (file.requires_python, file.yanked) == (">=3.9", "it is broken")
    assert file.provenance == "https://packages.example.com/provenance"
    assert page.versions == ("1.0", "2.0.0")
    assert (page.status, page.status_reason) == ("deprecated", "use another")


def test_everything_that_the_html_form_says_is_read() -> None:
    body = f"""<!DOCTYPE html><html><head>
        <meta name="pypi:repository-version" content="1.4">
        <meta name="pypi:project-status" content="archived"></head><body>
        <a href="../../files/demo-1.0.tar.gz#sha256={SHA256}" data-requires-python="&gt;=3.9"
           data-yanked="">demo-1.0.tar.gz</a>
        <a href="/elsewhere/demo-1.0-py3-none-any.whl" data-core-metadata="true"
           data-upload-time="2026-01-02T03:04:05.678901Z">demo-1.0-py3-none-any.whl</a></body></html>""".encode()
    page = read(body, "text/html; charset=UTF-8")
    source, wheel = page.files
    assert source.url == "https://packages.example.com/files/demo-1.0.tar.gz"
    assert (source.digests, source.yanked, source.requires_python) == (
        {"sha256": SHA256},
        "",
        ">=3.9",
    )
    assert (source.size, source.uploaded_at, source.metadata) == (0, None, None)
    assert wheel.url == "https://packages.example.com/elsewhere/demo-1.0-py3-none-any.whl"
    assert (wheel.digests, wheel.yanked, wheel.metadata) == ({}, None, "true")
    assert wheel.uploaded_at == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert (page.status, page.versions) == ("archived", ("1.0",))


def test_files_that_are_odd_are_left_out_and_the_others_stay() -> None:
    page = read(
        document(
            entry("demo-1.0-py2.7.egg"),
            entry("other-1.0.tar.gz"),
            entry("demo-1.1.tar.gz", url="ftp://packages.example.com/demo-1.1.tar.gz"),
            entry("demo-1.2.tar.gz", url="http://packages.example.com/demo-1.2.tar.gz"),
            entry("demo-1.3.tar.gz", hashes=7),
            entry("../demo-1.4.tar.gz"),
            entry("demo-1.5.tar.bz2"),
            entry("demo-1.6.tar.gz", hashes={"sha256": "A" * 64, "md5": "no"}, size=-1),
        )
    )
    assert [(file.filename, file.version) for file in page.files] == [
        ("demo-1.5.tar.bz2", "1.5"),
        ("demo-1.6.tar.gz", "1.6"),
    ]
    assert page.files[1].digests == {"sha256": SHA256}
    assert page.files[1].size == 0
    assert page.left_out == 6


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"{}", JSON, "cannot be read"),
        (b"hello", "text/plain", "instead of a page"),
        (document(name="other"), JSON, "is that of 'other'"),
        (document(meta={"api-version": "2.0"}), JSON, "of version '2.0'"),
        (b'<meta name="pypi:repository-version" content="2.0">', "text/html", "newer version"),
    ],
)
def test_what_is_no_page_of_the_package_is_refused(body: bytes, kind: str, said: str) -> None:
    with pytest.raises(UnreadablePageError, match=said):
        read(body, kind)


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    st.sampled_from([JSON, "text/html"]),
)
def test_nothing_else_is_raised_whatever_comes(body: bytes, kind: str) -> None:
    try:
        page = read(body, kind)
    except UnreadablePageError:
        return
    assert isinstance(page, UpstreamPage)


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)
_KEYS = ("filename", "url", "hashes", "size", "upload-time", "requires-python", "yanked",
         "core-metadata", "provenance")  # fmt: skip


@given(st.dictionaries(st.sampled_from(_KEYS), _JSON_VALUES))
def test_no_file_of_odd_values_spoils_the_page(odd: dict[str, Any]) -> None:
    page = read(document(entry("demo-1.0.tar.gz"), {**entry("demo-1.1.tar.gz"), **odd}))
    assert page.files[0].filename == "demo-1.0.tar.gz"
