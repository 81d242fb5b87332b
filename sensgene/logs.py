"""What a log line may hold."""

import logging
import re

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What newsletter/tokens.py makes. Whoever reads a log must not be able to open somebody's page.
SECRET = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")


def without_secrets(text: str) -> str:
    return SECRET.sub("[secret]", text)


class OneLineFilter(logging.Filter):
    """A log line is one line: line ends and other controls from a request cannot forge a second one.

    The secret of a mailed link stands in the address of its page; neither message nor traceback repeats it.
    """

    def filter(self, record):
        message = CONTROL_CHARACTERS.sub(lambda match: repr(match[0])[1:-1], record.getMessage())
        record.msg = without_secrets(message)
        record.args = ()
        if record.exc_info:
            record.exc_text = without_secrets(logging.Formatter().formatException(record.exc_info))
        return True
