"""An admin at work."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from tests.helpers.admins import Desk, make_desk


@pytest.fixture
def desk(app: Flask, session: Session) -> Desk:
    return make_desk(app, session)
