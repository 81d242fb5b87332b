"""A real SMTP server on loopback for tests: keeps a log as Postfix does, synced before each answer, and misbehaves on order.

python -m tests.mail_server PORT FOLDER

FOLDER/mail.log      what Postfix would log; `accepted` reads it
FOLDER/letters/      each accepted letter
FOLDER/behaviour     a JSON object that tests write: what to do wrong (see Behaviour)
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from sensgene.environment import ROOT
from tests.site import free_port


@dataclass
class Behaviour:
    """What the server does wrong. Recipients are matched by the beginning of their address."""

    refuse: dict[str, str] = field(default_factory=dict)  # recipient → answer to RCPT, each time
    refuse_once: dict[str, str] = field(default_factory=dict)  # recipient → answer to RCPT, the first time
    break_off: dict[str, str] = field(default_factory=dict)  # recipient → "accepted" or "unread": hang up after DATA
    mail: str = ""  # answer to every MAIL
    data: str = ""  # answer to every DATA, after the letter
    password: str = ""  # without it nobody may send
    seconds: float = 0  # before each answer to RCPT
    keep_letters: bool = True


class Handler:
    def __init__(self, folder: Path):
        self.folder = folder
        self.log = open(folder / "mail.log", "ab", buffering=0)  # noqa: SIM115  (for as long as the process lives)
        self.number = 0
        self.changed, self.known = 0, Behaviour()
        self.seen: Counter[str] = Counter()
        (folder / "letters").mkdir(exist_ok=True)

    @property
    def behaviour(self) -> Behaviour:
        """Read again only when it changed."""
        try:
            changed = os.stat(self.folder / "behaviour").st_mtime_ns
        except FileNotFoundError:
            return Behaviour()
        if changed != self.changed:
            self.known = Behaviour(**json.loads((self.folder / "behaviour").read_text()))
            self.changed = changed
            self.seen.clear()
        return self.known

    def write(self, *lines: str) -> None:
        moment = datetime.now(UTC).isoformat(timespec="microseconds")
        self.log.write("".join(f"{moment} sink postfix/{line}\n" for line in lines).encode())
        os.fsync(self.log.fileno())

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        self.write("smtpd[7]: connect from localhost[127.0.0.1]")
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.number += 1
        envelope.name = f"{os.getpid():X}{self.number:06X}"
        if self.behaviour.mail:
            return self.behaviour.mail
        self.write(f"smtpd[7]: {envelope.name}: client=localhost[127.0.0.1]")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        behaviour = self.behaviour
        await asyncio.sleep(behaviour.seconds)
        self.seen[address] += 1
        for beginning, answer in behaviour.refuse.items():
            if address.startswith(beginning):
                return answer
        for beginning, answer in behaviour.refuse_once.items():
            if address.startswith(beginning) and self.seen[address] == 1:
                return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        behaviour, name, recipient = self.behaviour, envelope.name, envelope.rcpt_tos[0]
        if behaviour.data:
            return behaviour.data
        message_id = re.search(rb"(?im)^Message-ID:\s*(<[^>]+>)", envelope.content)[1].decode()
        broken = next((how for start, how in behaviour.break_off.items() if recipient.startswith(start)), None)
        if broken and self.seen[recipient] > 1:
            broken = None
        if broken == "unread":
            self.write(f"cleanup[8]: {name}: message-id={message_id}")
            server.transport.abort()
            return "250 2.0.0 never said"
        if behaviour.keep_letters:
            (self.folder / "letters" / f"{name}.eml").write_bytes(envelope.content)
        self.write(
            f"cleanup[8]: {name}: message-id={message_id}",
            f"qmgr[9]: {name}: from=<{envelope.mail_from}>, size={len(envelope.content)}, nrcpt=1 (queue active)",
            *(f"smtp[10]: {name}: to=<{each}>, relay=sink, dsn=2.0.0, status=sent" for each in envelope.rcpt_tos),
        )
        if broken == "accepted":
            server.transport.abort()
        return f"250 2.0.0 Ok: queued as {name}"


async def serve(port: int, folder: Path) -> None:
    handler = Handler(folder)

    def authenticate(server, session, envelope, mechanism, data) -> AuthResult:
        wanted = handler.behaviour.password.encode()
        return AuthResult(success=not wanted or data.password == wanted, handled=False)

    def make() -> SMTP:
        needs = bool(handler.behaviour.password)
        return SMTP(
            handler,
            hostname="sink.localhost",
            authenticator=authenticate,
            auth_require_tls=False,
            auth_required=needs,
            enable_SMTPUTF8=False,
        )

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


# --- The tests' side ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accepted:
    """One letter that the server took: the worker's intent to hand it over began at `begun`."""

    message_id: str
    recipients: tuple[str, ...]
    sender: str
    begun: datetime
    content: Path


class MailServer:
    def __init__(self, folder: Path, port: int | None = None):
        self.folder, self.port = folder, port or free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen | None = None
        self.skip = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "mail.log"

    def behave(self, **wrongs) -> None:
        fresh = self.folder / "behaviour.new"
        fresh.write_text(json.dumps(asdict(Behaviour(**wrongs))))
        fresh.replace(self.folder / "behaviour")

    def start(self) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "tests.mail_server", str(self.port), str(self.folder)]
        with open(self.folder / "errors", "ab") as errors:
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=errors)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.folder / "errors").read_text()
            time.sleep(0.02)
        raise AssertionError("the mail server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def forget(self) -> None:
        """What was accepted before counts no more; the log goes on, as a log does."""
        self.skip = len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def accepted(self) -> list[Accepted]:
        begun, names, senders, recipients, found = {}, {}, {}, {}, []
        for line in self.log.read_text().splitlines()[self.skip :] if self.log.exists() else ():
            moment, _host, program, name, *_rest = line.split(" ")
            name = name.rstrip(":")
            if "client=" in line:
                begun[name] = datetime.fromisoformat(moment)
            elif match := re.search(r"message-id=(<[^>]+>)", line):
                names[name] = match[1]
            elif match := re.search(r"qmgr\[9\]: \w+: from=<([^>]*)>", line):
                senders[name] = match[1]
            elif match := re.search(r": to=<([^>]+)>", line):
                recipients.setdefault(name, []).append(match[1])
        for name, sender in senders.items():
            path = self.folder / "letters" / f"{name}.eml"
            found.append(Accepted(names[name], tuple(recipients[name]), sender, begun[name], path))
        return found

    def letters(self) -> list[EmailMessage]:
        """The accepted letters, parsed, in the order of arrival."""
        return [message_from_bytes(each.content.read_bytes(), policy=policy.default) for each in self.accepted()]


@contextmanager
def mail_server(folder: Path) -> Iterator[MailServer]:
    server = MailServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
