"""Everything that looks random is derived from the seed, so that two runs answer alike."""

import hashlib
import random

CANARY = "CANARY"


def hexes(seed: object, *words: object, length: int = 32) -> str:
    """Lower-case hexadecimal digits that depend on the seed and the words alone; at most 128."""
    text = "\x1f".join(str(word) for word in (seed, *words))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def digits(seed: object, *words: object, length: int = 8) -> str:
    """Decimal digits, the leading ones possibly zero."""
    return str(int(hexes(seed, *words), 16))[-length:]


def secret(seed: object, *words: object, length: int = 24) -> str:
    """A secret that can be recognised wherever it leaks to: it begins with the word CANARY."""
    return CANARY + hexes(seed, "secret", *words, length=length)


def pick(seed: object, *words: object, count: int) -> int:
    """A number from 0 to ``count`` - 1."""
    return int(hexes(seed, *words, length=12), 16) % count


def dice(seed: object, *words: object) -> random.Random:
    """A random generator of its own, seeded by the words."""
    return random.Random(hexes(seed, *words))
