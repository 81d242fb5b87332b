"""The newsletter's public pages: the same answer for every address, and mailed links that only a button sets off."""

import io
import json
import logging
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from itertools import count
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from newsletter import limits, release, sending, subscriptions, tokens, views
from newsletter.forms import CONSENT
from newsletter.models import Consent, Delivery, Enquiry, Mailing, Purpose, Standing, Subscriber, Suppression, Token
from sensgene import publication, sitemaps, snapshot
from sensgene.environment import ROOT
from sensgene.logs import OneLineFilter
from sensgene.records import State
from tests import factories
from tests.markup import Element, read
from tests.newsletter.test_forms import shown
from tests.sensgene.test_middleware import AWAY
from tests.site import Site

LANGUAGES = ("fr", "en", "de")
both = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)
numbers = count(1)
PRIVATE_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


def address_of(url_name: str, language: str = "fr", *arguments: str) -> str:
    with translation.override(language):
        return reverse(url_name, args=arguments)


def said(text: str, language: str) -> str:
    with translation.override(language):
        return " ".join(translation.gettext(text).split())


def page_of(response) -> Element:
    page, problems = read(response.content.decode())
    assert not problems
    return page


@pytest.fixture
def reader(site, settings, tmp_path) -> Client:
    """Somebody at the real pages; the working database and the mailbox are this test's own."""
    settings.SNAPSHOT_DIR = site.snapshots
    settings.MAIL_DIR = tmp_path / "mail"
    settings.ERASURE_JOURNAL = tmp_path / "erasures"
    return Client(raise_request_exception=False)


def sign_up(client: Client, address: str = "invented@example.org", **more):
    """From another network each time, so that no limit speaks first."""
    headers = more.pop("headers", {})
    given = {"address": address, "language": "fr", "subject": "", "shown": shown(60), **more.pop("fields", {})}
    n = next(numbers)
    where = {"REMOTE_ADDR": f"203.0.{n // 250}.{n % 250 + 1}", **more}
    return client.post(address_of("subscribe"), given, headers=headers, **where)


def link(purpose: Purpose, subscriber: Subscriber, ago: timedelta = timedelta(0)) -> str:
    """A mailed link; returns its secret."""
    made = tokens.make(purpose, subscriber, timezone.now() - ago)
    made.token.save()
    return made.url.rpartition("/")[2]


def own_link(secret: str, language: str = "fr") -> str:
    return address_of("own-link", language, secret)


def dump() -> dict[str, list]:
    """Everything that the newsletter keeps."""
    models = list(apps.get_app_config("newsletter").get_models())
    return {model._meta.label: sorted(map(repr, publication.plain(model).values_list())) for model in models}


def letters(folder) -> list:
    files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]


def work() -> None:
    """The mail worker, until it has nothing more to do."""
    worker = sending.Worker()
    for _ in range(20):
        if not worker.turn():
            break


# --- Signing up: one answer (T2) ----------------------------------------------------------------------------------


def known_as(standing: str) -> str:
    """An address that stands so to the newsletter."""
    who = f"invented-{standing}@example.org"
    if standing == "suppressed":
        subscriptions.suppress(subscriptions.addresses.digest(who), Suppression.Reason.ASKED, timezone.now())
    elif standing != "new":
        factories.subscriber(address=who, standing=standing)
    return who


@both
@pytest.mark.parametrize("form", ["subscribe", "own-page"])
def test_the_answer_and_the_work_are_the_same_whatever_we_know_of_an_address(reader, form):
    answers, rows = set(), set()
    for standing in ("new", "suppressed", *Standing.values):
        who = known_as(standing)
        before = {name: len(found) for name, found in dump().items()}
        response = reader.post(
            address_of(form),
            {"address": who, "language": "fr", "shown": shown(60)},
            REMOTE_ADDR=f"198.51.100.{next(numbers)}",
        )
        answers.add((response.status_code, tuple(sorted(response.items())), response.content, str(response.cookies)))
        grown = {name: len(found) - before[name] for name, found in dump().items() if len(found) != before[name]}
        rows.add(tuple(sorted(grown.items())))
        page = reader.get(response["Location"])
        answers.add((page.status_code, tuple(sorted(page.items())), page.content))
    assert len(answers) == 2  # the redirect, and the page it leads to
    assert rows == {(("newsletter.Allowance", 1), ("newsletter.Enquiry", 1))}
    assert response.status_code == 303
    assert response["Location"] == address_of(f"{form}-asked")
    assert response["Cache-Control"] == page["Cache-Control"] == "no-store"


