"""What comes back: reads one returned message, says what it means, and draws the consequence.

Anybody can write to the mailbox for returns. So a report counts only if it shows what only our own letter held: the
signed return address of the copy, or its Message-ID. Whatever is not understood is counted and left alone.
The reader is our own because the work must be bounded: at most MOST_BYTES, DEEPEST levels, MOST_PARTS parts.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import logging
import mailbox
import os
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from newsletter import addresses, clock, messages, subscriptions, tokens
from newsletter.models import Bounce, Delivery, Purpose

log = logging.getLogger("newsletter.bounces")

MOST_BYTES = 512 * 1024  # a report comes first; what follows is our own letter
MOST_HEADER = 64 * 1024
MOST_FIELDS = 500
MOST_PARTS = 40
MOST_RECIPIENTS = 50
MOST_EVIDENCE = 20
DEEPEST = 6


class Outcome(StrEnum):
    """What became of one message; the words are what the command prints."""

    HARD = "refused for good"
    SOFT = "refused for now"
    COMPLAINT = "complaint"
    LEFT = "asked to leave"
    REPEATED = "read before"
    NO_CHANGE = "report that changes nothing"
    AUTOMATIC = "automatic reply"
    UNPROVEN = "not about a letter of ours"
    UNKNOWN = "not understood"


# These may be a person's own words, or a fault of ours: the command keeps them for staff to look at.
KEPT = (Outcome.UNPROVEN, Outcome.UNKNOWN)

Fields = list[tuple[str, str]]


@dataclass
class Part:
    """A piece of a message: its header, and its body still encoded."""

    fields: Fields
    body: bytes

    def first(self, name: str) -> str:
        return next((value for each, value in self.fields if each == name), "")

    def every(self, *names: str) -> list[str]:
        return [value for each, value in self.fields if each in names]

    @property
    def kind(self) -> str:
        return self.first("content-type").partition(";")[0].strip().lower() or "text/plain"

    @property
    def content(self) -> bytes:
        """The body, decoded as far as it can be."""
        match self.first("content-transfer-encoding").strip().lower():
            case "quoted-printable":
                return quopri.decodestring(self.body)
            case "base64":
                letters = re.sub(rb"[^A-Za-z0-9+/]", b"", self.body)
                try:
                    return base64.b64decode(letters[: len(letters) // 4 * 4])
                except binascii.Error:
                    return b""
        return self.body


@dataclass(frozen=True)
class Recipient:
    """One group of a delivery report: what became of the letter for one address."""

    action: str
    status: str
    diagnostic: str
    addresses: tuple[str, ...]

    @property
    def kind(self) -> Bounce.Kind | None:
        """None: nothing is wrong yet, or nobody can tell."""
        if self.action == "failed" and self.status.startswith("5."):
            # 5.7: a policy against the sender (RFC 3463). It says nothing about the address, and a block of a large
            # provider would empty half the list at once.
            return Bounce.Kind.SOFT if self.status.startswith("5.7.") else Bounce.Kind.HARD
        if self.status.startswith("4.") and self.action in ("failed", ""):
            return Bounce.Kind.SOFT
        if self.action == "failed" and not self.status:
            return Bounce.Kind.SOFT
        return None


@dataclass
class Meaning:
    """What a message says, before anybody asked whether it is true."""

    message_id: str = ""
    copies: list[int] = field(default_factory=list)  # named by a return address with a good signature
    message_ids: list[str] = field(default_factory=list)  # of the letter that came back
    secret: str = ""  # of a link to leave
    recipients: list[Recipient] = field(default_factory=list)
    is_report: bool = False
    is_complaint: bool = False
    is_automatic: bool = False


# --- A message in pieces ------------------------------------------------------------------------------------------


def fields_of(block: bytes) -> Fields:
    """A header, unfolded, with its names in lower case. What is no field is passed over."""
    text = re.sub(r"\n[ \t]+", " ", block[:MOST_HEADER].decode("utf-8", "replace"))
    found = []
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[!-9;-~]{1,80}[ \t]*", name):
            found.append((name.strip().lower(), value.strip()))
            if len(found) == MOST_FIELDS:
                break
    return found


def part_of(content: bytes) -> Part:
    if content.startswith(b"\n"):
        return Part([], content[1:])
    head, _empty, body = content.partition(b"\n\n")
    return Part(fields_of(head), body)


PARAMETER = re.compile(r';\s{0,20}([A-Za-z-]{1,40})\s{0,5}=\s{0,5}("(?:[^"\\]|\\.){0,200}"|[^\s;"]{1,200})')


def parameter(part: Part, name: str) -> str:
    for found, value in PARAMETER.findall(part.first("content-type")[:4000]):
        if found.lower() == name:
            return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
    return ""


def parts_of(message: Part) -> Iterator[Part]:
    """The message and its parts, outer ones first. A message inside it (the letter that came back) is one part."""
    waiting, seen = [(message, 0)], 0
    while waiting and seen < MOST_PARTS:
        part, depth = waiting.pop(0)
        seen += 1
        yield part
        boundary = parameter(part, "boundary")
        if depth == DEEPEST or not part.kind.startswith("multipart/") or not boundary:
            continue
        line = rb"(?m)^--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(--)?[ \t]{0,80}$\n?"
        begin = None
        for match in re.finditer(line, part.body):
            if begin is not None:
                waiting.append((part_of(part.body[begin : match.start()]), depth + 1))
            begin = None if match[1] else match.end()
            if match[1] or len(waiting) > MOST_PARTS:
                break
        if begin is not None:  # cut off
            waiting.append((part_of(part.body[begin:]), depth + 1))


# --- What it says -------------------------------------------------------------------------------------------------

ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "to")
REPORTS = ("message/delivery-status", "message/global-delivery-status")
RETURNED = (
    *("message/rfc822", "message/rfc822-headers", "text/rfc822-headers", "text/rfc822"),
    *("message/global", "message/global-headers"),
)
STATUS = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])", re.ASCII)
REPLY = re.compile(r"([45])[0-9]{2}[ -]", re.ASCII)
MESSAGE_ID = re.compile(r"<[^<>\s]{1,198}>")


def address_with(extension: str) -> re.Pattern:
    """Our mailbox for returns with something after the +."""
    local, _at, domain = settings.MAIL_RETURN.rpartition("@")
    return re.compile(
        rf"(?<![\w.+-])(?i:{re.escape(local)})\+(?i:{extension})@(?i:{re.escape(domain)})(?![\w.-])", re.ASCII
    )


def copies_named_in(values: list[str]) -> list[int]:
    if not settings.MAIL_RETURN:
        return []
    pattern, found = address_with(r"([0-9]{1,18})\.([0-9a-f]{12})"), []
    for value in values[:MOST_EVIDENCE]:
        for match in list(pattern.finditer(value[:4000]))[:MOST_EVIDENCE]:
            if hmac.compare_digest(messages.signature(int(match[1])), match[2].lower()):
                found.append(int(match[1]))
    return found


def secret_in(values: list[str]) -> str:
    if not settings.MAIL_RETURN:
        return ""
    pattern = address_with(r"leave\.([A-Za-z0-9_-]{43})")
    return next((match[1] for value in values[:MOST_EVIDENCE] if (match := pattern.search(value[:4000]))), "")


def address_in(value: str) -> str:
    """rfc822; <somebody@example.org> → somebody@example.org"""
    return value.rpartition(";")[2].strip(" \t<>").lower()


def recipient_of(group: Fields) -> Recipient:
    part = Part(group, b"")
    diagnostic = part.first("diagnostic-code")
    status = STATUS.match(part.first("status"))
    words = diagnostic.partition(";")[2].strip() or diagnostic
    if status:
        code = status[0]
    elif match := REPLY.match(f"{words} "):
        enhanced = STATUS.match(words[4:])
        code = enhanced[0] if enhanced else f"{match[1]}.0.0"
    else:
        code = ""
    return Recipient(
        action=part.first("action").partition(" ")[0].lower(),
        status=code,
        diagnostic=words,
        addresses=tuple(address_in(value) for value in part.every("original-recipient", "final-recipient")),
    )


def understand(content: bytes) -> Meaning:
    """Reads a message; asks nobody."""
    text = content[:MOST_BYTES].replace(b"\r\n", b"\n")
    if text.startswith(b"From "):  # what a mailbox or a pipe puts in front
        text = text.partition(b"\n")[2]
    message = part_of(text)
    envelope = message.every(*ENVELOPE)
    meaning = Meaning(
        message_id=next(iter(MESSAGE_ID.findall(message.first("message-id")[:1000])), ""),
        secret=secret_in(envelope),
        copies=copies_named_in(envelope),
        is_automatic=is_automatic(message),
    )
    evidence = []
    for part in parts_of(message):
        if part.kind in REPORTS and not meaning.is_report:
            meaning.is_report = True
            groups = [fields_of(block) for block in re.split(rb"\n[ \t]*\n", part.content.replace(b"\r\n", b"\n"))]
            meaning.recipients = [recipient_of(group) for group in groups if group][: MOST_RECIPIENTS + 1]
            meaning.recipients = [each for each in meaning.recipients if each.addresses or each.action]
            evidence += [value for group in groups for name, value in group if name == "original-recipient"]
        elif part.kind == "message/feedback-report":
            report = Part(fields_of(part.content.replace(b"\r\n", b"\n")), b"")
            meaning.is_complaint |= report.first("feedback-type").lower() == "abuse"
            evidence += report.every("original-mail-from", "original-rcpt-to")
        elif part.kind in RETURNED:
            letter = part_of(part.content.replace(b"\r\n", b"\n").lstrip(b"\n"))
            evidence += letter.every("return-path")
            for value in letter.every("message-id")[:MOST_EVIDENCE]:
                meaning.message_ids += MESSAGE_ID.findall(value[:1000])
    meaning.copies += copies_named_in(evidence)
    return meaning


def is_automatic(message: Part) -> bool:
    submitted = message.first("auto-submitted").partition(";")[0].strip().lower()
    return bool(
        submitted not in ("", "no")
        or message.first("x-autoreply")
        or message.first("x-autorespond")
        or message.first("precedence").lower() == "auto_reply"
    )


# --- What follows from it -----------------------------------------------------------------------------------------


def handle(content: bytes, now: datetime, *, dry_run: bool = False) -> Outcome:
    """Reads a message and does what follows. Raises only what the database raises."""
    try:
        meaning = understand(content)
    except Exception as error:  # whatever strangers send: one message must not stop the others
        log.error("a returned message cannot be read: %s", type(error).__name__)
        return Outcome.UNKNOWN
    if meaning.secret:
        return leave(meaning.secret, now, dry_run=dry_run)
    if not meaning.is_report and not meaning.is_complaint:
        return Outcome.AUTOMATIC if meaning.is_automatic else Outcome.UNKNOWN
    delivery = delivery_of(meaning)
    if delivery is None:
        return Outcome.UNPROVEN
    recipient = None
    if meaning.is_complaint:
        kind = Bounce.Kind.COMPLAINT
    else:
        recipient = decisive(meaning.recipients, delivery)
        kind = recipient.kind if recipient else None
    if kind is None or delivery.subscriber is None:
        return Outcome.NO_CHANGE
    report = Bounce(
        delivery=delivery,
        subscriber=delivery.subscriber,
        kind=kind,
        status=recipient.status if recipient else "",
        diagnostic=addresses.hidden(recipient.diagnostic, delivery.address) if recipient else "",
        received_at=now,
        fingerprint=fingerprint(delivery, kind, recipient, meaning, content),
    )
    if dry_run:
        is_new = not Bounce.objects.filter(fingerprint=report.fingerprint).exists()
    else:
        is_new = subscriptions.note_bounce(report, now)
    return Outcome[kind.name] if is_new else Outcome.REPEATED


def leave(secret: str, now: datetime, *, dry_run: bool) -> Outcome:
    token = tokens.find(secret, now)
    if token is None or token.purpose != Purpose.LEAVE:
        return Outcome.UNPROVEN
    if not dry_run:
        subscriptions.leave(token.subscriber, now)
    return Outcome.LEFT


def delivery_of(meaning: Meaning) -> Delivery | None:
    """The letter that a report is about, if the report proves that whoever wrote it had that letter."""
    letters = Delivery.objects.select_related("subscriber")
    for pk in meaning.copies[:MOST_EVIDENCE]:
        if found := letters.filter(pk=pk).first():
            return found
    for message_id in meaning.message_ids[:MOST_EVIDENCE]:
        # The identifier of a test copy can be guessed. None holds a character that the database cannot keep.
        if message_id.isascii() and message_id.isprintable():
            found = letters.exclude(kind=Delivery.Kind.TEST).filter(message_id=message_id).first()
            if found:
                return found
    return None


def decisive(recipients: list[Recipient], delivery: Delivery) -> Recipient | None:
    """The group about our recipient. Of several others (it forwards to them) the mildest: one that works is enough."""
    if delivery.address:
        named = [each for each in recipients if delivery.address in each.addresses]
        recipients = named or recipients
    for kind in (None, Bounce.Kind.SOFT, Bounce.Kind.HARD):
        for recipient in recipients:
            if recipient.kind == kind:
                return recipient
    return None


def fingerprint(
    delivery: Delivery, kind: Bounce.Kind, recipient: Recipient | None, meaning: Meaning, content: bytes
) -> str:
    """The same for the same report, however often it is read."""
    own = meaning.message_id or hashlib.sha256(content[:MOST_BYTES]).hexdigest()
    parts = (delivery.pk, recipient.status if recipient else kind.value, own)
    return hashlib.sha256(repr(parts).encode("utf-8", "replace")).hexdigest()


# --- Where it comes from ------------------------------------------------------------------------------------------


def read(stream: BinaryIO) -> bytes:
    """As much of a message as is looked at; the rest is read and dropped, so that whoever sends it can finish."""
    content = stream.read(MOST_BYTES)
    while stream.read(1024 * 1024):
        pass
    return content


def read_mailbox(path: Path, *, dry_run: bool = False) -> Iterator[Outcome]:
    """Each message of a Maildir or an mbox. Raises OSError, mailbox.Error, and what the database raises.

    A message goes away only after its effect is committed; killed and begun again, it is read twice and counts once.
    What is not understood is kept: seen, in the Maildir; in a file of its own beside the mbox.
    """
    return read_maildir(path, dry_run=dry_run) if path.is_dir() else read_mbox(path, dry_run=dry_run)


def read_maildir(path: Path, *, dry_run: bool) -> Iterator[Outcome]:
    if not (path / "new").is_dir() or not (path / "cur").is_dir():
        raise FileNotFoundError(f"{path} is no Maildir: it needs the folders new and cur.")
    for file in sorted([*(path / "new").iterdir(), *(path / "cur").iterdir()]):
        name, _colon, flags = file.name.partition(":2,")
        if name.startswith(".") or "S" in flags:
            continue
        try:
            with open(file, "rb") as stream:
                content = stream.read(MOST_BYTES)
        except (FileNotFoundError, IsADirectoryError):  # somebody else was faster
            continue
        outcome = handle(content, clock.now(), dry_run=dry_run)
        if not dry_run:
            with contextlib.suppress(FileNotFoundError):
                if outcome in KEPT:
                    file.rename(path / "cur" / f"{name}:2,{''.join(sorted({*flags, 'S'}))}")
                else:
                    file.unlink()
        yield outcome


def read_mbox(path: Path, *, dry_run: bool) -> Iterator[Outcome]:
    box = mailbox.mbox(path, create=False)
    if not dry_run:
        box.lock()
    try:
        for key in list(box.keys()):
            with contextlib.closing(box.get_file(key)) as stream:
                content = stream.read(MOST_BYTES)
            outcome = handle(content, clock.now(), dry_run=dry_run)
            if not dry_run:
                if outcome in KEPT:
                    keep_beside(path, content)
                box.discard(key)
            yield outcome
    finally:
        if not dry_run:
            box.flush()
            box.unlock()
        box.close()


def keep_beside(path: Path, content: bytes) -> None:
    """Appends a message that staff may want to read to a second mbox."""
    quoted = re.sub(rb"(?m)^(>*From )", rb">\1", content)
    kept = path.with_name(f"{path.name}.not-understood")
    with open(os.open(kept, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
        file.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n" + quoted.rstrip(b"\n") + b"\n\n")
        file.flush()
        os.fsync(file.fileno())
