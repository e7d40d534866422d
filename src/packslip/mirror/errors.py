"""Why something cannot be had from upstream."""

from __future__ import annotations

from packslip.errors import BadGatewayError, GatewayTimeoutError


class UpstreamFailedError(BadGatewayError):
    """An upstream could not be reached, or gave an answer that cannot be used.

    `retry_after` is the number of seconds after which it may answer, None when that is not likely.
    """

    def __init__(self, upstream: str, problem: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"The mirror could not get this from {upstream!r}: {problem}.")
        self.upstream = upstream
        self.problem = problem
        self.retry_after = retry_after


class UpstreamAnswerError(UpstreamFailedError):
    """An upstream answers, but not what was asked for; others may be answered well."""


class BrokenUpstreamError(UpstreamFailedError):
    """An upstream failed a moment ago and is not asked again yet."""


class UpstreamSlowError(GatewayTimeoutError):
    """An upstream did not answer in time."""

    def __init__(self, upstream: str, seconds: float) -> None:
        self.upstream = upstream
        self.problem = f"no answer within {seconds:.0f} s"
        super().__init__(f"The mirror could not get this from {upstream!r}: {self.problem}.")


class KnownFailureError(BadGatewayError):
    """An upstream failed a moment ago, for somebody else, and is not asked again yet."""

    def __init__(self, failure: str) -> None:
        super().__init__(failure)
        self.failure = failure
