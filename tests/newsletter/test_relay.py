"""Handing a letter over: to a real server byte for byte, and to a folder once."""

import pytest

from newsletter import relay
from newsletter.journal import NoJournal, PostfixLog, Verdict
from newsletter.relay import Folder, Lost, Refusal, ServerTrouble, Smtp
from tests.mail_server import mail_server

LETTER = b"Message-ID: <invented.1@example.org>\r\nTo: invented@example.org\r\n\r\nHello\r\n.\r\n..two\r\n.three\r\n"
TO = "invented@example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mail_server(tmp_path_factory.mktemp("mail")) as running:
        yield running


@pytest.fixture
def smtp(server):
    server.behave()
    server.forget()
    way = Smtp("127.0.0.1", server.port, "", "", "smtp")
    yield way
    way.close()


def test_a_letter_arrives_byte_for_byte_lines_that_begin_with_a_dot_included(smtp, server):
    smtp.begin("returns@example.org", TO)
    code, reply = smtp.finish(LETTER)
    assert (code, reply.split()[0]) == ("250", "2.0.0")
    [accepted] = server.accepted()
    assert accepted.content.read_bytes() == LETTER
    assert (accepted.sender, accepted.recipients) == ("returns@example.org", (TO,))


def test_one_connection_carries_many_letters_and_is_renewed_now_and_then(smtp, server, monkeypatch):
    monkeypatch.setattr(relay, "LETTERS_A_CONNECTION", 3)
    for _each in range(7):
        smtp.begin("returns@example.org", TO)
        smtp.finish(LETTER)
    assert len(server.accepted()) == 7
    lines = server.log.read_text().splitlines()[server.skip :]
    assert sum("connect from" in line for line in lines) == 3


def test_a_refused_recipient_leaves_the_connection_ready_for_the_next(smtp, server):
    server.behave(refuse={"unknown": "550 5.1.1 no such user"})
    with pytest.raises(Refusal) as refused:
        smtp.begin("returns@example.org", "unknown@example.org")
    assert refused.value.is_final
    assert refused.value.says_no_such_mailbox
    smtp.begin("returns@example.org", TO)
    smtp.finish(LETTER)
    assert len(server.accepted()) == 1


def test_giving_up_undoes_the_beginning(smtp, server):
    smtp.begin("returns@example.org", "invented-first@example.org")
    smtp.give_up()
    smtp.begin("returns@example.org", TO)
    smtp.finish(LETTER)
    assert [each.recipients for each in server.accepted()] == [(TO,)]


@pytest.mark.parametrize("how", ["accepted", "unread"])
def test_a_connection_that_breaks_after_the_letter_is_neither_a_success_nor_a_failure(smtp, server, how):
    server.behave(break_off={"invented": how})
    smtp.begin("returns@example.org", TO)
    with pytest.raises(Lost):
        smtp.finish(LETTER)
    assert len(server.accepted()) == (how == "accepted")


@pytest.mark.parametrize("reply", ["450 4.2.0 later", "550 5.7.1 never"])
def test_a_letter_refused_after_it_was_read_is_a_refusal(smtp, server, reply):
    server.behave(data=reply)
    smtp.begin("returns@example.org", TO)
    with pytest.raises(Refusal) as refused:
        smtp.finish(LETTER)
    assert (refused.value.code, refused.value.stage) == (int(reply[:3]), "end of DATA")


def test_a_server_that_is_not_there_is_trouble_and_no_refusal(smtp):
    way = Smtp("127.0.0.1", 9, "", "", "smtp")
    with pytest.raises(ServerTrouble) as trouble:
        way.begin("returns@example.org", TO)
    assert not trouble.value.refuses_us


def test_a_password_goes_nowhere_without_encryption_where_it_was_asked_for(server):
    way = Smtp("127.0.0.1", server.port, "invented", "invented-password", "smtp+tls")
    with pytest.raises(ServerTrouble) as trouble:
        way.begin("returns@example.org", TO)
    assert trouble.value.refuses_us


def test_a_probe_sends_nothing(smtp, server, settings):
    settings.MAIL_RETURN = "returns@example.org"
    smtp.probe()
    smtp.begin("returns@example.org", TO)
    smtp.finish(LETTER)
    assert len(server.accepted()) == 1


# --- A folder -----------------------------------------------------------------------------------------------------


def test_a_letter_in_a_folder_is_there_once_and_is_its_own_journal(tmp_path):
    folder = Folder(tmp_path / "mail")
    assert folder.verdict("<invented.1@example.org>", None, None) == Verdict.REFUSED
    for _twice in range(2):
        folder.begin("returns@example.org", TO)
        folder.finish(LETTER)
    [file] = (tmp_path / "mail").iterdir()
    assert file.read_bytes() == LETTER
    assert file.stat().st_mode & 0o077 == 0, "it holds an address"
    assert folder.verdict("<invented.1@example.org>", None, None) == Verdict.ACCEPTED


def test_a_message_id_cannot_leave_the_folder(tmp_path):
    folder = Folder(tmp_path / "mail")
    for name in ("<../../etc/passwd@x>", "<..@x>", "</etc/passwd@x>", "<a/b@x>"):
        assert folder.path(name).resolve().parent == (tmp_path / "mail").resolve()


def test_a_folder_that_cannot_be_written_is_trouble(tmp_path):
    (tmp_path / "mail").write_text("a file stands in the way")
    with pytest.raises(ServerTrouble):
        Folder(tmp_path / "mail").begin("returns@example.org", TO)


def test_what_is_erased_goes_out_of_the_folder_too(tmp_path, settings):
    settings.MAIL_DIR = tmp_path / "mail"
    folder = Folder(settings.MAIL_DIR)
    folder.begin("", TO)
    folder.finish(LETTER)
    relay.forget(["<invented.1@example.org>", "<never.was@example.org>"])
    assert list(settings.MAIL_DIR.iterdir()) == []


def test_the_environment_says_which_way_letters_go(settings, tmp_path):
    settings.MAIL_SERVER, settings.MAIL_DIR = None, tmp_path
    assert isinstance(relay.configured(), Folder)
    assert isinstance(relay.configured_journal(), Folder)
    settings.MAIL_SERVER = {"host": "x", "port": 25, "user": "", "password": "", "security": "smtp"}
    settings.MAIL_JOURNAL = ""
    assert isinstance(relay.configured(), Smtp)
    assert isinstance(relay.configured_journal(), NoJournal)
    settings.MAIL_JOURNAL = str(tmp_path / "mail.log")
    assert isinstance(relay.configured_journal(), PostfixLog)
