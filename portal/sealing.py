"""What is kept secret in the database: AES-256-GCM, bound to where it stands.

The keys stand in ENCRYPTION_KEYS_FILE; a value names the one it was sealed with. What a value is bound to is part
of what is authenticated: moved elsewhere, it opens no more.
"""

import base64
import os
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from portal.keys import KeyMissing, KeyRing

NONCE_BYTES = 12
VERSION = b"\x01"
# What a sealed text begins with: nobody takes one for plain text, nor plain text for one.
MARK = "sealed:"

key_ring = KeyRing(settings.ENCRYPTION_KEYS_FILE)


class Unreadable(Exception):
    """A sealed value that was moved, changed, or sealed with a key that is gone. Nothing can be done with it."""


def seal(text: str, bound: bytes) -> bytes:
    """The ciphertext of ``text``, made with the newest key: version, length of the key id, key id, nonce, sealed."""
    key_id, key = key_ring.newest()
    nonce = os.urandom(NONCE_BYTES)
    name = key_id.encode()
    return VERSION + bytes([len(name)]) + name + nonce + AESGCM(key).encrypt(nonce, text.encode(), bound)


def unseal(value: bytes, bound: bytes) -> str:
    """The text of a sealed value; raises Unreadable, also where it was bound to something else."""
    end = 2 + value[1] if len(value) > 1 else 2
    key_id, nonce, sealed = value[2:end], value[end : end + NONCE_BYTES], value[end + NONCE_BYTES :]
    try:
        if value[:1] != VERSION:
            raise ValueError("not a sealed value of a known version")
        return AESGCM(key_ring.get(key_id.decode())).decrypt(nonce, sealed, bound).decode()
    except (KeyMissing, InvalidTag, ValueError) as error:
        raise Unreadable("a sealed value cannot be opened") from error


def key_id_of(value: bytes) -> str:
    """The id of the key that a value is sealed with. Opens nothing."""
    return value[2 : 2 + value[1]].decode("ascii", "replace") if len(value) > 1 else ""


def seal_text(text: str, bound: str) -> str:
    """``text`` sealed as text, for columns that are not ours and for values within JSON.

    ``bound`` says whose it is and what it is ("second-factor:17"): whoever reads it must say the same. It stands
    in the result, so that `rotate_keys` can seal it anew without knowing where it belongs.
    """
    sealed = base64.urlsafe_b64encode(seal(text, bound.encode())).decode()
    return f"{MARK}{quote(bound, safe='')}:{sealed}"


def unseal_text(sealed: str, bound: str) -> str:
    """The text that was sealed for ``bound``; raises Unreadable, also where it was sealed for something else."""
    return unseal(_bytes_of(sealed), bound.encode())


def reseal_text(sealed: str) -> str:
    """The same, sealed with the newest key for what it was sealed for; raises Unreadable."""
    bound = unquote(sealed.removeprefix(MARK).partition(":")[0])
    return seal_text(unseal_text(sealed, bound), bound)


def text_key_id(sealed: str) -> str:
    """The id of the key that a text is sealed with; raises Unreadable for what is no sealed text."""
    return key_id_of(_bytes_of(sealed))


def _bytes_of(sealed: str) -> bytes:
    encoded = sealed.rpartition(":")[2]
    try:
        if not sealed.startswith(MARK):
            raise ValueError("not a sealed text")
        return base64.b64decode(encoded, altchars=b"-_", validate=True)
    except ValueError as error:
        raise Unreadable("a sealed text cannot be opened") from error
