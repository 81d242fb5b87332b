"""What arrives: both parts complete, in the reader's language, readable by anybody, and telling nobody that it was read."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.template.loader import get_template
from django.urls import reverse
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from newsletter import addresses, clock, messages, release, subscriptions, tokens
from newsletter.models import Delivery, Issue, Purpose, Standing, Subscriber
from tests import factories
from tests.markup import document, read
from tests.test_conventions import contrast

pytestmark = pytest.mark.django_db

LANGUAGES = ("fr", "en", "de")
SERVICE = [kind for kind in messages.LINKS if kind != Delivery.Kind.ISSUE]
LONG = "Longue phrase inventée qui doit se plier sur plusieurs lignes parce qu’elle dépasse la largeur permise. " * 3


@pytest.fixture(autouse=True)
def from_an_invented_domain(settings):
    settings.SITE_ORIGIN = "https://directory.example.org"
    settings.MAIL_FROM, settings.MAIL_RETURN = "newsletter@example.org", "returns@example.org"


def subscriber(language: str = "fr", **fields) -> Subscriber:
    address = f"invented-{Subscriber.objects.count()}@example.org"
    now = clock.now()
    defaults = {"standing": Standing.ACTIVE, "standing_since": now, "last_sign_at": now}
    return Subscriber.objects.create(
        address=address, digest=addresses.digest(address), language=language, **{**defaults, **fields}
    )


def issue(**fields) -> Issue:
    texts = {f"subject_{code}": f"Invented issue ({code})" for code in LANGUAGES}
    texts |= {f"preheader_{code}": f"Invented first line ({code})" for code in LANGUAGES}
    return Issue.objects.create(slug="invented-issue", **{**texts, **fields})


def section(of: Issue, body: str = "Invented text.", **fields):
    texts = {f"heading_{code}": f"Invented heading ({code})" for code in LANGUAGES}
    return of.sections.create(**texts, **{f"body_{code}": body for code in LANGUAGES}, **fields)


def copy(of: Issue, language: str) -> tuple[Delivery, EmailMessage]:
    """The copy that an invented subscriber gets of a released issue."""
    person = subscriber(language)
    if of.is_open:
        assert release.release(of, None, clock.now(), delay=timedelta(0))
        of.refresh_from_db()
    delivery = Delivery.objects.get(issue=of, subscriber=person)
    return delivery, parsed(messages.compose(delivery, person, clock.now()))


def parsed(message: messages.Message) -> EmailMessage:
    return message_from_bytes(message.content, policy=policy.default)


def service_letter(kind: str, language: str) -> EmailMessage:
    person = subscriber(language)
    return parsed(messages.compose(subscriptions.write(kind, person, clock.now()), person, clock.now()))


def parts(message: EmailMessage) -> tuple[str, str]:
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


def every_message() -> list[tuple[str, EmailMessage]]:
    """A copy of an issue and each other letter, in each language."""
    made = issue()
    section(made, f"{LONG}\n\n- un\n- deux [glossaire](page:glossary)\n\n[site inventé](https://example.org/page)")
    section(made)
    found = []
    people = {code: subscriber(code) for code in LANGUAGES}
    release.release(made, None, clock.now(), delay=timedelta(0))
    for code, person in people.items():
        delivery = Delivery.objects.get(issue=made, subscriber=person)
        found.append((code, parsed(messages.compose(delivery, person, clock.now()))))
    return found + [(code, service_letter(kind, code)) for kind in SERVICE for code in LANGUAGES]


# --- Both parts of every letter -----------------------------------------------------------------------------------


def test_the_text_part_has_at_most_76_columns_and_no_drawing():
    checked = 0
    for _code, message in every_message():
        text, _html = parts(message)
        for line in text.splitlines():
            checked += 1
            if not re.fullmatch(r"\(?https?://\S+", line):
                assert len(line) <= 76, line
            assert not re.search(r"[=_*~#-]{3,}", re.sub(r"https?://\S+", "", line)), "signs are read out one by one"
    assert checked > 200


def test_the_mailed_links_fit_on_a_line_of_76_columns():
    link = tokens.make(Purpose.LEAVE, subscriber(), clock.now())
    assert len(link.url) <= 76


def test_the_html_part_says_its_language_and_has_a_title_and_real_headings():
    checked = 0
    for code, message in every_message():
        page, problems = read(parts(message)[1])
        assert problems == []
        assert page.one("html").get("lang") == code == message["Content-Language"]
        assert page.one("title").text == page.one("h1").text == message["Subject"]
        levels = [int(each.name[1]) for each in page.all("h1", "h2", "h3", "h4")]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
        checked += 1
    assert checked == 18


def test_a_letter_tells_nobody_that_it_was_read_and_loads_nothing():
    allowed = ("https://directory.example.org/", "https://example.org/page")
    for _code, message in every_message():
        page = document(parts(message)[1])
        assert page.all("img", "script", "link", "iframe", "object", "form", "video", "audio", "svg") == []
        assert "url(" not in parts(message)[1] and "@import" not in parts(message)[1]
        links = [each.get("href") for each in page.all("a")]
        assert links
        assert all(link.startswith(allowed) for link in links), links


def test_the_text_part_holds_every_word_and_every_link_of_the_other():
    for _code, message in every_message():
        text, html = parts(message)
        page = document(html)
        flat = re.sub(r"\s", "", text)
        for words, element in page.one("main").texts():
            if element.get("class") != "leaves":
                assert re.sub(r"\s", "", words) in flat, words
        for link in page.all("a"):
            assert link.get("href") in flat


def test_colours_have_a_contrast_of_seven_by_day_and_by_night():
    html = get_template("newsletter/letter.html").template.source
    day, night = html.split("@media (prefers-color-scheme: dark) {")
    checked = 0
    for sheet, paper in ((day, "#fcfbf8"), (night, "#14191d")):
        for rule in re.findall(r"\{([^{}]+)\}", sheet):
            found = dict(re.findall(r"(?:^|;)\s*(color|background-color):\s*(#[0-9a-f]{6})", rule))
            if "color" in found:
                checked += 1
                assert contrast(found["color"], found.get("background-color", paper)) >= 7, rule
    assert checked >= 8
    assert '<meta name="color-scheme" content="light dark">' in html


def test_letters_are_large_enough_to_read():
    sizes = [
        int(size) for size in re.findall(r"(\d+)px(?:/|;)", get_template("newsletter/letter.html").template.source)
    ]
    texts = [size for size in sizes if size > 12]
    assert texts and min(texts) >= 16


# --- Headers ------------------------------------------------------------------------------------------------------


def test_a_copy_has_the_headers_that_mail_programs_ask_for():
    made = issue()
    section(made)
    person = subscriber("de")
    release.release(made, None, clock.now(), delay=timedelta(0))
    delivery = Delivery.objects.get()
    message = parsed(messages.compose(delivery, person, clock.now()))
    address, mailto = re.findall(r"<([^>]+)>", message["List-Unsubscribe"])
    assert re.fullmatch(r"https://directory\.example\.org/n/[A-Za-z0-9_-]{43}", address)
    assert mailto == f"mailto:returns+leave.{address[-43:]}@example.org"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "SENSGENE <newsletter.example.org>"
    assert message["To"] == person.address
    assert message["From"] == "SENSGENE <newsletter@example.org>"
    assert message["Message-ID"] == delivery.message_id
    assert message["Auto-Submitted"] is None
    assert address in parts(message)[0]


def test_without_a_mailbox_for_returns_no_address_is_promised(settings):
    settings.MAIL_RETURN = ""
    made = issue()
    section(made)
    delivery, message = copy(made, "en")
    assert "mailto:" not in message["List-Unsubscribe"]
    assert messages.return_address(delivery) == "newsletter@example.org"


def test_every_line_of_a_header_is_short_and_plain_ascii():
    made = issue(subject_fr="É" * 110)
    section(made)
    person = subscriber("fr")
    release.release(made, None, clock.now(), delay=timedelta(0))
    head = messages.compose(Delivery.objects.get(), person, clock.now()).content.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 130
    assert b"\r\n" in head and not re.search(rb"[^\r]\n", head)


@pytest.mark.parametrize("kind", SERVICE)
@pytest.mark.parametrize("language", LANGUAGES)
def test_other_letters_say_that_a_machine_sent_them(kind, language):
    message = service_letter(kind, language)
    assert message["Auto-Submitted"] == "auto-generated"
    links = re.findall(r"https://directory\.example\.org/n/\S+", parts(message)[0])
    assert len(set(links)) == len(messages.LINKS[kind])
    # RFC 8058: only where one press really leaves.
    assert (message["List-Unsubscribe-Post"] is not None) == (Purpose.LEAVE in messages.LINKS[kind])


def test_a_confirmation_holds_nothing_that_a_visitor_typed_but_the_address_it_goes_to():
    one, other = (service_letter(Delivery.Kind.CONFIRM, "fr") for _each in range(2))

    def same(message: EmailMessage) -> str:
        return re.sub(r"/n/[\w-]+", "/n/…", "".join(parts(message)))

    assert same(one) == same(other)
    assert one["To"] not in "".join(parts(one))


def test_a_message_id_is_the_same_at_each_attempt_and_holds_no_address():
    made = issue()
    section(made)
    delivery, first = copy(made, "fr")
    again = parsed(messages.compose(delivery, delivery.subscriber, clock.now()))
    assert first["Message-ID"] == again["Message-ID"] == release.message_id(made, delivery.subscriber)
    assert first["Date"] == again["Date"]
    assert "invented-" not in first["Message-ID"]


@given(subject=st.text(alphabet=st.characters(codec="utf-8"), max_size=80), address=st.emails())
@pytest.mark.django_db(transaction=False)
def test_no_subject_and_no_address_adds_a_header_or_a_recipient(subject, address):
    """T7: whatever ends a line in Unicode ends none here."""
    try:
        address = addresses.clean(address)
    except Exception:  # noqa: BLE001  (refused before it gets here)
        return
    lines = "".join(f"{end}Bcc: other@example.org{end}" for end in "\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
    message = EmailMessage(policy=messages.SMTP)
    message["Subject"] = messages.one_line(subject + lines)
    message["To"] = address
    messages.assert_one_recipient(message, address)
    known = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert [name for name in known.keys() if name not in ("Subject", "To")] == []  # noqa: SIM118


def test_a_letter_with_two_recipients_is_refused_at_the_last_line():
    message = EmailMessage()
    message["To"] = "invented-a@example.org, invented-b@example.org"
    with pytest.raises(ValueError, match="one recipient"):
        messages.assert_one_recipient(message, "invented-a@example.org")


# --- Issues -------------------------------------------------------------------------------------------------------


def test_sections_point_at_a_centre_and_at_a_channel_in_the_readers_language():
    centre = factories.centre(slug="invented-centre")
    channel = factories.health_channel(website="https://example.org/channel", acronym="INVENTED")
    made = issue()
    section(made, centre=centre, channel=channel)
    for code in LANGUAGES:
        [links] = [each.links for each in messages.letter_of_issue(made, code).sections]
        with translation.override(code):
            address = f"https://directory.example.org{reverse('centre', args=['invented-centre'])}"
            channels = f"https://directory.example.org{reverse('health-channels')}#{channel.slug}"
        assert links[0] == messages.Link(f"Invented centre for a test ({code})", address)
        assert links[1].url == channels
        assert f"Invented channel ({code})" in links[1].words


def test_what_an_issue_lacks_is_named_by_language():
    made = issue(subject_de="")
    assert set(messages.missing(made)) == set(LANGUAGES), "an issue without a section says nothing"
    section(made)
    made.sections.update(heading_en="")
    assert set(messages.missing(made)) == {"en", "de"}


def test_a_test_copy_shows_the_issue_as_it_is_now_and_says_what_it_is():
    made = issue()
    section(made)
    delivery = Delivery(kind=Delivery.Kind.TEST, issue=made, address="invented@example.org", language="en")
    delivery.pk, delivery.message_id, delivery.written_at = 1, "<test.1@example.org>", clock.now()
    message = parsed(messages.compose(delivery, None, clock.now()))
    assert message["Subject"] == "[test copy] Invented issue (en)"
    assert message["List-Unsubscribe"] is None
    assert "\ue000" not in parts(message)[0] + parts(message)[1]


def test_frozen_editions_are_known_by_their_digest():
    made = issue()
    part = section(made)
    before = messages.digest(messages.freeze(made))
    assert messages.digest(messages.freeze(made)) == before
    part.body_en = "Changed."
    part.save()
    assert messages.digest(messages.freeze(Issue.objects.get())) != before


def test_staff_cannot_put_a_readers_own_link_into_a_text_of_theirs():
    """It would tell another site who presses it, and hand the secret over."""
    made = issue(**{f"preheader_{code}": f"See {messages.LEAVE}" for code in LANGUAGES})
    section(made, f"[track](https://example.org/?u={messages.LEAVE})")
    person = subscriber("fr")
    release.release(made, None, clock.now(), delay=timedelta(0))
    text, html = parts(parsed(messages.compose(Delivery.objects.get(), person, clock.now())))
    assert len(re.findall(r"/n/[\w-]{43}", text)) == len(re.findall(r"/n/[\w-]{43}", html)) == 1
    assert "?u=http" not in html


def test_the_letter_after_leaving_offers_silence():
    text, _html = parts(service_letter(Delivery.Kind.GOODBYE, "en"))
    assert "Never write to this address again" in text
