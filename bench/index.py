"""Reading the index under test: its pages, and where its files are."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import urljoin

import httpx

from bench.http1 import AGENT
from bench.server import BenchError

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"

_TIMEOUT = 120

#: Nothing here needs it; made for each request, it would take longer than most of them.
_TLS = ssl.create_default_context()


def get(url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """Ask once; the answer is 200, 304 or 404.

    Raises:
        BenchError: on any other status.
    """
    given = {"User-Agent": AGENT, **(headers or {})}
    answer = httpx.get(url, headers=given, timeout=_TIMEOUT, verify=_TLS)
    if answer.status_code not in (200, 304, 404):
        raise BenchError(f"{url} answered {answer.status_code} {answer.reason_phrase}")
    return answer


def files_listed(page: httpx.Response) -> list[str]:
    """The links of a simple page, without fragments, as the page writes them."""
    if page.headers["content-type"].startswith(JSON):
        return [str(file["url"]) for file in page.json()["files"]]
    return re.findall(r'<a\s[^>]*href="([^"#]+)', page.text)


def file_url(page: str, filename: str) -> str:
    """The address of a file, as the package's page at that address tells it.

    Raises:
        BenchError: when the page does not list it.
    """
    for link in files_listed(get(page, {"Accept": f"{JSON}, {HTML};q=0.1"})):
        address = urljoin(page, link)
        if address.endswith(f"/{filename}"):
            return address
    raise BenchError(f"{page} does not list {filename}")


def download(url: str) -> int:
    """Read a file to its end and keep nothing of it; tell how many bytes there were."""
    with httpx.stream("GET", url, headers={"User-Agent": AGENT}, timeout=_TIMEOUT) as answer:
        answer.raise_for_status()
        return sum(len(piece) for piece in answer.iter_raw(2**20))


def read_through(path: Path) -> None:
    """Bring a file into the kernel's cache, so that reading it costs no disk."""
    with path.open("rb") as file:
        while file.read(2**20):
            pass
