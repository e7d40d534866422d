"""An upstream that is down is left alone for a while, by everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.mirror.circuit import asking, is_broken
from packslip.mirror.errors import BrokenUpstreamError, UpstreamAnswerError, UpstreamFailedError
from packslip.mirror.models import MirrorUpstream
from packslip.mirror.upstreams import Upstream

UPSTREAM = Upstream("upstream", "https://packages.example.com/simple/")


def fail(kind: type[UpstreamFailedError] = UpstreamFailedError) -> None:
    with pytest.raises(kind, match="it is down"), asking(UPSTREAM):
        raise kind(UPSTREAM.name, "it is down")


def succeed() -> None:
    with asking(UPSTREAM):
        pass


def row(session: Session) -> MirrorUpstream:
    session.rollback()
    return session.get_one(MirrorUpstream, "upstream")


def wait_out(session: Session) -> None:
    """Let the pause be over."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with write_transaction(session):
        session.execute(update(MirrorUpstream).values(broken_until=past))


def test_after_a_failure_nobody_asks_until_the_pause_is_over(session: Session) -> None:
    assert not is_broken(UPSTREAM)
    fail()
    assert is_broken(UPSTREAM)
    with pytest.raises(BrokenUpstreamError, match="it is down"):
        succeed()
    with asking(Upstream("other", UPSTREAM.url)):
        pass
    wait_out(session)
    succeed()
    succeed()
    assert (row(session).failures, row(session).broken_until) == (0, None)


def test_one_alone_finds_out_whether_it_is_there_again(session: Session) -> None:
    fail()
    wait_out(session)
    with asking(UPSTREAM), pytest.raises(BrokenUpstreamError):
        succeed()
    succeed()


def test_the_pause_grows_with_each_failure_up_to_a_limit(session: Session) -> None:
    pauses = []
    for _ in range(6):
        fail()
        until = row(session).broken_until
        assert until is not None
        pauses.append(round((until - datetime.now(UTC)) / timedelta(seconds=10)))
        wait_out(session)
    assert pauses == [1, 2, 4, 8, 12, 12]


def test_many_that_fail_at_once_count_as_one(session: Session) -> None:
    with pytest.raises(UpstreamFailedError), asking(UPSTREAM):
        fail()
        raise UpstreamFailedError(UPSTREAM.name, "it is down")
    assert row(session).failures == 1


def test_an_answer_of_no_use_breaks_nothing(session: Session) -> None:
    fail(UpstreamAnswerError)
    succeed()
    assert row(session).answered_at is not None
