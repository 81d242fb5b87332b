"""Phone numbers: what is accepted, how they are read, how they are dialled."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from sensgene import phones


@pytest.mark.parametrize(
    ("typed", "at_home", "abroad", "dialled"),
    [
        ("+33 1 44 49 57 44", "01 44 49 57 44", "+33 1 44 49 57 44", "+33144495744"),
        ("01 44 49 57 44", "01 44 49 57 44", "+33 1 44 49 57 44", "+33144495744"),
        ("01.44.49.57.44", "01 44 49 57 44", "+33 1 44 49 57 44", "+33144495744"),
        ("0033 1 44 49 57 44", "01 44 49 57 44", "+33 1 44 49 57 44", "+33144495744"),
        ("+33 (0)1 44 49 57 44", "01 44 49 57 44", "+33 1 44 49 57 44", "+33144495744"),
        ("+33612345678", "06 12 34 56 78", "+33 6 12 34 56 78", "+33612345678"),
        ("+49 30 901820", "+49 30 901820", "+49 30 901820", "+4930901820"),
        *[(number, number, number, number) for number in ("15", "114", "3114", "116117")],
    ],
)
def test_a_number_is_grouped_for_the_reader_and_whole_for_dialling(typed, at_home, abroad, dialled):
    phones.validate(typed)
    for language, expected in (("fr", at_home), ("en", abroad), ("de", abroad)):
        with translation.override(language):
            assert phones.readable(typed) == expected
            assert phones.international(typed) == dialled


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "abc",
        "12345678901234567890",
        "+33 1 44 49 57",
        "+33 0",
        "+999 1 2345",
        "1144495744",
        "+",
        "tel:",
        "١١٤",
        "1-1-4",
    ],
)
def test_what_cannot_be_dialled_is_refused_in_words(typed):
    with pytest.raises(ValidationError) as refused:
        phones.validate(typed)
    assert len(refused.value.messages) == 1
    assert "+33" in refused.value.messages[0]


@pytest.mark.parametrize("typed", ["", "abc", "extension", "+"])
def test_what_is_no_number_is_shown_as_it_was_typed(typed):
    assert phones.readable(typed) == phones.international(typed) == typed


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(st.text(max_size=30), st.text("0123456789+ .()-", max_size=30)))
def test_no_text_breaks_it_and_what_is_valid_dials_as_digits(text):
    phones.readable(text)
    dialled = phones.international(text)
    try:
        phones.validate(text)
    except ValidationError:
        return
    assert dialled.lstrip("+").isdigit()
    assert phones.readable(dialled) == phones.readable(text)
