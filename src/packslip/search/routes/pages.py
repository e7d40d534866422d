"""The page of the search. All of its state stands in the address."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, render_template, request

from packslip.accounts.current import current_user
from packslip.accounts.readers import current_reader, guard_pages
from packslip.db import session
from packslip.notes.readers import NoteReader, reader_of
from packslip.packages.search_words import read_words
from packslip.search.notes import excerpt, notes_of
from packslip.search.queries import search
from packslip.search.request import (
    InvalidSearchError,
    SearchQuery,
    Sort,
    arguments_of,
    query_from,
)
from packslip.web.context import current_settings

blueprint = Blueprint("search", __name__, template_folder="../templates")
guard_pages(blueprint)


@blueprint.get("/search/")
def index() -> str | tuple[str, int]:
    """Find packages by words and filters."""
    fault: InvalidSearchError | None = None
    try:
        query = query_from(request.args)
    except InvalidSearchError as error:
        # What can be understood is looked for, and the rest is said.
        fault, query = error, SearchQuery(text=request.args.get("q", "").strip())
    found = search(session(), query, current_reader(), current_settings().read)
    page = render_template(
        "search/index.html",
        found=found,
        notes=notes_of(session(), query, _note_reader()),
        excerpt=lambda note: excerpt(note, read_words(query.text)),
        query=query,
        fault=fault,
        sorts=list(Sort),
        address=_Addresses(query),
    )
    return (page, 400) if fault else page


def _note_reader() -> NoteReader:
    """Who looks for notes: by a header if there is one, else whoever is logged in."""
    reader = current_reader()
    return reader_of(reader) if reader is not None else NoteReader(current_user())


class _Addresses:
    """Addresses of the same search, with something changed."""

    def __init__(self, query: SearchQuery) -> None:
        self._query = query

    def page(self, number: int) -> dict[str, str]:
        return arguments_of(replace(self._query, page=number))

    def text(self, text: str) -> dict[str, str]:
        return arguments_of(replace(self._query, text=text, page=1))
