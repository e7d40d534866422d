"""Where the pages of the site lead to."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

from tests.helpers.browsing import Browser
from werkzeug.test import TestResponse

BASE = "http://packages.example.com"

_VOID = {"br", "col", "hr", "img", "input", "link", "meta", "rect", "source", "use"}


@dataclass
class Crawl:
    """All that can be reached from a page on, as one visitor sees it."""

    browser: Browser
    #: What is wrong, each with the page that leads there.
    faults: list[str] = field(default_factory=list)
    #: The paths that answered, with the ids that stand there.
    ids: dict[str, set[str]] = field(default_factory=dict)

    def run(self, *starts: str) -> None:
        """Visit everything, and note what does not answer with 200, and what leads to no id."""
        waiting = deque((start, "the start") for start in starts)
        fragments: list[tuple[str, str, str]] = []
        while waiting:
            path, source = waiting.popleft()
            if path in self.ids:
                continue
            answer = self.browser.get(path, follow_redirects=True)
            if answer.status_code != 200:
                self.faults.append(f"{source}: {path} answers {answer.status}")
            text = answer.text if answer.mimetype.startswith(("text/", "image/svg")) else ""
            answer.close()
            self.ids[path] = set(re.findall(r'\bid="([^"]*)"', text))
            parts = urlsplit(answer.request.url)
            here = f"{BASE}{parts.path}" + (f"?{parts.query}" if parts.query else "")
            for link in links_of(answer):
                target, fragment = urldefrag(urljoin(here, link))
                if target.startswith(f"{BASE}/"):
                    target = target.removeprefix(BASE)
                    waiting.append((target, path))
                    fragments += [(path, target, fragment)] if fragment else []
        for path, target, fragment in fragments:
            if fragment not in self.ids[target]:
                self.faults.append(f"{path}: {target} has nothing called #{fragment}")


def links_of(answer: TestResponse) -> list[str]:
    """The links of a page, of its forms that only ask, of a feed, a style sheet or a module."""
    if answer.mimetype == "text/html":
        parser = _Links()
        parser.feed(answer.text)
        return parser.found
    if answer.mimetype in ("application/xml", "application/rss+xml"):
        return re.findall(r"<(?:link|loc)>([^<]*)<", answer.text)
    if answer.mimetype == "text/css":
        return re.findall(r"url\([\"']?([^\"')]+)", answer.text)
    if answer.mimetype == "text/javascript":
        return re.findall(r"\b(?:from|import)\s*\(?[\"'](\.[^\"']+)[\"']", answer.text)
    return []


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        # What a description says is its author's affair.
        self._described = 0
        self._form: tuple[str, dict[str, str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if self._described or (tag == "div" and values.get("class") == "description"):
            self._described += tag not in _VOID
            return
        self.found += [values[name] for name in ("href", "src", "srcset") if values.get(name)]
        if tag == "form" and values.get("method", "get").lower() == "get":
            self._form = (values.get("action", ""), {})
        elif self._form and tag == "input" and values.get("name"):
            self._form[1][values["name"]] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if self._described:
            self._described -= tag not in _VOID
        elif tag == "form" and self._form:
            action, fields = self._form
            self.found.append(f"{action}?{urlencode(fields)}" if fields else action)
            self._form = None
