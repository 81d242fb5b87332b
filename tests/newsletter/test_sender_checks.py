"""The records of the sending domain, asked of a small DNS server of our own on this machine."""

import socket
import threading
import time
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from django.utils import translation

from newsletter import sender_checks

GOOD = {
    ("example.org", "TXT"): ['"invented-verification=1"', '"v=spf1 mx " "ip4:192.0.2.25 -all"'],
    ("example.org", "MX"): ["10 mx.example.org."],
    ("mx.example.org", "A"): ["192.0.2.26"],
    ("invented._domainkey.example.org", "TXT"): ['"v=DKIM1; k=rsa; p=aW52ZW50" "ZWQga2V5"'],
    ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=reject; rua=mailto:reports@example.org"'],
    ("mail.example.org", "A"): ["192.0.2.25"],
    ("25.2.0.192.in-addr.arpa", "PTR"): ["mail.example.org."],
}
NAMES = ["SPF", "DKIM", "DMARC", "Same domain", "Way back for reports (MX)", "Name of the mail server (PTR)"]


class Server(threading.Thread):
    """Answers from a table. A name with the value None gets no answer at all, "SERVFAIL" gets that."""

    def __init__(self):
        super().__init__(daemon=True)
        self.records: dict = dict(GOOD)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            try:
                packet, peer = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            if answer := self.answer(dns.message.from_wire(packet)):
                self.socket.sendto(answer.to_wire(), peer)
        self.socket.close()

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        records = self.records.get((name, kind), self.records.get("*", []))
        if records is None:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if records == "SERVFAIL":
            response.set_rcode(dns.rcode.SERVFAIL)
        elif records:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
        elif not any(known[0] == name for known in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.is_over.set()
    server.join()


@pytest.fixture(autouse=True)
def domain(settings, monkeypatch):
    """A sender with a server of its own. Nobody else's DNS is ever asked."""
    settings.MAIL_DKIM_SELECTOR = "invented"
    settings.MAIL_SERVER = {"host": "mail.example.org", "security": "smtps"}

    def away(*args, **kwargs):
        raise dns.resolver.NoResolverConfiguration

    resolver = dns.resolver.Resolver
    monkeypatch.setattr(sender_checks.dns.resolver, "Resolver", away)
    with translation.override("en"):
        yield resolver


@pytest.fixture
def look(server, domain):
    """Runs the checks, with other records than the good ones; returns them by name."""

    def run(records: dict | None = None) -> dict[str, sender_checks.Check]:
        server.records = {**GOOD, **(records or {})}
        resolver = domain(configure=False)
        resolver.nameservers, resolver.port, resolver.timeout = ["127.0.0.1"], server.socket.getsockname()[1], 0.3
        checks = sender_checks.check_all(resolver)
        assert [check.name for check in checks] == NAMES
        assert all(check.says for check in checks)
        assert all(len(check.found) <= 500 and (check.found.isprintable()) for check in checks)
        return {check.name.partition(" (")[0]: check for check in checks}

    return run


def test_a_domain_that_is_set_up_well_is_good(look):
    checks = look()
    assert {name: check.state for name, check in checks.items()} == dict.fromkeys(checks, "good")
    assert checks["SPF"].found == "v=spf1 mx ip4:192.0.2.25 -all"
    assert "aW52ZW50ZWQga2V5" in checks["DKIM"].found


def text(*records: str) -> list[str]:
    return [f'"{record}"' for record in records]


SPF, DKIM, DMARC = ("example.org", "TXT"), ("invented._domainkey.example.org", "TXT"), ("_dmarc.example.org", "TXT")
MX, PTR, RUA = ("example.org", "MX"), ("25.2.0.192.in-addr.arpa", "PTR"), "rua=mailto:reports@example.org"


@pytest.mark.parametrize(
    ("name", "key", "records", "state", "words"),
    [
        ("SPF", SPF, [], "bad", "no SPF record"),
        ("SPF", SPF, text("v=spf10 -all"), "bad", "no SPF record"),
        ("SPF", SPF, text("v=spf1 mx -all", "v=spf1 a -all"), "bad", "several"),
        ("SPF", SPF, text("v=spf1 mx +all"), "bad", "everybody"),
        ("SPF", SPF, text("v=spf1 all"), "bad", "everybody"),
        ("SPF", SPF, text("v=spf1 +all mx -all"), "bad", "everybody"),
        ("SPF", SPF, text("v=spf1 mx"), "bad", "forbids nothing"),
        ("SPF", SPF, text("v=spf1"), "bad", "forbids nothing"),
        ("SPF", SPF, text("v=spf1 mx ?all"), "bad", "forbids nothing"),
        ("SPF", SPF, text("V=SPF1 mx ~ALL"), "good", "which servers"),
        ("SPF", SPF, text("v=spf1 redirect=_spf.example.com"), "unknown", "another domain"),
        ("SPF", SPF, "SERVFAIL", "unknown", "does not answer"),
        ("SPF", SPF, None, "unknown", "does not answer"),
        ("DKIM", DKIM, [], "bad", "no DKIM key"),
        ("DKIM", DKIM, text("v=DKIM1; p="), "bad", "withdrawn"),
        ("DKIM", DKIM, text("v=DKIM1; k=rsa"), "bad", "no DKIM key"),
        ("DKIM", DKIM, text("p=aW52ZW50ZWQ="), "bad", "v=DKIM1"),
        ("DKIM", DKIM, text("v=DKIM1; p=aW52ZW50ZW"), "bad", "damaged"),
        ("DKIM", DKIM, text("v=DKIM1; p=aW52 ZW50ZWQ="), "good", "dkim=pass"),
        ("DKIM", DKIM, text("v=DKIM1; p=aW52ZW50ZWQ=", "v=DKIM1; p=b3RoZXI="), "bad", "several"),
        ("DKIM", DKIM, None, "unknown", "does not answer"),
        ("DMARC", DMARC, [], "bad", "no DMARC record"),
        ("DMARC", DMARC, text("v=DMARC1"), "bad", "does not say"),
        ("DMARC", DMARC, text(f"v=DMARC1; p=maybe; {RUA}"), "bad", "does not say"),
        ("DMARC", DMARC, text("v=DMARC1; p=reject"), "bad", "names nobody"),
        ("DMARC", DMARC, text(f"v=DMARC1; p=none; {RUA}", f"v=DMARC1; p=reject; {RUA}"), "bad", "several"),
        ("DMARC", DMARC, text(f"v=DMARC1; p=none; {RUA}"), "good", "only watches"),
        ("DMARC", DMARC, "SERVFAIL", "unknown", "does not answer"),
        ("Way back for reports", MX, [], "bad", "no server"),
        ("Way back for reports", MX, ["0 ."], "bad", "takes no mail"),
        ("Way back for reports", MX, ["10 nowhere.example.org."], "bad", "no address"),
        ("Way back for reports", MX, None, "unknown", "does not answer"),
        ("Name of the mail server", PTR, [], "bad", "no name"),
        ("Name of the mail server", PTR, ["mx.example.org."], "bad", "lead back"),
        ("Name of the mail server", PTR, ["nowhere.example.org."], "bad", "lead back"),
        ("Name of the mail server", PTR, ["nowhere.example.org.", "mail.example.org."], "good", "each other"),
        ("Name of the mail server", ("mail.example.org", "A"), [], "bad", "no address"),
        ("Name of the mail server", ("mail.example.org", "A"), None, "unknown", "does not answer"),
    ],
)
def test_what_is_wrong_is_said(look, monkeypatch, name, key, records, state, words):
    monkeypatch.setattr(sender_checks, "SECONDS_A_QUESTION", 0.5)
    checks = look({key: records})
    assert (checks[name].state, words in checks[name].says) == (state, True), checks[name]
    others = {each: check.state for each, check in checks.items() if each != name}
    assert set(others.values()) == {"good"}


def test_a_policy_of_the_domain_above_counts(look, settings):
    settings.MAIL_FROM = "newsletter@letters.example.org"
    checks = look({("invented._domainkey.letters.example.org", "TXT"): text("v=DKIM1; p=aW52ZW50ZWQ=")})
    assert {check.state for check in checks.values()} == {"good"}
    assert checks["DMARC"].found.startswith("v=DMARC1; p=reject")


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("example.org", "example.org", True),
        ("example.org", "letters.example.org", True),
        ("letters.Example.org", "returns.example.org", True),
        ("example.org", "example.com", False),
        ("example.org", "notexample.org", False),
        ("one.asso.fr", "other.asso.fr", False),
        ("a.one.asso.fr", "b.one.asso.fr", True),
        ("fr", "example.fr", True),
    ],
)
def test_domains_of_one_owner_are_told_from_others(one, other, shared):
    assert sender_checks.share_a_domain(one, other) is shared
    assert sender_checks.share_a_domain(other, one) is shared