@both
def test_an_enquiry_says_what_was_agreed_to_and_where(reader):
    with translation.override("de"):
        path = reverse("subscribe")
    reader.post(path, {"address": "Invented@Example.org", "language": "en", "shown": shown(60)})
    [enquiry] = Enquiry.objects.all()
    assert (enquiry.address, enquiry.language, enquiry.page) == ("invented@example.org", "en", path)
    assert enquiry.wording == subscriptions.WORDING


# --- Signing up: limits (T1, T23) ---------------------------------------------------------------------------------


@both
def test_however_often_an_address_is_typed_and_in_which_spelling_one_letter_leaves(reader, settings):
    spellings = ("in.vented@bücher.example", "INVENTED@BÜCHER.example", "invented+news@xn--bcher-kva.example")
    for number in range(60):
        spelling = (*spellings, "i.n.v.e.n.t.e.d+x@Bücher.Example")[number % 4]
        assert sign_up(reader, spelling).status_code == 303
    work()
    assert Enquiry.objects.count() == 0
    assert len(letters(settings.MAIL_DIR)) == 1
    assert Delivery.objects.count() == 1


@both
def test_a_network_that_signs_up_too_often_is_told_so(reader):
    answers = [sign_up(reader, f"invented-{n}@example.org", REMOTE_ADDR="192.0.2.7") for n in range(7)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429] * 2
    refused = answers[-1]
    assert int(refused["Retry-After"]) > 0
    assert refused["Cache-Control"] == "no-store"
    page = page_of(refused)
    assert said(str(views.TOO_MANY), "fr") in page.one("div", class_="errors").text
    assert page.one("input", id="address").get("value") == "invented-6@example.org"
    assert sign_up(reader, REMOTE_ADDR="192.0.2.8").status_code == 303
    assert Enquiry.objects.count() == 6


@both
@pytest.mark.parametrize(
    "spoofed",
    [
        lambda n: {"REMOTE_ADDR": "192.0.2.9", "headers": {"x-forwarded-for": f"10.0.0.{n}"}},  # no edge between
        lambda n: {"REMOTE_ADDR": "", "headers": {"x-forwarded-for": f"10.0.0.{n}, 192.0.2.9"}},  # edge, own socket
        lambda n: {"REMOTE_ADDR": "127.0.0.1", "headers": {"x-forwarded-for": f"10.0.0.{n}, 192.0.2.9"}},
        lambda n: {"REMOTE_ADDR": f"2001:db8:1:1::{n:x}"},  # one household
    ],
)
def test_whatever_a_client_says_of_itself_it_counts_as_one(reader, spoofed):
    statuses = [sign_up(reader, f"invented-{n}@example.org", **spoofed(n)).status_code for n in range(20)]
    assert statuses == [303] * 5 + [429] * 15


# --- Signing up: the form -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["subscribe", "own-page"])
def test_the_form_comes_first_and_asks_for_nothing_more_than_it_needs(visitor, language, name):
    response = visitor.get(address_of(name, language))
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies
    main = page_of(response).one("main")
    form = main.one("form")
    names = {field.get("name") for field in form.all("input")}
    assert names == {"address", "subject", "shown", *(["language"] if name == "subscribe" else [])}
    chosen = [field.get("value") for field in form.all("input", type="radio") if "checked" in field.attributes]
    assert chosen == ([language] if name == "subscribe" else [])
    assert not form.all("input", type="checkbox")
    elements = [element for element in main.walk() if element.name in ("h1", "h2", "form")]
    assert [element.name for element in elements[:3]] == ["h1", "form", "h2"]
    if name == "subscribe":
        with translation.override(language):
            assert " ".join(str(CONSENT).split()) in form.text
        button = form.one("button")
        assert form.one("p", id=button.get("aria-describedby")).text
        linked = {anchor.get("href") for anchor in main.all("a")}
        wanted = ("legal-notice", "privacy", "own-page", "newsletter-feed")
        assert {address_of(each, language) for each in wanted} <= linked


