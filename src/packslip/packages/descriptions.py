"""The descriptions of releases as HTML: rendered as PyPI renders them, then made harmless.

readme_renderer drops scripts. What it leaves is restricted further, since it stands on a page of
this index: nothing is fetched from other hosts before the reader asks for it, no link points to
somewhere within this index, and no class or id of the page's own can be taken.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from html import escape, unescape
from urllib.parse import urlsplit

#: Characters of a description that are rendered; longer ones are shown as text.
MAX_RENDERED = 200_000

_PREFIX = "user-content-"
_ABSOLUTE = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_IMAGE = re.compile(r"<img\b[^>]*>")
#: What renderers put beside headings; a link without words is no use to anybody.
_EMPTY_LINK = re.compile(r"<a\b[^>]*>\s*</a>")
_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'\b(src|alt)="([^"]*)"')
#: Classes of highlighted code (Pygments' short names) and of docutils.
_CLASSES = re.compile(
    r"[a-z]{1,2}[0-9a-z]?|highlight|code|docutils|literal|alert[a-z-]*|align-[a-z]+"
)


@dataclass(frozen=True)
class Description:
    """A description to show: as HTML, or as text with the reason why it is not HTML."""

    text: str
    html: str | None = None
    #: Why it could not be rendered.
    fault: str | None = None
    #: The hosts of images that are left out of `html`.
    image_hosts: tuple[str, ...] = ()
    #: How many images those are.
    images: int = 0


def render_description(text: str, content_type: str | None, *, images: bool = False) -> Description:
    """Render a description of the declared type; without one it is reStructuredText, as on PyPI.

    With `images` those of other hosts stay, else their text stands in their place. Nothing is
    raised: what cannot be rendered comes as text.
    """
    if not text.strip():
        return Description("")
    if len(text) > MAX_RENDERED:
        return Description(text, fault=f"it has more than {MAX_RENDERED:,} characters")
    return _render(text, content_type or "", images)


@lru_cache(maxsize=256)
def _render(text: str, content_type: str, images: bool) -> Description:
    kind, variant = _parse_type(content_type)
    if kind == "text/plain":
        return Description(text)
    log = io.StringIO()
    try:
        rendered = _to_html(text, kind, variant, log)
    except Exception as error:
        return Description(text, fault=f"the renderer failed ({type(error).__name__})")
    if rendered is None:
        return Description(text, fault=_first_line(log.getvalue()) or "the renderer refused it")
    html = _restrict(rendered)
    if images:
        return Description(text, html)
    hosts = [host for image in _IMAGE.findall(html) if (host := _host(image))]
    return Description(
        text, _without_images(html), image_hosts=tuple(sorted(set(hosts))), images=len(hosts)
    )


def _parse_type(content_type: str) -> tuple[str, str]:
    message = Message()
    message["Content-Type"] = content_type or "text/x-rst"
    return message.get_content_type(), str(message.get_param("variant") or "GFM")


def _to_html(text: str, kind: str, variant: str, log: io.StringIO) -> str | None:
    # Imported here: docutils and Pygments take longer to import than a page takes to make.
    if kind == "text/markdown":
        from readme_renderer import markdown  # noqa: PLC0415

        return markdown.render(text, variant=variant)
    from readme_renderer import rst  # noqa: PLC0415

    return rst.render(text, stream=log)


def _restrict(html: str) -> str:
    import nh3  # noqa: PLC0415 - see above
    from readme_renderer import clean  # noqa: PLC0415

    cleaned = nh3.clean(
        _INPUT.sub(_tick, html),
        tags=clean.ALLOWED_TAGS - {"input", "picture"},
        # The renderer names programming languages with "lang"; readers take it for a human one.
        attributes={**clean.ALLOWED_ATTRIBUTES, "pre": {"class"}},
        attribute_filter=_filter,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )
    return _EMPTY_LINK.sub("", cleaned)


def _attributes_of_tags(allowed: dict[str, set[str]]) -> dict[str, set[str]]:
    # Renderers name the programming language of code in `lang`, where screen readers look for the
    # human one.
    return {tag: names - {"lang"} if tag == "pre" else names for tag, names in allowed.items()}


def _filter(tag: str, name: str, value: str) -> str | None:
    if name == "href":
        if value.startswith("#"):
            return value if value.startswith(f"#{_PREFIX}") else f"#{_PREFIX}{value[1:]}"
        return value if _ABSOLUTE.match(value) else None
    if name == "src":
        return value if re.match(r"https?://", value, re.IGNORECASE) else None
    if name == "id":
        return value if value.startswith(_PREFIX) else f"{_PREFIX}{value}"
    if name == "class":
        return " ".join(part for part in value.split() if _CLASSES.fullmatch(part)) or None
    return value


def _tick(match: re.Match[str]) -> str:
    if 'type="checkbox"' not in match[0]:
        return ""
    return "☑" if "checked" in match[0].replace('"checkbox"', "") else "☐"


def _attributes(image: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in _ATTRIBUTE.findall(image)}


def _host(image: str) -> str | None:
    try:
        return urlsplit(_attributes(image).get("src", "")).hostname
    except ValueError:
        # Brackets that hold no IPv6 address.
        return None


def _without_images(html: str) -> str:
    def replace(match: re.Match[str]) -> str:
        text = _attributes(match[0]).get("alt", "").strip() or "image"
        return f'<span class="image-text">{escape(text)}</span>'

    return _IMAGE.sub(replace, html)


def _first_line(text: str) -> str:
    # docutils names the place first: `<string>:3: (WARNING/2) Title underline too short.`
    line = next((line for line in text.splitlines() if line.strip()), "")
    return re.sub(r"^<string>:(\d+): \(\w+/\d\) ", r"line \1: ", line)
