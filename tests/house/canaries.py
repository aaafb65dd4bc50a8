"""Words that give away where a text came from: whoever finds one where it may not be has found a leak."""

import itertools
import re
from collections.abc import Iterator, Sequence

# Each world writes its word into every text it has. They are letters only, so that no page rewrites them.
HOME = "Marigoldhome"  # The family that is one's own.
OFFICE = (
    "Tallyhomeoffice"  # What only managers and auditors of that family read: its connection, its troubles.
)
EARLIER = "Quillearlier"  # The same family before the grant began.
ELSEWHERE = "Zephyrelsewhere"  # Families, people and connections of others.
# Tokens and digests. The simulator's own secrets begin with CANARY, the numbers of rows with 7350.
VAULT = "Vaultcanary"

_WORDS = {word: word.lower().encode() for word in (HOME, OFFICE, EARLIER, ELSEWHERE)}
_SECRET_WORDS = (VAULT.lower().encode(), b"canary")
_SECRETS = re.compile(rb"vaultcanary|canary[0-9a-f]{8}")
# A number of ten digits by itself: in an attribute, an address, a text.
_NUMBERS = re.compile(rb"(?<![0-9A-Za-z_-])7350\d{6}(?!\d)")


def numbers() -> Iterator[int]:
    """Numbers for rows that are known again wherever they appear."""
    return itertools.count(7_350_000_001)


def words_in(content: bytes) -> set[str]:
    """Whose words stand in an answer, in whatever case."""
    lower = content.lower()
    return {word for word, found in _WORDS.items() if found in lower}


def secrets_in(content: bytes, ours: Sequence[str] = ()) -> set[str]:
    """What stands in an answer and may stand in none: tokens, numbers of rows, and ids of the upstream (``ours``)."""
    lower = content.lower()
    found = {text for text in ours if text.lower().encode() in lower}
    # Nearly all answers hold none of it, and a search for a fixed text is quick.
    if any(word in lower for word in _SECRET_WORDS):
        found |= {match.decode() for match in _SECRETS.findall(lower)}
    if b"7350" in content:
        found |= {match.decode() for match in _NUMBERS.findall(content)}
    return found
