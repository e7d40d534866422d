"""What the logs say, and what they never say."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from packslip.logs import configure_logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    configure_logs()


def log_a_failure(secret: str) -> None:
    try:
        raise RuntimeError("it broke")
    except RuntimeError as error:
        structlog.get_logger().error("unhandled error", exc_info=error, path="/simple/")


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_a_traceback_shows_no_values_of_variables(kind: type[io.StringIO]) -> None:
    stream = kind()
    configure_logs(stream)
    log_a_failure("correct horse battery staple")
    text = stream.getvalue()
    assert "it broke" in text
    assert "log_a_failure" in text
    assert "correct horse" not in text


def test_off_a_terminal_each_entry_is_one_line_of_json() -> None:
    stream = io.StringIO()
    configure_logs(stream)
    log_a_failure("x")
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert entry["event"] == "unhandled error"
    assert entry["level"] == "error"
    assert entry["path"] == "/simple/"
    assert entry["timestamp"].endswith("Z")


def test_entries_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    structlog.get_logger().warning("something")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "something" in captured.err
