"""Whether other mail servers can believe our letters: looks the sending domain's records up in the DNS and explains them.

For the admin's page of checks. Nothing raises, and all of it together takes at most SECONDS_IN_ALL.
"""

import base64
import binascii
import ipaddress
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import dns.exception
import dns.resolver
import dns.reversename
from django.conf import settings
from django.utils.translation import gettext as _

from newsletter import addresses

SECONDS_A_QUESTION = 3.0
SECONDS_IN_ALL = 15.0
LONGEST_RECORD = 500

# Below these, in France and around it, names belong to different owners: sharing one is not sharing a domain.
SHARED_ENDINGS = {
    *("asso.fr", "gouv.fr", "com.fr", "nom.fr", "prd.fr", "tm.fr", "notaires.fr", "medecin.fr", "pharmacien.fr"),
    *("chirurgiens-dentistes.fr", "eu.org", "co.uk", "org.uk", "ac.uk", "nhs.uk", "or.at", "co.at", "ac.at"),
}

State = Literal["good", "bad", "unknown"]


@dataclass(frozen=True)
class Check:
    """`says` is for staff: what was found, what it means, what to do. `found` is the record itself."""

    name: str
    state: State
    says: str
    found: str = ""


class NoAnswer(Exception):
    """The DNS did not answer: nothing is known, neither good nor bad."""


class Dns:
    """Questions with one deadline for all of them."""

    def __init__(self, resolver: dns.resolver.Resolver | None):
        self.until = time.monotonic() + SECONDS_IN_ALL
        self.resolver = resolver
        if resolver is None:
            try:
                self.resolver = dns.resolver.Resolver()
            except (dns.exception.DNSException, OSError, ValueError):
                self.resolver = None

    def ask(self, name: str, kind: str) -> list:
        """The records; an empty list if there are none. Raises NoAnswer."""
        left = self.until - time.monotonic()
        if self.resolver is None or left <= 0:
            raise NoAnswer
        try:
            return list(self.resolver.resolve(name, kind, lifetime=min(SECONDS_A_QUESTION, left), search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise NoAnswer from error

    def texts(self, name: str) -> list[str]:
        """TXT records: their pieces joined, fit to be shown."""
        return [readable(b"".join(record.strings).decode("utf-8", "replace")) for record in self.ask(name, "TXT")]


def readable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text).strip()


def check_all(resolver: dns.resolver.Resolver | None = None) -> list[Check]:
    """All checks, in the order in which one would repair them. Never raises."""
    questions = Dns(resolver)
    sender, returns = addresses.domain(settings.MAIL_FROM), addresses.domain(settings.MAIL_RETURN or settings.MAIL_FROM)
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("SPF", lambda: spf(questions, returns)),
        ("DKIM", lambda: dkim(questions, sender)),
        ("DMARC", lambda: dmarc(questions, sender)),
        (_("Same domain"), lambda: alignment(sender, returns)),
        (_("Way back for reports (MX)"), lambda: way_back(questions, returns)),
        (_("Name of the mail server (PTR)"), lambda: reverse_name(questions)),
    ]
    return [checked(name, check, sender, returns) for name, check in checks]


def checked(name: str, check: Callable[[], Check], sender: str, returns: str) -> Check:
    if not sender:
        return Check(name, "unknown", _("No sender is set (MAIL_FROM), so there is nothing to look up."))
    if is_local(sender) or is_local(returns):
        return Check(
            name,
            "unknown",
            _(
                "The sender is a local address, of which the DNS knows nothing. This is right on a machine for trying out."
            ),
            settings.MAIL_FROM,
        )
    try:
        found = check()
    except NoAnswer:
        return Check(name, "unknown", _("The DNS does not answer here. Nothing is known; please look again later."))
    except Exception as error:  # a page of the admin must not break on a strange record
        return Check(name, "unknown", _("This could not be checked."), type(error).__name__)
    return Check(name, found.state, found.says, readable(found.found)[:LONGEST_RECORD])


def is_local(domain: str) -> bool:
    return "." not in domain or domain.endswith((".localhost", ".local"))


# --- One by one ---------------------------------------------------------------------------------------------------


