"""Handing a letter over: to a mail server by SMTP, or to a folder where none is set. The only module that knows SMTP.

A hand-over has two halves. Whatever fails in `begin` is safe to try again: nobody has the letter. In `finish` the
server may accept it and die before it says so (RFC 1047): then, and only then, `Lost` is raised.
"""

import os
import re
import smtplib
import ssl
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from django.conf import settings

from newsletter import addresses, journal


class Refusal(Exception):
    """The server refuses this one letter: for now (4xx) or for good (5xx). It does not have it."""

    def __init__(self, code: int, reply: str, stage: str = ""):
        super().__init__(f"{code} {reply}")
        self.code, self.reply, self.stage = code, reply, stage

    @property
    def is_final(self) -> bool:
        return self.code >= 500

    @property
    def says_no_such_mailbox(self) -> bool:
        """An enhanced status 5.1.x (RFC 3463): the address itself is wrong."""
        return self.is_final and re.match(r"5\.1\.\d", self.reply) is not None


class ServerTrouble(Exception):
    """The server is away, slow, or refuses us: nothing is wrong with this letter, and nobody has it."""

    def __init__(self, reason: str, *, refuses_us: bool = False, wants_less: bool = False):
        super().__init__(reason)
        self.refuses_us, self.wants_less = refuses_us, wants_less


class Lost(Exception):
    """The connection broke after the letter went out and before the answer came: nobody here knows who has it."""


class Relay(Protocol):
    def begin(self, sender: str, recipient: str) -> None:
        """MAIL and RCPT. Raises Refusal or ServerTrouble."""

    def finish(self, content: bytes) -> tuple[str, str]:
        """DATA; returns code and words of the server. Raises Refusal, ServerTrouble or Lost."""

    def give_up(self) -> None:
        """Undoes `begin`."""

    def probe(self) -> None:
        """Asks whether the server would take a letter from us, without one. Raises ServerTrouble."""

    def close(self) -> None: ...


def configured() -> Relay:
    return Smtp(**settings.MAIL_SERVER) if settings.MAIL_SERVER else Folder(settings.MAIL_DIR)


def configured_journal() -> "journal.Journal":
    """What remembers which letters the relay accepted; the folder itself where letters are files."""
    if not settings.MAIL_SERVER:
        return Folder(settings.MAIL_DIR)
    return journal.PostfixLog(Path(settings.MAIL_JOURNAL)) if settings.MAIL_JOURNAL else journal.NoJournal()


# --- By SMTP ------------------------------------------------------------------------------------------------------

BROKEN = (smtplib.SMTPServerDisconnected, OSError)
LETTERS_A_CONNECTION = 100


