"""Returned mail, as servers write it and as an enemy would. All of it is invented."""

import base64
import mailbox
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from newsletter import bounces, messages, tokens
from newsletter.bounces import Outcome
from newsletter.models import Bounce, Delivery, Purpose, Standing, Subscriber, Token, Transit
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ADDRESS = "invented.reader@example.org"


@pytest.fixture
def delivery(own_files) -> Delivery:
    """A copy that left for somebody."""
    return factories.sent_delivery(subscriber=factories.consenting_subscriber(address=ADDRESS))


def standing() -> str:
    return Subscriber.objects.get().standing


# --- What servers write -------------------------------------------------------------------------------------------

POSTFIX = """\
Return-Path: <>
Delivered-To: {to}
Received: by relay.example.org (Postfix) id 4XyzAB1234; Tue, 24 Nov 2026 12:00:01 +0000 (UTC)
Date: Tue, 24 Nov 2026 12:00:01 +0000 (UTC)
From: MAILER-DAEMON@relay.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4XyzAB1234.1795521601/relay.example.org"
Message-Id: <{own}@relay.example.org>

This is a MIME-encapsulated message.

--4XyzAB1234.1795521601/relay.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4XyzAB1234.1795521601/relay.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.org
X-Postfix-Queue-ID: 4XyzAB1234
Arrival-Date: Tue, 24 Nov 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 {status} <{address}>: Recipient address
    rejected: User unknown in virtual
    mailbox table

--4XyzAB1234.1795521601/relay.example.org
Content-Description: Undelivered Message
Content-Type: message/rfc822

Return-Path: <{returned}>
From: SENSGENE <newsletter@example.org>
To: {address}
Message-ID: {message_id}
Subject: Invented

Invented text.
--4XyzAB1234.1795521601/relay.example.org--
"""

EXIM = """\
Return-path: <>
Envelope-to: {to}
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: {to}
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=1795521601-eximdsn-1
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <{own}@mx.example.org>

--1795521601-eximdsn-1
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

--1795521601-eximdsn-1
Content-type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Action: {action}
Final-Recipient: rfc822;{address}
Status: {status}
Diagnostic-Code: smtp; 550 Unrouteable address

--1795521601-eximdsn-1
Content-type: text/rfc822-headers

Return-path: <{returned}>
Message-ID: {message_id}
To: {address}

--1795521601-eximdsn-1--
"""

EXCHANGE = """\
From: <postmaster@example.org>
To: <{to}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="_invented_boundary (with)+spaces?_"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: fr-FR
Message-ID: <{own}@mail.example.org>
Subject: =?utf-8?B?Tm9uIHJlbWlz?=

--_invented_boundary (with)+spaces?_
Content-Type: multipart/alternative; differences=Content-Type;
 boundary="_inner_"

--_inner_
Content-Type: text/plain; charset="x-unknown-charset"
Content-Transfer-Encoding: quoted-printable

=C9chec de la remise

--_inner_
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: base64

PHA+aW52ZW50ZWQ8L3A+

--_inner_--

--_invented_boundary (with)+spaces?_
Content-Type: message/delivery-status

Reporting-MTA: dns;mail.example.org
Received-From-MTA: dns;relay.example.org

Original-Recipient: rfc822;{address}
Final-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp;550 5.1.1 RESOLVER.ADR.RecipNotFound; not found

--_invented_boundary (with)+spaces?_
Content-Type: message/rfc822

Message-ID: {message_id}
Return-Path: {returned}
Content-Type: multipart/alternative; boundary="_other_"

--_other_--
--_invented_boundary (with)+spaces?_--
"""

LARGE_PROVIDER = """\
Delivered-To: {to}
Return-Path: <>
Content-Type: multipart/report; boundary="0000000000001nvented"; report-type=delivery-status
To: {to}
From: Mail Delivery Subsystem <mailer-daemon@example.com>
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {message_id}
Message-ID: <{own}@mx.example.com>

--0000000000001nvented
Content-Type: multipart/related; boundary="0000000000002nvented"

--0000000000002nvented
Content-Type: text/plain; charset="UTF-8"

Address not found
--0000000000002nvented--
--0000000000001nvented
Content-Type: message/delivery-status
Content-Transfer-Encoding: base64

{base64}
--0000000000001nvented
Content-Type: message/rfc822

Return-Path: <{returned}>
Message-ID:
 {message_id}

--0000000000001nvented--
"""
STYLES = {"Postfix": POSTFIX, "Exim": EXIM, "Exchange": EXCHANGE, "a large provider": LARGE_PROVIDER}


