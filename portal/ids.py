"""Random public ids for addresses: nothing about the row can be read from them or guessed."""

import secrets

PUBLIC_ID_LENGTH = 22


def new_public_id() -> str:
    """A fresh id of 128 random bits in 22 characters that are safe in an address."""
    return secrets.token_urlsafe(16)
