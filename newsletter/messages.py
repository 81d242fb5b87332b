"""What a letter says, and how it becomes a message: one structure, from which both parts are made.

A letter has no picture, no rewritten link and nothing that reports back. What differs from person to person (the link
to leave) is put in when the copy is made, so that the rest can be frozen when an issue is released.
"""

import hashlib
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from newsletter import addresses, tokens
from newsletter.models import Delivery, Edition, Issue, Purpose, Subscriber, Token
from sensgene import prose
from sensgene.logs import CONTROL_CHARACTERS

COLUMNS = 76
LEAVE = "\ue000leave\ue001"  # where a copy's own link to leave goes; a character that nobody types
PRIVATE_SIGNS = re.compile("[\ue000\ue001]")


@dataclass(frozen=True)
class Link:
    words: str
    url: str


@dataclass(frozen=True)
class Section:
    """A heading (or none), text in the markup of `sensgene.prose`, then links of their own."""

    heading: str
    body: str
    links: tuple[Link, ...] = ()

    @property
    def html(self) -> SafeString:
        return prose.block(self.body)


@dataclass(frozen=True)
class Letter:
    """All that a reader sees. `foot` stands under a line, smaller."""

    language: str
    subject: str
    preheader: str
    sections: tuple[Section, ...]
    foot: tuple[Section, ...] = ()


@dataclass
class Message:
    """A message ready to be handed over, and the links that must be in the table before it is."""

    content: bytes
    tokens: list[Token] = field(default_factory=list)


# --- One structure, two parts -------------------------------------------------------------------------------------


