"""Returned mail from a pipe and from a mailbox: counts and exit codes."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from newsletter import bounces, messages, subscriptions, tokens
from newsletter.models import Purpose, Standing, Subscriber
from sensgene.environment import ROOT
from tests import factories

pytestmark = pytest.mark.django_db

ADDRESS = "invented.reader@example.org"


def said(*command, **options) -> str:
    out = io.StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue().strip()


@pytest.fixture
def mail(monkeypatch):
    """Puts a message on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))

    return put


def wish_to_leave() -> bytes:
    link = tokens.make(Purpose.LEAVE, factories.consenting_subscriber(), timezone.now())
    link.token.save()
    return messages.ways_to_leave(link.url)[1].replace("mailto:", "To: ").encode() + b"\n\n"


def test_one_message_is_read_from_standard_input(mail):
    content = wish_to_leave()
    mail(content)
    assert said("read_bounces", dry_run=True) == "Would read: 1 asked to leave."
    assert Subscriber.objects.get().standing == Standing.ACTIVE
    mail(content)
    assert said("read_bounces") == "Read: 1 asked to leave."
    assert Subscriber.objects.get().standing == Standing.LEFT
    mail(b"Subject: hello\n\n" + b"x" * 40_000_000)
    assert said("read_bounces", "--stdin") == "Read: 1 not understood."


def test_a_mailbox_is_read_and_counted(tmp_path):
    for folder in ("new", "cur", "tmp"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / "1").write_bytes(wish_to_leave())
    for number in range(2, 5):
        (tmp_path / "new" / str(number)).write_bytes(b"X-Autoreply: yes\n\n")
    assert said("read_bounces", mailbox=tmp_path) == "Read: 1 asked to leave, 3 automatic reply."
    assert said("read_bounces", mailbox=tmp_path) == "Read: nothing."


def test_a_missing_mailbox_is_tried_again_later(tmp_path):
    with pytest.raises(CommandError, match="mailbox cannot be read") as caught:
        said("read_bounces", mailbox=tmp_path / "missing")
    assert caught.value.returncode == 75


def test_a_database_that_is_away_is_tried_again_later(mail, monkeypatch, tmp_path):
    content = wish_to_leave()
    for folder in ("new", "cur"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / "1").write_bytes(content)

    def away(*args):
        raise OperationalError(f"server closed the connection: {ADDRESS}")

    monkeypatch.setattr(subscriptions, "leave", away)
    mail(content)
    for options in ({}, {"mailbox": tmp_path}):
        with pytest.raises(CommandError, match="database does not answer") as caught:
            said("read_bounces", **options)
        assert caught.value.returncode == 75
        assert ADDRESS not in str(caught.value)
    assert (tmp_path / "new" / "1").exists()


@pytest.mark.parametrize(
    ("environment", "hopeless"),
    [({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}, 75), ({}, 0)],
    ids=["no server", "no tables"],
)
def test_the_mail_server_sees_the_exit_code(tmp_path, environment, hopeless):
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    report = (
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nAction: failed\n"
        b"--b\nContent-Type: message/rfc822\n\nMessage-ID: <invented@example.org>\n"
    )
    command = [sys.executable, "manage.py", "read_bounces"]
    options = {"cwd": ROOT, "env": {**kept, "VAR_DIR": str(tmp_path), **environment}, "timeout": 60}
    assert subprocess.run(command, input=report, capture_output=True, **options).returncode == 75
    done = subprocess.run(command, input=b"Subject: nothing for us\n\n", capture_output=True, **options)
    assert done.returncode == hopeless
    assert hopeless or done.stdout.strip() == b"Read: 1 not understood."


def test_the_words_of_every_outcome_differ():
    assert len({outcome.value for outcome in bounces.Outcome}) == len(bounces.Outcome)
