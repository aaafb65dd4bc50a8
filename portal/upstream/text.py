"""Text from outside made fit to be stored and shown."""

import re

_UNFIT = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with NUL and lone surrogates turned to U+FFFD: neither can be stored in PostgreSQL."""
    return _UNFIT.sub("\ufffd", text)


def without_userinfo(address: str) -> str:
    """The address without the user and password in it.

    Everything up to the last "@" goes: a password may itself hold "@" or "/", and losing a piece
    of an odd path is better than showing a piece of a password.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address.rpartition("@")[2]
    return scheme + separator + rest.rpartition("@")[2]