def test_the_trap_is_for_machines_alone(visitor):
    trap = page_of(visitor.get(address_of("subscribe"))).one("input", id="subject")
    assert trap.parent.get("aria-hidden") == "true"
    assert (trap.get("tabindex"), trap.get("autocomplete")) == ("-1", "off")
    assert trap.parent.one("label", **{"for": "subject"}).text
    assert "for-machines" in trap.parent.get("class")
    assert "style" not in trap.attributes


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mistake_is_said_on_top_beside_the_field_and_in_the_title(visitor, language):
    given = {"address": "nobody at all", "language": "en", "subject": "", "shown": shown(60)}
    response = visitor.post(address_of("subscribe", language), given)
    assert (response.status_code, response["Cache-Control"]) == (400, "no-store")
    page = page_of(response)
    assert page.one("head").one("title").text.startswith(said("Error:", language) + " ")
    box = page.one("div", class_="errors")
    assert (box.get("role"), box.get("tabindex")) == ("alert", "-1")
    assert "autofocus" in box.attributes
    [to_field] = box.all("a")
    field = page.one("input", id=to_field.get("href").removeprefix("#"))
    assert (field.get("value"), field.get("aria-invalid")) == ("nobody at all", "true")
    assert page.one("p", id="address-error").text in box.text
    assert "address-error" in field.get("aria-describedby").split()
    chosen = [each.get("value") for each in page.all("input", type="radio") if "checked" in each.attributes]
    assert chosen == ["en"]
    assert page.one("input", name="shown").get("value") != given["shown"]


def test_a_trap_that_was_filled_is_shown_with_its_mistake(visitor):
    given = {"address": "invented@example.org", "language": "fr", "subject": "x", "shown": shown(60)}
    page = page_of(visitor.post(address_of("subscribe"), given))
    trap = page.one("input", id="subject")
    assert trap.get("tabindex") is None
    assert not [each for each in trap.ancestors() if each.get("aria-hidden")]
    assert page.one("p", id="subject-error").text


