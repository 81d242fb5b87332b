"""The newsletter's tables in the admin: who may write, what is frozen, what is only looked at."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter.models import Delivery, Issue, Mailing, Standing, Subscriber, Transit
from sensgene.records import State
from tests import factories
from tests.markup import Element, document
from tests.test_admin import act, errors, form_of, messages, page_at, save, url, values_of

pytestmark = pytest.mark.django_db

EVERYTHING = ("view", "add", "change", "delete")


def account(name: str, *rights: str, **fields) -> User:
    """Somebody invented of the staff, with these rights of the newsletter."""
    user = User.objects.create_user(f"invented-{name}", is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="newsletter", codename__in=rights))
    assert user.user_permissions.count() == len(rights)
    return user


def client_of(user: User) -> Client:
    client = Client(raise_request_exception=False, headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def author() -> User:
    """Writes issues. May not send them."""
    return account("author", *(f"{right}_issue" for right in EVERYTHING), *(f"{r}_issuesection" for r in EVERYTHING))


@pytest.fixture
def written() -> Issue:
    """An issue that is complete in three languages and was never released."""
    issue = factories.issue(state=State.DRAFT, mailing=Mailing.WRITING, released_at=None)
    factories.issue_section(issue=issue)
    return issue


def words_of(client: Client, address: str) -> str:
    return page_at(client, address).text


def buttons(page: Element) -> list[str]:
    return [each.text for each in page.one("div", id="content").all("button")]


# --- Issues -------------------------------------------------------------------------------------------------------


def test_an_issue_is_written_in_three_languages_and_its_writer_is_known(author):
    centre, channel = factories.centre(), factories.health_channel()
    hidden = factories.centre(state=State.DRAFT)
    texts = {f"subject_{code}": f"Invented subject {code}" for code in ("fr", "en", "de")}
    parts = {
        f"sections-0-{name}_{code}": f"Invented {name}" for name in ("heading", "body") for code in ("fr", "en", "de")
    }
    pointers = {"sections-0-centre": str(centre.pk), "sections-0-channel": str(channel.pk), "sections-0-order": "1"}
    typed = {"slug": "invented-issue", "sections-TOTAL_FORMS": "1", **texts, **parts, **pointers}
    client = client_of(author)
    refused = save(client, url(Issue, "add"), **{**typed, "sections-0-centre": str(hidden.pk)})
    assert errors(refused)  # its page does not exist
    response = save(client, url(Issue, "add"), **typed)
    assert response.status_code == 302, errors(response)
    issue = Issue.objects.get(slug="invented-issue")
    assert (issue.subject_fr, issue.subject_de) == ("Invented subject fr", "Invented subject de")
    assert issue.last_edited_by == author
    section = issue.sections.get()
    assert (section.centre_id, section.channel_id) == (centre.pk, channel.pk)


def test_centres_are_chosen_from_a_list_that_says_where_they_are(author, written):
    centre = factories.centre(hospital=factories.hospital(town="Inventedville"))
    page = page_at(client_of(author), url(Issue, "change", written.pk))
    names = {option.text for option in page.one("select", name="sections-0-centre").all("option")}
    assert any(name.startswith("Inventedville: ") for name in names)
    assert str(centre.pk) in {o.get("value") for o in page.one("select", name="sections-0-centre").all("option")}


def test_a_form_with_more_sections_asks_no_more_questions_about_centres(author, written):
    client = client_of(author)
    factories.centre()

    def questions() -> int:
        with CaptureQueriesContext(connection) as queries:
            page_at(client, url(Issue, "change", written.pk))
        return len(queries)

    questions()
    few = questions()
    for _more in range(5):
        factories.issue_section(issue=written)
    assert questions() == few


def test_the_list_says_what_is_missing_in_which_language(author, written):
    factories.issue_section(issue=written, heading_fr="Titre", heading_en="Heading", heading_de="")
    text = words_of(client_of(author), url(Issue, "changelist"))
    assert "FR 100 %; EN 100 %; DE 80 %: missing heading 2" in text


def test_what_was_released_is_frozen_and_says_why(author, written):
    Issue.objects.filter(pk=written.pk).update(mailing=Mailing.SENDING, released_at=timezone.now())
    client = client_of(author)
    page = page_at(client, url(Issue, "change", written.pk))
    names = set(values_of(form_of(page)))
    assert not any(name.startswith(("subject", "preheader", "sections-0-heading", "sections-0-body")) for name in names)
    assert "its text is frozen" in page.text
    forged = {"subject_fr": "Forged", "sections-0-heading_fr": "Forged", "sections-TOTAL_FORMS": "1"}
    part = written.sections.get()
    forged |= {"sections-INITIAL_FORMS": "1", "sections-0-id": str(part.pk), "sections-0-issue": str(written.pk)}
    save(client, url(Issue, "change", written.pk), **forged)
    save(client, url(Issue, "change", written.pk), subject_fr="Forged", preheader_de="Forged")
    response = save(client, url(Issue, "change", written.pk), staff_note="May still be noted")
    assert response.status_code == 302, errors(response)
    written.refresh_from_db()
    part.refresh_from_db()
    assert (written.subject_fr, part.heading_fr) == ("Invented issue for a test (fr)", "Invented heading (fr)")
    assert written.staff_note == "May still be noted"
    assert written.mailing == Mailing.SENDING


def test_only_an_issue_that_was_never_released_can_be_thrown_away_with_its_test_copies(author, written):
    factories.delivery(kind=Delivery.Kind.TEST, issue=written)
    client = client_of(author)
    Issue.objects.filter(pk=written.pk).update(released_at=timezone.now())
    assert client.post(url(Issue, "delete", written.pk), {"post": "yes"}).status_code == 403
    Issue.objects.filter(pk=written.pk).update(released_at=None)
    assert client.post(url(Issue, "delete", written.pk), {"post": "yes"}).status_code == 302
    assert not Issue.objects.filter(pk=written.pk).exists()


def test_an_issue_is_not_made_public_by_hand(author, written):
    client = client_of(author)
    assert errors(save(client, url(Issue, "change", written.pk), state="published"))
    assert "release it" in " ".join(messages(act(client, Issue, "publish", written)))
    written.refresh_from_db()
    assert written.state == State.DRAFT


def test_the_author_sees_no_way_to_release(author, written):
    page = page_at(client_of(author), url(Issue, "change", written.pk))
    assert not [link for link in page.all("a") if "/release/" in (link.get("href") or "")]
    assert "To write an issue is not to send it" in page.text


# --- The outbox ---------------------------------------------------------------------------------------------------


@pytest.fixture
def postmistress() -> Client:
    return client_of(account("postmistress", "view_delivery", "change_delivery", "release_issue"))


def test_the_outbox_asks_the_same_number_of_questions_however_long_it_is(postmistress):
    def questions() -> int:
        with CaptureQueriesContext(connection) as queries:
            page_at(postmistress, url(Delivery, "changelist"))
        return len(queries)

    issues = [factories.issue(), factories.issue()]
    for issue in issues:
        factories.delivery(issue=issue)
    questions()
    few = questions()
    for _more in range(6):
        factories.delivery(issue=issues[0])
    assert questions() == few


def test_an_unsure_letter_is_explained_and_waits_for_a_decision(postmistress):
    letter = factories.delivery(state=Transit.UNSURE)
    page = page_at(postmistress, url(Delivery, "change", letter.pk))
    assert "may or may not have accepted it" in page.text
    assert {"Send it again", "Leave it"} <= set(buttons(page))
    act(postmistress, Delivery, "send_again", letter)
    letter.refresh_from_db()
    assert letter.state == Transit.PENDING
    Delivery.objects.filter(pk=letter.pk).update(state=Transit.QUARANTINED)
    act(postmistress, Delivery, "leave_it", letter)
    letter.refresh_from_db()
    assert letter.state == Transit.CANCELLED
    assert LogEntry.objects.filter(object_id=str(letter.pk)).count() == 2


def test_a_letter_that_was_sent_cannot_be_sent_again(postmistress):
    letter = factories.delivery(state=Transit.SENT)
    assert "did not wait for a decision" in " ".join(messages(act(postmistress, Delivery, "send_again", letter)))
    letter.refresh_from_db()
    assert letter.state == Transit.SENT


def test_the_outbox_can_be_filtered_by_state_kind_and_issue(postmistress):
    letter = factories.delivery(state=Transit.FAILED)
    factories.delivery(kind=Delivery.Kind.CONFIRM)
    for query in ("state__exact=failed", "kind__exact=issue", f"issue__id__exact={letter.issue_id}", "q=invented"):
        page = page_at(postmistress, f"{url(Delivery, 'changelist')}?{query}")
        assert len(page.all("input", name="_selected_action")) == (2 if query.startswith("q=") else 1), query


# --- Who only reads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Issue, Delivery, Subscriber], ids=lambda model: model.__name__)
def test_a_reader_sees_and_cannot_act(model):
    reader = client_of(
        account("reader", *(f"view_{name}" for name in ("issue", "issuesection", "delivery", "subscriber")))
    )
    made = {
        Issue: factories.issue,
        Delivery: lambda: factories.delivery(state=Transit.UNSURE),
        Subscriber: factories.subscriber,
    }[model]()
    page = page_at(reader, url(model, "changelist"))
    assert not page.all("select", name="action")
    shown = page_at(reader, url(model, "change", made.pk))
    assert not shown.all("input", name="_save")
    assert not buttons(shown)
    for action in ("send_again", "leave_it", "take_off", "erase", "publish", "withdraw", "delete_selected"):
        act(reader, model, action, made, confirmed="yes")
    again = model.objects.get(pk=made.pk)
    assert [getattr(again, name) for name in ("state", "standing") if hasattr(again, name)] == [
        getattr(made, name) for name in ("state", "standing") if hasattr(made, name)
    ]


@pytest.mark.parametrize("model", [Delivery, Subscriber], ids=lambda model: model.__name__)
def test_nothing_is_typed_or_thrown_away_even_by_who_may_everything(model):
    boss = client_of(User.objects.create_superuser("invented-boss"))
    made = factories.delivery() if model is Delivery else factories.subscriber()
    for page, fields in (("add", {}), ("change", {"address": "other@example.org"}), ("delete", {"post": "yes"})):
        address = url(model, page, *([] if page == "add" else [made.pk]))
        assert boss.post(address, fields).status_code == 403, page
    act(boss, model, "delete_selected", made)
    assert model.objects.get(pk=made.pk).address == made.address


# --- Subscribers --------------------------------------------------------------------------------------------------


@pytest.fixture
def keeper() -> Client:
    return client_of(account("keeper", "view_subscriber", "change_subscriber", "delete_subscriber"))


def test_the_list_counts_by_language_and_standing(keeper):
    for language, standing in (("fr", "active"), ("fr", "active"), ("de", "active"), ("en", "left")):
        factories.subscriber(language=language, standing=standing)
    page = page_at(keeper, url(Subscriber, "changelist"))
    rows = {
        row.one("th").text: [cell.text for cell in row.all("td")] for row in page.all("tr") if len(row.all("th")) == 1
    }
    assert rows["subscribed"] == ["2", "0", "1", "3"]
    assert rows["has left"] == ["0", "1", "0", "1"]


def test_a_subscriber_shows_consents_reports_and_letters(keeper):
    subscriber = factories.subscriber()
    factories.consent(subscriber=subscriber)
    factories.bounce(subscriber=subscriber)
    factories.delivery(subscriber=subscriber, state=Transit.SENT)
    text = words_of(keeper, url(Subscriber, "change", subscriber.pk))
    for words in ("2026-11", "Invented: mailbox full", "handed to the mail server", subscriber.address):
        assert words in text


def test_people_are_taken_off_the_list_from_the_list(keeper):
    staying, going = factories.subscriber(), factories.subscriber()
    assert "1 person" in " ".join(messages(act(keeper, Subscriber, "take_off", going)))
    going.refresh_from_db()
    staying.refresh_from_db()
    assert (going.standing, staying.standing) == (Standing.LEFT, Standing.ACTIVE)


def test_erasing_from_the_list_asks_once_more(keeper, settings, tmp_path):
    settings.ERASURE_JOURNAL, settings.MAIL_DIR = tmp_path / "erasures", tmp_path / "mail"
    subscriber = factories.subscriber()
    asked = act(keeper, Subscriber, "erase", subscriber)
    assert Subscriber.objects.filter(pk=subscriber.pk).exists()
    page = document(asked.content.decode())
    assert subscriber.address in page.text
    [form] = [form for form in page.one("div", id="content").all("form") if form.all("button", name="confirmed")]
    fields = values_of(form)
    assert fields["_selected_action"] == str(subscriber.pk)
    act(keeper, Subscriber, "erase", subscriber, confirmed="yes")
    assert not Subscriber.objects.filter(pk=subscriber.pk).exists()


def test_not_everybody_is_erased_at_once(keeper):
    people = [factories.subscriber() for _number in range(101)]
    assert "at most a hundred" in " ".join(messages(act(keeper, Subscriber, "erase", *people, confirmed="yes")))
    assert Subscriber.objects.count() == 101