def report(delivery: Delivery, style: str = POSTFIX, **fields) -> bytes:
    values = {
        "to": messages.return_address(delivery),
        "own": "invented-report",
        "address": delivery.address,
        "action": "failed",
        "status": "5.1.1",
        "returned": messages.return_address(delivery),
        "message_id": delivery.message_id,
        **fields,
    }
    status = (
        f"Reporting-MTA: dns; example.com\r\n\r\nFinal-Recipient: rfc822; {values['address']}\r\n"
        f"Action: {values['action']}\r\nStatus: {values['status']}\r\nDiagnostic-Code: smtp; 550-5.1.1 no such account\r\n"
    )
    values["base64"] = base64.encodebytes(status.encode()).decode()
    return style.format(**values).replace("\n", "\r\n").encode()


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("ends", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_refusal_for_good_is_understood(delivery, style, ends):
    content = report(delivery, style).replace(b"\r\n", ends)
    assert bounces.handle(content, NOW) == Outcome.HARD
    assert standing() == Standing.BOUNCED
    bounce = Bounce.objects.get()
    assert (bounce.delivery, bounce.status, bounce.received_at) == (delivery, "5.1.1", NOW)
    assert bounce.diagnostic
    assert "@" not in bounce.diagnostic
    assert bounces.handle(content, NOW) == Outcome.REPEATED
    assert Bounce.objects.count() == 1


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize(
    ("action", "status", "outcome"),
    [
        ("failed", "5.1.1", Outcome.HARD),
        ("FAILED", "5.2.1 (disabled)", Outcome.HARD),
        ("failed", "4.2.2", Outcome.SOFT),
        ("failed", "5.7.1", Outcome.SOFT),  # a policy against us says nothing about the address
        ("delayed", "4.4.1", Outcome.NO_CHANGE),
        ("delayed", "5.1.1", Outcome.NO_CHANGE),
        ("delivered", "2.0.0", Outcome.NO_CHANGE),
        ("relayed", "2.0.0", Outcome.NO_CHANGE),
        ("expanded", "2.0.0", Outcome.NO_CHANGE),
        ("failed", "2.0.0", Outcome.NO_CHANGE),
        ("invented", "5.1.1", Outcome.NO_CHANGE),
        ("", "4.3.0", Outcome.SOFT),
        ("", "5.1.1", Outcome.NO_CHANGE),
    ],
)
def test_every_action_means_what_it_says(delivery, style, action, status, outcome):
    assert bounces.handle(report(delivery, style, action=action, status=status), NOW) == outcome
    assert standing() == (Standing.BOUNCED if outcome == Outcome.HARD else Standing.ACTIVE)


def test_without_a_status_the_reply_says_it(delivery):
    for number, (reply, outcome) in enumerate(
        [("550 5.1.1 no such", Outcome.HARD), ("452 4.2.2 full", Outcome.SOFT), ("554 5.7.1 no", Outcome.SOFT)]
    ):
        content = report(delivery, EXIM, status="", own=f"r{number}").replace(b"550 Unrouteable", reply.encode())
        assert bounces.handle(content, NOW) == outcome


def test_five_soft_reports_about_five_letters_are_enough(delivery):
    for number in range(5):
        assert standing() == Standing.ACTIVE
        copy = factories.sent_delivery(subscriber=delivery.subscriber)
        assert bounces.handle(report(copy, status="4.2.2", own=f"r{number}"), NOW) == Outcome.SOFT
    assert standing() == Standing.BOUNCED


def test_a_folded_diagnostic_is_kept_as_one_line_without_the_address(delivery):
    bounces.handle(report(delivery), NOW)
    expected = "550 5.1.1 <…>: Recipient address rejected: User unknown in virtual mailbox table"
    assert Bounce.objects.get().diagnostic == expected


# --- Whose it is --------------------------------------------------------------------------------------------------

NOWHERE = "returns@example.org"


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("way", ["to", "returned", "message_id"])
def test_each_evidence_is_enough(delivery, style, way):
    others = {"to": NOWHERE, "returned": NOWHERE, "message_id": "<other@example.org>"}
    del others[way]
    assert bounces.handle(report(delivery, style, **others), NOW) == Outcome.HARD


def test_a_report_without_evidence_changes_nothing(delivery):
    pk, signature = delivery.pk, messages.signature(delivery.pk)
    forged = [
        NOWHERE,
        f"returns+{pk}.{'0' * 12}@example.org",
        f"returns+{pk + 1}.{signature}@example.org",
        f"returns+{pk}.{signature[:-1]}@example.org",
        f"returns+{pk}.{signature}0@example.org",
        f"returns+{pk}.{signature}@example.com",
        f"returns+{pk}.{signature}@example.org.example.com",
        f"others+{pk}.{signature}@example.org",
        f"my-returns+{pk}.{signature}@example.org",
        f"returns+{'9' * 400}.{signature}@example.org",
        f"returns+{pk}.{signature}",
    ]
    for style in STYLES.values():
        for to in forged:
            content = report(delivery, style, to=to, returned=to, message_id="<other@example.org>")
            assert bounces.handle(content, NOW) == Outcome.UNPROVEN, to
    assert standing() == Standing.ACTIVE
    assert not Bounce.objects.exists()


def test_another_key_signs_nothing(delivery, settings):
    content = report(delivery, message_id="<other@example.org>")
    settings.NEWSLETTER_KEY = "another-" * 10
    assert bounces.handle(content, NOW) == Outcome.UNPROVEN


def test_without_a_mailbox_for_returns_no_address_counts(delivery, settings):
    content = report(delivery, message_id="<other@example.org>")
    settings.MAIL_RETURN = ""
    assert bounces.handle(content, NOW) == Outcome.UNPROVEN
    assert bounces.handle(b"To: +leave." + b"x" * 43 + b"@\n\n", NOW) == Outcome.UNKNOWN


def test_the_identifier_of_a_test_copy_can_be_guessed_and_does_not_count(delivery):
    Delivery.objects.update(kind=Delivery.Kind.TEST)
    assert bounces.handle(report(delivery, to=NOWHERE, returned=NOWHERE), NOW) == Outcome.UNPROVEN


def test_a_report_about_a_letter_without_a_person_changes_nothing(delivery):
    Delivery.objects.update(subscriber=None)
    assert bounces.handle(report(delivery), NOW) == Outcome.NO_CHANGE


def with_recipients(delivery: Delivery, *groups: tuple[str, str, str]) -> bytes:
    text = "".join(f"Final-Recipient: rfc822; {who}\nAction: {what}\nStatus: {code}\n\n" for who, what, code in groups)
    before, _head, rest = POSTFIX.partition("Final-Recipient")
    return report(delivery, before + text.rstrip("\n") + "\n\n" + rest[rest.index("--4Xyz") :])


@pytest.mark.parametrize(
    ("groups", "outcome"),
    [
        ([("x@example.org", "failed", "5.1.1"), (ADDRESS, "failed", "4.2.2")], Outcome.SOFT),
        ([("x@example.org", "failed", "4.2.2"), (ADDRESS.upper(), "failed", "5.1.1")], Outcome.HARD),
        # It forwards to several mailboxes: one that works is enough.
        ([("x@example.org", "failed", "5.1.1"), ("y@example.org", "relayed", "2.0.0")], Outcome.NO_CHANGE),
        ([("x@example.org", "failed", "5.1.1"), ("y@example.org", "failed", "4.2.2")], Outcome.SOFT),
        ([("x@example.org", "failed", "5.1.1"), ("y@example.org", "failed", "5.1.1")], Outcome.HARD),
        ([], Outcome.NO_CHANGE),
    ],
)
def test_of_several_recipients_ours_counts_or_the_mildest(delivery, groups, outcome):
    assert bounces.handle(with_recipients(delivery, *groups), NOW) == outcome


# --- Complaints, mail that asks to leave, the rest ----------------------------------------------------------------

COMPLAINT = """\
From: <feedback@example.com>
To: <abuse@example.org>
Subject: FW: Invented
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_invented"
Message-ID: <{own}@example.com>

--part1_invented
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1_invented
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{returned}>

--part1_invented
Content-Type: message/rfc822
Content-Disposition: inline

From: <newsletter@example.org>
Message-ID: {message_id}
To: <undisclosed>

Invented.
--part1_invented--
"""


def complaint(delivery: Delivery, **fields) -> bytes:
    values = {"own": "c1", "kind": "abuse", "returned": NOWHERE, "message_id": delivery.message_id, **fields}
    return COMPLAINT.format(**values).encode()


def test_a_complaint_takes_somebody_off_at_once(delivery):
    waiting = factories.sent_delivery(subscriber=delivery.subscriber, state=Transit.PENDING)
    assert bounces.handle(complaint(delivery), NOW) == Outcome.COMPLAINT
    assert bounces.handle(complaint(delivery), NOW) == Outcome.REPEATED
    waiting.refresh_from_db()
    assert (standing(), waiting.state) == (Standing.COMPLAINED, Transit.CANCELLED)


def test_a_complaint_names_its_letter_by_the_return_address_too(delivery):
    named = complaint(delivery, message_id="<other@example.org>", returned=messages.return_address(delivery))
    assert bounces.handle(named, NOW) == Outcome.COMPLAINT


def test_a_forged_complaint_changes_nothing(delivery):
    assert bounces.handle(complaint(delivery, message_id="<other@example.org>"), NOW) == Outcome.UNPROVEN
    assert standing() == Standing.ACTIVE


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "other", ""])
def test_other_feedback_is_no_complaint(delivery, kind):
    assert bounces.handle(complaint(delivery, kind=kind), NOW) == Outcome.UNKNOWN
    assert standing() == Standing.ACTIVE


