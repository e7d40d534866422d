"""Notes among the results of a search."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from packslip.notes.finding import NO_NOTES, FoundNotes, find_notes
from packslip.notes.models import Note
from packslip.notes.readers import NoteReader
from packslip.notes.rendering import unmarked
from packslip.packages.search_texts import words_of
from packslip.packages.search_words import SearchWords, read_words
from packslip.search.request import SearchQuery

#: So many notes stand beside the packages that were found.
MOST_NOTES = 5

#: Characters of a body that are shown, around a word that was looked for.
EXCERPT = 160


def notes_of(session: Session, query: SearchQuery, reader: NoteReader) -> FoundNotes:
    """The notes that have the words, on the first page of a search without filters of packages."""
    if query.page != 1 or query.filters:
        return NO_NOTES
    return find_notes(session, reader, query.text, MOST_NOTES)


def notes_document(found: FoundNotes, query: SearchQuery, base: str) -> dict[str, Any]:
    """The notes as they stand in JSON; `base` is the address of the index."""
    words = read_words(query.text)
    results = [
        {
            "id": note.id,
            "title": note.title,
            "excerpt": excerpt(note, words),
            "author": note.author.username,
            "visibility": note.visibility,
            "package": note.package_id,
            "version_range": note.version_range,
            "act": note.act,
            "is_acting": note.is_acting,
            "updated_at": note.updated_at,
            "url": f"{base}/notes/{note.id}",
        }
        for note in found.notes
    ]
    return {"total": found.total, "results": results}


def excerpt(note: Note, words: SearchWords) -> str:
    """What the note says around the first of the words that is in it, else at its beginning."""
    text = " ".join(unmarked(note.body).split())
    wanted = {*words.words, *(word for run in words.phrases for word in run)}
    start = _place(text, wanted)
    shown = text[start : start + EXCERPT].strip()
    before = "…" if start else ""
    after = "…" if start + EXCERPT < len(text) else ""
    return f"{before}{shown}{after}"


def _place(text: str, wanted: set[str]) -> int:
    position = 0
    for part in text.split(" "):
        if wanted.intersection(words_of(part)):
            # With some words before it; a beginning that is near is shown whole.
            start = position - EXCERPT // 4
            return 0 if start <= 0 else text.find(" ", start) + 1
        position += len(part) + 1
    return 0
