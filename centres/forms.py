"""What the search understands from an address: checked, cleaned, and written again in one order for links."""

import re
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from centres import search
from centres.answers import Answer
from centres.models import Audience, Kind, Region

MOST_PAGES = 10_000
LISTED_ANSWERS = (Answer.NAMED, Answer.FIELD, Answer.FORM)


AGES = [
    ("", pgettext_lazy("for whom a centre is looked for", "Children and adults")),
    (Audience.CHILDREN.value, pgettext_lazy("for whom a centre is looked for", "A child")),
    (Audience.ADULTS.value, pgettext_lazy("for whom a centre is looked for", "An adult")),
]


def refusals(what: str) -> dict[str, str]:
    return {"invalid_choice": what, "invalid": what, "max_value": what, "min_value": what}


TURNS_TEXT_AROUND = re.compile("[\u202a-\u202e\u2066-\u2069]")  # marks that would reorder the page's own words


def tidy(text: str) -> str:
    return " ".join(TURNS_TEXT_AROUND.sub("", text).split())


class SearchForm(forms.Form):
    """GET only: the address of a page of results can be shared and printed."""

    NOT_OURS = _("This choice does not exist. Please choose again below.")

    q = forms.CharField(
        label=_("Disease, centre, hospital or person"),
        help_text=_("A name, even with a mistake, an acronym, a gene, an ORPHA or OMIM number."),
        required=False,
        max_length=search.MOST_CHARACTERS,
        error_messages={"max_length": _("Please write at most %(limit_value)d characters here.")},
    )
    near = forms.CharField(
        label=_("Near which town?"),
        help_text=_("A town in France or a neighbouring country, or a French postcode. It stays on this site."),
        required=False,
        max_length=80,
        error_messages={"max_length": _("Please write at most %(limit_value)d characters here.")},
    )
    age = forms.ChoiceField(label=_("For whom"), choices=AGES, required=False, error_messages=refusals(NOT_OURS))
    answer = forms.ChoiceField(
        choices=[(each.value, each.value) for each in LISTED_ANSWERS], required=False, error_messages=refusals(NOT_OURS)
    )
    kind = forms.ChoiceField(choices=Kind.choices, required=False, error_messages=refusals(NOT_OURS))
    region = forms.ChoiceField(choices=Region.choices, required=False, error_messages=refusals(NOT_OURS))
    network = forms.SlugField(required=False, max_length=80, error_messages=refusals(NOT_OURS))
    exact = forms.ChoiceField(choices=[("1", "1")], required=False, error_messages=refusals(NOT_OURS))
    page = forms.IntegerField(required=False, min_value=1, max_value=MOST_PAGES, error_messages=refusals(NOT_OURS))

    def clean_q(self) -> str:
        return tidy(self.cleaned_data["q"])

    def clean_near(self) -> str:
        return tidy(self.cleaned_data["near"])

    def words(self) -> tuple[str, str, str]:
        """What a visitor typed and chose, once it is valid."""
        return self.cleaned_data["q"], self.cleaned_data["near"], self.cleaned_data["age"]

    def asked(self) -> "Asked":
        """What a valid form asks."""
        data = self.cleaned_data
        return Asked(**{name: data[name] for name in Asked.names() if name != "page"}, page=data["page"] or 1)


class SuggestForm(forms.Form):
    """What the script of the search box asks while somebody types."""

    q = forms.CharField(required=False, max_length=search.MOST_CHARACTERS)
    lang = forms.ChoiceField(choices=[("fr", "fr"), ("en", "en"), ("de", "de")])


@dataclass(frozen=True)
class Asked:
    """A question to the directory. Everything may be empty."""

    q: str = ""
    near: str = ""
    age: str = ""
    answer: str = ""
    kind: str = ""
    region: str = ""
    network: str = ""
    exact: str = ""
    page: int = 1

    @classmethod
    def names(cls) -> list[str]:
        return [each.name for each in fields(cls)]

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in self.names() if name != "page")

    def but(self, **changes) -> "Asked":
        """The same question with something else in it, from its first page."""
        return replace(self, **{"page": 1, **changes})

    @property
    def q_url(self) -> str:
        """The words and the town alone."""
        return Asked(q=self.q, near=self.near).url()

    @property
    def any_age_url(self) -> str:
        return self.but(age="").url()

    def url(self) -> str:
        """The address that asks this, with its parts always in one order."""
        parts = [
            (name, value) for name in self.names() if (value := getattr(self, name)) and (name, value) != ("page", 1)
        ]
        return f"{reverse('search')}?{urlencode(parts)}" if parts else reverse("search")


# --- Whole sentences in one box -----------------------------------------------------------------------------------

# “Usher, près de Colmar, pour mon enfant”: people write what they want.
FOR_A_CHILD = re.compile(
    r"[\s,;]*\b(?:pour (?:mon|ma|notre|un|une) (?:enfant|fils|fille|b[ée]b[ée])|for (?:my|our|a) (?:child|son|daughter|baby)"
    r"|f[üu]r (?:mein|unser|ein)e?n? (?:kind|sohn|tochter|baby))\b[\s.?!]*",
    re.IGNORECASE,
)
NEAR_A_TOWN = re.compile(
    r"^(?P<q>.*?)[\s,;]*\b(?:pr[èe]s d(?:e |['’])|proche d(?:e |['’])|autour d(?:e |['’])|near |close to |around "
    r"|in der n[äa]he von |nahe |bei )(?P<near>[^,;]{2,60})[\s,;]*$",
    re.IGNORECASE,
)


def understood(asked: Asked) -> Asked:
    """Takes the town and the child out of a sentence typed into the first box. What was said outright stays."""
    q, near, age = asked.q, asked.near, asked.age
    if FOR_A_CHILD.search(q):
        q, age = FOR_A_CHILD.sub(" ", q).strip(" ,;"), age or Audience.CHILDREN.value
    if not near and (match := NEAR_A_TOWN.match(q)):
        town = match["near"].strip(" ,;.?!")
        if town:
            q, near = match["q"].strip(" ,;"), town
    return asked if (q, near, age) == (asked.q, asked.near, asked.age) else replace(asked, q=q, near=near, age=age)