def way_to_leave(delivery: Delivery, purpose: Purpose = Purpose.LEAVE) -> str:
    link = tokens.make(purpose, delivery.subscriber, NOW)
    link.token.save()
    return messages.ways_to_leave(link.url)[1].removeprefix("mailto:")


@pytest.mark.parametrize(
    "header",
    [
        "To: {0}",
        "To: <{0}>",
        "To: Somebody <others@example.org>,\n\t{0}",
        "Delivered-To: {0}\nTo: undisclosed-recipients:;",
        "X-Original-To: {0}",
        "Envelope-To: {0}\nAuto-Submitted: auto-generated",
    ],
)
def test_mail_to_the_address_for_leaving_leaves(delivery, header):
    mail = f"From: {ADDRESS}\n{header.format(way_to_leave(delivery))}\nSubject: unsubscribe\n\n"
    assert bounces.handle(mail.encode(), NOW) == Outcome.LEFT
    assert bounces.handle(mail.encode(), NOW) == Outcome.LEFT
    assert standing() == Standing.LEFT
    assert Delivery.objects.filter(kind=Delivery.Kind.GOODBYE).count() == 1


@pytest.mark.parametrize("purpose", [each for each in Purpose if each != Purpose.LEAVE])
def test_links_for_anything_else_do_not_leave(delivery, purpose):
    mail = f"To: {way_to_leave(delivery, purpose)}\n\n"
    assert bounces.handle(mail.encode(), NOW) == Outcome.UNPROVEN
    assert standing() == Standing.ACTIVE
    assert not Token.objects.exclude(used_at=None).exists()


