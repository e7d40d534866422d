"""The results of a search as JSON has them: `/api/v1/search` and `packslip search --json`."""

from __future__ import annotations

from typing import Any

from packslip.notes.finding import FoundNotes
from packslip.search.notes import notes_document
from packslip.search.results import FacetValue, FoundPackage, SearchResults


def document(found: SearchResults, notes: FoundNotes, base: str) -> dict[str, Any]:
    """The results as they stand in JSON; `base` is the address of the index."""
    facets = found.facets
    return {
        "total": found.total,
        "total_is_exact": found.is_exact,
        "page": found.query.page,
        "pages": found.pages,
        "per_page": found.query.per_page,
        "did_you_mean": found.did_you_mean,
        "results": [_result(package, base) for package in found.packages],
        "notes": notes_document(notes, found.query, base),
        "facets": {
            "license": _facet(facets.licenses),
            "language": _facet(facets.languages),
            "python": _facet(facets.pythons),
            "origin": _facet(facets.origins),
            "yanked": _facet(facets.yanked),
        },
    }


def _result(package: FoundPackage, base: str) -> dict[str, Any]:
    return {
        "name": package.name,
        "version": package.version,
        "released_at": package.latest_at,
        "requires_python": package.requires_python,
        "summary": package.summary,
        "license": package.license,
        "origin": package.origin,
        "status": package.status,
        "yanked": package.yanked,
        "downloads": {"last_30_days": package.downloads, "by_day": package.downloads_by_day},
        "url": f"{base}/project/{package.package}/",
    }


def _facet(values: list[FacetValue]) -> list[dict[str, Any]]:
    return [{"value": one.value, "packages": one.packages} for one in values]
