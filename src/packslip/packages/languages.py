"""The programming languages of a package, as its classifiers tell them."""

from __future__ import annotations

from collections.abc import Iterable

_ROOT = "Programming Language"
_NO_LANGUAGE = {"Other", "Other Scripting Engines"}


def languages_of(classifiers: Iterable[str]) -> list[str]:
    """Return each language once, in the order of the classifiers.

    `Programming Language :: Python :: 3.12` stands for Python.
    """
    languages: dict[str, None] = {}
    for classifier in classifiers:
        parts = [part.strip() for part in classifier.split("::")]
        if len(parts) > 1 and parts[0] == _ROOT and parts[1] and parts[1] not in _NO_LANGUAGE:
            languages[parts[1][:100]] = None
    return list(languages)
