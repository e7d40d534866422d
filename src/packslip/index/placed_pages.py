"""Simple pages as files, see `packslip.page_files`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import cast

import structlog
from flask import Flask, current_app
from werkzeug import Response

from packslip.connecting import open_reader
from packslip.db import db
from packslip.errors import PackslipError
from packslip.index.finishing import may_be_kept
from packslip.packages.stamps import look_at
from packslip.page_files import PageFiles, remove_when_changed
from packslip.setting_choices import PlacedPages, Read
from packslip.settings import Settings
from packslip.web.context import current_settings

#: The endings of files, one for each form.
JSON, HTML = "json", "html"

_EXTENSION = "packslip_page_files"

log = structlog.get_logger()


class PageFilesError(PackslipError):
    """Files cannot stand for pages with these settings."""


def init_app(app: Flask, settings: Settings) -> None:
    """Look after the files, if there are any."""
    files = app.extensions[_EXTENSION] = PageFiles(settings.pages_folder)
    with app.app_context():
        if files.exist and db.engine.dialect.name == "sqlite":
            remove_when_changed(db.engine, files, (JSON, HTML))


def begin_pages() -> None:
    """Have pages placed from now on, or not, as the settings say.

    Raises:
        PageFilesError: other settings are against it.
    """
    settings = current_settings()
    if settings.page_files is PlacedPages.NONE:
        _files().end()
        return
    if db.engine.dialect.name != "sqlite":
        raise PageFilesError("PACKSLIP_PAGE_FILES needs SQLite: other nodes would not remove them.")
    if settings.read is not Read.PUBLIC:
        raise PageFilesError("PACKSLIP_PAGE_FILES needs PACKSLIP_READ=public: nobody is asked.")
    _files().begin()


def place_page(name: str, bodies: Mapping[str, bytes], stamp: int, response: Response) -> None:
    """Place the page of a package that was read after the stamp, if `response` is for everybody."""
    settings = current_settings()
    if settings.page_files is PlacedPages.NONE or not may_be_kept(response):
        return

    def is_current() -> bool:
        reader = open_reader(db.engine)
        if reader is None:
            return False
        with closing(reader):
            return look_at(reader, name) == stamp

    try:
        _files().place(name, bodies, stamp, is_current)
    except (OSError, sqlite3.Error) as error:
        log.warning("a page cannot be placed", package=name, error=str(error))


def _files() -> PageFiles:
    return cast("PageFiles", current_app.extensions[_EXTENSION])
