"""Random public ids for addresses: nothing about the row can be read from them or guessed."""

import base64
import binascii
import hashlib
import secrets
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from django.conf import settings

PUBLIC_ID_LENGTH = 22
_CHECK = bytes(8)


def new_public_id() -> str:
    """A fresh id of 128 random bits in 22 characters that are safe in an address."""
    return secrets.token_urlsafe(16)


def hidden_id(number: int, purpose: str) -> str:
    """A row's number as 22 characters that look random, for tables too large for an id column of their own.

    The same number and purpose give the same text, until the secret key changes.
    """
    # One block and never two: the case in which a block cipher by itself hides everything but equality.
    block = _cipher(purpose).encryptor().update(number.to_bytes(8, "big") + _CHECK)
    return base64.urlsafe_b64encode(block).decode().rstrip("=")


def find_hidden(text: str, purpose: str) -> int | None:
    """The number that ``hidden_id`` hid, or None for anything it did not make."""
    try:
        block = base64.b64decode(text + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(block) != 16:
        return None
    plain = _cipher(purpose).decryptor().update(block)
    if not secrets.compare_digest(plain[8:], _CHECK):
        return None
    number = int.from_bytes(plain[:8], "big")
    # The last sign has bits to spare: only one way to write an id is ours.
    return number if number < 2**63 and hidden_id(number, purpose) == text else None


@lru_cache(maxsize=16)
def _cipher(purpose: str) -> Cipher[ECB]:
    key = hashlib.sha256(f"hidden id|{purpose}|{settings.SECRET_KEY}".encode()).digest()
    return Cipher(AES(key), ECB())  # noqa: S305 (see hidden_id)
