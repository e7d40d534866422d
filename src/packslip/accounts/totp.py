"""Codes that change every half minute (TOTP, RFC 6238), and how a device learns the secret.

SHA-1, six digits and 30 seconds are what every authenticator can do; many ignore other wishes.
"""

from __future__ import annotations

import hmac
from datetime import datetime

#: Seconds for which a code stands.
STEP = 30

#: By how many steps the clock of a device may be off, either way.
DRIFT = 1


def new_secret() -> str:
    """A new secret of 160 bits, in base 32."""
    import pyotp  # noqa: PLC0415 - start-up time

    return pyotp.random_base32()


def matching_step(secret: str, code: str, at: datetime, *, after: int | None) -> int | None:
    """The time step whose code this is, if it is near `at` and later than the step `after`."""
    import pyotp  # noqa: PLC0415 - start-up time

    # People put a space in the middle, as authenticators show it.
    code = "".join(code[:40].split())
    if not (code.isascii() and code.isdigit()):
        return None
    totp = pyotp.TOTP(secret, interval=STEP)
    now = int(at.timestamp()) // STEP
    for step in range(now - DRIFT, now + DRIFT + 1):
        if after is not None and step <= after:
            continue
        if hmac.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def enrolment_address(secret: str, username: str, host: str) -> str:
    """The `otpauth:` address that gives the secret to an authenticator on the same device.

    The host tells this index from others that the user has an account on.
    """
    import pyotp  # noqa: PLC0415 - start-up time

    return pyotp.TOTP(secret, interval=STEP).provisioning_uri(
        name=username, issuer_name=f"Packslip {host}"
    )


def qr_code(address: str) -> str:
    """A picture of the address to scan: an SVG on white ground, as a `data:` address."""
    import segno  # noqa: PLC0415 - start-up time

    code = segno.make(address, error="m", micro=False)
    picture: str = code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    return picture
