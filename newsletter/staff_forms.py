"""What staff send from the newsletter's own pages of the admin."""

from django import forms
from django.utils.translation import gettext_lazy as _

from newsletter.models import LANGUAGES


class TestCopyForm(forms.Form):
    __test__ = False  # no test, whatever its name begins with

    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        choices=LANGUAGES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Please choose at least one language.")},
    )

    def clean_languages(self):
        return list(dict.fromkeys(self.cleaned_data["languages"]))


class SeenForm(forms.Form):
    """Which text somebody has seen: the digest of the three letters."""

    seen = forms.RegexField(r"\A[0-9a-f]{64}\Z", required=False, widget=forms.HiddenInput)


class ReleaseForm(SeenForm):
    """The second step. The password proves that it is the person, not somebody at their open session."""

    password = forms.CharField(
        label=_("Your own password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Please type your password.")},
    )


class DecisionForm(forms.Form):
    """What becomes of a letter that waits for a decision."""

    decision = forms.ChoiceField(choices=[("again", ""), ("leave", "")])


class ConfirmForm(forms.Form):
    """A button that says: yes, do it."""

    confirmed = forms.ChoiceField(choices=[("yes", "")])
