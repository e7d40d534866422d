"""A security key that Chromium plays, driven over its debugging protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page


@dataclass(frozen=True)
class VirtualKey:
    """An authenticator of one page."""

    cdp: CDPSession
    id: str

    def credentials(self) -> list[dict[str, Any]]:
        found = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        credentials: list[dict[str, Any]] = found["credentials"]
        return credentials

    def set_back(self) -> None:
        """Be a copy of the key that was made before it signed for the last time."""
        for credential in self.credentials():
            older = {**credential, "signCount": credential["signCount"] - 1}
            self.cdp.send(
                "WebAuthn.removeCredential",
                {"authenticatorId": self.id, "credentialId": credential["credentialId"]},
            )
            self.cdp.send(
                "WebAuthn.addCredential", {"authenticatorId": self.id, "credential": older}
            )

    def verify_user(self, verified: bool) -> None:
        """Know its holder from now on, as by a fingerprint, or not."""
        self.cdp.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verified}
        )


def add_virtual_key(page: Page) -> VirtualKey:
    """Give the page's browser a key that knows its holder and is always touched at once."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    added = cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return VirtualKey(cdp, added["authenticatorId"])
