from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from packslip.packages.digests import Digester, Digests, digests_of


def test_all_digests_are_those_of_the_whole() -> None:
    digester = Digester()
    for piece in (b"some", b"", b" bytes"):
        digester.update(piece)
    assert digester.digests() == Digests(
        sha256=hashlib.sha256(b"some bytes").hexdigest(),
        md5=hashlib.md5(b"some bytes").hexdigest(),
        blake2_256=hashlib.blake2b(b"some bytes", digest_size=32).hexdigest(),
    )


def test_a_file_has_the_digests_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"bytes" * 100_000)
    assert digests_of(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("sha256", "blake2_256", "md5", "agree"),
    [
        ("s", "b", "m", True),
        ("s", None, "other", True),
        (None, "b", "other", True),
        (None, None, "m", True),
        ("other", "b", "m", False),
        ("s", "other", "m", False),
        (None, None, "other", False),
        (None, None, None, False),
    ],
)
def test_what_is_known_of_a_file_decides_whether_it_is_the_same(
    sha256: str | None, blake2_256: str | None, md5: str | None, agree: bool
) -> None:
    digests = Digests(sha256="s", md5="m", blake2_256="b")
    assert digests.agree_with(sha256=sha256, blake2_256=blake2_256, md5=md5) is agree
