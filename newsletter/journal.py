"""What remembers which letters a mail server accepted: the answer to the one question SMTP leaves open (RFC 1047).

A worker that dies, or a connection that breaks, between the last byte of a letter and the server's answer leaves a
letter of which nobody here knows whether it was accepted. The server knows: Postfix logs it.
"""

import os
import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Protocol

from django.utils import timezone


class Verdict(Enum):
    ACCEPTED = "the server has it"
    REFUSED = "the server never had it"
    NOT_YET = "the journal does not reach that far yet"
    UNKNOWN = "there is no journal to ask"


class Journal(Protocol):
    def verdict(self, message_id: str, since: datetime, until: datetime) -> Verdict:
        """What became of a letter whose hand-over began at `since` and cannot have gone on after `until`."""


class NoJournal:
    def verdict(self, message_id: str, since: datetime, until: datetime) -> Verdict:
        return Verdict.UNKNOWN


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
ISO = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) ", re.ASCII)
TRADITIONAL = re.compile(r"^([A-Z][a-z]{2}) [ ]?(\d{1,2}) (\d\d):(\d\d):(\d\d) ", re.ASCII)
NAMED = re.compile(r"cleanup\[\d+\]: (\w+): message-id=(<[^>\s]+>)", re.ASCII)
QUEUED = re.compile(r"qmgr\[\d+\]: (\w+): from=<", re.ASCII)


def moment_of(line: str, today: datetime) -> datetime | None:
    """When a line was written: RFC 3339, or the traditional form, which has no year and is local time."""
    if match := ISO.match(line):
        try:
            moment = datetime.fromisoformat(match[1])
        except ValueError:
            return None
        return moment if moment.tzinfo else timezone.make_aware(moment)
    if (match := TRADITIONAL.match(line)) and match[1] in MONTHS:
        month, day, *time = MONTHS.index(match[1]) + 1, *map(int, match.groups()[1:])
        # In local time, and a day ahead: around midnight two clocks may stand on two sides of it.
        latest = timezone.localtime(today) + timedelta(days=1)
        year = latest.year if (month, day) <= (latest.month, latest.day) else latest.year - 1
        try:
            return timezone.make_aware(datetime(year, month, day, *time))
        except ValueError:
            return None
    return None


class PostfixLog:
    """The mail log of the Postfix that we hand letters to, read as it grows.

    Postfix names a letter while it receives it (cleanup: message-id=…) and owns it once the queue manager has it
    (qmgr: from=<…>). The first without the second is a letter whose sender broke off.
    """

    MARGIN = timedelta(seconds=1)  # between a letter and the line about it, and between two clocks that are kept right

    def __init__(self, path: Path):
        self.path = path
        self.position, self.file_number = 0, None
        self.names: dict[str, str] = {}  # queue id → Message-ID
        self.accepted: set[str] = set()
        self.reaches_to: datetime | None = None
        self.began_before: datetime | None = None

    def verdict(self, message_id: str, since: datetime, until: datetime) -> Verdict:
        if not self.read():
            return Verdict.NOT_YET
        if message_id in self.accepted:
            return Verdict.ACCEPTED
        is_complete = (
            self.began_before is not None
            and self.began_before <= since + self.MARGIN
            and self.reaches_to > until + self.MARGIN
        )
        return Verdict.REFUSED if is_complete else Verdict.NOT_YET

    def read(self) -> bool:
        """Takes in what was added. False if the log cannot be read."""
        try:
            with open(self.path, "rb") as file:
                number = os.fstat(file.fileno()).st_ino
                if self.file_number is None:
                    self.take(self.earlier())
                elif number != self.file_number or os.fstat(file.fileno()).st_size < self.position:
                    self.take(self.rest_of_the_earlier())
                    self.position = 0
                self.file_number = number
                file.seek(self.position)
                added = file.read()
        except OSError:
            return False
        whole = added[: added.rfind(b"\n") + 1]
        self.position += len(whole)
        self.take(whole)
        return True

    def earlier(self) -> bytes:
        """The log before the last rotation, where there is one that is not compressed."""
        try:
            return self.path.with_name(f"{self.path.name}.1").read_bytes()
        except OSError:
            return b""

    def rest_of_the_earlier(self) -> bytes:
        return self.earlier()[self.position :]

    def take(self, lines: bytes) -> None:
        today = datetime.now(UTC)
        for line in lines.decode("utf-8", "replace").splitlines():
            if moment := moment_of(line, today):
                self.began_before = self.began_before or moment
                self.reaches_to = moment
            if match := NAMED.search(line):
                self.names[match[1]] = match[2]
            elif (match := QUEUED.search(line)) and match[1] in self.names:
                self.accepted.add(self.names.pop(match[1]))
