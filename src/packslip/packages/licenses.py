"""Which licence a package has: one short name for what metadata says in three ways."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from packslip.packages.license_names import (
    ALIASES,
    AMBIGUOUS_CLASSIFIERS,
    CLASSIFIERS,
    DESCRIPTIONS,
    OPENINGS,
)

LONGEST_ID = 100

#: The licence of packages that say something which names no licence.
OTHER = "Other"

_LONGEST_NAME = 60
_LONGEST_EXPRESSION = 1000
#: Licences of a few thousand characters tell themselves apart at their beginning.
_OPENING = 6000
_ROOT = "License :: "
_OSI = "OSI Approved"
_NOISE = re.compile(r"\b(?:the|an?|licen[cs]ed?|licen[cs]es|version|under|terms|of|style)\b")
_VERSION_MARK = re.compile(r"\bv\.?\s*(?=\d)")
_GLUED = re.compile(r"(?<=[a-z])v?(?=\d)")
_ODD_SIGNS = re.compile(r"[^a-z0-9.+]+")
_ONLY_A_FILE = re.compile(r"(?:see\s+|file:\s*)?(?:the\s+)?licen[cs]e(?:[.\s]\w+)?", re.IGNORECASE)


def license_of(expression: str | None, classifiers: Sequence[str], text: str | None) -> str | None:
    """Return the licence's id: SPDX where that is certain, else its short name.

    The SPDX expression is taken first, then an unambiguous classifier, then the old free text,
    which may be a whole licence. A whole text is never returned.

    Args:
        expression: The field License-Expression.
        classifiers: All classifiers.
        text: The field License.

    Returns:
        At most 100 characters, or None when nothing is said.

    """
    text = (text or "").strip()
    found = _expression(expression) or _expression(text)
    if found is None:
        certain, family = _from_classifiers(classifiers)
        found = certain or _from_text(text) or family or _short(text)
    return found and (found if len(found) <= LONGEST_ID else found[: LONGEST_ID - 3] + "...")


def describe_license(license_id: str) -> str:
    """Return the licence's full name, or nothing when it is not a well-known one."""
    return DESCRIPTIONS.get(license_id, "")


def _expression(text: str | None) -> str | None:
    if not text or len(text) > _LONGEST_EXPRESSION or "\n" in text:
        return None
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return None


def _from_classifiers(classifiers: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the licence if it is certain, and else the family of licences."""
    leaves = [
        classifier.removeprefix(_ROOT).removeprefix(f"{_OSI} :: ").strip()
        for classifier in classifiers
        if classifier.startswith(_ROOT)
    ]
    leaves = [leaf for leaf in dict.fromkeys(leaves) if leaf and leaf != _OSI]
    if not leaves:
        return None, None
    names = [CLASSIFIERS.get(leaf) or AMBIGUOUS_CLASSIFIERS.get(leaf) or leaf for leaf in leaves]
    together = ", ".join(dict.fromkeys(names))
    # Several may mean a choice or a mixture; their names are all that can be said.
    certain = len(leaves) == 1 and leaves[0] not in AMBIGUOUS_CLASSIFIERS
    return (together, None) if certain else (None, together)


def _from_text(text: str) -> str | None:
    if not text:
        return None
    plain = _NOISE.sub(" ", _ODD_SIGNS.sub(" ", text[:_OPENING].lower()))
    plain = _GLUED.sub(" ", _VERSION_MARK.sub("", plain))
    words = " ".join(plain.split())
    if words in ALIASES:
        return ALIASES[words]
    flowing = " ".join(text[:_OPENING].lower().split())
    for phrases, name in OPENINGS:
        if all(phrase in flowing for phrase in phrases):
            return name
    return None


def _short(text: str) -> str | None:
    if not text or _ONLY_A_FILE.fullmatch(text):
        return None
    is_name = len(text) <= _LONGEST_NAME and text.isprintable()
    return " ".join(text.split()) if is_name else OTHER
