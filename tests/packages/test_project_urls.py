from __future__ import annotations

import pytest

from packslip.packages.metadata import CoreMetadata
from packslip.packages.project_urls import docs_url, home_page, well_known


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        ("Homepage", "homepage"),
        ("Home-page", "homepage"),
        ("Documentation", "documentation"),
        ("docs", "documentation"),
        ("What's New?", "changelog"),
        ("Bug Tracker", "issues"),
        ("Chat", None),
        ("", None),
    ],
)
def test_labels_are_understood_in_any_spelling(label: str, meaning: str | None) -> None:
    assert well_known(label) == meaning


def test_addresses_are_found_by_their_labels() -> None:
    metadata = CoreMetadata(
        metadata_version="2.1",
        name="a",
        version="1",
        project_urls={
            "Chat": "https://example.com/chat",
            "Home Page": "https://example.com/",
            "Docs": "https://example.com/docs",
        },
    )
    assert docs_url(metadata) == "https://example.com/docs"
    assert home_page(metadata) == "https://example.com/"


def test_the_field_home_page_goes_before_the_label() -> None:
    metadata = CoreMetadata(
        metadata_version="2.1",
        name="a",
        version="1",
        home_page="https://example.com/own",
        project_urls={"Homepage": "https://example.com/other"},
    )
    assert home_page(metadata) == "https://example.com/own"
    assert docs_url(metadata) is None
