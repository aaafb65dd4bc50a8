"""MACs, which are written in more than one way: with colons, dashes, dots or spaces, or nothing between their digits."""

import re

from portal.text import searchable

_BETWEEN = re.compile(r"[:.\-\s]+")
_DIGITS = re.compile(r"[0-9a-f]+")


def plain_mac(text: str) -> str:
    """The MAC, or a part of one, as what it names: "0C:11-05 32.d2:26" and "0c110532d226" are one.

    What is none is only made comparable, as names are.
    """
    plain = searchable(text)
    digits = _BETWEEN.sub("", plain)
    return digits if _DIGITS.fullmatch(digits) else plain


def device_text(name: str, mac: str) -> str:
    """What a device is found by: its name and its MAC, the latter in one spelling."""
    return searchable(name, plain_mac(mac))


def spelt_as_macs(text: str) -> list[str]:
    """The other ways to read what somebody types, where it, or a word of it, may be a MAC with signs between its digits."""
    typed = searchable(text)
    ways = [plain_mac(typed), " ".join(plain_mac(word) for word in typed.split())]
    return [way for way in dict.fromkeys(ways) if way != typed]