def test_a_guess_does_not_leave(delivery):
    right = way_to_leave(delivery)
    for wrong in (right.swapcase(), right.replace("leave.", "leave.x"), right.replace("@example.org", "@example.com")):
        assert bounces.handle(f"To: {wrong}\n\n".encode(), NOW) in (Outcome.UNPROVEN, Outcome.UNKNOWN)
    # In our own letter that comes back, the address stands in List-Unsubscribe: it asks for nothing.
    returned = report(delivery).replace(
        b"From: SENSGENE", f"List-Unsubscribe: <mailto:{right}>\r\nTo: {right}".encode()
    )
    assert bounces.handle(returned, NOW) == Outcome.HARD


@pytest.mark.parametrize(
    ("mail", "outcome"),
    [
        ("Auto-Submitted: auto-replied\nSubject: Out of office\n\nI am away.", Outcome.AUTOMATIC),
        ("Auto-Submitted: auto-replied (vacation)\n\n", Outcome.AUTOMATIC),
        ("X-Autoreply: yes\n\n", Outcome.AUTOMATIC),
        ("Precedence: auto_reply\n\n", Outcome.AUTOMATIC),
        ("Auto-Submitted: no\nSubject: A question\n\nUnsubscribe me?", Outcome.UNKNOWN),
        ("Subject: 550 5.1.1 user unknown\n\nYour letter was not delivered.", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
        ("\n\n", Outcome.UNKNOWN),
    ],
)
def test_anything_else_is_left_alone(delivery, mail, outcome):
    mail = f"To: {messages.return_address(delivery)}\n{mail}" if mail.strip() else mail
    assert bounces.handle(mail.encode(), NOW) == outcome
    assert standing() == Standing.ACTIVE
    assert not Bounce.objects.exists()


# --- What an enemy writes -----------------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (number, number) for number in range(depth)
    )
    return b"To: returns@example.org\n" + opened


