"""The newsletter's own pages of the admin: preview, test copy, release in two steps, progress, erasure, export."""

import csv
import re
import sys
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from types import ModuleType

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.serializers import serialize
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter import exports, limits, release, sending, staff_pages, subscriptions
from newsletter.models import Allowance, Delivery, Issue, Mailing, Standing, Subscriber, Transit, Trouble
from newsletter.relay import Folder
from newsletter.sending import Worker
from sensgene.records import State
from tests import factories
from tests.markup import document
from tests.newsletter.test_admin import account, author, client_of, written  # noqa: F401  (fixtures)
from tests.test_admin import messages, page_at

pytestmark = pytest.mark.django_db

PASSWORD = "invented-password-for-a-test"
LANGUAGES = ("fr", "en", "de")


@pytest.fixture(autouse=True)
def folders(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(sending, "be_durable", lambda: None)  # cannot be changed inside the test's transaction
    settings.MAIL_SERVER = None
    settings.MAIL_DIR, settings.ERASURE_JOURNAL = tmp_path / "mail", tmp_path / "erasures"


@pytest.fixture
def releaser() -> User:
    user = account("releaser", "view_issue", "release_issue", email="invented-releaser@example.org")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def client(releaser) -> Client:
    return client_of(releaser)


@pytest.fixture
def boss() -> Client:
    return client_of(User.objects.create_superuser("invented-boss", "invented-boss@example.org"))


def at(name: str, *arguments) -> str:
    return reverse(f"admin:newsletter_{name}", args=arguments)


def seen(client: Client, issue: Issue) -> str:
    """What the second step carries: the digest of the text that was seen."""
    page = page_at(client, at("issue_release", issue.pk))
    [field] = page.all("input", name="seen")
    return field.get("value")


def press_release(client: Client, issue: Issue, password: str = PASSWORD, **fields):
    sent = {"password": password, "seen": fields.pop("seen", None) or seen(client, issue)}
    return client.post(at("issue_release_confirm", issue.pk), sent, follow=True)


def run_worker(turns: int = 3) -> None:
    worker = Worker()
    for _turn in range(turns):
        worker.turn()


def letters_written(settings) -> list:
    return sorted(settings.MAIL_DIR.glob("*.eml")) if settings.MAIL_DIR.exists() else []


# --- Release ------------------------------------------------------------------------------------------------------


def test_an_author_cannot_release(author, written):  # noqa: F811
    """T24: who may change an issue may not send it."""
    author.set_password(PASSWORD)
    author.save()
    client = client_of(author)
    factories.subscriber()
    digest = staff_pages.digest_now(written)
    for name in ("issue_release", "issue_release_confirm", "issue_stop", "issue_pause", "issue_resume"):
        assert client.post(at(name, written.pk), {"password": PASSWORD, "seen": digest}).status_code in (403, 405), name
    for name in ("issue_release", "issue_release_confirm", "issue_stop"):
        assert client.get(at(name, written.pk)).status_code == 403, name
    written.refresh_from_db()
    assert written.mailing == Mailing.WRITING
    assert not Delivery.objects.exists()


def test_the_first_step_says_what_leaves_and_to_how_many_and_releases_nothing(client, written):  # noqa: F811
    for language, number in (("fr", 2), ("de", 1)):
        for _one in range(number):
            factories.subscriber(language=language)
    factories.subscriber(standing=Standing.LEFT)
    page = page_at(client, at("issue_release", written.pk))
    rows = {
        row.one("th").text: [cell.text for cell in row.all("td")] for row in page.all("tr") if len(row.all("th")) == 1
    }
    assert rows["French"][:2] == ["Invented issue for a test (fr)", "2"]
    assert rows["English"][1:3] == ["0", "100 %"]
    assert "3 people receive this issue" in page.text
    assert client.post(at("issue_release", written.pk)).status_code == 405
    written.refresh_from_db()
    assert written.mailing == Mailing.WRITING


def test_an_incomplete_issue_is_refused_with_what_is_missing(client, written):  # noqa: F811
    digest = seen(client, written)
    factories.issue_section(issue=written, heading_fr="Titre", heading_en="Heading", heading_de="")
    page = page_at(client, at("issue_release", written.pk))
    assert "missing heading 2" in page.text
    assert not page.all("input", name="seen")
    for kept in (digest, staff_pages.digest_now(staff_pages.find_issue(written.pk))):
        assert messages(press_release(client, written, seen=kept))
    written.refresh_from_db()
    assert written.mailing == Mailing.WRITING


def test_the_right_password_releases_and_the_history_says_who(client, releaser, written):  # noqa: F811
    factories.subscriber()
    response = press_release(client, written)
    written.refresh_from_db()
    assert (written.mailing, written.released_by) == (Mailing.RELEASED, releaser)
    assert "The issue is released." in messages(response)
    assert "the first copy leaves at" in document(response.content.decode()).text
    assert LogEntry.objects.filter(user=releaser, object_id=str(written.pk)).count() == 1
    assert not Allowance.objects.filter(scope="password", count__gt=0).exists()


@pytest.mark.parametrize("password", ["", "wrong", f" {PASSWORD}", PASSWORD.upper()])
def test_a_wrong_password_releases_nothing(client, written, password):  # noqa: F811
    response = press_release(client, written, password)
    assert document(response.content.decode()).all("ul", class_="errorlist")
    written.refresh_from_db()
    assert written.mailing == Mailing.WRITING


def test_wrong_passwords_are_counted_and_then_even_the_right_one_is_refused(client, releaser, written):  # noqa: F811
    for _try in range(limits.PASSWORDS_OF_AN_ACCOUNT.most):
        assert press_release(client, written, "wrong").status_code == 200
    response = press_release(client, written)
    assert response.status_code == 429
    assert "wait an hour" in document(response.content.decode()).text
    written.refresh_from_db()
    assert written.mailing == Mailing.WRITING
    # Nobody else is locked out by it, and an hour later nor is this person.
    Allowance.objects.filter(scope="password", key=str(releaser.pk)).update(since=timezone.now() - timedelta(hours=2))
    press_release(client, written)
    written.refresh_from_db()
    assert written.mailing == Mailing.RELEASED


def test_a_text_that_was_changed_since_it_was_read_is_not_released(client, written):  # noqa: F811
    digest = seen(client, written)
    written.subject_de = "Changed by somebody else"
    written.save()
    response = press_release(client, written, seen=digest)
    assert "The text was changed" in " ".join(messages(response))
    written.refresh_from_db()
    assert written.mailing == Mailing.WRITING


def test_of_two_who_release_one_wins_and_the_other_is_told(client, boss, written):  # noqa: F811
    factories.subscriber()
    digest = seen(client, written)
    press_release(client, written)
    response = press_release(client, written, seen=digest)
    assert "released already" in " ".join(messages(response))
    assert Delivery.objects.filter(kind=Delivery.Kind.ISSUE).count() == 1


def test_a_release_that_loses_at_the_last_moment_says_so(client, releaser, written, monkeypatch):  # noqa: F811
    monkeypatch.setattr(release, "release", lambda *arguments: False)
    assert "released already" in " ".join(messages(press_release(client, written)))


def test_release_then_stop_within_the_delay_leaves_no_letter(client, author, written, settings):  # noqa: F811
    factories.subscriber()
    press_release(client, written)
    run_worker()
    assert letters_written(settings) == []
    assert client.get(at("issue_stop", written.pk)).status_code == 200
    written.refresh_from_db()
    assert written.mailing == Mailing.RELEASED  # looking at the question stops nothing
    response = client.post(at("issue_stop", written.pk), follow=True)
    assert "before the first copy left" in " ".join(messages(response))
    Issue.objects.filter(pk=written.pk).update(starts_at=timezone.now() - timedelta(hours=1))
    run_worker()
    assert letters_written(settings) == []
    assert not Delivery.objects.exists()
    form = page_at(client_of(author), at("issue_change", written.pk))
    assert form.all("input", name="subject_fr")


def test_pause_resume_and_stop_while_copies_leave(client, written, settings):  # noqa: F811
    for _one in range(3):
        factories.subscriber()
    press_release(client, written)
    Issue.objects.filter(pk=written.pk).update(starts_at=timezone.now())
    Delivery.objects.update(next_try=timezone.now())
    Worker().begin_due_issues()

    def press(name: str) -> str:
        said = messages(client.post(at(f"issue_{name}", written.pk), follow=True))
        written.refresh_from_db()
        return " ".join(said)

    assert "goes on" not in press("resume")  # it is not paused
    press("pause")
    assert written.mailing == Mailing.PAUSED
    run_worker()
    assert letters_written(settings) == []
    press("pause")
    assert written.mailing == Mailing.PAUSED
    press("resume")
    assert written.mailing == Mailing.SENDING
    press("stop")
    assert written.mailing == Mailing.STOPPED
    run_worker()
    assert letters_written(settings) == []
    assert "nothing to stop" in press("stop")


# --- Preview ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_is_shown_as_it_arrives_under_a_policy_of_its_own(boss, written, language):  # noqa: F811
    response = boss.get(at("issue_preview_html", written.pk, language))
    assert response["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert "no-store" in response["Cache-Control"]
    page = document(response.content.decode())
    assert page.one("html").get("lang") == language
    assert page.one("h1").text == f"Invented issue for a test ({language})"
    assert "\ue000" not in response.content.decode()
    with_own_page = [link.get("href") for link in page.all("a")]
    assert with_own_page.count(staff_pages.letters.address_of(language, "own-page")) == 2
    ordinary = boss.get(at("issue_preview", written.pk, language))
    assert "script-src 'self'" in ordinary["Content-Security-Policy"]
    assert "unsafe-inline" not in ordinary["Content-Security-Policy"]


def test_a_preview_of_an_unknown_language_is_not_found(boss, written):  # noqa: F811
    for name in ("issue_preview", "issue_preview_html"):
        assert boss.get(at(name, written.pk, "xx")).status_code == 404


def test_the_text_part_of_a_preview_has_short_lines(boss, written):  # noqa: F811
    factories.issue_section(issue=written, body_fr="Des mots inventés " * 40, body_en="x", body_de="x")
    pre = page_at(boss, at("issue_preview", written.pk, "fr")).one("pre")
    assert max(len(line) for line in pre._raw_text().splitlines()) <= 76
    assert "Des mots inventés" in pre.text


def test_a_text_that_holds_html_is_shown_as_text(boss, written):  # noqa: F811
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    factories.issue_section(issue=written, heading_fr=attack, body_fr=attack, heading_en="x", body_en="x")
    page = page_at(boss, at("issue_preview_html", written.pk, "fr"))
    assert not page.all("script") and not page.all("img")
    for name in ("issue_preview", "issue_release"):
        arguments = [written.pk, "fr"] if name == "issue_preview" else [written.pk]
        assert not [each for each in page_at(boss, at(name, *arguments)).all("script") if "src" not in each.attributes]


# --- Test copy ----------------------------------------------------------------------------------------------------


def test_a_test_copy_goes_to_ones_own_address_and_to_no_other(client, releaser, written, settings):  # noqa: F811
    sent = {"languages": ["fr", "de"], "address": "somebody-else@example.org", "email": "somebody-else@example.org"}
    response = client.post(at("issue_test_copy", written.pk), sent, follow=True)
    assert "2 test copies leave" in " ".join(messages(response))
    assert set(Delivery.objects.values_list("address", "language")) == {(releaser.email, "fr"), (releaser.email, "de")}
    run_worker()
    assert len(letters_written(settings)) == 2
    page = page_at(client, at("issue_release", written.pk))
    assert page.text.count(releaser.email) >= 2


@pytest.mark.parametrize("languages", [[], ["xx"], ["fr", "xx"]])
def test_a_test_copy_in_no_language_of_ours_is_refused(client, written, languages):  # noqa: F811
    response = client.post(at("issue_test_copy", written.pk), {"languages": languages})
    assert document(response.content.decode()).all("ul", class_="errorlist")
    assert not Delivery.objects.exists()


def test_an_account_without_an_address_is_told_where_to_enter_one(client, releaser, written):  # noqa: F811
    releaser.email = ""
    releaser.save()
    response = client.post(at("issue_test_copy", written.pk), {"languages": ["fr"]})
    assert "no e-mail address" in document(response.content.decode()).text
    assert not Delivery.objects.exists()


# --- Progress -----------------------------------------------------------------------------------------------------


def test_the_progress_is_said_in_words_and_numbers(client):
    issue = factories.issue(mailing=Mailing.SENDING, starts_at=timezone.now() - timedelta(minutes=2))
    for state, number in ((Transit.SENT, 4), (Transit.PENDING, 8), (Transit.UNSURE, 1)):
        for _one in range(number):
            factories.delivery(issue=issue, state=state, ended_at=timezone.now() if state == Transit.SENT else None)
    factories.delivery(issue=issue, kind=Delivery.Kind.TEST)
    page = page_at(client, at("issue_progress", issue.pk))
    assert "4 of 13 copies" in page.text
    assert "4 copies in the last minute, 2.0 a minute since the start" in page.text
    assert "About 2 minutes left. This is an estimate." in page.text
    lists = [link.get("href") for link in page.all("a") if "state__exact=unsure" in (link.get("href") or "")]
    assert lists == [f"/staff/newsletter/delivery/?issue__id__exact={issue.pk}&state__exact=unsure"]
    data = client.get(at("issue_progress_data", issue.pk)).json()
    assert data["mailing"] == "sending"
    places = {each.get("data-place"): each.text for each in page.walk() if each.get("data-place")}
    assert places.pop("announcement") == ""  # nothing is said aloud before something happened
    assert places == {name: data["texts"][name] for name in places}
    assert "38" not in data["texts"]["announcement"]  # it speaks at each tenth of the way
    assert "30 %" in data["texts"]["announcement"]


def test_a_pause_says_why(client):
    issue = factories.issue(
        mailing=Mailing.PAUSED, paused_by_us=True, pause_reason="The mail server refuses our password."
    )
    text = page_at(client, at("issue_progress", issue.pk)).text
    assert "The mail server refuses our password. It goes on by itself" in text


# --- One letter ---------------------------------------------------------------------------------------------------


def test_without_a_mail_server_a_newcomer_reads_each_letter_and_follows_its_links(boss, settings):
    subscriber = factories.subscriber(standing=Standing.PENDING, standing_since=timezone.now())
    letter = factories.delivery(kind=Delivery.Kind.CONFIRM, subscriber=subscriber)
    page = page_at(boss, at("delivery_change", letter.pk))
    assert "not handed over yet" in page.text
    assert boss.get(at("delivery_letter", letter.pk)).status_code == 404
    run_worker()
    page = page_at(boss, at("delivery_change", letter.pk))
    links = [link.get("href") for link in page.one("pre").all("a")]
    assert len([link for link in links if "/n/" in link]) == 2
    assert str(settings.MAIL_DIR) in page.text
    alone = boss.get(at("delivery_letter", letter.pk))
    assert alone["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert document(alone.content.decode()).one("html").get("lang") == "fr"


def test_with_a_mail_server_no_letter_is_shown(boss, settings):
    letter = factories.delivery(
        kind=Delivery.Kind.CONFIRM,
        subscriber=factories.subscriber(standing=Standing.PENDING, standing_since=timezone.now()),
    )
    run_worker()
    assert Folder(settings.MAIL_DIR).path(letter.message_id).exists()
    settings.MAIL_SERVER = {"host": "localhost"}
    assert not page_at(boss, at("delivery_change", letter.pk)).all("pre")
    assert boss.get(at("delivery_letter", letter.pk)).status_code == 404


def test_a_decision_is_pressed_on_the_page_of_a_letter(boss):
    again, left = factories.delivery(state=Transit.UNSURE), factories.delivery(state=Transit.UNSURE)
    for letter, decision in ((again, "again"), (left, "leave"), (left, "nonsense")):
        assert boss.post(at("delivery_decide", letter.pk), {"decision": decision}).status_code == 302
    again.refresh_from_db()
    left.refresh_from_db()
    assert (again.state, left.state) == (Transit.PENDING, Transit.CANCELLED)
    clerk = client_of(account("clerk", "view_delivery", "change_delivery"))
    other = factories.delivery(state=Transit.UNSURE)
    assert clerk.post(at("delivery_decide", other.pk), {"decision": "again"}).status_code == 403, "it starts an issue"
    reader = client_of(account("reader", "view_delivery"))
    assert reader.post(at("delivery_decide", again.pk), {"decision": "leave"}).status_code == 403


def test_who_may_not_act_for_a_subscriber_does_not_see_their_links(boss, settings):
    """Whoever follows the link in a letter acts as its reader."""
    subscriber = factories.subscriber()
    letter = subscriptions.write(Delivery.Kind.MANAGE, subscriber, timezone.now())
    run_worker()
    secret = re.compile(r"/n/[A-Za-z0-9_-]{43}")
    reader = client_of(account("reader", "view_delivery"))
    for name in ("delivery_change", "delivery_letter"):
        assert secret.search(boss.get(at(name, letter.pk)).content.decode()), name
        assert not secret.search(reader.get(at(name, letter.pk)).content.decode()), name


def test_the_second_step_comes_after_the_first(boss, written):  # noqa: F811
    for query in ("", "?seen=" + "0" * 64, "?seen=nonsense"):
        response = boss.get(at("issue_release_confirm", written.pk) + query)
        assert (response.status_code, response["Location"]) == (302, at("issue_release", written.pk))


def test_test_copies_are_counted_and_a_language_named_twice_is_one_copy(boss, written):  # noqa: F811
    User.objects.update(email="invented-boss@example.org")
    address = at("issue_test_copy", written.pk)
    assert boss.post(address, {"languages": ["fr", "fr"]}).status_code == 302
    assert Delivery.objects.filter(kind=Delivery.Kind.TEST).count() == 1
    for _time in range(25):
        response = boss.post(address, {"languages": ["fr"]}, follow=True)
    assert Delivery.objects.filter(kind=Delivery.Kind.TEST).count() == 20
    assert "wait an hour" in " ".join(messages(response))


# --- Subscribers --------------------------------------------------------------------------------------------------


def everything_kept() -> str:
    return "".join(serialize("json", model.objects.all()) for model in apps.get_models())


def test_an_erasure_wipes_everything_and_the_history_does_not_remember_the_address(boss, settings):
    subscriber = factories.subscriber(address="invented-to-erase@example.org")
    factories.consent(subscriber=subscriber)
    factories.bounce(subscriber=subscriber)
    factories.delivery(subscriber=subscriber, state=Transit.SENT)
    boss.post(at("subscriber_leave", subscriber.pk), {"confirmed": "yes"})
    assert boss.get(at("subscriber_erase", subscriber.pk)).status_code == 200
    boss.post(at("subscriber_erase", subscriber.pk), {})
    assert "invented-to-erase" in everything_kept()
    boss.post(at("subscriber_erase", subscriber.pk), {"confirmed": "yes"})
    assert "invented-to-erase" not in everything_kept()
    assert not Subscriber.objects.exists()
    assert [line.split()[2] for line in settings.ERASURE_JOURNAL.read_text().splitlines()] == ["left", "erased"]
    assert LogEntry.objects.count() == 2


def test_taking_somebody_off_the_list_asks_once_more(boss):
    subscriber = factories.subscriber()
    boss.get(at("subscriber_leave", subscriber.pk))
    boss.post(at("subscriber_leave", subscriber.pk))
    subscriber.refresh_from_db()
    assert subscriber.standing == Standing.ACTIVE
    boss.post(at("subscriber_leave", subscriber.pk), {"confirmed": "yes"})
    subscriber.refresh_from_db()
    assert subscriber.standing == Standing.LEFT


@pytest.mark.parametrize(
    ("name", "right"), [("subscriber_leave", "change_subscriber"), ("subscriber_erase", "delete_subscriber")]
)
def test_each_act_on_a_subscriber_needs_its_own_right(name, right):
    subscriber = factories.subscriber()
    rights = {"view_subscriber", "change_subscriber", "delete_subscriber", "export_subscriber"} - {right}
    client = client_of(account("somebody", *rights))
    assert client.get(at(name, subscriber.pk)).status_code == 403
    assert client.post(at(name, subscriber.pk), {"confirmed": "yes"}).status_code == 403


def test_the_export_holds_who_is_subscribed_and_is_on_record():
    people = [factories.subscriber(language=code) for code in LANGUAGES]
    factories.subscriber(standing=Standing.LEFT)
    exporter = account("exporter", "view_subscriber", "export_subscriber")
    response = client_of(exporter).post(at("subscriber_export"))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert "no-store" in response["Cache-Control"]
    text = response.content.decode()
    assert text.endswith("\r\n") and text.count("\r\n") == text.count("\n") == 4
    rows = list(csv.reader(StringIO(text)))
    assert [row[:2] for row in rows[1:]] == [[each.address, each.language] for each in people]
    [entry] = LogEntry.objects.filter(user=exporter)
    assert entry.change_message == "Exported: 3 addresses"


def test_the_export_needs_its_own_right_and_a_press_of_the_button():
    client = client_of(account("keeper", "view_subscriber", "change_subscriber", "delete_subscriber"))
    assert client.post(at("subscriber_export")).status_code == 403
    alone = client_of(account("half", "export_subscriber"))
    assert alone.post(at("subscriber_export")).status_code == 403
    full = client_of(account("full", "view_subscriber", "export_subscriber"))
    assert full.get(at("subscriber_export")).status_code == 405
    assert not LogEntry.objects.exists()


TRIGGERS = "=+-@＝＋－＠"
BEFORE = ["", " ", "   ", "\t", "\r", "\n", "\u00a0", "\u2003", "\u200b", "\ufeff", "\u3000", "\0", " \t\u200b "]


@pytest.mark.parametrize("before", BEFORE, ids=ascii)
def test_no_cell_begins_as_a_formula_does(before):
    """T8: what a spreadsheet would run is text."""
    cells = [f"{before}{sign}1+1@example.org" for sign in TRIGGERS]
    rows = list(csv.reader(StringIO(exports.csv_of([cells]), newline="")))
    assert [row for row in rows for cell in row if not cell.startswith("'")] == []
    assert [cell[1:] for cell in rows[0]] == cells


def test_other_cells_stay_as_they_are():
    cells = ["invented@example.org", "o'clock@example.org", 'quo"te', "a,b", "a=b", "", "x\ty"]
    assert next(csv.reader(StringIO(exports.csv_of([cells])))) == cells


def test_an_address_that_looks_like_a_formula_is_exported_as_text():
    factories.subscriber(address="=1+1@example.org")
    client = client_of(account("exporter", "view_subscriber", "export_subscriber"))
    assert '"\'=1+1@example.org"' in client.post(at("subscriber_export")).content.decode()


# --- Sender checks and troubles -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class InventedCheck:
    name: str
    state: str
    says: str
    found: str


@pytest.fixture
def invented_checks(monkeypatch) -> list:
    """A module in the place of the real one, which asks name servers."""
    checks, module = [], ModuleType("newsletter.sender_checks")
    module.times = 0

    def check_all():
        module.times += 1
        return checks

    module.check_all = check_all
    import newsletter

    monkeypatch.setitem(sys.modules, "newsletter.sender_checks", module)
    monkeypatch.setattr(newsletter, "sender_checks", module, raising=False)
    checks.append(module)
    yield checks
    assert module.times >= 0


def test_the_sender_is_checked_on_the_press_of_a_button_only(client, invented_checks):
    module = invented_checks.pop()
    invented_checks += [
        InventedCheck("SPF", "good", "Invented: names our server.", "v=spf1 -all"),
        InventedCheck("DKIM", "bad", "Invented: no key is published.", ""),
        InventedCheck("PTR", "unknown", "Invented: not asked.", ""),
    ]
    page_at(client, at("sender_checks"))
    assert module.times == 0
    page = document(client.post(at("sender_checks")).content.decode())
    assert module.times == 1
    assert [each.text for each in page.all("h3")] == ["SPF: ✓ in order", "DKIM: ✗ not in order", "PTR: ? not known"]
    assert "v=spf1 -all" in page.text
    assert "No name server answered" not in page.text


def test_without_a_name_server_the_page_says_so(client, invented_checks):
    invented_checks.pop()
    invented_checks.append(InventedCheck("SPF", "unknown", "Invented.", ""))
    assert "No name server answered" in document(client.post(at("sender_checks")).content.decode()).text


@pytest.mark.parametrize(
    ("language", "words"), [("en", "does not answer"), ("fr", "ne répond pas"), ("de", "antwortet nicht")]
)
def test_trouble_with_the_mail_stands_on_the_first_page_in_the_language_of_the_reader(client, language, words):
    now = timezone.now()
    Trouble.objects.create(key="away", text="The mail server does not answer.", since=now, last_seen=now, times=3)
    page = page_at(client, "/staff/", **{"accept-language": language})
    [trouble] = page.all("ul", class_="staff-troubles")
    assert words in trouble.text
    assert "3" in trouble.text
    assert [link for link in page.all("a") if link.get("href") == at("sender_checks")]
    other = page_at(client_of(account("somebody")), "/staff/")
    assert not other.all("ul", class_="staff-troubles")


# --- Every page ---------------------------------------------------------------------------------------------------


def every_page() -> list[str]:
    """With issues in every state, so that every branch of every page is drawn."""
    pages = [
        at("sender_checks"),
        at("subscriber_changelist"),
        at("delivery_changelist"),
        at("bounce_changelist"),
        "/staff/",
    ]
    moments = {"starts_at": timezone.now() - timedelta(minutes=1), "finished_at": timezone.now()}
    for mailing in Mailing.values:
        is_open = mailing == Mailing.WRITING
        issue = factories.issue(mailing=mailing, state=State.DRAFT, **({} if is_open else moments))
        factories.issue_section(issue=issue)
        factories.delivery(issue=issue)
        names = (
            "issue_change",
            "issue_release",
            "issue_release_confirm",
            "issue_progress",
            "issue_stop",
            "issue_test_copy",
        )
        pages += [at(name, issue.pk) for name in (*names, "issue_progress_data")]
        pages.append(f"{at('issue_release_confirm', issue.pk)}?seen={staff_pages.digest_now(issue)}")
        pages += [at(name, issue.pk, code) for name in ("issue_preview", "issue_preview_html") for code in LANGUAGES]
    for state in Transit.values:
        pages.append(at("delivery_change", factories.delivery(state=state).pk))
    for standing in Standing.values:
        subscriber = factories.subscriber(standing=standing)
        pages += [at(f"subscriber_{name}", subscriber.pk) for name in ("change", "leave", "erase")]
    pages.append(at("bounce_change", factories.bounce().pk))
    return pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_opens_in_every_language_and_looking_changes_nothing(boss, language):
    pages = every_page()
    boss.get("/staff/", headers={"accept-language": language})  # the session is written by looking, nothing else
    skipped = {"sessions.session"}

    def kept() -> dict[str, str]:
        models = [model for model in apps.get_models() if model._meta.label_lower not in skipped]
        return {model._meta.label: serialize("json", model.objects.order_by("pk")) for model in models}

    before = kept()
    for address in pages:
        for method in (boss.get, boss.head):
            response = method(address, headers={"accept-language": language}, follow=True)
            assert response.status_code == 200, address
        response = boss.get(address, headers={"accept-language": language}, follow=True)
        if "/html/" in address or "/data/" in address:
            continue
        page = document(response.content.decode())
        assert page.one("html").get("lang") == language
        assert len(page.all("h1")) == 1, address
        assert not [each for each in page.walk() if "style" in each.attributes], address
        names = {each.get("id") for each in page.walk()}
        for field in page.one("div", id="content").all("input", "select", "textarea"):
            is_named = (
                field.get("aria-label")
                or field.get("title")
                or field.get("type") in ("hidden", "submit")
                or "hidden" in field.attributes
            )
            labels = [label for label in page.all("label") if label.get("for") == field.get("id")]
            assert is_named or labels, (address, field.attributes)
        assert all(each.get("aria-labelledby") in names for each in page.walk() if each.get("aria-labelledby"))
    assert kept() == before


def test_a_stranger_and_an_account_without_rights_open_no_page():
    pages = [page for page in every_page() if page != "/staff/"]
    colleague = client_of(account("colleague"))
    acts = [at("subscriber_export"), at("issue_pause", 1), at("issue_resume", 1), at("delivery_decide", 1)]
    for address in (*pages, *acts):
        for client, status in ((Client(), 302), (colleague, 403)):
            assert client.post(address).status_code in (status, 405), address
            if address not in acts:
                assert client.get(address).status_code == status, address


@pytest.mark.parametrize("number", ["0", "1" + "0" * 30])
def test_an_object_that_does_not_exist_breaks_no_page(boss, number):
    pages = (
        "preview/fr/",
        "preview/fr/html/",
        "test-copy/",
        "release/",
        "release/confirm/",
        "progress/",
        "progress/data/",
        "stop/",
    )
    for name in pages:
        assert boss.get(f"/staff/newsletter/issue/{number}/{name}").status_code in (400, 404), name
    for name in ("issue/{}/pause/", "issue/{}/resume/", "delivery/{}/decide/"):
        assert boss.post(f"/staff/newsletter/{name.format(number)}").status_code in (400, 404), name
    for name in ("subscriber/{}/leave/", "subscriber/{}/erase/", "delivery/{}/letter/"):
        assert boss.get(f"/staff/newsletter/{name.format(number)}").status_code in (400, 404), name
