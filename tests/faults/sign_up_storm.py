"""Signs one invented address up again and again, in every spelling, from many networks at once; counts the letters.

python -m tests.faults.sign_up_storm --attempts 10000

Runs in the environment of a published site. Real gunicorn, real worker, real mail server.
"""

import argparse
import json
import os
import re
import sys
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

from tests.mail_server import MailServer, mail_server
from tests.site import Site

FORM = "/en/newsletter/subscribe/"
SPELLINGS = (
    "invented.victim@bücher.example",
    "Invented.Victim+news@xn--bcher-kva.example",
    "inventedvictim@BÜCHER.example",
    "i.n.v.e.n.t.e.d.victim+{}@xn--bcher-kva.example",
)
AT_ONCE = 8


def stamp_of(origin: str) -> str:
    with urlopen(origin + FORM) as response:
        page = response.read().decode()
    return re.search(r'name="shown"[^>]*value="([^"]+)"', page)[1]


def attempts(origin: str, stamp: str, numbers: range, answers: Counter[int]) -> None:
    where = urlsplit(origin)
    for number in numbers:
        network = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        address = SPELLINGS[number % len(SPELLINGS)].format(number)
        body = urlencode({"address": address, "language": "en", "subject": "", "shown": stamp})
        head = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": network, "Origin": origin}
        connection = HTTPConnection(where.hostname, where.port, timeout=30)
        try:
            connection.request("POST", FORM, body, head)
            answers[connection.getresponse().status] += 1
        except (OSError, HTTPException):
            answers[0] += 1
        finally:
            connection.close()


def storm(origin: str, count: int) -> Counter[int]:
    """Posts the form so often; returns how often each status was the answer."""
    stamp = stamp_of(origin)
    time.sleep(2.1)  # a form that is sent faster is sent by a machine
    answers: list[Counter[int]] = [Counter() for _each in range(AT_ONCE)]
    threads = [
        threading.Thread(target=attempts, args=(origin, stamp, range(place, count, AT_ONCE), answers[place]))
        for place in range(AT_ONCE)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answers, Counter())


def waiting(site: Site) -> int:
    code = "from newsletter.models import Delivery, Enquiry\n"
    code += "print(Enquiry.objects.count() + Delivery.objects.filter(state__in=['pending', 'claimed']).count())"
    return int(site.python(code).stdout)


def run(site: Site, count: int, server: MailServer) -> dict:
    started = time.monotonic()
    with site.served(EMAIL_URL=server.url, MAIL_JOURNAL=str(server.log)) as origin:
        answers = storm(origin, count)
        posted = time.monotonic()
        while waiting(site) and time.monotonic() - posted < 300:
            time.sleep(0.5)
    letters = server.accepted()
    return {
        "attempts": count,
        "answers": dict(answers),
        "letters": len(letters),
        "recipients": sorted({recipient for each in letters for recipient in each.recipients}),
        "seconds": round(time.monotonic() - started, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--attempts", type=int, default=10_000)
    options = parser.parse_args()
    site = Site(Path(os.environ["VAR_DIR"]), os.environ["DATABASE_URL"])
    with mail_server(site.folder / "mail-server") as server:
        result = run(site, options.attempts, server)
    print(json.dumps(result, indent=1))
    sys.exit(0 if result["letters"] == 1 else 1)


if __name__ == "__main__":
    main()
