"""From signing up to leaving, in a real browser, with the letters that really left; and axe-core on every page of it."""

import re
import time
from email import message_from_bytes, policy
from itertools import count

import pytest

from tests.browser.conftest import overflow, violations

pytestmark = pytest.mark.browser

LANGUAGES = ("fr", "en", "de")
SIGN_UP = {
    "fr": "/fr/lettre-d-information/inscription/",
    "en": "/en/newsletter/subscribe/",
    "de": "/de/newsletter/anmelden/",
}
OWN_PAGE = {
    "fr": "/fr/lettre-d-information/ma-page/",
    "en": "/en/newsletter/my-page/",
    "de": "/de/newsletter/meine-seite/",
}
SECONDS_TO_FILL = 3.2  # whoever is faster is taken for a machine, and asked again
WIDTHS = (1280, 320)
numbers = count(1)

MORE_LINKS = """
from datetime import timedelta
from django.utils import timezone
from newsletter import addresses, limits, tokens
from newsletter.models import Allowance, Issue, IssueSection, Purpose, Subscriber
now = timezone.now()
Allowance.objects.all().delete()
for purpose in Purpose:
    for standing in ("active", "left", "pending"):
        who = f"invented-{purpose}-{standing}@example.org"
        Subscriber.objects.filter(address=who).delete()
        reader = Subscriber.objects.create(address=who, digest=addresses.digest(who), language="fr", standing=standing, standing_since=now, last_sign_at=now)
        reader.consents.create(wording="2026-11", language="fr", page="/fr/", requested_at=now, confirmed_at=now)
        link = tokens.make(purpose, reader, now)
        link.token.save()
        print(f"{purpose} {standing} {link.url.rpartition('/')[2]}")
"""
FORGET_LIMITS = "from newsletter.models import Allowance; Allowance.objects.all().delete()"


@pytest.fixture(autouse=True)
def fresh_limits(browsed_site, origin):
    """All visitors of these tests come from one network, and a network may sign up five times an hour."""
    browsed_site.python(FORGET_LIMITS)


