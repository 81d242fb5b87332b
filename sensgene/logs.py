"""What a log line may hold."""

import logging
import re

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLineFilter(logging.Filter):
    """A log line is one line: line ends and other controls from a request cannot forge a second one."""

    def filter(self, record):
        record.msg = CONTROL_CHARACTERS.sub(lambda match: repr(match[0])[1:-1], record.getMessage())
        record.args = ()
        return True
