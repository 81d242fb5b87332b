"""What visitors type: an address and a language, guarded against machines without asking people to prove anything."""

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from newsletter import addresses
from newsletter.models import LANGUAGES, Purpose

# What somebody agrees to. Changing a word here means a new version in subscriptions.WORDING.
CONSENT = _(
    "By pressing the button I agree to receive the SENSGENE newsletter at this address. "
    "I can unsubscribe at any time: every issue has a link for this."
)

SECONDS_TO_FILL = 2  # no person reads two questions and answers them faster
SECONDS_OF_VALIDITY = 7 * 24 * 60 * 60
SALT = "newsletter.forms"


def stamp() -> str:
    """When a form was shown, signed."""
    return signing.dumps(None, salt=SALT)


class AddressForm(forms.Form):
    """An address. `subject` is for machines that fill every field; people are asked to leave it empty."""

    address = forms.CharField(
        label=_("Your e-mail address"),
        max_length=300,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "maxlength": addresses.LONGEST}),
        error_messages={"required": _("Please write your e-mail address.")},
    )
    subject = forms.CharField(label=_("Leave this field empty"), required=False, max_length=1000)
    shown = forms.CharField(required=False, max_length=300, widget=forms.HiddenInput)

    def clean_address(self):
        return addresses.clean(self.cleaned_data["address"])

    def clean_subject(self):
        if self.cleaned_data["subject"]:
            raise ValidationError(_("Please leave this field empty, then press the button again."))
        return ""

    def clean(self):
        """The time between showing and sending. A machine gets the form again, and so does a fast person, once."""
        cleaned = super().clean()
        if self.errors:
            return cleaned  # there is something to correct: the form comes back anyhow
        try:
            signing.loads(self.data.get("shown", ""), salt=SALT, max_age=SECONDS_OF_VALIDITY)
        except signing.SignatureExpired:
            raise ValidationError(
                _("This page was open for more than a week. Please press the button again.")
            ) from None
        except signing.BadSignature:
            raise ValidationError(_("Please press the button again.")) from None
        try:
            signing.loads(self.data["shown"], salt=SALT, max_age=SECONDS_TO_FILL)
        except signing.SignatureExpired:
            return cleaned
        raise ValidationError(_("That was very fast. Please wait two seconds and press the button again."))


class SubscribeForm(AddressForm):
    language = forms.ChoiceField(
        label=_("Language of the newsletter"),
        choices=LANGUAGES,
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose a language.")},
    )
    field_order = ["address", "language", "subject", "shown"]


class LinkForm(forms.Form):
    """A button on the page behind a mailed link. One-click (RFC 8058) sends a field of its own."""

    action = forms.ChoiceField(
        required=False,
        choices=[(value, value) for value in (*Purpose.values, "silence", "language", "export", "erase")],
    )
    language = forms.ChoiceField(required=False, choices=LANGUAGES)

    def clean(self):
        cleaned = super().clean()
        if self.data.get("List-Unsubscribe") == "One-Click":
            cleaned["action"] = cleaned.get("action") or Purpose.LEAVE
        return cleaned
