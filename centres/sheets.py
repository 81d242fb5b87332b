"""A centre as plain text: short lines for a Braille line, label before value, one fact a line."""

import textwrap

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from centres.models import Centre
from sensgene.prose import plain
from sensgene.records import readable_date

WIDTH = 40  # cells of the most common Braille line


def wrapped(text: str) -> list[str]:
    """Lines of at most WIDTH characters; a longer word (an address of a page) is cut, since no line may be longer."""
    return textwrap.wrap(text, WIDTH, break_long_words=True, break_on_hyphens=True) or [""]


def fact(label: str, value: str) -> list[str]:
    """The label on its own line start, the value after it, or under it where both do not fit."""
    label += pgettext("between a label and its value", ":")
    line = f"{label} {value}"
    return [line] if len(line) <= WIDTH else [*wrapped(label), *wrapped(value)]


def text_sheet(centre: Centre) -> str:
    unknown = _("not known to us")
    hospital = centre.hospital
    lines = [*wrapped(centre.name), ""]
    lines += fact(_("Kind"), centre.get_kind_display())
    lines += fact(_("Network"), centre.network.name)
    lines += fact(_("For whom"), centre.get_audience_display() or unknown)
    lines += fact(_("Coordination"), str(centre.coordinator or unknown))
    lines.append("")
    for contact in centre.contacts.all():
        lines += fact(contact.get_kind_display(), contact.readable_value)
        if contact.answers:
            lines += wrapped(contact.answers)
    if not centre.contacts.all():
        lines += fact(_("Contact"), unknown)
    if centre.referral:
        lines += fact(_("Appointment"), plain(centre.referral).replace("\n", " "))
    lines.append("")
    lines += fact(_("Hospital"), hospital.name or unknown)
    if centre.department:
        lines += fact(_("Department"), centre.department)
    lines += fact(_("Address"), ", ".join(filter(None, [hospital.street, hospital.locality])))
    if centre.address_precision:
        lines += wrapped(centre.get_address_precision_display())
    if centre.access:
        lines += fact(_("Way in"), plain(centre.access).replace("\n", " "))
    for question, answer in centre.visit():
        lines += fact(str(question), str(answer))
    lines.append("")
    lines += fact(_("Cares for"), "" if centre.conditions.all() else unknown)
    for condition in centre.conditions.all():
        lines += wrapped(condition.name)
    lines.append("")
    verified = readable_date(centre.verified_on) if centre.verified_on else _("not yet")
    lines += fact(_("Verified with the centre"), verified)
    if centre.source_url:
        lines += fact(_("Source"), centre.source_url)
    lines += fact(_("Page"), settings.SITE_ORIGIN + centre.get_absolute_url())
    return "\n".join(line.rstrip() for line in lines) + "\n"