class Smtp:
    """One connection, kept for many letters: one recipient a letter, one letter a transaction (RFC 5321)."""

    def __init__(self, host: str, port: int, user: str, password: str, security: str):
        self.host, self.port, self.user, self.password, self.security = host, port, user, password, security
        self.server: smtplib.SMTP | None = None
        self.letters = 0

    def connect(self) -> smtplib.SMTP:
        if self.server is not None and self.letters < LETTERS_A_CONNECTION:
            return self.server
        self.close()
        try:
            self.server = self.open()
        except smtplib.SMTPAuthenticationError as error:
            refuses_us = error.smtp_code >= 500
            raise ServerTrouble("The mail server refuses our password.", refuses_us=refuses_us) from error
        except smtplib.SMTPNotSupportedError as error:
            raise ServerTrouble("The mail server offers no encryption, or no password.", refuses_us=True) from error
        except (smtplib.SMTPException, OSError) as error:
            raise ServerTrouble("The mail server does not answer.") from error
        self.letters = 0
        return self.server

    def open(self) -> smtplib.SMTP:
        where = {"host": self.host, "port": self.port, "timeout": settings.EMAIL_TIMEOUT}
        if self.security == "smtps":
            server = smtplib.SMTP_SSL(**where, context=ssl.create_default_context())
        else:
            server = smtplib.SMTP(**where)
        try:
            server.ehlo_or_helo_if_needed()
            if self.security == "smtp+tls" or (self.security == "smtp" and server.has_extn("starttls")):
                server.starttls(context=self.tls())
                server.ehlo()
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def tls(self) -> ssl.SSLContext:
        """Where STARTTLS is only an offer, any certificate is better than none; where it is asked for, it is checked."""
        context = ssl.create_default_context()
        if self.security == "smtp":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def say(self, stage: str, command) -> tuple[int, str]:
        """One command, one answer. Anything that breaks the connection is the server's trouble, not the letter's."""
        try:
            code, words = command()
        except BROKEN as error:
            self.drop()
            raise ServerTrouble("The mail server does not answer.", wants_less=True) from error
        words = readable(words)
        if code in (421, -1):  # it closes the connection, or speaks no SMTP
            self.drop()
            raise ServerTrouble("The mail server wants fewer letters for now.", wants_less=True)
        if stage == "MAIL" and code >= 400:
            self.give_up()
            raise ServerTrouble("The mail server refuses to take letters from us.", refuses_us=code >= 500)
        if code >= 400:
            self.give_up()
            raise Refusal(code, words, stage)
        return code, words

    def begin(self, sender: str, recipient: str) -> None:
        server = self.connect()
        self.letters += 1
        self.say("MAIL", lambda: server.mail(sender))
        self.say("RCPT", lambda: server.rcpt(recipient))

    def finish(self, content: bytes) -> tuple[str, str]:
        server = self.server
        if server is None:
            raise ServerTrouble("The mail server does not answer.")
        self.say("DATA", lambda: server.docmd("DATA"))
        try:
            server.send(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
            code, words = server.getreply()
        except BROKEN as error:
            self.drop()
            raise Lost("The connection broke before the server answered.") from error
        if code == -1:  # smtplib's way of saying that the connection ended inside the answer
            self.drop()
            raise Lost("The connection broke before the server answered.")
        words = readable(words)
        if code == 421:
            self.drop()
        if code >= 400:
            raise Refusal(code, words, "end of DATA")
        return str(code), words

    def give_up(self) -> None:
        if self.server is not None:
            try:
                self.server.rset()
            except (smtplib.SMTPException, OSError):
                self.drop()

    def probe(self) -> None:
        server = self.connect()
        self.say("MAIL", lambda: server.mail(settings.MAIL_RETURN))
        self.give_up()

    def drop(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None

    def close(self) -> None:
        if self.server is not None:
            try:
                self.server.quit()
            except (smtplib.SMTPException, OSError):
                self.server.close()
            self.server = None


def readable(words: bytes) -> str:
    """Without addresses: an answer is kept with the letter, and may arrive after the person was erased."""
    return addresses.hidden(words.decode("utf-8", "replace"))


# --- Into a folder ------------------------------------------------------------------------------------------------


class Folder:
    """Each letter is a file named after its Message-ID: writing it twice leaves one. It is its own journal."""

    def __init__(self, folder: Path):
        self.folder = folder

    def begin(self, sender: str, recipient: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ServerTrouble("The folder for letters cannot be written.") from error

    def finish(self, content: bytes) -> tuple[str, str]:
        path = self.path(message_id_of(content))
        fresh = path.with_suffix(f".{os.getpid()}")
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise ServerTrouble("The folder for letters cannot be written.") from error
        return "250", path.name

    def give_up(self) -> None:
        pass

    def probe(self) -> None:
        self.begin("", "")

    def close(self) -> None:
        pass

    def path(self, message_id: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9.@-]", "", message_id).partition("@")[0].strip(".")
        return self.folder / f"{name}.eml"

    def verdict(self, message_id: str, since: datetime, until: datetime) -> journal.Verdict:
        return journal.Verdict.ACCEPTED if self.path(message_id).exists() else journal.Verdict.REFUSED


def message_id_of(content: bytes) -> str:
    match = re.search(rb"(?im)^Message-ID:\s*(<[^>\r\n]+>)", content)
    return match[1].decode("ascii") if match else ""


def forget(message_ids: Iterable[str]) -> None:
    """Removes what the folder holds of these letters: an erasure reaches it too."""
    folder = Folder(settings.MAIL_DIR)
    if folder.folder.is_dir():
        for message_id in message_ids:
            folder.path(message_id).unlink(missing_ok=True)
