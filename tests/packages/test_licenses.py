from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.licenses import canonicalize_license_expression
from trove_classifiers import all_classifiers

from packslip.packages.license_names import (
    ALIASES,
    AMBIGUOUS_CLASSIFIERS,
    CLASSIFIERS,
    DESCRIPTIONS,
    OPENINGS,
)
from packslip.packages.licenses import describe_license, license_of

MIT_TEXT = """MIT License

Copyright (c) 2020 Jane Doe

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction. The above copyright notice and this
permission notice shall be included in all copies."""

BSD_TEXT = """Copyright (c) 2010 by Jane Doe.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are
met: ... {}"""


@pytest.mark.parametrize(
    ("expression", "classifiers", "text", "expected"),
    [
        ("MIT", ["BSD License"], "GPL", "MIT"),
        ("MIT OR Apache-2.0", [], None, "MIT OR Apache-2.0"),
        (None, ["MIT License"], None, "MIT"),
        (None, ["Apache Software License"], "Apache", "Apache-2.0"),
        (None, ["GNU General Public License v3 or later (GPLv3+)"], "GPL", "GPL-3.0-or-later"),
        (None, ["BSD License"], None, "BSD"),
        (None, ["BSD License"], "BSD-3-Clause", "BSD-3-Clause"),
        (None, ["BSD License"], "New BSD", "BSD-3-Clause"),
        (None, ["BSD License"], BSD_TEXT.format(""), "BSD-2-Clause"),
        (None, ["MIT License", "Apache Software License"], None, "MIT, Apache-2.0"),
        (None, ["MIT License", "Apache Software License"], "MIT OR Apache-2.0",
         "MIT OR Apache-2.0"),
        (None, [], "MIT License", "MIT"),
        (None, [], "The MIT License (MIT)", "MIT"),
        (None, [], "mit", "MIT"),
        (None, [], "Apache 2.0", "Apache-2.0"),
        (None, [], "Apache License, Version 2.0", "Apache-2.0"),
        (None, [], "Apache v2", "Apache-2.0"),
        (None, [], "3-Clause BSD License", "BSD-3-Clause"),
        (None, [], "BSD", "BSD"),
        (None, [], "GPLv3", "GPL-3.0-only"),
        (None, [], "GPL v3 or later", "GPL-3.0-or-later"),
        (None, [], "GNU GPLv3+", "GPL-3.0-or-later"),
        (None, [], "LGPLv2.1", "LGPL-2.1-only"),
        (None, [], "MPL 2.0", "MPL-2.0"),
        (None, [], MIT_TEXT, "MIT"),
        (None, [], BSD_TEXT.format("Neither the name of ..."), "BSD-3-Clause"),
        (None, [], "Acme internal", "Acme internal"),
        (None, [], "We hereby say a lot\n" * 50, "Other"),
        (None, [], "x" * 70, "Other"),
        (None, [], "LICENSE", None),
        (None, [], "see LICENSE.txt", None),
        (None, [], "", None),
        (None, [], None, None),
        (None, ["OSI Approved"], None, None),
    ],
)  # fmt: skip
def test_the_licence_is_told_by_what_is_most_certain(
    expression: str | None, classifiers: list[str], text: str | None, expected: str | None
) -> None:
    full = [f"License :: OSI Approved :: {leaf}" for leaf in classifiers if leaf != "OSI Approved"]
    full += ["License :: OSI Approved"] if "OSI Approved" in classifiers else []
    assert license_of(expression, ["Topic :: Other", *full], text) == expected


def test_a_licence_outside_of_osis_is_told_too() -> None:
    assert license_of(None, ["License :: Public Domain"], None) == "Public Domain"
    assert license_of(None, ["License :: Freeware"], None) == "Freeware"


@given(st.text(max_size=3000), st.lists(st.text(max_size=200)))
def test_no_text_becomes_a_long_name(text: str, classifiers: list[str]) -> None:
    full = [f"License :: {classifier}" for classifier in classifiers]
    for found in (license_of(text, full, None), license_of(None, full, text)):
        assert found is None or (0 < len(found) <= 100 and found == found.strip())


def test_the_ids_in_the_tables_are_those_of_spdx() -> None:
    families = {*AMBIGUOUS_CLASSIFIERS.values(), "Other"}
    names = {
        *CLASSIFIERS.values(),
        *ALIASES.values(),
        *DESCRIPTIONS,
        *(name for _, name in OPENINGS),
    }
    for name in names - families:
        assert canonicalize_license_expression(name) == name


def test_the_classifiers_in_the_tables_exist() -> None:
    for leaf in (*CLASSIFIERS, *AMBIGUOUS_CLASSIFIERS):
        assert {f"License :: {leaf}", f"License :: OSI Approved :: {leaf}"} & set(all_classifiers)


@pytest.mark.parametrize("alias", ALIASES)
def test_each_alias_is_reached(alias: str) -> None:
    assert license_of(None, [], alias) == ALIASES[alias]


def test_well_known_licences_have_a_description() -> None:
    assert describe_license("MIT") == "MIT License"
    assert describe_license("Acme internal") == ""
