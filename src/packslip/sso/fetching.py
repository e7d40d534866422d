"""Asking the provider over HTTP: bounded in time and size, and never sent elsewhere."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
import urllib3

#: Seconds that a connection or a silence may last, and that a whole answer may take.
TIMEOUT = urllib3.Timeout(connect=4, read=5)
LONGEST = 8.0

#: Bytes of an answer.
LARGEST = 512 * 1024

_BLOCK = 16 * 1024


class FetchError(Exception):
    """There was no answer that can be used; its text is for the log."""


class Answer:
    """A whole answer, in the form in which Authlib reads one."""

    def __init__(self, status_code: int, body: bytes) -> None:
        self.status_code = status_code
        self.body = body

    def json(self) -> Any:
        """The answer's content.

        Raises:
            ValueError: it is not JSON.
        """
        return msgspec.json.decode(self.body)

    def raise_for_status(self) -> None:
        """Say that the answer is none.

        Raises:
            FetchError: whenever it is asked.
        """
        raise FetchError(f"it answers {self.status_code}")


#: Adds to a request what proves who sends it: method, address, headers, body.
Prover = Callable[[str, str, dict[str, str], str], tuple[str, dict[str, str], str]]


class Fetcher:
    """Connections to one provider. Threads may share it; processes may not."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(
            retries=False, timeout=TIMEOUT, ssl_context=ssl.create_default_context()
        )

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at the address.

        Raises:
            FetchError: there is none.
        """
        answer = self._ask("GET", address, {"Accept": "application/json", **(headers or {})}, None)
        if answer.status_code != 200:
            answer.raise_for_status()
        try:
            found = answer.json()
        except ValueError:
            raise FetchError("it answers with something else than JSON") from None
        if not isinstance(found, dict):
            raise FetchError("it answers with something else than an object")
        return found

    def post(self, address: str, data: Any, headers: Any, auth: Any) -> Answer:
        """What a form gets for an answer; Authlib's client calls it, and `auth` is its.

        Raises:
            FetchError: there is none.
        """
        prepare = cast("Prover", auth.prepare)
        address, headers, body = prepare("POST", address, dict(headers), urlencode(data))
        return self._ask("POST", address, headers, body)

    def _ask(
        self, method: str, address: str, headers: Mapping[str, str], body: str | None
    ) -> Answer:
        deadline = time.monotonic() + LONGEST
        try:
            answer = self._pool.request(
                method, address, headers=headers, body=body, redirect=False, preload_content=False
            )
            try:
                read = bytearray()
                while piece := answer.read1(_BLOCK):
                    read += piece
                    if len(read) > LARGEST:
                        raise FetchError("its answer is too large")
                    if time.monotonic() > deadline:
                        raise FetchError("its answer takes too long")
            except BaseException:
                # What is left of it must not be read as the next answer.
                answer.close()
                raise
            answer.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise FetchError(f"it does not answer: {type(error).__name__}") from error
        return Answer(answer.status, bytes(read))
