"""Text made comparable for searching."""

import unicodedata

# Long enough for any name; an index on a longer text could refuse the row.
SEARCHABLE_LENGTH = 300


def searchable(*texts: str) -> str:
    """The texts as one line without case, accents or compatibility forms ("Núñez" → "nunez").

    Cut to SEARCHABLE_LENGTH. Both what is stored and what is asked for pass through here, so that they meet.
    """
    decomposed = unicodedata.normalize("NFKD", " ".join(texts).casefold())
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(plain.split())[:SEARCHABLE_LENGTH]
