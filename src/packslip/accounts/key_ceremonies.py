"""What is said to a browser's keys and what they answer (Web Authentication, Level 3).

Import this where it is used: it brings the whole of py_webauthn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from packslip.accounts.challenges import LIFETIME, decode, encode
from packslip.accounts.models import SecurityKey, User
from packslip.accounts.relying_party import RelyingParty

#: Characters of what a browser sends for a key. Real ones have a tenth of it.
MAX_ANSWER = 64 * 1024

_TIMEOUT = int(LIFETIME.total_seconds() * 1000)


class AnswerError(Exception):
    """The answer is faulty, forged, or for somebody else."""


@dataclass(frozen=True)
class NewKey:
    """A key that a browser made. Texts are base64url without padding."""

    credential_id: str
    public_key: str
    sign_count: int
    transports: list[str]


@dataclass(frozen=True)
class Signed:
    """Which key claims to have signed, and whom it belongs to as it says."""

    credential_id: str
    handle: bytes | None
    answer: AuthenticationCredential


def options_to_make(
    party: RelyingParty, user: User, keys: Sequence[SecurityKey], challenge: bytes
) -> str:
    """Options as JSON for a key that is to be made for the user, who has some already."""
    options = generate_registration_options(
        rp_id=party.id,
        rp_name="Packslip",
        user_id=handle_of(user),
        user_name=user.username,
        user_display_name=user.name or user.username,
        challenge=challenge,
        timeout=_TIMEOUT,
        exclude_credentials=_descriptors(keys),
        authenticator_selection=AuthenticatorSelectionCriteria(
            # Where the key can, it also serves without name and password.
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
    )
    return options_to_json(options)


def options_to_sign(
    party: RelyingParty, keys: Sequence[SecurityKey], challenge: bytes, *, alone: bool
) -> str:
    """Options as JSON for one of the keys; with `alone` for any passkey that knows its holder."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT,
        allow_credentials=_descriptors(keys),
        # After the password it is enough to have the key.
        user_verification=(
            UserVerificationRequirement.REQUIRED
            if alone
            else UserVerificationRequirement.DISCOURAGED
        ),
    )
    return options_to_json(options)


def read_new_key(party: RelyingParty, answer: str, challenge: bytes) -> NewKey:
    """The key that the browser made.

    Raises:
        AnswerError: it is not for this challenge and index, or not well-formed.
    """
    _limit(answer)
    try:
        parsed = parse_registration_credential_json(answer)
        made = verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
        )
    # Hostile input makes the parsers raise whatever they may, RecursionError included.
    except Exception as error:
        raise AnswerError from error
    return NewKey(
        credential_id=encode(made.credential_id),
        public_key=encode(made.credential_public_key),
        sign_count=made.sign_count,
        transports=sorted({transport.value for transport in parsed.response.transports or []}),
    )


def read_signed(answer: str) -> Signed:
    """The answer of a key, not yet verified.

    Raises:
        AnswerError: it cannot be read.
    """
    _limit(answer)
    try:
        parsed = parse_authentication_credential_json(answer)
    except Exception as error:
        raise AnswerError from error
    return Signed(encode(parsed.raw_id), parsed.response.user_handle, parsed)


def verify_signed(
    party: RelyingParty, signed: Signed, key: SecurityKey, challenge: bytes, *, alone: bool
) -> int:
    """How often the key says that it has signed, once its signature was found right.

    With `alone` the key must have made sure of its holder.

    Raises:
        AnswerError: it did not sign this challenge for this index.
    """
    try:
        verified = verify_authentication_response(
            credential=signed.answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=decode(key.public_key),
            # The count is compared where it is written down.
            credential_current_sign_count=0,
            require_user_verification=alone,
        )
    except Exception as error:
        raise AnswerError from error
    return verified.new_sign_count


def handle_of(user: User) -> bytes:
    """What keys remember the user by. They show it to whoever holds them, so it tells nothing."""
    return user.id.to_bytes(8, "big")


def _limit(answer: str) -> None:
    if len(answer) > MAX_ANSWER:
        raise AnswerError


def _descriptors(keys: Sequence[SecurityKey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=decode(key.credential_id),
            transports=[AuthenticatorTransport(name) for name in key.transports or []] or None,
        )
        for key in keys
    ]
