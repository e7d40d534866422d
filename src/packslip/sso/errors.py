"""What can go wrong between this index and the provider. People read the same text each time."""

from __future__ import annotations

from packslip.errors import NotAllowedError, UnavailableError


class ProviderUnavailableError(UnavailableError):
    """The provider does not answer, or not as it should; `cause` is for the log alone."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name} cannot be reached at the moment. Try again later.")
        self.cause = cause


class RefusedAnswerError(NotAllowedError):
    """What came back from the provider proves nothing; `cause` is for the log alone."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"The log-in through {name} failed. Try again from this page.")
        self.cause = cause


class NoAccountError(NotAllowedError):
    """No account can be used with this identity; it says the same for every reason."""

    def __init__(self, name: str, whom_to_ask: str, cause: str) -> None:
        super().__init__(
            f"{name} knows you, but no account here can be used with that. If you have one, log in"
            f" with its password and link it on your account pages; else ask {whom_to_ask}."
        )
        self.cause = cause