@pytest.mark.parametrize(
    "headers", [{"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}]
)
def test_a_form_from_another_site_is_refused(visitor, headers):
    for name in ("subscribe", "own-page"):
        given = {"address": "invented@example.org", "language": "fr", "shown": shown(60)}
        response = visitor.post(address_of(name), given, headers=headers)
        assert response.status_code == 403
        assert said(str(views.FROM_ANOTHER_SITE), "fr") in page_of(response).one("div", class_="errors").text


@both
def test_a_text_browser_that_says_nothing_of_itself_can_sign_up(reader):
    assert sign_up(reader, headers={"sec-fetch-site": "same-origin"}).status_code == 303
    assert sign_up(reader).status_code == 303


# --- The working database away ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_with_the_database_away_everything_can_be_read_and_signing_up_says_when_to_come_back(
    visitor, language, monkeypatch
):
    for name in ("newsletter", "newsletter-feed", "subscribe", "own-page", "subscribe-asked", "own-page-asked"):
        assert visitor.get(address_of(name, language)).status_code == 200, name

    def away(*args):
        raise OperationalError("away")

    monkeypatch.setattr(limits, "take", away)
    monkeypatch.setattr(tokens, "find", away)
    given = {"address": "invented@example.org", "language": language, "shown": shown(60)}
    for response in (
        visitor.post(address_of("subscribe", language), given),
        visitor.post(address_of("own-page", language), given),
        visitor.get(own_link("x" * 43, language)),
        visitor.get("/n/" + "x" * 43),
    ):
        assert (response.status_code, response["Cache-Control"]) == (503, "no-store")
        assert int(response["Retry-After"]) > 0


SIGN_UP_WITHOUT_A_DATABASE = """
import json
from django.conf import settings
from django.test import Client
from tests.newsletter.test_views import address_of, shown
settings.ALLOWED_HOSTS += ["testserver"]
client = Client(raise_request_exception=False)
form = {"address": "invented@example.org", "language": "fr", "shown": shown(60)}
answers = [client.get(address_of(name)) for name in ("subscribe", "newsletter", "newsletter-feed")]
answers += [client.post(address_of("subscribe"), form), client.get("/n/" + "x" * 43)]
print(json.dumps([[answer.status_code, answer.get("Retry-After")] for answer in answers]))
"""


@pytest.mark.parametrize("kind", AWAY)
def test_a_database_that_is_really_away_is_no_mistake_of_the_visitor(site, kind):
    done = Site(site.folder, AWAY[kind]).python(SIGN_UP_WITHOUT_A_DATABASE)
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers == [[200, None]] * 3 + [[503, "30"]] * 2


# --- Mailed links: what each does ---------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_link_in_a_letter_leads_to_its_page_in_the_language_of_the_reader(reader, language):
    secret = link(Purpose.LEAVE, factories.subscriber(language=language))
    short = reader.get(f"/n/{secret}", headers={"accept-language": "fr"})
    assert (short.status_code, short["Location"]) == (302, own_link(secret, language))
    response = reader.get(short["Location"])
    assert response.status_code == 200
    for answer in (short, response):
        assert {name: answer[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS
        assert not answer.cookies
    page = page_of(response)
    assert page.one("html").get("lang") == language
    links = page.one("nav", class_="languages").all("a")
    assert {each.get("href") for each in links} == {own_link(secret, code) for code in LANGUAGES}
    assert not page.all("link", rel="alternate") and not page.all("link", rel="canonical")
    buttons = page.one("main").all("button")
    assert [each for each in buttons if each.get("class") == "primary"] == buttons[:1]


ACTS = [  # purpose, how the person stood, action, how they stand then (None: no row is left)
    (Purpose.CONFIRM, Standing.PENDING, "confirm", Standing.ACTIVE),
    (Purpose.LEAVE, Standing.ACTIVE, "leave", Standing.LEFT),
    (Purpose.LEAVE, Standing.LEFT, "leave", Standing.LEFT),
    (Purpose.NEVER, Standing.LEFT, "never", None),
    (Purpose.RETURN, Standing.LEFT, "return", Standing.ACTIVE),
    (Purpose.NEVER, Standing.PENDING, "never", None),
    (Purpose.STAY, Standing.ACTIVE, "stay", Standing.ACTIVE),
    (Purpose.MANAGE, Standing.ACTIVE, "leave", Standing.LEFT),
    (Purpose.MANAGE, Standing.ACTIVE, "silence", None),
    (Purpose.MANAGE, Standing.ACTIVE, "erase", None),
]


@both
@pytest.mark.parametrize(("purpose", "standing", "action", "then"), ACTS)
def test_a_button_does_what_it_says_and_the_page_says_that_it_is_done(reader, purpose, standing, action, then):
    subscriber = factories.subscriber(standing=standing)
    confirmed = None if standing == Standing.PENDING else factories.LONG_AGO
    factories.consent(subscriber=subscriber, confirmed_at=confirmed)
    path = own_link(link(purpose, subscriber))
    before = dump()
    assert reader.get(path).status_code == 200
    assert dump() == before
    response = reader.post(path, {"action": action})
    assert response.status_code == 200
    assert {name: response[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS
    page = page_of(response)
    assert page.one("main").one("div", role="status").text
    now = Subscriber.objects.filter(pk=subscriber.pk).first()
    assert (now and now.standing) == then
    is_silenced = Suppression.objects.filter(digest=subscriber.digest).exists()
    assert is_silenced == (action in ("silence", "never"))


@both
def test_confirming_writes_the_moment_into_the_ledger(reader):
    subscriber = factories.subscriber(standing=Standing.PENDING)
    factories.consent(subscriber=subscriber, confirmed_at=None)
    reader.post(own_link(link(Purpose.CONFIRM, subscriber)), {"action": "confirm"})
    assert Consent.objects.get().confirmed_at is not None


@both
def test_leaving_twice_is_fine_and_only_the_first_is_noted(reader, settings):
    subscriber = factories.subscriber()
    path = own_link(link(Purpose.LEAVE, subscriber))
    assert [reader.post(path, {"action": "leave"}).status_code for _ in range(3)] == [200, 200, 200]
    assert reader.get(path).status_code == 200
    work()
    assert [each["Subject"] for each in letters(settings.MAIL_DIR)] == [said("You have left the newsletter", "fr")]


@both
def test_ones_own_page_shows_what_is_kept_and_hands_it_over(reader):
    subscriber = factories.subscriber(language="de")
    factories.consent(subscriber=subscriber)
    path = own_link(link(Purpose.MANAGE, subscriber))
    page = page_of(reader.get(path))
    main = page.one("main")
    assert subscriber.address in main.text
    assert "2026-11" in main.text
    assert "2 novembre 2026" in main.text
    actions = [button.get("value") for button in main.all("button")]
    assert set(actions) == {"export", "language", "leave", "silence", "erase"}
    data = reader.post(path, {"action": "export"})
    assert data["Content-Disposition"].startswith("attachment")
    assert data["Cache-Control"] == "no-store"
    kept = json.loads(data.content)
    assert (kept["address"], kept["language"]) == (subscriber.address, "de")
    assert [each["wording"] for each in kept["consents"]] == ["2026-11"]
    changed = reader.post(path, {"action": "language", "language": "en"})
    assert "English" in page_of(changed).one("main").one("div", role="status").text
    subscriber.refresh_from_db()
    assert subscriber.language == "en"


@both
@pytest.mark.parametrize("purpose", Purpose.values)
@pytest.mark.parametrize("standing", Standing.values)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_has_a_calm_page_however_its_owner_stands(reader, purpose, standing, language):
    subscriber = factories.subscriber(standing=standing, language=language)
    factories.consent(subscriber=subscriber)
    response = reader.get(own_link(link(purpose, subscriber), language))
    assert response.status_code == 200
    page = page_of(response)
    assert len(page.all("h1")) == 1
    assert page.one("html").get("lang") == language
    title = page.one("head").one("title").text
    assert all(map(str.strip, title.split(" - "))) and title.endswith(" - SENSGENE")


# --- Mailed links: what reads them changes nothing (T3) -----------------------------------------------------------

SCANNERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) BarracudaCentral-invented",
    "GoogleImageProxy",
    "Microsoft Office/16.0 (Microsoft Outlook 16.0; Pro) SafeLinks-invented",
)


@both
def test_no_address_in_any_letter_does_anything_when_it_is_only_read(reader, settings):
    staff = get_user_model().objects.create_superuser("invented-editor", email="invented-editor@example.org")
    issue = factories.issue(state=State.DRAFT, mailing=Mailing.WRITING, released_at=None)
    factories.issue_section(issue=issue, **factories.in_three_languages("body", "See [news](page:glossary)."))
    now = timezone.now()
    for language in LANGUAGES:
        for kind, standings in sending.STANDINGS.items():
            if kind != Delivery.Kind.ISSUE:
                someone = factories.subscriber(standing=standings[0], language=language, standing_since=now)
                factories.consent(subscriber=someone)
                subscriptions.write(kind, someone, now)
    assert release.release(issue, staff, now, delay=timedelta(0))
    release.send_test(issue, staff, list(LANGUAGES), now)
    work()
    found = letters(settings.MAIL_DIR)
    assert {each.kind for each in Delivery.objects.filter(state="sent")} == set(Delivery.Kind.values)
    addresses = set()
    for letter in found:
        texts = [letter.get_body((part,)).get_content() for part in ("plain", "html")]
        for text in (*texts, str(letter["List-Unsubscribe"]), str(letter["List-Help"])):
            addresses |= set(re.findall(r"https?://[^\s\"<>()]+", text))
    secrets = {each for each in addresses if "/n/" in each}
    assert len(secrets) == Token.objects.count() > 20
    before, visited = dump(), 0
    for address in sorted(addresses):
        assert address.startswith(settings.SITE_ORIGIN), address
        for method in (reader.get, reader.head, reader.get, reader.head):
            answer = method(
                urlsplit(address).path, follow=True, headers={"user-agent": SCANNERS[visited % len(SCANNERS)]}
            )
            visited += 1
            # The snapshot of these tests does not have the issue yet.
            assert answer.status_code == (404 if issue.slug in address else 200), address
    assert visited > 80
    assert dump() == before


# --- Mailed links: what must not work (T4) ------------------------------------------------------------------------


def assert_dead(response, reference: bytes | None = None) -> bytes:
    assert response.status_code == 410
    assert {name: response[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS
    main = re.search(rb"<main.*</main>", response.content, re.S)[0]
    assert reference is None or main == reference
    return main


def flipped(secret: str, place: int) -> str:
    return secret[:place] + ("A" if secret[place] != "A" else "B") + secret[place + 1 :]


@both
def test_a_guessed_expired_used_or_foreign_link_gets_one_calm_page_and_changes_nothing(reader, monkeypatch):
    monkeypatch.setattr(limits, "TOKENS_OF_A_NETWORK", limits.Limit("bad token", 1000, limits.HOUR))
    pending, gone = factories.subscriber(standing=Standing.PENDING), factories.subscriber()
    secret = link(Purpose.CONFIRM, pending)
    expired = link(Purpose.CONFIRM, pending, ago=timedelta(days=7, seconds=1))
    orphan = link(Purpose.LEAVE, gone)
    gone.delete()
    late = {
        purpose: link(purpose, pending, ago=tokens.LIFETIME[purpose] + timedelta(seconds=1))
        for purpose in (Purpose.MANAGE, Purpose.RETURN, Purpose.STAY)
    }
    bad = [expired, orphan, *late.values(), *(flipped(secret, place) for place in range(0, 43, 6)), "x" * 43, "short"]
    bad += [secret[:-1], secret + "A", secret.swapcase()]
    before = {name: rows for name, rows in dump().items() if name != "newsletter.Allowance"}
    reference = None
    for each in bad:
        for path in (own_link(each), f"/n/{each}"):
            reference = assert_dead(reader.get(path), reference)
            for body in ({"action": "confirm"}, {"action": "leave"}, {"List-Unsubscribe": "One-Click"}, {}):
                assert_dead(reader.post(path, body), reference)
    assert {name: rows for name, rows in dump().items() if name != "newsletter.Allowance"} == before


@both
@pytest.mark.parametrize("purpose", Purpose.values)
def test_a_link_does_nothing_of_another_purpose(reader, purpose):
    standing = Standing.PENDING if purpose in (Purpose.CONFIRM, Purpose.NEVER) else Standing.ACTIVE
    subscriber = factories.subscriber(standing=standing)
    secret = link(purpose, subscriber)
    own = {action for each, _standing, action, _then in ACTS if each == purpose}
    own |= {"language", "export"} if purpose == Purpose.MANAGE else set()
    before = {name: rows for name, rows in dump().items() if name != "newsletter.Allowance"}
    checked = 0
    for action in ("confirm", "leave", "return", "stay", "never", "silence", "language", "export", "erase", "", "x"):
        if action not in own:
            checked += 1
            for path in (own_link(secret), f"/n/{secret}"):
                assert reader.post(path, {"action": action, "language": "de"}).status_code == 410, action
    if purpose not in (Purpose.LEAVE, Purpose.MANAGE):
        assert reader.post(f"/n/{secret}", {"List-Unsubscribe": "One-Click"}).status_code == 410
    assert {name: rows for name, rows in dump().items() if name != "newsletter.Allowance"} == before
    assert checked >= 5


@both
@pytest.mark.parametrize(("purpose", "standing"), [("confirm", "pending"), ("return", "left")])
def test_a_link_for_once_works_once(reader, purpose, standing):
    subscriber = factories.subscriber(standing=standing)
    factories.consent(subscriber=subscriber)
    path = own_link(link(purpose, subscriber))
    assert reader.post(path, {"action": purpose}).status_code == 200
    subscriptions.leave(subscriber, timezone.now())
    before = {name: rows for name, rows in dump().items() if name != "newsletter.Allowance"}
    assert_dead(reader.post(path, {"action": purpose}))
    shown = reader.get(path)
    assert shown.status_code == 200
    assert not page_of(shown).one("main").all("button"), "it says how things stand, and offers nothing"
    assert {name: rows for name, rows in dump().items() if name != "newsletter.Allowance"} == before


@both
@pytest.mark.parametrize(("purpose", "standing"), [("confirm", "pending"), ("return", "left")])
def test_whoever_opens_a_used_link_again_learns_that_it_worked(reader, purpose, standing):
    """Or presses “Zoom +” on the page that says so, which leads back to the same address."""
    subscriber = factories.subscriber(standing=standing)
    factories.consent(subscriber=subscriber)
    secret = link(purpose, subscriber)
    assert reader.post(own_link(secret, "en"), {"action": purpose}).status_code == 200
    page = page_of(reader.get(own_link(secret, "en")))
    assert "You are" in page.one("h1").text
    assert subscriber.address in page.one("main").text


@both
def test_a_link_to_leave_outlives_the_secret_key_and_two_years(reader, settings):
    subscriber = factories.subscriber()
    secret = link(Purpose.LEAVE, subscriber, ago=timedelta(days=800))
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-invented-key" * 5, []
    assert reader.post(f"/n/{secret}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    subscriber.refresh_from_db()
    assert subscriber.standing == Standing.LEFT


@both
def test_whoever_tries_many_links_is_told_to_stop_with_the_same_page(reader):
    subscriber = factories.subscriber()
    good = link(Purpose.LEAVE, subscriber)
    answers = [reader.get(own_link(f"{number:043d}"), REMOTE_ADDR="192.0.2.77") for number in range(35)]
    most = limits.TOKENS_OF_A_NETWORK.most
    assert [answer.status_code for answer in answers] == [410] * most + [429] * (35 - most)
    main = [re.search(rb"<main.*</main>", answer.content, re.S)[0] for answer in answers]
    assert len(set(main)) == 1
    assert {name: answers[-1][name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS
    assert reader.get(own_link(f"{99:043d}"), REMOTE_ADDR="192.0.2.78").status_code == 410
    # Nobody is kept from leaving by a neighbour.
    assert reader.get(own_link(good), REMOTE_ADDR="192.0.2.77").status_code == 200


# --- One click (RFC 8058) -----------------------------------------------------------------------------------------


@both
def test_a_mail_program_can_unsubscribe_with_one_request(reader):
    subscriber = factories.subscriber()
    secret = link(Purpose.LEAVE, subscriber)
    stranger = Client(enforce_csrf_checks=True)
    for number in range(2):
        response = stranger.post(
            f"/n/{secret}",
            "List-Unsubscribe=One-Click",
            content_type="application/x-www-form-urlencoded",
            headers={"accept-language": "xx"},
        )
        assert response.status_code == 200, number
        assert not response.cookies
        assert {name: response[name] for name in PRIVATE_HEADERS} == PRIVATE_HEADERS
    assert response["Content-Language"] == "fr"
    subscriber.refresh_from_db()
    assert subscriber.standing == Standing.LEFT


# --- Nothing tells the secret (T5) --------------------------------------------------------------------------------


@both
def test_a_page_behind_a_link_leads_to_no_other_site_but_by_the_links_of_the_foot(reader, settings):
    checked = 0
    for purpose in Purpose:
        subscriber = factories.subscriber(standing=Standing.PENDING if purpose == Purpose.CONFIRM else Standing.ACTIVE)
        page = page_of(reader.get(own_link(link(purpose, subscriber))))
        for element in page.walk():
            address = element.get("href") or element.get("src") or element.get("action") or ""
            if address.startswith(("http:", "https:", "//")):
                assert element.name == "a" and any(outer.name == "footer" for outer in element.ancestors())
            checked += bool(address)
    assert checked > 100


@both
def test_the_secret_is_in_no_log_even_when_its_page_breaks(reader, monkeypatch):
    secret = link(Purpose.MANAGE, factories.subscriber())
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(OneLineFilter())
    handler.setFormatter(logging.Formatter("{asctime} {levelname} {name} {message}", style="{"))

    def breaks(request, token, step):
        raise ValueError(f"broke at {request.path} for {request.get_full_path()!r}")

    monkeypatch.setattr(views, "link_page", breaks)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        for path in (own_link(secret), f"/n/{secret}?again={secret}"):
            assert reader.post(path, {"action": "leave"}).status_code == 500
    finally:
        logger.removeHandler(handler)
    text = written.getvalue()
    assert text.count("Internal Server Error") == 2
    assert "ValueError: broke at" in text
    assert secret not in text
    assert "[secret]" in text


def test_every_handler_of_the_site_keeps_secrets_out(settings):
    assert settings.LOGGING["handlers"]
    for handler in settings.LOGGING["handlers"].values():
        assert "one_line" in handler["filters"]
    assert settings.LOGGING["filters"]["one_line"]["()"] == "sensgene.logs.OneLineFilter"


# --- What the edge is told ----------------------------------------------------------------------------------------


def test_the_edge_keeps_no_form_no_answer_and_no_mailed_link():
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    [(pattern, block)] = re.findall(r"location ~ (\^/\(n/\S+) \{(.*?)\n    \}", text, re.S)
    private = re.compile(pattern)
    for directive in ("proxy_cache off", "proxy_next_upstream off", "access_log off", "zone=sensgene_newsletter"):
        assert directive in block
    assert private.match("/n/" + "x" * 43)
    [limited] = re.findall(r"map \$request_method\$uri \$sensgene_sender \{.*?~(\S+) ", text, re.S)
    assert re.match(limited, "POST" + address_of("subscribe", "fr"))
    assert not re.match(limited, "POST/n/" + "x" * 43), "one service leaves for many of its readers"
    for language in LANGUAGES:
        for name in ("subscribe", "subscribe-asked", "own-page", "own-page-asked"):
            assert private.match(address_of(name, language)), name
        assert private.match(own_link("x" * 43, language))
        for path in (address_of("newsletter", language), address_of("newsletter-feed", language)):
            assert not private.match(path)
        assert not private.match(address_of("issue", language, "invented"))
        assert not private.match(address_of("home", language))


# --- The archive --------------------------------------------------------------------------------------------------


@pytest.fixture
def publish(settings, tmp_path):
    """Makes public what a test has invented, without rendering every page first; returns somebody who reads it."""
    settings.SNAPSHOT_DIR = tmp_path

    def publish() -> Client:
        path = tmp_path / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{next(numbers):08x}.sqlite3"
        publication.build(path)
        publication.switch(path)
        return Client(raise_request_exception=False)

    return publish


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_archive_without_issues_says_so(visitor, language):
    main = page_of(visitor.get(address_of("newsletter", language))).one("main")
    assert said("No issue has appeared yet.", language) in main.text
    linked = {anchor.get("href") for anchor in main.all("a")}
    assert {address_of("subscribe", language), address_of("newsletter-feed", language)} <= linked


@both
def test_an_issue_is_read_in_each_language_and_says_where_it_falls_back(publish):
    centre = factories.directory()
    channel = factories.health_channel(acronym="INVENTED", slug="invented-channel")
    old = factories.issue(released_at=datetime(2026, 3, 1, 9, tzinfo=UTC))
    issue = factories.issue(
        slug="invented-newest",
        released_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        subject_fr="Sujet",
        subject_de="Thema",
    )
    factories.issue_section(issue=issue, order=2, heading_fr="Deuxième", body_fr="Texte [ici](page:glossary).")
    factories.issue_section(issue=issue, order=1, centre=centre, channel=channel)
    client = publish()
    for language in LANGUAGES:
        page = page_of(client.get(address_of("newsletter", language)))
        titles = [heading.one("a") for heading in page.one("main").all("h3")]
        assert titles[0].get("href") == address_of("issue", language, "invented-newest")
        assert titles[-1].get("href") in [address_of("issue", language, each) for each in (old.slug, "invented-issue")]
        assert page.one("main").all("time")[0].get("datetime") == "2026-11-20"
        response = client.get(address_of("issue", language, "invented-newest"))
        assert "s-maxage" in response["Cache-Control"]
        page = page_of(response)
        heading = page.one("h1")
        assert heading.text == ("Thema" if language == "de" else "Sujet")
        assert next(heading.texts())[1].language == ("fr" if language == "en" else language)
        subjects = [each.text for each in page.one("main").all("h2")]
        assert subjects[:2] == [f"Invented heading ({language})", "Deuxième"]
        linked = {anchor.get("href") for anchor in page.one("main").all("a")}
        with translation.override(language):
            assert centre.get_absolute_url() in linked
        assert f"{address_of('health-channels', language)}#invented-channel" in linked
        assert {address_of("subscribe", language), address_of("glossary", language)} <= linked
        feed = page.one("link", rel="alternate", type="application/atom+xml")
        assert feed.get("href") == address_of("newsletter-feed", language)


@both
def test_an_issue_that_is_not_out_has_no_page_and_one_taken_off_is_gone(publish):
    factories.directory()
    factories.issue(slug="invented-draft", state=State.DRAFT)
    factories.issue(slug="invented-gone", state=State.ARCHIVED)
    factories.issue(slug="invented-public")
    client = publish()
    answers = {
        slug: client.get(address_of("issue", "fr", slug)).status_code
        for slug in ("invented-draft", "invented-gone", "invented-public", "nothing-such")
    }
    assert answers == {"invented-draft": 404, "invented-gone": 410, "invented-public": 200, "nothing-such": 404}


@both
def test_the_site_map_lists_issues_and_no_page_that_is_somebodys_own(publish):
    factories.directory()
    factories.issue(slug="invented-public")
    publish()
    snapshot.open_current()
    for language in LANGUAGES:
        listed = sitemaps.all_paths(language)
        assert address_of("issue", language, "invented-public") in listed
        assert {address_of(name, language) for name in ("newsletter", "subscribe", "own-page")} <= set(listed)
        own = own_link("x" * 43, language).replace("x" * 43 + "/", "")
        hidden = {address_of(name, language) for name in ("subscribe-asked", "own-page-asked")}
        assert not [path for path in listed if path.startswith(own) or path in hidden]


def test_robots_leave_mailed_links_alone(visitor):
    assert "Disallow: /n/" in visitor.get("/robots.txt").content.decode().splitlines()
