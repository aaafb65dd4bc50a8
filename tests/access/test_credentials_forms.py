"""Which PINs and names of pictures may be given, and what is said of the others."""

import pytest
from django.core.exceptions import ValidationError

from access.forms.credentials import FaceForm, PinForm, one_filename, one_pin


@pytest.mark.parametrize("pin", ["0713", "7130", "00071", "90210", "82736455", "1357", "1123"])
def test_a_pin_stays_as_it_was_typed(pin: str) -> None:
    assert one_pin(pin) == pin


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        ("12", "From 4 to 8 digits. What you typed had 2."),
        ("12a4", "digits 0 to 9 alone"),
        ("7302857302857", "What you typed had 13."),
        ("7" * 10_000, "What you typed had 10,000."),
        ("٧٣٠٢", "digits of other scripts"),
        ("７３０２", "digits of other scripts"),
        ("७३०२", "digits of other scripts"),
        ("73 02", "no spaces"),
        ("73\u200b02", "digits 0 to 9 alone"),
        ("73\x0002", "digits 0 to 9 alone"),
        ("+7302", "digits 0 to 9 alone"),
        ("-730", "digits 0 to 9 alone"),
        ("7e30", "digits 0 to 9 alone"),
        ("0000", "repeats itself"),
        ("77777777", "repeats itself"),
        ("1212", "repeats itself"),
        ("730730", "repeats itself"),
        ("1234", "in a row"),
        ("87654321", "in a row"),
        ("7890", "in a row"),
        ("3210", "in a row"),
    ],
)
def test_a_pin_that_may_not_be_given_is_refused_and_not_repeated(pin: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        one_pin(pin)

    [said] = caught.value.messages
    assert words in said
    assert pin not in said


def test_the_length_is_a_setting(settings) -> None:
    settings.PIN_MIN_LENGTH = settings.PIN_MAX_LENGTH = 6

    assert one_pin("730285") == "730285"
    with pytest.raises(ValidationError, match=r"Exactly 6 digits\. What you typed had 4\."):
        one_pin("7302")
    assert "Exactly 6 digits." in PinForm().as_p()


@pytest.mark.parametrize(
    "fields",
    [{"pin": "7302", "again": "7303"}, {"pin": "7302", "again": ""}, {"pin": "", "again": "7302"}],
)
def test_both_fields_have_to_be_the_same_and_none_comes_back(fields: dict[str, str]) -> None:
    form = PinForm(fields)

    assert not form.is_valid()
    assert "730" not in form.as_p()


def test_a_line_break_around_a_pin_is_not_part_of_it() -> None:
    form = PinForm({"pin": " 0713\r\n", "again": "0713"})

    assert form.is_valid()
    assert form.cleaned_data["pin"] == "0713"


@pytest.mark.parametrize("name", ["maria.jpg", "Maria José.PNG", "李.jpg", "a..b.png", "x" * 251 + ".jpg"])
def test_the_name_of_a_picture_is_taken(name: str) -> None:
    assert one_filename(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../../etc/maria.jpg", "without a folder"),
        ("/maria.jpg", "without a folder"),
        ("photos\\maria.jpg", "without a folder"),
        ("C:maria.jpg", "without a folder"),
        (".jpg", "begins with a dot"),
        (".maria.png", "begins with a dot"),
        ("maria.svg", ".jpg or .png"),
        ("maria.jpg.exe", ".jpg or .png"),
        ("maria", ".jpg or .png"),
        ("maria\n.jpg", "LINE FEED"),
        ("maria\0.jpg", "NULL"),
        ("maria\u202egpj.png", "RIGHT-TO-LEFT OVERRIDE"),
        ("x" * 252 + ".jpg", "at most 255"),
        ("李" * 84 + ".jpg", "at most 255"),
    ],
)
def test_what_is_no_name_of_a_picture_is_refused(name: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        one_filename(name)
    assert words in caught.value.messages[0]


def test_spaces_around_the_name_of_a_picture_are_not_part_of_it() -> None:
    form = FaceForm({"filename": "  maria.jpg "})

    assert form.is_valid()
    assert form.cleaned_data["filename"] == "maria.jpg"
