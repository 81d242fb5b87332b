"""The newsletter's pages for staff in a real browser: axe-core, the keyboard, narrow windows, the live progress."""

import json
import os
from pathlib import Path

import pytest

from tests.browser.conftest import overflow, violations
from tests.browser.test_journeys import log_in

pytestmark = pytest.mark.browser

PREPARE = """
import json
from datetime import timedelta
from django.utils import timezone
from newsletter.models import *
from sensgene.records import State
from newsletter import release
from django.contrib.auth.models import User

now = timezone.now()
User.objects.update(email="invented-editor@example.org")
three = lambda name, text: {f"{name}_{code}": f"{text} ({code})" for code in ("fr", "en", "de")}

def issue(slug, subject, **fields):
    made = Issue.objects.create(slug=slug, **three("subject", subject), **three("preheader", "Première ligne inventée"), **fields)
    body = "Un texte inventé pour un essai, assez long pour occuper deux lignes d'une lettre. [Un lien](https://example.org/)"
    for order in (1, 2):
        IssueSection.objects.create(issue=made, order=order, **three("heading", f"Titre inventé {order}"), **three("body", body))
    return made

people = [
    Subscriber.objects.create(
        address=f"invented-{number}@example.org", digest=f"{number:064}", language=("fr", "en", "de")[number % 3],
        standing="active", standing_since=now, last_sign_at=now,
    )
    for number in range(30)
]
Consent.objects.create(subscriber=people[0], wording="2026-11", language="fr", page="/fr/", requested_at=now, confirmed_at=now)
draft = issue("invented-draft", "Numéro inventé, en cours de rédaction")
lacking = issue("invented-lacking", "Numéro inventé, incomplet")
lacking.sections.update(heading_de="", body_en="")
# Nobody sends it: the worker is told that the issue is paused, the page that it is being sent.
sending = issue("invented-sending", "Numéro inventé, en cours d'envoi", mailing="sending", state="published",
                released_at=now, starts_at=now - timedelta(minutes=3))
states = ["sent"] * 12 + ["unsure"] + ["failed"] + ["quarantined"] + ["pending"] * 15
letters = [
    Delivery.objects.create(
        kind="issue", priority=5, issue=sending, subscriber=person, address=person.address, language=person.language,
        message_id=f"<invented-{person.pk}@example.org>", state=state, written_at=now,
        next_try=now + timedelta(days=9), ended_at=now if state != "pending" else None,
        last_code="550" if state == "failed" else "", last_reply="5.1.1 Invented: no such mailbox" if state == "failed" else "",
    )
    for person, state in zip(people, states)
]
Bounce.objects.create(subscriber=people[13], delivery=letters[13], kind="hard", status="5.1.1",
                      diagnostic="Invented: no such mailbox", received_at=now, fingerprint="invented")
Trouble.objects.create(key="away", text="The mail server does not answer.", since=now, last_seen=now, times=3)
from newsletter.staff_pages import digest_now
print(json.dumps({"seen": digest_now(draft), "draft": draft.pk, "lacking": lacking.pk, "sending": sending.pk, "unsure": letters[12].pk,
                  "waiting": letters[-1].pk, "person": people[0].pk}))
"""


@pytest.fixture(scope="module")
def made(browsed_site, origin) -> dict[str, int]:
    """What the pages are about, in the served site's own database."""
    return json.loads(browsed_site.python(PREPARE).stdout.splitlines()[-1])


@pytest.fixture
def pages(made) -> dict[str, str]:
    issue, letter, person = "/staff/newsletter/issue/", "/staff/newsletter/delivery/", "/staff/newsletter/subscriber/"
    return {
        "index": "/staff/",
        "issues": issue,
        "issue": f"{issue}{made['draft']}/change/",
        "issue-frozen": f"{issue}{made['sending']}/change/",
        "preview": f"{issue}{made['draft']}/preview/de/",
        "preview-html": f"{issue}{made['draft']}/preview/fr/html/",
        "test-copy": f"{issue}{made['draft']}/test-copy/",
        "release": f"{issue}{made['draft']}/release/",
        "release-lacking": f"{issue}{made['lacking']}/release/",
        "release-confirm": f"{issue}{made['draft']}/release/confirm/?seen={made['seen']}",
        "progress": f"{issue}{made['sending']}/progress/",
        "stop": f"{issue}{made['sending']}/stop/",
        "outbox": letter,
        "letter": f"{letter}{made['unsure']}/change/",
        "subscribers": person,
        "subscriber": f"{person}{made['person']}/change/",
        "leave": f"{person}{made['person']}/leave/",
        "erase": f"{person}{made['person']}/erase/",
        "bounces": "/staff/newsletter/bounce/",
        "sender-checks": f"{issue}sender-checks/",
    }