def wrap(text: str, first: str = "", rest: str = "") -> str:
    """At most 76 columns; an address is never broken, so one that is longer stands on a line of its own."""
    return textwrap.fill(
        text, COLUMNS, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def text_of_section(section: Section, number: int = 0) -> Iterable[str]:
    """No lines of signs: a screen reader reads each of them out, and a Braille display shows nothing else meanwhile."""
    if section.heading:
        yield wrap(f"{number}. {section.heading}" if number else section.heading)
    for kind, lines in prose.written_out(section.body, settings.SITE_ORIGIN):
        if kind == "list":
            yield "\n".join(wrap(line, "- ", "  ") for line in lines)
        else:
            yield "\n".join(wrap(line) for line in lines)
    for link in section.links:
        colon = _(":")
        yield f"{wrap(link.words)}{colon}\n{link.url}"


def text_part(letter: Letter) -> str:
    """Title, first line, numbered sections, foot: parted by one empty line, since a Braille line shows each of them."""
    with translation.override(letter.language):
        parts = [[wrap(letter.subject), *([wrap(letter.preheader)] if letter.preheader else [])]]
        has_headings = len([each for each in letter.sections if each.heading]) > 1
        for number, section in enumerate(letter.sections, 1):
            parts.append(list(text_of_section(section, number if has_headings else 0)))
        parts += [list(text_of_section(section)) for section in letter.foot]
    return "\n\n".join(block for blocks in parts for block in blocks if block) + "\n"


def html_part(letter: Letter) -> str:
    with translation.override(letter.language):
        page = render_to_string("newsletter/letter.html", {"letter": letter})
    return absolute(page)


def html_of_sections(letter: Letter) -> str:
    """The sections alone, for a feed."""
    with translation.override(letter.language):
        page = render_to_string("newsletter/letter_sections.html", {"sections": letter.sections})
    return absolute(page)


def absolute(html: str) -> str:
    return re.sub(r'href="/', f'href="{settings.SITE_ORIGIN}/', html)


# --- An issue -----------------------------------------------------------------------------------------------------


def address_of(language: str, name: str, *arguments: str) -> str:
    with translation.override(language):
        return settings.SITE_ORIGIN + reverse(name, args=arguments)


def pointer(record, field_name: str, language: str) -> Link:
    """To the page of a centre, or to a channel in the list of all: its name in this language, or in French."""
    name = getattr(record, f"{field_name}_{language}") or getattr(record, f"{field_name}_fr")
    with translation.override(language):
        if hasattr(record, "get_absolute_url"):
            return Link(name, settings.SITE_ORIGIN + record.get_absolute_url())
        colon = _(":")
        return Link(f"{record.acronym}{colon} {name}", f"{address_of(language, 'health-channels')}#{record.slug}")


def written(record, field_name: str, language: str) -> str:
    """What staff wrote, without the sign that stands for a reader's own link: only we put it in."""
    return PRIVATE_SIGNS.sub("", getattr(record, f"{field_name}_{language}") or "")


def letter_of_issue(issue: Issue, language: str) -> Letter:
    """As it would leave now, in this language. Texts that are missing in it are empty: see `missing`."""
    sections = []
    for section in issue.sections.all():
        pointers = [pointer(record, "name", language) for record in (section.centre, section.channel) if record]
        sections.append(
            Section(
                written(section, "heading", language),
                written(section, "body", language),
                tuple(pointers),
            )
        )
    return Letter(
        language,
        written(issue, "subject", language),
        written(issue, "preheader", language),
        tuple(sections),
        foot_of_issue(issue, language),
    )


def foot_of_issue(issue: Issue, language: str) -> tuple[Section, ...]:
    with translation.override(language):
        why = _(
            "You receive this newsletter because you subscribed to it and confirmed it. Nobody sees whether you read it."
        )
        return (
            Section(
                _("About this newsletter"),
                why,
                (
                    Link(_("Leave the newsletter (one press of a button)"), LEAVE),
                    Link(_("Change the language, see or erase what we keep"), address_of(language, "own-page")),
                    Link(_("This issue on the site"), address_of(language, "issue", issue.slug)),
                ),
            ),
            signature_of_sender(language),
        )


def missing(issue: Issue) -> dict[str, list[str]]:
    """What an issue still lacks before it can be released: language → names of fields, empty lists left out."""
    found = {}
    sections = list(issue.sections.all())
    for language, _name in settings.LANGUAGES:
        lacks = [] if getattr(issue, f"subject_{language}") else [_("subject")]
        for number, section in enumerate(sections, 1):
            for name, label in (("heading", _("heading")), ("body", _("text"))):
                if not getattr(section, f"{name}_{language}"):
                    lacks.append(f"{label} {number}")
        if not sections:
            lacks.append(_("a section"))
        if lacks:
            found[language] = lacks
    return found


def freeze(issue: Issue) -> list[Edition]:
    """The three editions of an issue as they will leave; not saved yet."""
    letters = [letter_of_issue(issue, language) for language, _name in settings.LANGUAGES]
    return [
        Edition(
            issue=issue,
            language=letter.language,
            subject=letter.subject,
            text=text_part(letter),
            html=html_part(letter),
        )
        for letter in letters
    ]


def digest(editions: Iterable[Edition]) -> str:
    parts = [(each.language, each.subject, each.text, each.html) for each in editions]
    return hashlib.sha256(repr(sorted(parts)).encode()).hexdigest()


def signature_of_sender(language: str) -> Section:
    """Who writes, the last lines of every letter in both parts."""
    with translation.override(language):
        words = _("SENSGENE, rare diseases of the eye and the ear")
        return Section("", "", (Link(words, address_of(language, "home")),))


# --- Letters that somebody's own act asked for --------------------------------------------------------------------


def letter_to(kind: str, language: str, links: dict[str, str]) -> Letter:
    """`links` holds the addresses of the mailed links by purpose. No word in it comes from whoever filled a form."""
    with translation.override(language):
        match kind:
            case Delivery.Kind.CONFIRM:
                return Letter(
                    language,
                    _("Please confirm your subscription"),
                    _("Somebody, probably you, asked for the SENSGENE newsletter at this address."),
                    (
                        Section(
                            "",
                            _(
                                "The link leads to a page with one button. The button subscribes you. The link works for 7 days."
                            ),
                            (Link(_("Confirm the subscription"), links[Purpose.CONFIRM]),),
                        ),
                    ),
                    (
                        Section(
                            "",
                            _(
                                "Was this not you? Then do nothing. If you do not press the button, we will not write again. We erase this address after 7 days."
                            ),
                            (Link(_("Never write to this address again"), links[Purpose.NEVER]),),
                        ),
                    ),
                )
            case Delivery.Kind.ALREADY:
                return Letter(
                    language,
                    _("You are subscribed already"),
                    _(
                        "Somebody, probably you, asked for the SENSGENE newsletter at this address. It is on the list already."
                    ),
                    (
                        Section(
                            "",
                            _(
                                "You do not need to do anything. To change the language, to see what we keep or to leave, open your own page. The link works for 1 day."
                            ),
                            (Link(_("Open my page"), links[Purpose.MANAGE]),),
                        ),
                    ),
                )
            case Delivery.Kind.MANAGE:
                return Letter(
                    language,
                    _("The link to your own page"),
                    _("On this page you see what we keep about you, change the language, leave, or erase everything."),
                    (
                        Section(
                            "",
                            _(
                                "The link works for 1 day. Please do not pass it on: whoever has it can change your subscription."
                            ),
                            (Link(_("Open my page"), links[Purpose.MANAGE]),),
                        ),
                    ),
                    (Section("", _("Was this not you? Then do nothing.")),),
                )
            case Delivery.Kind.GOODBYE:
                return Letter(
                    language,
                    _("You have left the newsletter"),
                    _("You will receive no further issue."),
                    (
                        Section(
                            "",
                            _(
                                "Was it a mistake, or was this not you? The link leads to a page with one button that puts you back on the list. It works for 7 days. Then we erase this address."
                            ),
                            (Link(_("Come back"), links[Purpose.RETURN]),),
                        ),
                    ),
                    (
                        Section(
                            "",
                            _(
                                "Do you never want to hear from us again? The link leads to a page with one button. It erases everything. Nobody can sign this address up again, not even you. To undo it, you would have to write to us."
                            ),
                            (Link(_("Never write to this address again"), links[Purpose.NEVER]),),
                        ),
                    ),
                )
            case Delivery.Kind.STAY:
                return Letter(
                    language,
                    _("Do you still want our newsletter?"),
                    _(
                        "You subscribed 2 years ago or more. We ask only once, so that nobody receives unwanted e-mails."
                    ),
                    (
                        Section(
                            "",
                            _(
                                "If you want to stay, press the button on this page within 30 days. If you do nothing, we erase your address."
                            ),
                            (Link(_("Stay on the list"), links[Purpose.STAY]),),
                        ),
                    ),
                    (Section("", "", (Link(_("Leave now"), links[Purpose.LEAVE]),)),),
                )
    raise ValueError(kind)


# Which links each kind of letter carries. Every one that goes to a subscriber lets them leave.
LINKS: dict[str, tuple[Purpose, ...]] = {
    Delivery.Kind.CONFIRM: (Purpose.CONFIRM, Purpose.NEVER),
    Delivery.Kind.ALREADY: (Purpose.MANAGE,),
    Delivery.Kind.MANAGE: (Purpose.MANAGE,),
    Delivery.Kind.GOODBYE: (Purpose.RETURN, Purpose.NEVER),
    Delivery.Kind.STAY: (Purpose.STAY, Purpose.LEAVE),
    Delivery.Kind.ISSUE: (Purpose.LEAVE,),
}


# --- The message --------------------------------------------------------------------------------------------------


def return_address(delivery: Delivery) -> str:
    """Where a report about this copy comes back (VERP): names the copy, signed so that nobody can invent a report.

    Without a mailbox for reports (MAIL_RETURN), they come back to the sender, unread by us.
    """
    if not settings.MAIL_RETURN:
        return settings.MAIL_FROM
    local, _at, domain = settings.MAIL_RETURN.rpartition("@")
    return f"{local}+{delivery.pk}.{signature(delivery.pk)}@{domain}"


def ways_to_leave(url: str) -> list[str]:
    """For mail programs (RFC 2369, 8058): the link, and an address if somebody reads what arrives there (bounces.py)."""
    if not settings.MAIL_RETURN:
        return [url]
    local, _at, domain = settings.MAIL_RETURN.rpartition("@")
    return [url, f"mailto:{local}+leave.{url.rpartition('/')[2]}@{domain}"]


def signature(pk: int) -> str:
    return addresses.digest(f"return {pk}")[:12]


def edition_of(delivery: Delivery) -> Edition:
    """The frozen text; a test copy shows the issue as it is now."""
    if delivery.kind == Delivery.Kind.ISSUE:
        return Edition.objects.get(issue=delivery.issue_id, language=delivery.language)
    letter = letter_of_issue(delivery.issue, delivery.language)
    return Edition(
        language=letter.language,
        subject=f"[{translated('test copy', letter.language)}] {letter.subject}",
        text=text_part(letter),
        html=html_part(letter),
    )


def translated(text: str, language: str) -> str:
    with translation.override(language):
        return translation.gettext(text)


def compose(delivery: Delivery, subscriber: Subscriber | None, now: datetime) -> Message:
    """The copy that this person gets. Makes fresh links, which the caller stores before the message leaves."""
    purposes = LINKS.get(delivery.kind, ()) if subscriber else ()
    links = {purpose: tokens.make(purpose, subscriber, now) for purpose in purposes}
    urls = {purpose: link.url for purpose, link in links.items()}
    if delivery.kind in (Delivery.Kind.ISSUE, Delivery.Kind.TEST):
        edition = edition_of(delivery)
        leave = urls.get(Purpose.LEAVE, address_of(delivery.language, "own-page"))
        subject, text, html = edition.subject, edition.text.replace(LEAVE, leave), edition.html.replace(LEAVE, leave)
    else:
        letter = letter_to(delivery.kind, delivery.language, urls)
        letter = replace(letter, foot=(*letter.foot, signature_of_sender(delivery.language)))
        subject, text, html = letter.subject, text_part(letter), html_part(letter)
    message = EmailMessage(policy=SMTP.clone(max_line_length=COLUMNS))
    message["From"] = f"SENSGENE <{settings.MAIL_FROM}>"
    message["To"] = delivery.address
    message["Subject"] = one_line(subject)
    message["Date"] = format_datetime(delivery.written_at)
    message["Message-ID"] = delivery.message_id
    domain = addresses.domain(settings.MAIL_FROM)
    message["List-Id"] = f"SENSGENE <newsletter.{domain}>"
    if Purpose.LEAVE in urls:
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if delivery.kind in (Delivery.Kind.ISSUE, Delivery.Kind.TEST):
        message["List-Help"] = f"<{address_of(delivery.language, 'newsletter')}>"
    else:
        message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = delivery.language  # now: the library moves such a header into the first part
    assert_one_recipient(message, delivery.address)
    content = message.as_bytes()
    if Purpose.LEAVE in urls:
        # By hand: the library would encode an address that is longer than a line.
        ways = ",\r\n ".join(f"<{way}>" for way in ways_to_leave(urls[Purpose.LEAVE]))
        content = f"List-Unsubscribe: {ways}\r\n".encode("ascii") + content
    return Message(content, [link.token for link in links.values()])


def one_line(text: str) -> str:
    """Without anything that ends a line somewhere, and without other control characters."""
    return " ".join(CONTROL_CHARACTERS.sub(" ", text).split())


def assert_one_recipient(message: EmailMessage, address: str) -> None:
    """The last line before a letter leaves: one recipient, and that one. Raises ValueError."""
    recipients = [each.addr_spec for header in message.get_all("To", []) for each in header.addresses]
    if recipients != [address] or message["Cc"] or message["Bcc"]:
        raise ValueError("A letter has exactly one recipient.")
