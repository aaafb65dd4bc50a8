"""Keyed digests of what is too short to be told by a plain one: whoever has the database cannot try them out.

Design decision: their keys are derived from those in ENCRYPTION_KEYS_FILE, one from each, and known by its id. A
fingerprint says nothing about the key that seals, there is no further file to lose, and `rotate_keys` renews both:
what is under an old key is told anew when it is seen again, and an old key stays as long as something is under it.
"""

import hmac
import json

from portal.keys import KeyMissing
from portal.sealing import key_ring

# Cut to 128 bits: enough that no two of an estate's passes are ever taken for one.
SIZE = 16
_LABEL = b"gatehouse fingerprints 1"


def newest_key_id() -> str:
    """The id of the key that new fingerprints are made with."""
    return key_ring.newest()[0]


def fingerprint(*words: str, key_id: str = "") -> str:
    """The fingerprint of these words, in this order; made with the newest key unless told another.

    Raises KeyMissing where that key is no more.
    """
    key_id, key = (key_id, key_ring.get(key_id)) if key_id else key_ring.newest()
    text = json.dumps(words, separators=(",", ":")).encode()
    return f"{key_id}:{hmac.digest(_derived(key), text, 'sha256')[:SIZE].hex()}"


def fingerprints(*words: str, key_ids: set[str]) -> set[str]:
    """The same under each of these keys that is still there."""
    found = set()
    for key_id in key_ids:
        try:
            found.add(fingerprint(*words, key_id=key_id))
        except KeyMissing:
            continue
    return found


def key_id_of(text: str) -> str:
    """The id of the key that a fingerprint was made with."""
    return text.partition(":")[0]


def digest_key() -> bytes:
    """The key for digests of whole answers: changed with every rotation, so that every answer is read anew."""
    return _derived(key_ring.newest()[1])


def _derived(key: bytes) -> bytes:
    return hmac.digest(key, _LABEL, "sha256")
