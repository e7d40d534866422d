from __future__ import annotations

import pytest

from packslip.packages.languages import languages_of


@pytest.mark.parametrize(
    ("classifiers", "languages"),
    [
        ([], []),
        (["Programming Language :: Python :: 3.12", "Programming Language :: Python"], ["Python"]),
        (
            ["Programming Language :: Rust", "Topic :: X", "Programming Language :: C++",
             "Programming Language :: Python :: Implementation :: CPython",
             "Programming Language :: Rust"],
            ["Rust", "C++", "Python"],
        ),
        (["Programming Language :: Other", "Programming Language", "Programming Language :: "], []),
    ],
)  # fmt: skip
def test_each_language_is_told_once_in_order(classifiers: list[str], languages: list[str]) -> None:
    assert languages_of(classifiers) == languages
