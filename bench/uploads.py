"""Files on their way into the server, by the upload API that twine and uv use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from bench.corpus import Distribution
from bench.http1 import Request
from bench.server import BenchError, Server

#: How many files go in at a time when the server is filled.
_FILLERS = 4


def _prepare(client: httpx.Client, server: Server, file: Distribution) -> httpx.Response:
    with file.path.open("rb") as content:
        return client.post(
            server.upload_url,
            data=file.form,
            files={"content": (file.path.name, content, "application/octet-stream")},
            auth=credentials(server),
        )


def credentials(server: Server) -> httpx.BasicAuth:
    if server.credentials is None:
        raise BenchError(f"{server.target.name} has nobody who may upload yet")
    return httpx.BasicAuth(server.credentials.username, server.credentials.password)


def upload(server: Server, file: Distribution, timeout: float = 600) -> None:
    """Upload one file from the disk, whatever its size, in little memory.

    Raises:
        BenchError: when the server refuses it.
    """
    with httpx.Client(timeout=timeout) as client:
        answer = _prepare(client, server, file)
    if answer.status_code != 200:
        raise BenchError(_refusal(file, answer))


def fill(
    server: Server,
    files: Sequence[Distribution],
    done: Callable[[], object] = lambda: None,
) -> list[str]:
    """Upload the files, a few at a time, and call `done` after each; tell what was refused."""
    with httpx.Client(timeout=600) as client, ThreadPoolExecutor(_FILLERS) as pool:

        def one(file: Distribution) -> str:
            answer = _prepare(client, server, file)
            done()
            return "" if answer.status_code == 200 else _refusal(file, answer)

        return [refusal for refusal in pool.map(one, files) if refusal]


def upload_request(server: Server, file: Distribution) -> Request:
    """The upload of a small file as one request, whole in memory, for a load."""
    draft = httpx.Request(
        "POST",
        server.upload_url,
        data=file.form,
        files={"content": (file.path.name, file.path.read_bytes(), "application/octet-stream")},
    )
    signed = next(credentials(server).auth_flow(draft))
    headers = {name: signed.headers[name] for name in ("Authorization", "Content-Type")}
    return Request(server.upload_url, headers, "POST", signed.read())


def _refusal(file: Distribution, answer: httpx.Response) -> str:
    return f"{file.path.name} was refused: {answer.status_code} {answer.reason_phrase}"