@pytest.mark.parametrize("language", ["fr-FR", "de-DE"])
def test_no_page_of_the_staff_has_an_axe_violation(new_page, pages, language):
    page = new_page(bypass_csp=True, locale=language)
    log_in(page)
    found = {}
    for name, path in pages.items():
        page.goto(path)
        if broken := violations(page):
            found[name] = broken
    assert found == {}


@pytest.mark.parametrize("width", [1280, 320])
def test_no_page_of_our_own_scrolls_sideways(new_page, pages, width):
    page = new_page(width=width, locale="de-DE")
    log_in(page)
    shots = os.environ.get("SCREENSHOTS")
    wide = {}
    for name, path in pages.items():
        page.goto(path)
        if shots:
            page.screenshot(path=Path(shots) / f"{name}-{width}.png", full_page=True)
        if overflow(page) > 0:
            wide[name] = overflow(page)
    assert wide == {}


def test_an_issue_is_read_tested_released_and_stopped_by_keyboard(new_page, pages, made):
    """From its form to the progress page and back, without a mouse and without anything refused by the policy."""
    page = new_page(locale="en-GB")
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    log_in(page)

    def press(name: str) -> None:
        """Tabs to the link or button of this name, and presses Enter."""
        for _ in range(150):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()") == name:
                with page.expect_navigation():
                    page.keyboard.press("Enter")
                return
        raise AssertionError(f"no tab stop is called {name}: {page.url}")

    page.goto(pages["issue"])
    press("Test copy to yourself")
    press("Send the test copy to myself")
    assert "3 test copies leave" in page.locator(".messagelist").inner_text()
    page.goto(pages["issue"])
    press("Release")
    press("Go on to step 2")
    page.locator("#id_password").focus()
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    page.wait_for_selector(".errorlist")
    assert "This is not your password" in page.locator(".errorlist").inner_text()
    page.locator("#id_password").focus()
    page.keyboard.type("invented-password-for-tests")
    page.keyboard.press("Enter")
    page.wait_for_url("**/progress/")
    assert "the first copy leaves at" in page.locator("[data-place=state]").inner_text()
    press("Stop…")
    press("Stop the sending")
    assert "before the first copy left" in page.locator(".messagelist").inner_text()
    assert page.locator("#id_subject_fr").is_editable()
    assert problems == []


def test_the_letter_alone_shows_its_own_style_and_its_links_work(new_page, pages):
    page = new_page(color_scheme="dark")
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    log_in(page)
    page.goto(pages["preview-html"])
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 25, 29)"
    page.locator(".foot a").nth(1).click()
    page.wait_for_url("**/fr/**")
    assert page.locator("main").is_visible()
    assert [text for text in problems if "Content Security Policy" in text] == []


def test_the_progress_moves_by_itself_and_speaks_seldom(new_page, browsed_site, pages, made):
    page = new_page(locale="en-GB")
    log_in(page)
    page.clock.install()
    page.goto(pages["progress"])
    assert "12 of 30 copies" in page.locator("[data-place=state]").inner_text()
    assert page.locator("[aria-live]").inner_text() == ""
    browsed_site.python(
        "from newsletter.models import *\n"
        f"for each in Delivery.objects.filter(issue={made['sending']}, state='pending')[:6]:\n"
        "    each.state = 'sent'; each.save()"
    )
    page.clock.run_for(5500)
    page.locator("[data-place=state]", has_text="18 of 30").wait_for()
    assert page.locator("[data-place=count-sent]").inner_text() == "18"
    assert page.locator("[aria-live]").inner_text() == "being sent: 70 % of the copies are done."
    assert page.locator("[data-progress-changed]").is_hidden()
    browsed_site.python(
        f"from newsletter.models import *; Issue.objects.filter(pk={made['sending']}).update(mailing='paused')"
    )
    page.clock.run_for(5500)
    page.locator("[data-progress-changed]").wait_for()
    browsed_site.python(
        f"from newsletter.models import *; Issue.objects.filter(pk={made['sending']}).update(mailing='sending')"
    )


def test_without_scripts_the_progress_is_complete(new_page, pages):
    page = new_page(java_script_enabled=False, locale="fr-FR")
    log_in(page)
    page.goto(pages["progress"])
    assert "sur 30" in page.locator("[data-place=state]").inner_text()
    assert page.locator("a", has_text="Recharger cette page").is_visible()
