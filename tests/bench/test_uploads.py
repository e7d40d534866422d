from __future__ import annotations

import io
from pathlib import Path

import httpx
import pytest
from bench.corpus import write_wheel
from bench.index import HTML, JSON, files_listed
from bench.server import BenchError, Credentials, Server, Target
from bench.uploads import upload_request
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as Received

CREDENTIALS = Credentials("__token__", "secret")


def make_server(data: Path) -> Server:
    target = Target("some", ("serve", "{port}"), {"SOME_DATA": "{data}"}, lambda _: CREDENTIALS)
    return Server(target, data, port=4321)


def test_an_upload_request_carries_the_file_its_form_and_the_token(tmp_path: Path) -> None:
    server = make_server(tmp_path / "data")
    server.credentials = CREDENTIALS
    wheel = write_wheel(tmp_path, "bench-one", "1.0", payload=5000)

    request = upload_request(server, wheel)
    environ = EnvironBuilder(
        path="/legacy/",
        method=request.method,
        headers=[*request.headers.items(), ("Content-Length", str(len(request.body)))],
        input_stream=io.BytesIO(request.body),
    ).get_environ()
    assert request.url == "http://127.0.0.1:4321/legacy/"
    with Received(environ) as received:
        assert received.authorization is not None
        assert received.authorization.password == "secret"
        assert received.form.to_dict() == wheel.form
        assert received.files["content"].filename == wheel.path.name
        assert received.files["content"].read() == wheel.path.read_bytes()


def test_nobody_can_upload_before_somebody_was_enrolled(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "bench-one", "1.0")

    with pytest.raises(BenchError, match="nobody who may upload"):
        upload_request(make_server(tmp_path / "data"), wheel)


def test_a_token_is_not_shown_where_credentials_are_printed() -> None:
    assert "secret" not in repr(CREDENTIALS)


def test_the_environment_of_a_server_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_SETTING", "of the person who measures")
    monkeypatch.setenv("OTHER", "kept")

    environment = make_server(tmp_path / "data").environment
    assert environment["SOME_DATA"] == str(tmp_path / "data")
    assert environment["OTHER"] == "kept"
    assert "SOME_SETTING" not in environment


def test_the_links_of_a_page_are_the_same_in_both_forms() -> None:
    data = {"files": [{"url": "/files/a/x-1.whl"}, {"url": "../y-1.tar.gz"}]}
    html = (
        '<a href="/files/a/x-1.whl#sha256=00" data-yanked="">x-1.whl</a>'
        '<a data-requires-python="&gt;=3" href="../y-1.tar.gz">y-1.tar.gz</a>'
    )

    as_json = httpx.Response(200, json=data, headers={"content-type": JSON})
    as_html = httpx.Response(200, text=html, headers={"content-type": HTML})
    assert files_listed(as_json) == files_listed(as_html) == ["/files/a/x-1.whl", "../y-1.tar.gz"]
