"""Bringing bytes from an upstream that does as it likes."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.helpers.mirroring import WHEEL, FileUpstream, Manner, file_upstream

from packslip.mirror import transfer
from packslip.mirror.client import UpstreamClient
from packslip.mirror.digests import Expected
from packslip.mirror.file_queries import Wanted
from packslip.mirror.parts import PartFile
from packslip.mirror.transfer import BrokenOffError, Transfer, VanishedError, WrongBytesError
from packslip.mirror.upstreams import Upstream

DATA = random.Random(7).randbytes(400_000)
OTHER = random.Random(8).randbytes(400_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "asking", lambda upstream: contextlib.nullcontext())
    monkeypatch.setattr(transfer, "PAUSE", 0.01)


@pytest.fixture
def upstream() -> Iterator[FileUpstream]:
    with file_upstream() as found:
        yield found


@pytest.fixture
def part(tmp_path: Path) -> Iterator[PartFile]:
    with PartFile(tmp_path / "one.part") as found:
        assert found.lock()
        yield found


def fetch(upstream: FileUpstream, part: PartFile, expected: Expected | None = None) -> Transfer:
    """A transfer of the one file, that ran to its end."""
    wanted = Wanted(
        file_id=1,
        package_id="demo",
        version="1.0",
        filename=WHEEL,
        url=f"{upstream.url}/{WHEEL}",
        upstream="upstream",
        expected=expected or Expected(len(DATA), ("sha256", SHA256)),
        sha256=None,
        storage_key=None,
        metadata_sha256=None,
        metadata_offered=None,
        metadata_kept=False,
        refused=None,
        retry_at=None,
    )
    made = Transfer(
        UpstreamClient("packslip/tests"),
        Upstream("upstream", f"{upstream.url}/simple/", read_timeout=0.5),
        wanted,
        part,
        tell=lambda: None,
        stopping=threading.Event(),
    )
    assert made.run().sha256 == hashlib.sha256(content(part)).hexdigest()
    return made


def content(part: PartFile) -> bytes:
    return b"".join(part.read(0, part.size, 65536))


def ranges(upstream: FileUpstream) -> list[str | None]:
    return [told for _, told in upstream.requests]


def test_a_connection_that_is_cut_is_taken_up_where_it_broke(
    upstream: FileUpstream, part: PartFile
) -> None:
    upstream.add(DATA, WHEEL, Manner(cut_after=150_000), Manner(cut_after=100_000), Manner())
    fetch(upstream, part)
    assert content(part) == DATA
    assert ranges(upstream) == [None, "bytes=150000-", "bytes=250000-"]


def test_an_upstream_without_ranges_sends_again_what_is_there_and_nobody_notices(
    upstream: FileUpstream, part: PartFile
) -> None:
    upstream.add(DATA, WHEEL, Manner(cut_after=150_000), Manner(ranges=False))
    assert fetch(upstream, part).head.turn == 0
    assert content(part) == DATA


def test_what_changes_upstream_between_two_answers_is_not_patched_together(
    upstream: FileUpstream, part: PartFile
) -> None:
    upstream.add(DATA, WHEEL, Manner(cut_after=150_000, data=OTHER), Manner())
    assert fetch(upstream, part).head.turn == 1
    assert content(part) == DATA
    # The range was asked for on condition, so the second answer was whole.
    assert ranges(upstream) == [None, "bytes=150000-"]


def test_damage_in_what_an_earlier_process_left_is_mended(
    upstream: FileUpstream, part: PartFile
) -> None:
    upstream.add(DATA)
    part.write_head(part.head())
    part.append(OTHER[:100_000])
    fetch(upstream, part)
    assert content(part) == DATA


def test_a_fetch_that_died_at_its_very_end_asks_for_nothing(
    upstream: FileUpstream, part: PartFile
) -> None:
    upstream.add(DATA)
    fetch(upstream, part)
    fetch(upstream, part)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    ("manner", "expected", "fault"),
    [
        (Manner(data=OTHER), Expected(len(DATA), ("sha256", SHA256)), "its sha256 is"),
        (Manner(data=OTHER), Expected(None, ("md5", "0" * 32)), "its md5 is"),
        (Manner(), Expected(len(DATA) + 1, None), "it has 400000 bytes instead of 400001"),
        (Manner(length=False), Expected(300_000, None), "more than 300000 bytes came"),
    ],
)
def test_wrong_bytes_are_wrong_at_once(
    upstream: FileUpstream, part: PartFile, manner: Manner, expected: Expected, fault: str
) -> None:
    upstream.add(DATA, WHEEL, manner)
    with pytest.raises(WrongBytesError) as refused:
        fetch(upstream, part, expected)
    assert fault in refused.value.reason
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("manner", [Manner(cut_after=0), Manner(cut_after=0, ranges=False)])
def test_an_upstream_that_breaks_off_without_end_is_left(
    upstream: FileUpstream, part: PartFile, manner: Manner
) -> None:
    upstream.add(DATA, WHEEL, Manner(cut_after=100_000), manner)
    with pytest.raises(BrokenOffError):
        fetch(upstream, part)
    assert len(upstream.requests) == 4


def test_silence_in_the_middle_is_a_break(upstream: FileUpstream, part: PartFile) -> None:
    upstream.add(DATA, WHEEL, Manner(wait_after=100_000), Manner())
    fetch(upstream, part)
    assert content(part) == DATA
    assert len(upstream.requests) == 2


def test_what_upstream_does_not_have_is_gone(upstream: FileUpstream, part: PartFile) -> None:
    with pytest.raises(VanishedError):
        fetch(upstream, part)
