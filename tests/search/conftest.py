"""An index to search in."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session
from tests.helpers.search import add_found


@pytest.fixture
def index(session: Session) -> Session:
    """An index of well-known packages, small enough to say what comes first."""
    add_found(
        session,
        "Flask",
        "A simple framework for building complex web applications.",
        keywords=["wsgi", "web"],
        author="Armin Ronacher",
        description="Flask is a lightweight WSGI web application framework.",
    )
    add_found(session, "Flask-SQLAlchemy", "Add SQLAlchemy support to your Flask application.")
    add_found(session, "Flask-Login", "User authentication and session management for Flask.")
    add_found(
        session,
        "Django",
        "A high-level web framework that encourages rapid development.",
        description="Django comes with an ORM, templates and an admin. It is no flask.",
    )
    add_found(
        session,
        "SQLAlchemy",
        "Database Abstraction Library",
        keywords=["orm", "sql"],
        description="The Python SQL Toolkit and Object Relational Mapper.",
    )
    add_found(session, "requests", "Python HTTP for Humans.", author_email="k@example.com")
    add_found(session, "requests-toolbelt", "A utility belt for advanced users of requests.")
    add_found(session, "httpx", "The next generation HTTP client.", description="Like requests.")
    add_found(
        session,
        "pandas",
        "Powerful data structures for data analysis, time series, and statistics",
    )
    add_found(session, "numpy", "Fundamental package for array computing in Python")
    add_found(session, "datasette", "An open source multi-tool for exploring and publishing data")
    add_found(session, "zope.interface", "Interfaces for Python")
    add_found(session, "PyYAML", "YAML parser and emitter for Python")
    return session