def test_a_return_address_elsewhere_is_bad(look, settings):
    settings.MAIL_RETURN = "returns@example.com"
    check = look()["Same domain"]
    assert (check.state, check.found) == ("bad", "newsletter@example.org / returns@example.com")


def test_settings_that_are_missing_are_named(look, settings):
    settings.MAIL_DKIM_SELECTOR, settings.MAIL_SERVER = "", None
    checks = look()
    assert (checks["DKIM"].state, "MAIL_DKIM_SELECTOR" in checks["DKIM"].says) == ("bad", True)
    server = checks["Name of the mail server"]
    assert (server.state, "EMAIL_URL" in server.says) == ("unknown", True)
    settings.MAIL_FROM = ""
    assert {(check.state, "MAIL_FROM" in check.says) for check in look().values()} == {("unknown", True)}


@pytest.mark.parametrize("selector", ["a..b", "x" * 64, "in\x00vented", "é"])
def test_a_strange_selector_breaks_nothing(look, settings, selector):
    settings.MAIL_DKIM_SELECTOR = selector
    assert look()["DKIM"].state in ("unknown", "bad")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_mail_server_on_this_machine_has_no_address_to_look_up(look, settings, host):
    settings.MAIL_SERVER = {"host": host, "security": "smtp"}
    check = look()["Name of the mail server"]
    assert (check.state, "this machine" in check.says) == ("unknown", True)


