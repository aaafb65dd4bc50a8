"""MACs, which are written in more than one way."""

import re

_HEX = re.compile(r"[0-9a-f]{12}")


def plain_mac(text: str) -> str:
    """The MAC as what it names: "0C:11-05 32.d2:26" and "0c110532d226" are one. What is none is only lower-cased."""
    digits = re.sub(r"[\s:.\-]", "", text).lower()
    return digits if _HEX.fullmatch(digits) else text.strip().lower()
