"""The list of subscribers as a file for a spreadsheet. A cell never begins as a formula does (threat T8)."""

import csv
import re
from collections.abc import Iterable
from io import StringIO

from newsletter.models import Subscriber

# Spreadsheets skip spaces and invisible signs, and read full-width signs like plain ones.
FORMULA = re.compile(r"[\t\r\n\0]|[\s\0\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]")


def guarded(cell: str) -> str:
    return f"'{cell}" if FORMULA.match(cell) else cell


def csv_of(rows: Iterable[Iterable[str]]) -> str:
    """RFC 4180: quoted, ended by CR LF."""
    file = StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([guarded(str(cell)) for cell in row] for row in rows)
    return file.getvalue()


def active_subscribers() -> tuple[str, int]:
    """The file, and how many people are in it. Its headings are the names of the columns, in every language the same."""
    people = Subscriber.objects.active().order_by("address").values_list("address", "language", "standing_since")
    rows = [(address, language, since.isoformat(timespec="seconds")) for address, language, since in people]
    return csv_of([("address", "language", "subscribed_since"), *rows]), len(rows)
