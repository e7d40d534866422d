"""When a token was used last, from where and with which tool."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from packslip.accounts.models import Token
from packslip.db import write_transaction
from packslip.errors import UnavailableError
from packslip.web.user_agents import first_product

#: How old `last_used_at` must be before another use is written down.
USE_PRECISION = timedelta(minutes=10)

#: The same for a use from another address or with another tool.
CHANGE_PRECISION = timedelta(minutes=1)

#: Lengths of the columns.
_MAX_ADDRESS = 45
_MAX_TOOL = 100

log = structlog.get_logger(__name__)


def note_use(session: Session, token: Token, address: str | None, user_agent: str) -> None:
    """Write down that the token is in use, unless that was done a short while ago.

    Call it within a write transaction.
    """
    if _is_news(token, address, user_agent):
        token.last_used_at = datetime.now(UTC)
        token.last_used_ip = _address(address)
        token.last_used_with = tool_of(user_agent)
        session.flush()


def note_reading(session: Session, token: Token, address: str | None, user_agent: str) -> bool:
    """The same for a request that only reads: in a transaction of its own, if there is one at once.

    A read neither waits for a writer nor fails because nothing can be written. It gives whether it
    began a transaction: whatever was read before must then be read again.
    """
    if not _is_news(token, address, user_agent):
        return False
    locked = select(Token).where(Token.id == token.id).with_for_update()
    try:
        with write_transaction(session, wait=False) as transaction:
            found = transaction.scalar(locked)
            if found is not None:
                note_use(transaction, found, address, user_agent)
    except UnavailableError:
        # Somebody else writes; the next request will tell.
        pass
    except SQLAlchemyError as error:
        log.warning("a token's last use was not written down", error=str(error))
    return True


def tool_of(user_agent: str) -> str | None:
    """The tool as its `User-Agent` begins (`twine/6.2.0`), as far as there is room for it."""
    product = first_product(user_agent)
    if product is None:
        return None
    return "".join(c for c in str(product) if c.isprintable())[:_MAX_TOOL] or None


def _is_news(token: Token, address: str | None, user_agent: str) -> bool:
    if token.last_used_at is None:
        return True
    known = (token.last_used_ip, token.last_used_with)
    changed = known != (_address(address), tool_of(user_agent))
    age = datetime.now(UTC) - token.last_used_at
    return age >= (CHANGE_PRECISION if changed else USE_PRECISION)


def _address(address: str | None) -> str | None:
    return None if address is None else address[:_MAX_ADDRESS]