def test_a_mail_server_given_by_number_is_looked_up(look, settings):
    settings.MAIL_SERVER = {"host": "192.0.2.25", "security": "smtps"}
    assert look()["Name of the mail server"].state == "good"


def test_a_local_sender_needs_no_dns(settings):
    settings.MAIL_FROM, settings.MAIL_RETURN = "newsletter@localhost", "returns@localhost"
    checks = sender_checks.check_all()
    assert {(check.state, "local address" in check.says) for check in checks} == {("unknown", True)}


def test_without_a_dns_everything_but_the_domain_itself_is_unknown():
    checks = {check.name: check for check in sender_checks.check_all()}
    assert checks.pop("Same domain").state == "good"
    assert {(check.state, "DNS does not answer" in check.says) for check in checks.values()} == {("unknown", True)}


def test_a_mute_dns_costs_a_bounded_time(look, monkeypatch):
    monkeypatch.setattr(sender_checks, "SECONDS_A_QUESTION", 0.4)
    monkeypatch.setattr(sender_checks, "SECONDS_IN_ALL", 1.0)
    started = time.monotonic()
    checks = look(dict.fromkeys([*GOOD, "*"]))
    assert time.monotonic() - started < 2.5
    states = [check.state for check in checks.values()]
    assert states.count("unknown") == 5


def test_records_full_of_signs_are_shown_in_clean_words(look):
    checks = look({SPF: ['"v=spf1 \\000\\027\\255 -all"'], DMARC: text("v=DMARC1; p=" + "x" * 200, "v=DMARC1;" * 20)})
    assert checks["SPF"].state == "good"
    assert checks["DMARC"].state == "bad"


def test_a_fault_in_one_check_breaks_no_page(look, monkeypatch):
    def broken(*args):
        raise RuntimeError

    monkeypatch.setattr(sender_checks, "tags", broken)
    checks = look()
    assert [checks[name].state for name in ("DKIM", "DMARC", "SPF")] == ["unknown", "unknown", "good"]
    assert sender_checks.SECONDS_A_QUESTION <= 3
    assert sender_checks.SECONDS_IN_ALL <= 15