def spf(questions: Dns, domain: str) -> Check:
    records = [each for each in questions.texts(domain) if re.match(r"v=spf1(\s|$)", each, re.IGNORECASE)]
    found = " | ".join(records)
    if not records:
        return Check(
            "",
            "bad",
            _(
                "There is no SPF record. Add a TXT record at the return domain that names your mail server and ends with -all."
            ),
            domain,
        )
    if len(records) > 1:
        return Check("", "bad", _("There are several SPF records, so receivers ignore all of them. Keep one."), found)
    words = records[0].lower().split()[1:]
    everybody = [word for word in words if re.fullmatch(r"[-+~?]?all", word)]
    if not everybody and any(word.startswith("redirect=") for word in words):
        return Check(
            "",
            "unknown",
            _("The SPF record sends receivers to the record of another domain. Please look at that one."),
            found,
        )
    if any(word in ("all", "+all") for word in everybody):
        return Check(
            "", "bad", _("The SPF record allows everybody to write in your name. Change its end to -all."), found
        )
    if not words or words[-1] not in ("-all", "~all"):
        return Check("", "bad", _("The SPF record forbids nothing. Let it end with -all (or ~all)."), found)
    return Check("", "good", _("The SPF record says which servers may send for you."), found)


def tags(record: str) -> dict[str, str]:
    """v=DKIM1; p=… → {"v": "DKIM1", "p": "…"}; of a tag given twice, the first."""
    found: dict[str, str] = {}
    for piece in record.split(";"):
        name, equals, value = piece.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def dkim(questions: Dns, domain: str) -> Check:
    selector = settings.MAIL_DKIM_SELECTOR
    if not selector:
        return Check(
            "",
            "bad",
            _(
                "No DKIM selector is set (MAIL_DKIM_SELECTOR). Let your mail server sign the letters, and set the name of its key here."
            ),
        )
    name = f"{selector}._domainkey.{domain}"
    records = [each for each in questions.texts(name) if "p" in tags(each)]
    if not records:
        return Check(
            "",
            "bad",
            _("There is no DKIM key under this name. Publish the public key of your mail server there."),
            name,
        )
    if len(records) > 1:
        return Check(
            "", "bad", _("There are several DKIM keys under one name, so receivers take any of them. Keep one."), name
        )
    key = tags(records[0])
    if key.get("v", "").upper() != "DKIM1":
        return Check("", "bad", _("The DKIM record does not begin with v=DKIM1."), records[0])
    letters = re.sub(r"\s", "", key["p"])
    if not letters:
        return Check(
            "",
            "bad",
            _("The DKIM key is empty, which means that it was withdrawn. Publish the current key."),
            records[0],
        )
    try:
        base64.b64decode(letters, validate=True)
    except (binascii.Error, ValueError):
        return Check(
            "",
            "bad",
            _("The DKIM key is damaged: a part of it is missing or has been changed. Publish it again."),
            records[0],
        )
    return Check(
        "",
        "good",
        _(
            "The key is there. Whether letters are signed with it shows in a test copy: look for “dkim=pass” in its header."
        ),
        records[0],
    )


def dmarc(questions: Dns, domain: str) -> Check:
    """At the domain itself, or at one above it: the nearest counts."""
    labels = domain.split(".")
    for place in range(len(labels) - 1):
        name = "_dmarc." + ".".join(labels[place:])
        records = [each for each in questions.texts(name) if re.match(r"v=DMARC1\s*(;|$)", each)]
        if records:
            break
    else:
        return Check(
            "",
            "bad",
            _("There is no DMARC record. Add one: v=DMARC1; p=none; rua=mailto:… to begin with."),
            f"_dmarc.{domain}",
        )
    found = " | ".join(records)
    if len(records) > 1:
        return Check("", "bad", _("There are several DMARC records, so receivers ignore all of them. Keep one."), found)
    said = tags(records[0])
    policy = said.get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        return Check(
            "",
            "bad",
            _("The DMARC record does not say what to do with forged letters (p=none, quarantine or reject)."),
            found,
        )
    if not said.get("rua", "").lower().startswith("mailto:"):
        return Check("", "bad", _("The DMARC record names nobody who receives the reports. Add rua=mailto:…"), found)
    if policy == "none":
        return Check(
            "",
            "good",
            _(
                "The DMARC record is there and only watches (p=none). When the reports look right for some weeks, change it to quarantine, then reject."
            ),
            found,
        )
    return Check("", "good", _("The DMARC record protects your name."), found)


