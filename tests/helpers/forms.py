"""Forms as uploading tools send them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from tests.helpers.accounts import basic
from werkzeug.test import TestResponse

BOUNDARY = "0a1b2c3d"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def text_part(name: str, value: str | bytes) -> bytes:
    """A part of a form that is a text."""
    value = value.encode() if isinstance(value, str) else value
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value


def file_part(content: bytes, name: str = "content", filename: str = "demo-1.0.tar.gz") -> bytes:
    """A part of a form that is a file."""
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    return head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content


def encode_form(*parts: bytes) -> bytes:
    """A form of these parts, to be sent with `FORM_TYPE`."""
    start = f"--{BOUNDARY}\r\n".encode()
    return b"".join(start + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def upload_fields(path: Path, content: bytes | None = None, **fields: str | None) -> dict[str, str]:
    """The least that an upload of the file must say; a field that is None is left out."""
    content = path.read_bytes() if content is None else content
    stem = path.name.removesuffix(".tar.gz").removesuffix(".zip")
    name, version = stem.split("-")[:2]
    given: dict[str, str | None] = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": name,
        "version": version,
        "filetype": "bdist_wheel" if path.suffix == ".whl" else "sdist",
        "sha256_digest": hashlib.sha256(content).hexdigest(),
    }
    return {field: value for field, value in (given | fields).items() if value is not None}


def upload_body(path: Path, content: bytes | None = None, **fields: str | None) -> bytes:
    """The form with which a tool uploads the file."""
    content = path.read_bytes() if content is None else content
    texts = upload_fields(path, content, **fields).items()
    parts = [text_part(field, value) for field, value in texts]
    return encode_form(*parts, file_part(content, filename=path.name))


def post_upload(client: FlaskClient, secret: str | None, path: Path, **fields: Any) -> TestResponse:
    """Upload the file as the user whose token this is."""
    return post_form(client, secret, upload_body(path, **fields))


def post_form(client: FlaskClient, secret: str | None, body: bytes, **values: Any) -> TestResponse:
    """Send a form to the address for uploads."""
    headers = {} if secret is None else {"Authorization": basic("__token__", secret)}
    headers |= values.pop("headers", {})
    options = {"content_type": FORM_TYPE} | values
    return client.post("/legacy/", data=body, headers=headers, **options)
