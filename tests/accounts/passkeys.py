"""A passkey in software: makes and answers what a browser would, with a real key."""

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestedCredentialData, AuthenticatorData

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class SoftPasskey:
    """One passkey on one device, which asks for a fingerprint (``is_verified``) or only for a touch."""

    def __init__(self, *, is_verified: bool = True, origin: str = "https://testserver") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.flags = PRESENT | (VERIFIED if is_verified else 0)
        self.origin = origin
        self.user_handle = b""
        self.count = 0

    def create(self, options: Any) -> str:
        """What the device answers to creation options, as the page's script sends it."""
        asked = options["publicKey"]
        self.user_handle = _bytes(asked["user"]["id"])
        self.rp_id = asked["rp"]["id"]
        public = ES256.from_cryptography_key(self.key.public_key())
        attested = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        data = AuthenticatorData.create(_hash(self.rp_id), self.flags | ATTESTED, 0, attested)
        return json.dumps(
            {
                **self._named(),
                "clientExtensionResults": {"credProps": {"rk": True}},
                "response": {
                    "clientDataJSON": websafe_encode(self._client("webauthn.create", asked)),
                    "attestationObject": websafe_encode(
                        cbor.encode({"fmt": "none", "attStmt": {}, "authData": bytes(data)})
                    ),
                },
            }
        )

    def get(self, options: Any) -> str:
        """What the device answers when it is asked who is there."""
        asked = options["publicKey"]
        self.count += 1
        data = bytes(AuthenticatorData.create(_hash(asked["rpId"]), self.flags, self.count))
        client = self._client("webauthn.get", asked)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return json.dumps(
            {
                **self._named(),
                "clientExtensionResults": {},
                "response": {
                    "clientDataJSON": websafe_encode(client),
                    "authenticatorData": websafe_encode(data),
                    "signature": websafe_encode(signature),
                    "userHandle": websafe_encode(self.user_handle),
                },
            }
        )

    def _named(self) -> dict[str, str]:
        name = websafe_encode(self.id)
        return {"type": "public-key", "id": name, "rawId": name}

    def _client(self, kind: str, asked: Any) -> bytes:
        challenge = asked["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()


def _bytes(text: str) -> bytes:
    from fido2.utils import websafe_decode

    return websafe_decode(text)


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
