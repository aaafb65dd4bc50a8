"""Finds families, members and whatever else has a ``search_text`` by what somebody types."""

import unicodedata

from django.db.models import Q

from families.models import Member
from portal.text import searchable
from portal.upstream.text import clean

# Whoever types more words than a long name has is not looking for one.
MOST_WORDS = 8
# From here on a word is looked for anywhere in a name; shorter ones only where a word begins.
ANYWHERE_LENGTH = 3
_WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")


def families_matching(text: str) -> Q:
    """Families whose name, or one of whose members' names and addresses, has every word of ``text``.

    Case and accents do not count. Members who are gone do not count either. An empty text matches all.
    """
    words = _words(text)
    if not words:
        return Q()
    members = Member.objects.filter(_has_all(words), gone_at=None)
    return _has_all(words) | Q(pk__in=members.values("family_id"))


def names_matching(text: str) -> Q:
    """Rows whose ``search_text`` has every word of ``text``; an empty text matches none.

    One and two letters match where a word begins ("Li"), three and more anywhere; case and accents do not count.
    """
    words = _words(text)
    return _has_all(words) if words else Q(pk__in=[])


def _words(text: str) -> list[str]:
    return searchable(clean(text)).split()[:MOST_WORDS]


def _has_all(words: list[str]) -> Q:
    found = Q()
    for word in words:
        if len(word) >= ANYWHERE_LENGTH or _is_written_without_spaces(word):
            found &= Q(search_text__contains=word)
        else:
            found &= Q(search_text__startswith=word) | Q(search_text__contains=f" {word}")
    phrase = " ".join(words)
    if len(words) > 1 and len(phrase) >= ANYWHERE_LENGTH:
        # What stands there just so is found, also where a short word begins none.
        found |= Q(search_text__contains=phrase)
    return found


def _is_written_without_spaces(word: str) -> bool:
    """Whether a single sign of it may be a word of its own, as 李 is."""
    return unicodedata.name(word[0], "").startswith(_WITHOUT_SPACES)
