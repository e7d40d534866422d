"""Why something cannot be had from upstream."""

from __future__ import annotations

from packslip.errors import BadGatewayError, GatewayTimeoutError


class UpstreamFailedError(BadGatewayError):
    """An upstream could not be reached, or gave an answer that cannot be used."""

    def __init__(self, upstream: str, problem: str) -> None:
        super().__init__(f"The mirror could not get this from {upstream!r}: {problem}.")
        self.upstream = upstream
        self.problem = problem


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