HOSTILE = {
    "nothing but line ends": b"\r\n" * 200_000,
    "nothing but carriage returns": b"\r" * 400_000,
    "NUL": b"\x00" * 400_000,
    "one endless header line": b"To: " + b"a" * 30_000_000,
    "many fields": b"To: returns@example.org\n" * 100_000,
    "endless folding": b"To:" + b"\n " * 200_000,
    "colons": b":" * 400_000,
    "no header": b"\xff\xfe\xfd" * 100_000,
    "deep": nested(5000),
    "wide": b'Content-Type: multipart/report; boundary="b"\n\n' + b"--b\n\n" * 80_000,
    "a boundary of one sign": b'Content-Type: multipart/report; boundary="-"\n\n' + b"---\n" * 100_000,
    "a boundary of specials": b'Content-Type: multipart/report; boundary="(.*)+$\\\\"\n\n--(.*)+$\\\n\n'
    + b"(" * 100_000,
    "half-open quotes": b"Content-Type: multipart/report" + b';a="' * 20_000 + b"\n\n",
    "brackets": b"Content-Type: message/rfc822\n\nMessage-ID: " + b"<" * 300_000,
    "at signs": b"To: " + b"returns+1.@" * 30_000 + b"\n\n",
    "groups": b"Content-Type: message/delivery-status\n\n" + b"Action: failed\nStatus: 5.1.1\n\n" * 20_000,
    "bad base64": b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n" + b"=A===" * 80_000,
    "bad quoted-printable": b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: quoted-printable\n\n"
    + b"=" * 400_000,
    "an odd charset": b"Content-Type: message/delivery-status; charset=\xff\x00utf-7\n\nAction: failed\n",
    "surrogates": b"Content-Type: message/rfc822\n\nMessage-ID: <\xed\xa0\x80@example.org>\n",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mail_is_little_work_and_no_exception(delivery, content):
    started = time.process_time()  # of this process alone, however busy the machine is
    bounces.understand(content)
    assert bounces.handle(content, NOW) in (Outcome.UNKNOWN, Outcome.UNPROVEN)
    assert time.process_time() - started < 3
    assert standing() == Standing.ACTIVE


def test_a_report_with_strange_words_is_kept_in_clean_ones(delivery):
    for number, words in enumerate(
        [b"\x00\x1b[31mred\x07", b"\xff\xfe", "\u202eleft \U0001f600".encode(), b"x" * 5000]
    ):
        content = report(delivery, status="4.2.2", own=f"r{number}").replace(b"User unknown", words)
        assert bounces.handle(content, NOW) == Outcome.SOFT
    for bounce in Bounce.objects.all():
        assert bounce.diagnostic.isprintable()
        assert len(bounce.diagnostic) <= 300


def test_a_report_behind_thirty_megabytes_of_letter_is_understood(delivery):
    content = report(delivery).replace(b"Invented text.", b"x" * 76 * 400_000)
    assert len(content) > 30_000_000
    assert bounces.handle(content, NOW) == Outcome.HARD


def test_every_truncated_report_is_harmless(delivery):
    content = report(delivery, to=NOWHERE, message_id="<other@example.org>", returned=NOWHERE)
    for length in range(0, len(content), 7):
        assert bounces.handle(content[:length], NOW) in bounces.KEPT + (Outcome.AUTOMATIC,)
    whole = report(delivery)
    cut = whole[: whole.index(b"--4XyzAB1234", whole.index(b"Diagnostic-Code"))]
    assert bounces.handle(cut, NOW) == Outcome.HARD  # the original is missing: the address names the copy


@hypothesis_settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_broken_reports_are_never_an_exception(delivery, data):
    content = bytearray(report(delivery, data.draw(st.sampled_from(list(STYLES.values()))), status="4.2.2"))
    for _each in range(data.draw(st.integers(0, 12))):
        place = data.draw(st.integers(0, len(content)))
        end = min(len(content), place + data.draw(st.integers(0, 60)))
        content[place:end] = data.draw(st.one_of(st.binary(max_size=30), st.just(b"\n\n"), st.just(b"\n--")))
    meaning = bounces.understand(bytes(content))
    assert len(meaning.recipients) <= bounces.MOST_RECIPIENTS + 1
    assert bounces.handle(bytes(content), NOW) in Outcome


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=2000))
def test_noise_is_never_an_exception(own_files, content):
    bounces.understand(content)
    bounces.understand(b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/" + content)


def test_a_fault_of_our_own_stops_nobody(delivery, monkeypatch, caplog):
    def broken(content):
        raise RuntimeError(ADDRESS)

    monkeypatch.setattr(bounces, "understand", broken)
    assert bounces.handle(report(delivery), NOW) == Outcome.UNKNOWN
    assert "RuntimeError" in caplog.text
    assert ADDRESS not in caplog.text


# --- Mailboxes ----------------------------------------------------------------------------------------------------


def incoming(delivery: Delivery) -> list[bytes]:
    leave = f"To: {way_to_leave(delivery)}\n\n".encode()
    return [report(delivery, status="4.2.2"), b"Subject: A question\n\nFrom here on?\n", b"X-Autoreply: 1\n\n", leave]


def filled(kind: type, path, contents: list[bytes]):
    box = kind(path)
    for content in contents:
        box.add(content.replace(b"\r\n", b"\n"))
    box.flush()
    box.close()
    return path


EXPECTED = sorted([Outcome.SOFT, Outcome.UNKNOWN, Outcome.AUTOMATIC, Outcome.LEFT])


def test_a_maildir_is_emptied_of_what_is_understood(delivery, tmp_path):
    path = filled(mailbox.Maildir, tmp_path / "Maildir", incoming(delivery))
    assert sorted(bounces.read_mailbox(path, dry_run=True)) == EXPECTED
    assert not Bounce.objects.exists()
    assert len(list((path / "new").iterdir())) == 4
    assert sorted(bounces.read_mailbox(path)) == EXPECTED
    assert list((path / "new").iterdir()) == []
    (kept,) = (path / "cur").iterdir()
    assert kept.name.endswith(":2,S")
    assert b"A question" in kept.read_bytes()
    assert list(bounces.read_mailbox(path)) == []


def test_an_mbox_is_emptied_of_what_is_understood(delivery, tmp_path):
    path = filled(mailbox.mbox, tmp_path / "mbox", incoming(delivery))
    assert sorted(bounces.read_mailbox(path, dry_run=True)) == EXPECTED
    assert not Bounce.objects.exists()
    assert sorted(bounces.read_mailbox(path)) == EXPECTED
    assert list(bounces.read_mailbox(path)) == []
    kept = mailbox.mbox(tmp_path / "mbox.not-understood")
    assert [message["Subject"] for message in kept] == ["A question"]
    kept.close()
    assert (tmp_path / "mbox.not-understood").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", [mailbox.Maildir, mailbox.mbox])
def test_a_reader_that_dies_after_the_effect_counts_nothing_twice(delivery, tmp_path, kind):
    path = filled(kind, tmp_path / "box", [report(delivery, status="4.2.2")] * 3 + [b"Subject: x\n\n"])
    reading = bounces.read_mailbox(path)
    assert next(reading) == Outcome.SOFT
    reading.close()
    assert Bounce.objects.count() == 1
    assert sorted(bounces.read_mailbox(path)) == sorted([Outcome.REPEATED] * 2 + [Outcome.UNKNOWN])
    assert Bounce.objects.count() == 1


def test_what_is_no_mailbox_is_refused(tmp_path):
    with pytest.raises(OSError, match="no Maildir"):
        list(bounces.read_mailbox(tmp_path))
    with pytest.raises((OSError, mailbox.Error)):
        list(bounces.read_mailbox(tmp_path / "missing"))


def test_soft_reports_of_a_month_ago_do_not_count(delivery):
    for number in range(8):
        copy = factories.sent_delivery(subscriber=delivery.subscriber)
        bounces.handle(report(copy, status="4.2.2", own=f"r{number}"), NOW + number * timedelta(days=10))
    assert standing() == Standing.ACTIVE