def letter_to(browsed_site, address: str, known: set[str], seconds: float = 30):
    """The next letter to this address that the mail worker writes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for path in (browsed_site.folder / "mail").glob("*.eml"):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            if path.name not in known and message["To"] == address:
                known.add(path.name)
                return message
        time.sleep(0.2)
    raise AssertionError(f"no letter to {address} in {seconds} s")


def link_in(letter, place: int = 0) -> str:
    """The path of a mailed link, in the order of the text."""
    text = letter.get_body(("plain",)).get_content()
    return re.findall(r"https?://[^/\s]+(/n/[\w-]{43})", text)[place]


def press(page, action: str) -> None:
    page.locator(f"main button[name=action][value={action}]").click()
    page.wait_for_load_state()


@pytest.mark.parametrize("language", LANGUAGES)
def test_somebody_signs_up_confirms_changes_the_language_and_leaves_without_scripts(new_page, browsed_site, language):
    page, known = new_page(java_script_enabled=False), set()
    address = f"invented-journey-{language}-{next(numbers)}@example.org"
    other = "en" if language == "de" else "de"
    page.goto(f"/{language}/")
    page.locator(f"footer a[href='{SIGN_UP[language]}']").click()
    assert page.locator(f"input[name=language][value={language}]").is_checked()
    assert page.locator(".for-machines").bounding_box()["width"] <= 1
    page.fill("#address", address)
    time.sleep(SECONDS_TO_FILL)
    page.locator("main button.primary").click()
    assert page.url.endswith(("/demandee/", "/asked/", "/angefragt/"))
    assert page.locator("[role=status]").last.inner_text().strip()

    letter = letter_to(browsed_site, address, known)
    assert letter["Content-Language"] == language
    page.goto(link_in(letter))
    assert page.locator("html").get_attribute("lang") == language
    assert address in page.locator("main").inner_text()
    press(page, "confirm")
    assert page.locator("main [role=status]").is_visible()
    page.goto(link_in(letter))  # a second time it does nothing
    assert page.locator("main button").count() == 0

    page.goto(OWN_PAGE[language])
    page.fill("#address", address.upper())
    time.sleep(SECONDS_TO_FILL)
    page.locator("main button.primary").click()
    letter = letter_to(browsed_site, address, known)
    page.goto(link_in(letter))
    page.locator(f"input[name=language][value={other}]").check()
    press(page, "language")
    assert page.locator("main [role=status] span").get_attribute("lang") == other
    assert page.locator(f"input[name=language][value={other}]").is_checked()
    page.locator(f".languages a[lang={other}]").click()  # the same page in the other language
    assert page.locator("html").get_attribute("lang") == other
    assert address in page.locator("main").inner_text()
    press(page, "leave")
    assert page.locator("main [role=status]").is_visible()

    letter = letter_to(browsed_site, address, known)
    assert letter["Content-Language"] == other
    page.goto(link_in(letter))
    press(page, "return")
    assert page.locator("main [role=status]").is_visible()
    assert page.context.cookies() == []


def test_a_mistake_is_where_the_reader_is_and_leads_to_its_field(new_page):
    page = new_page()
    page.goto(SIGN_UP["fr"])
    page.fill("#address", "nobody")
    page.locator("main button.primary").click()
    assert page.title().startswith("Erreur")
    assert "errors" in page.evaluate("document.activeElement.className")
    page.locator(".errors a").click()
    assert page.evaluate("document.activeElement.id") == "address"
    assert page.locator("#address").input_value() == "nobody"


def test_the_trap_is_out_of_the_way_of_the_keyboard(new_page):
    page = new_page()
    page.goto(SIGN_UP["de"])
    page.locator("#address").focus()
    names = []
    for _ in range(4):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.name || document.activeElement.className"))
    assert names[:2] == ["language", "primary"]
    assert "subject" not in names


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_of_the_newsletter_has_a_violation_or_scrolls_sideways(new_page, browsed_site, width):
    page = new_page(width=width, bypass_csp=True)
    seen = set()

    def check(where: str) -> None:
        page.wait_for_load_state()
        seen.add(page.title())
        assert violations(page) == [], where
        assert overflow(page) <= 0, where

    for path in ("/fr/lettre-d-information/", "/en/newsletter/", "/de/newsletter/"):
        page.goto(path)
        check(path)
    for pages in (SIGN_UP, OWN_PAGE):
        for language, path in pages.items():
            page.goto(path)
            check(path)
            for text, subject in (("nobody", ""), ("invented@example.org", "filled")):
                page.goto(path)
                page.fill("#address", text)
                page.evaluate("(text) => { document.getElementById('subject').value = text }", subject)
                page.locator("main button.primary").click()
                check(f"{path} with a mistake")
            page.goto(path + {"fr": "demandee/", "en": "asked/", "de": "angefragt/"}[language])
            check(f"{path}: asked")
    links = [line.split() for line in browsed_site.python(MORE_LINKS).stdout.splitlines()]
    assert len(links) == 18
    does = {"manage": ("language", "leave", "silence"), "leave": ("leave",)}
    for purpose, standing, secret in links:
        # French where it is asked, German (the longest words) where it is done.
        page.goto(f"/fr/lettre-d-information/lien/{secret}/")
        check(f"{purpose} {standing}")
        page.goto(f"/de/newsletter/link/{secret}/")
        for action in does.get(purpose, (purpose,)):
            if page.locator(f"main button[value={action}]").count():
                press(page, action)
                check(f"{purpose} {standing}: {action}")
    page.goto(f"/en/newsletter/link/{'x' * 43}/")
    check("a dead link")
    assert len(seen) > 25


@pytest.mark.parametrize("preferences", ["100-black", "300-blue", "200-white"])
def test_forms_and_links_stay_readable_in_every_contrast_and_size(new_page, browsed_site, preferences):
    page = new_page(width=320, preferences=preferences, bypass_csp=True)
    browsed_site.python(FORGET_LIMITS)
    links = {line.split()[0]: line.split()[2] for line in browsed_site.python(MORE_LINKS).stdout.splitlines()}
    for path in (SIGN_UP["de"], f"/de/newsletter/link/{links['manage']}/", f"/de/newsletter/link/{links['leave']}/"):
        page.goto(path)
        assert violations(page, ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "wcag2aaa")) == [], path
        assert overflow(page) <= 0, path
        small = page.evaluate(
            """() => [...document.querySelectorAll("main button, main .choices label, main .ways a")]
              .map((e) => [e.getBoundingClientRect(), e.textContent.trim()])
              .filter(([box]) => box.height < 43.5).map(([box, text]) => text)"""
        )
        assert small == []