def alignment(sender: str, returns: str) -> Check:
    found = f"{settings.MAIL_FROM} / {settings.MAIL_RETURN or settings.MAIL_FROM}"
    if share_a_domain(sender, returns):
        return Check("", "good", _("Sender and return address belong to the same domain, as DMARC demands."), found)
    return Check(
        "",
        "bad",
        _(
            "Sender and return address belong to different domains, so SPF does not count for DMARC. Choose a return address in the sender’s domain."
        ),
        found,
    )


def share_a_domain(one: str, other: str) -> bool:
    """One is the other or lies below it, or both lie below a domain that somebody can own."""
    one, other = one.lower(), other.lower()
    if one == other or one.endswith(f".{other}") or other.endswith(f".{one}"):
        return True
    shared = []
    for ours, theirs in zip(reversed(one.split(".")), reversed(other.split(".")), strict=False):
        if ours != theirs:
            break
        shared.insert(0, ours)
    return len(shared) >= 2 and ".".join(shared) not in SHARED_ENDINGS


def way_back(questions: Dns, domain: str) -> Check:
    servers = sorted((record.preference, str(record.exchange)) for record in questions.ask(domain, "MX"))
    found = ", ".join(f"{number} {name}" for number, name in servers)
    if not servers:
        return Check(
            "",
            "bad",
            _(
                "The return domain names no server for incoming mail (MX), so reports about undelivered letters are lost."
            ),
            domain,
        )
    if any(name == "." for _number, name in servers):
        return Check(
            "",
            "bad",
            _("The return domain says that it takes no mail (MX “.”), so reports about undelivered letters are lost."),
            found,
        )
    if not any(has_address(questions, name) for _number, name in servers[:3]):
        return Check(
            "",
            "bad",
            _("The server for incoming mail has no address in the DNS, so reports about undelivered letters are lost."),
            found,
        )
    return Check("", "good", _("Reports about undelivered letters can come back."), found)


def has_address(questions: Dns, name: str) -> bool:
    return bool(questions.ask(name, "A") or questions.ask(name, "AAAA"))


def reverse_name(questions: Dns) -> Check:
    if settings.MAIL_SERVER is None:
        return Check("", "unknown", _("No mail server is set (EMAIL_URL): letters are written to files."))
    host = settings.MAIL_SERVER["host"]
    try:
        found = [str(ipaddress.ip_address(host))]
    except ValueError:
        if host == "localhost":
            found = ["127.0.0.1"]
        else:
            found = [record.address for kind in ("A", "AAAA") for record in questions.ask(host, kind)]
    if not found:
        return Check("", "bad", _("The mail server has no address in the DNS."), host)
    if ipaddress.ip_address(found[0]).is_loopback:
        return Check(
            "",
            "unknown",
            _(
                "The mail server runs on this machine. Its public address is not known here: ask whoever runs it whether address and name lead to each other."
            ),
            host,
        )
    for address in found[:2]:
        names = [str(record.target) for record in questions.ask(str(dns.reversename.from_address(address)), "PTR")]
        if not names:
            return Check(
                "",
                "bad",
                _(
                    "The address of the mail server has no name (PTR). Many receivers refuse its letters: ask whoever runs it."
                ),
                address,
            )
        if not any(leads_to(questions, name, address) for name in names[:3]):
            return Check(
                "",
                "bad",
                _(
                    "The name of the mail server does not lead back to its address. Many receivers refuse its letters: ask whoever runs it."
                ),
                f"{address} → {names[0]}",
            )
    return Check("", "good", _("Address and name of the mail server lead to each other."), f"{found[0]} → {names[0]}")


def leads_to(questions: Dns, name: str, address: str) -> bool:
    wanted = ipaddress.ip_address(address)
    records = questions.ask(name, "A" if wanted.version == 4 else "AAAA")
    return any(ipaddress.ip_address(record.address) == wanted for record in records)
