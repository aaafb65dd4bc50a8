"""Text from outside made fit to be stored and shown."""

import re

_UNFIT = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with NUL and lone surrogates turned to U+FFFD: neither can be stored in PostgreSQL."""
    return _UNFIT.sub("\ufffd", text)
