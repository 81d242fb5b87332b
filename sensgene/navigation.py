"""Where one can go: the menu, the foot of the page, the trail above the title."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class NavItem:
    """One link. `url_name` is resolved when the page is rendered, in the page's language."""

    label: str
    url_name: str

    @property
    def url(self) -> str:
        return reverse(self.url_name)


@dataclass(frozen=True)
class NavSection:
    """One entry of the menu and the pages behind it; the entry leads to the first of them."""

    label: str
    items: tuple[NavItem, ...]

    @property
    def url(self) -> str:
        return self.items[0].url

    def holds(self, url_name: str | None) -> bool:
        return any(item.url_name == url_name for item in self.items)


HOME = NavItem(_("Home"), "home")

MENU = (
    NavSection(
        _("Find a centre"),
        (
            NavItem(_("Search"), "search"),
            NavItem(_("Diseases"), "diseases"),
            NavItem(_("Map of the centres"), "where"),
        ),
    ),
    NavSection(
        _("The centres"),
        (
            NavItem(_("Reference centres"), "reference-centres"),
            NavItem(_("Competence centres"), "competence-centres"),
            NavItem(_("Contact the centres"), "contact"),
        ),
    ),
    NavSection(
        _("Patients and families"),
        (
            NavItem(_("No diagnosis yet"), "no-diagnosis"),
            NavItem(_("How to be referred"), "referral"),
            NavItem(_("Help and emergency"), "help-lines"),
            NavItem(_("Patient associations"), "associations"),
            NavItem(_("Glossary"), "glossary"),
        ),
    ),
    NavSection(
        _("The channel"),
        (
            NavItem(_("History and objectives"), "channel"),
            NavItem(_("Missions"), "missions"),
            NavItem(_("Two levels of care"), "levels-of-care"),
            NavItem(_("The 23 health channels"), "health-channels"),
            NavItem(_("Partners"), "partners"),
            NavItem(_("Legal texts"), "legal-texts"),
        ),
    ),
    NavSection(
        _("Newsletter"),
        (
            NavItem(_("All issues"), "newsletter"),
            NavItem(_("Subscribe"), "subscribe"),
            NavItem(_("Change or leave"), "own-page"),
        ),
    ),
)

FOOT = (
    NavItem(_("Help with display"), "help"),
    NavItem(_("Site map"), "site-map"),
    NavItem(_("Legal notice"), "legal-notice"),
    NavItem(_("Privacy and cookies"), "privacy"),
    NavItem(_("Sources and credits"), "sources"),
    NavItem(_("Report a security flaw"), "security"),
)
ACCESSIBILITY = NavItem(_("Accessibility"), "accessibility")

# Short decision pages for people who have no name for it; the page “No diagnosis yet” leads to them.
ROUTES = (
    NavItem(_("It is about a child"), "child"),
    NavItem(_("It is about sight"), "eye"),
    NavItem(_("It is about hearing"), "ear"),
    NavItem(_("It is about sight and hearing"), "eye-and-ear"),
)

# Every page of the menu and the foot, by the name that urls.py gives it, which is its short name too.
PAGES = tuple(
    dict.fromkeys(
        item.url_name
        for item in (HOME, *(item for section in MENU for item in section.items), *ROUTES, *FOOT, ACCESSIBILITY)
    )
)

# Pages that stand under another one: where the menu and the trail place them.
STANDS_UNDER = {
    **{"network": "reference-centres", "centre": "reference-centres"},
    **{"disease": "diseases", "disease-letter": "diseases", "region": "where"},
    **{item.url_name: "no-diagnosis" for item in ROUTES},
    **{"issue": "newsletter", "subscribe-asked": "subscribe", "own-page-asked": "own-page"},
    **{"own-link": "newsletter", "mailed-link": "newsletter"},
}


def menu_entry(url_name: str | None) -> str | None:
    """The name under which the menu knows a page."""
    return STANDS_UNDER.get(url_name, url_name)


def section_of(url_name: str | None) -> NavSection | None:
    entry = menu_entry(url_name)
    return next((section for section in MENU if section.holds(entry)), None)
