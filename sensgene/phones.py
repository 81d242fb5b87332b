"""Phone numbers as they are checked, shown and dialled. Stored as an editor typed them, country code first."""

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

HOME_COUNTRY = "FR"
LONGEST_SHORT_NUMBER = 6  # 114, 15, 3114: dialled as they are


def parse(text: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, HOME_COUNTRY)
    except phonenumbers.NumberParseException:
        return None


def is_short(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_SHORT_NUMBER


def validate(text: str) -> None:
    """Raises ValidationError unless the number can exist in its country's numbering plan."""
    if is_short(text):
        return
    number = parse(text)
    if number is None or not phonenumbers.is_valid_number(number):
        raise ValidationError(_("This is no valid phone number. Write it with its country code: +33 1 44 49 57 44."))


def readable(text: str) -> str:
    """Grouped as readers expect it: 01 44 49 57 44 in French, +33 1 44 49 57 44 in the other languages."""
    number = None if is_short(text) else parse(text)
    if number is None:
        return text
    is_at_home = get_language() == "fr" and phonenumbers.region_code_for_number(number) == HOME_COUNTRY
    form = phonenumbers.PhoneNumberFormat.NATIONAL if is_at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form)


def international(text: str) -> str:
    """For `tel:` and `sms:` links: +33144495744."""
    number = None if is_short(text) else parse(text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else text
