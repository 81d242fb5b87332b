"""What the environment may say about mail, and that a password in it is never repeated."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from sensgene.settings import env_mail_server, env_mailbox


def server(monkeypatch, text: str) -> dict | None:
    monkeypatch.setenv("INVENTED_URL", text)
    return env_mail_server("INVENTED_URL")


@pytest.mark.parametrize(
    ("text", "host", "port", "security"),
    [
        ("smtp://localhost", "localhost", 25, "smtp"),
        ("smtp://localhost/", "localhost", 25, "smtp"),
        ("smtp+tls://mail.example.org", "mail.example.org", 587, "smtp+tls"),
        ("smtps://mail.example.org", "mail.example.org", 465, "smtps"),
        ("smtps://mail.example.org:2465", "mail.example.org", 2465, "smtps"),
        ("smtp://[::1]:2525", "::1", 2525, "smtp"),
        ("SMTP://LOCALHOST", "localhost", 25, "smtp"),
    ],
)
def test_a_mail_server_is_an_address(monkeypatch, text, host, port, security):
    found = server(monkeypatch, text)
    assert found == {"host": host, "port": port, "user": "", "password": "", "security": security}


def test_a_password_may_hold_every_character_if_it_is_escaped(monkeypatch):
    found = server(monkeypatch, "smtp+tls://some%40body:p%3Aa%2Fs%23s%3F%40@mail.example.org")
    assert (found["user"], found["password"]) == ("some@body", "p:a/s#s?@")


def test_without_one_letters_go_to_files(monkeypatch):
    assert server(monkeypatch, "") is None
    monkeypatch.delenv("INVENTED_URL")
    assert env_mail_server("INVENTED_URL") is None


@pytest.mark.parametrize(
    "text",
    [
        "mail.example.org",
        "http://u:hushhush@mail.example.org",
        "smtp://",
        "smtp://u:hushhush@",
        "smtp://u:hushhush@mail.example.org:port",
        "smtp://u:hushhush@mail.example.org:99999",
        "smtp://u:hushhush@mail.example.org?timeout=3",
        "smtp://u:hushhush@mail.example.org?hushhush",
        "smtp://u:hushhush@mail.example.org/path",
        "smtp://u:25#hushhush@mail.example.org",
        "smtp://u:25/hushhush@mail.example.org",
        "smtp://u:hushhush@[mail.example.org",
    ],
)
def test_anything_else_is_refused_without_the_password(monkeypatch, text):
    with pytest.raises(ImproperlyConfigured, match="INVENTED_URL must look like smtp://") as caught:
        server(monkeypatch, text)
    assert "hushhush" not in str(caught.value)
    assert caught.value.__context__ is None  # nor in what a traceback shows above it


def test_a_mailbox_is_one_plain_address(monkeypatch):
    monkeypatch.setenv("INVENTED_MAILBOX", "letters.of-us+x@mail.example.org")
    assert env_mailbox("INVENTED_MAILBOX", "") == "letters.of-us+x@mail.example.org"
    monkeypatch.delenv("INVENTED_MAILBOX")
    assert env_mailbox("INVENTED_MAILBOX", "") == ""
    assert env_mailbox("INVENTED_MAILBOX", "default@localhost") == "default@localhost"


@pytest.mark.parametrize(
    "text",
    [
        "letters",
        "letters@",
        "@example.org",
        "a@b@example.org",
        "Letters <letters@example.org>",
        "letters@example.org\n",
        "letters@example.org, others@example.org",
        "letters@exämple.org",
        '"a b"@example.org',
        "letters@example..org",
        "x" * 41 + "@example.org",
    ],
)
def test_a_mailbox_that_would_break_a_header_is_refused(monkeypatch, text):
    monkeypatch.setenv("INVENTED_MAILBOX", text)
    with pytest.raises(ImproperlyConfigured, match="INVENTED_MAILBOX must look like newsletter@example.org"):
        env_mailbox("INVENTED_MAILBOX", "")
