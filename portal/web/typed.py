"""What people type: one name, one e-mail address, one time zone, and what is said when it is none."""

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext

from portal.web.zones import find_zone, zones_like

LONGEST_NAME = 100
EMAIL_LENGTH = 254
# Control and format signs (zero-width ones and those that turn the direction), separators of lines.
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}
# Letters and marks by their category, and yet nothing is seen of them.
_HIDDEN_SIGNS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_CONTROL_NAMES = {"\0": "NULL", "\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN"}


def one_name(typed: str, longest: int = LONGEST_NAME) -> str:
    """The name in one line, without spaces around it and every space a plain one; raises ValidationError."""
    name = unicodedata.normalize("NFC", typed).strip()
    if not name:
        raise ValidationError(gettext("A name of spaces alone cannot be read. Type at least one letter."))
    check_visible(name)
    name = " ".join(name.split())
    if len(name) > longest:
        raise ValidationError(
            gettext("A name has at most %(limit)d characters; this one has %(count)s.")
            % {"limit": longest, "count": f"{len(name):,}"}
        )
    if not name.isprintable():
        raise ValidationError(gettext("There is a sign in it that cannot be shown. Take it out."))
    return name


def one_zone(typed: str) -> str:
    """The time zone as it is written, however it was typed; raises ValidationError."""
    found = find_zone(typed)
    if found is not None:
        return found
    meant = zones_like(typed)
    if meant:
        words = gettext("There is no time zone of that name. Is it %(names)s?")
        raise ValidationError(words % {"names": gettext(" or ").join(meant)})
    raise ValidationError(gettext("There is no time zone of that name. They are named like Europe/Lisbon."))


def one_address(typed: str) -> str:
    """The one e-mail address in what was typed, without spaces around it; raises ValidationError."""
    if "\n" in typed.strip("\r\n") or "\r" in typed.strip("\r\n"):
        raise ValidationError(gettext("One address, on one line."))
    if typed != typed.strip("\r\n"):
        raise ValidationError(gettext("The address has a line break at its end. Type it without."))
    email = typed.strip()
    check_visible(email)
    check_own_letters(email)
    if email.count("@") > 1 or any(sign in email for sign in ",; \t"):
        raise ValidationError(gettext("Type one address: one @, and no spaces or commas."))
    if len(email) > EMAIL_LENGTH:
        raise ValidationError(
            gettext("An address has at most %(limit)d characters; this one has %(count)s.")
            % {"limit": EMAIL_LENGTH, "count": f"{len(email):,}"}
        )
    EmailValidator(gettext("That is no e-mail address. One looks like anna@example.org."))(email)
    return str(email)


def check_visible(text: str) -> None:
    """Nothing, if every sign of the text can be seen; else raises ValidationError naming the first that cannot."""
    for sign in text:
        if unicodedata.category(sign) in _HIDDEN_CATEGORIES or sign in _HIDDEN_SIGNS:
            name = unicodedata.name(sign, _CONTROL_NAMES.get(sign, "CONTROL CHARACTER"))
            raise ValidationError(
                gettext("There is a sign in it that cannot be seen: %(name)s (U+%(code)04X). Take it out.")
                % {"name": name, "code": ord(sign)}
            )


def check_own_letters(address: str) -> None:
    """Nothing, unless a sign of another script becomes a plain letter in lower or upper case; raises ValidationError.

    The Kelvin sign becomes a k: the address would be kept as, or found to be, somebody else's.
    """
    for sign in address:
        if not sign.isascii() and any(one.isascii() and one.isalnum() for one in _plain(sign)):
            raise ValidationError(
                gettext(
                    "There is a sign in it that only looks like another: %(name)s (U+%(code)04X). Type the plain one."
                )
                % {"name": unicodedata.name(sign, ""), "code": ord(sign)}
            )


def _plain(sign: str) -> str:
    plain = unicodedata.normalize("NFKC", sign).lower()
    # The sharp s is a letter of its own, though it has two in upper case.
    return plain + (sign.upper() if len(sign.upper()) == 1 else "")
