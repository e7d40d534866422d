"""The addresses of a package's own pages, found by their labels (PEP 753)."""

from __future__ import annotations

import string

from packslip.packages.metadata import CoreMetadata

_DROPPED = str.maketrans("", "", string.punctuation + string.whitespace)
_WELL_KNOWN = {
    "homepage": "homepage",
    "source": "source",
    "repository": "source",
    "sourcecode": "source",
    "github": "source",
    "download": "download",
    "changelog": "changelog",
    "changes": "changelog",
    "whatsnew": "changelog",
    "history": "changelog",
    "releasenotes": "releasenotes",
    "documentation": "documentation",
    "docs": "documentation",
    "issues": "issues",
    "bugs": "issues",
    "issue": "issues",
    "tracker": "issues",
    "issuetracker": "issues",
    "bugtracker": "issues",
    "funding": "funding",
    "sponsor": "funding",
    "donate": "funding",
    "donation": "funding",
}


def well_known(label: str) -> str | None:
    """Return what a label of Project-URL means, such as `documentation` for `Docs`."""
    return _WELL_KNOWN.get(label.translate(_DROPPED).lower())


def home_page(metadata: CoreMetadata) -> str | None:
    """Return the address of the package's own page."""
    return metadata.home_page or _labelled(metadata, "homepage")


def docs_url(metadata: CoreMetadata) -> str | None:
    """Return the address of the package's documentation."""
    return _labelled(metadata, "documentation")


def _labelled(metadata: CoreMetadata, meaning: str) -> str | None:
    for label, url in metadata.project_urls.items():
        if well_known(label) == meaning:
            return url
    return None
