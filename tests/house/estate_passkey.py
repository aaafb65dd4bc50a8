"""A passkey as a browser would have made it, whose private key nobody kept."""

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

# The key was shown by a person who was there.
FLAGS = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.AT


def passkey(credential_id: bytes, name: str) -> dict[str, Any]:
    """What allauth keeps of a passkey."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    credential = AttestedCredentialData.create(
        Aaguid(bytes(16)), credential_id, ES256.from_cryptography_key(public)
    )
    shown = AuthenticatorData.create(hashlib.sha256(b"localhost").digest(), FLAGS, 0, credential)
    client = {"type": "webauthn.create", "challenge": "AA", "origin": "http://localhost"}
    return {
        "name": name,
        "credential": {
            "id": websafe_encode(credential_id),
            "rawId": websafe_encode(credential_id),
            "type": "public-key",
            "response": {
                "clientDataJSON": websafe_encode(json.dumps(client).encode()),
                "attestationObject": websafe_encode(bytes(AttestationObject.create("none", shown, {}))),
            },
        },
    }
