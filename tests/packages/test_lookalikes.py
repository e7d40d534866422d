from __future__ import annotations

from sqlalchemy.orm import Session
from tests.helpers.packages import add_package

from packslip.db import write_transaction
from packslip.packages.lookalikes import lookalikes
from packslip.packages.search_index import index_packages


def test_names_are_found_that_are_easily_taken_for_another(session: Session) -> None:
    names = ["lib-tool", "flask-login", "demo", "zope.oil"]
    for name in names:
        add_package(session, name)
    with write_transaction(session):
        index_packages(session, [name.replace(".", "-") for name in names])
    for spelled, expected in {
        "1ibt00l": ["lib-tool"],
        "LIB.TOOL": [],
        "libtools": ["lib-tool"],
        "flask-logln": ["flask-login"],
        "flasklogin": ["flask-login"],
        "z0pe-0i1": ["zope-oil"],
        "demonstration": [],
        "%": [],
    }.items():
        assert lookalikes(session, spelled) == expected, spelled
