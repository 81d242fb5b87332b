"""How far the sending of an issue is, in numbers and in words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db.models import Count
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.models import Delivery, Issue, Mailing, Transit

ON_THE_WAY = (Transit.PENDING, Transit.CLAIMED, Transit.DISPATCHING)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Progress:
    """`last_minute` and `a_minute` are copies: in the minute before now, and on average since the start."""

    counts: dict[str, int]
    last_minute: int
    a_minute: float

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def sent(self) -> int:
        return self.counts.get(Transit.SENT, 0)

    @property
    def waiting(self) -> int:
        return sum(self.counts.get(state, 0) for state in ON_THE_WAY)

    @property
    def minutes_left(self) -> int | None:
        """An estimate from the last minute, or from the whole time; None if nothing tells. Never faster than allowed."""
        pace = self.last_minute or self.a_minute
        if not self.waiting or not pace:
            return None
        beyond_this_hour = max(0, self.waiting - settings.MAIL_PER_HOUR)
        by_the_limit = beyond_this_hour / max(1, settings.MAIL_PER_HOUR) * 60
        return ceil(max(self.waiting / pace, by_the_limit))


def progress_of(issue: Issue, now: datetime) -> Progress:
    copies = Delivery.objects.filter(issue=issue, kind=Delivery.Kind.ISSUE).order_by()
    counts = dict(copies.values_list("state").annotate(Count("pk")))
    last_minute = copies.filter(state=Transit.SENT, ended_at__gt=now - MINUTE, ended_at__lte=now).count()
    a_minute = 0.0
    if issue.starts_at and issue.starts_at < now:
        minutes = ((issue.finished_at or now) - issue.starts_at) / MINUTE
        a_minute = counts.get(Transit.SENT, 0) / max(minutes, 1 / 60)
    return Progress(counts, last_minute, a_minute)


def moment(when: datetime | None) -> str:
    return date_format(timezone.localtime(when), "SHORT_DATETIME_FORMAT") if when else ""


def clock_time(when: datetime) -> str:
    return date_format(timezone.localtime(when), "H:i")


def state_in_words(issue: Issue, progress: Progress, now: datetime) -> str:
    handed_over = {"sent": number_format(progress.sent), "total": number_format(progress.total)}
    match issue.mailing:
        case Mailing.WRITING:
            return _("Being written: nothing is on its way.")
        case Mailing.RELEASED if issue.starts_at > now:
            return _(
                "Released: the first copy leaves at %(time)s. Until then you can stop it as if nothing had been."
            ) % {"time": clock_time(issue.starts_at)}
        case Mailing.RELEASED:
            return _(
                "Released, and due: the worker starts it within seconds. If it does not, the worker is not running."
            )
        case Mailing.SENDING:
            return _("Being sent: %(sent)s of %(total)s copies are handed over.") % handed_over
        case Mailing.PAUSED:
            return (
                _("Paused: %(sent)s of %(total)s copies are handed over. No copy leaves until it goes on.")
                % handed_over
            )
        case Mailing.STOPPED:
            return (
                _("Stopped: %(sent)s of %(total)s copies were handed over. No further copy will leave.") % handed_over
            )
    return _("Sent: %(sent)s of %(total)s copies are handed over.") % handed_over


def reason_in_words(issue: Issue) -> str:
    """Why it is paused, and what happens next."""
    if issue.mailing != Mailing.PAUSED:
        return ""
    reason = _(issue.pause_reason) if issue.pause_reason else _("Somebody of the staff paused it.")
    if issue.paused_by_us:
        return reason + " " + _("It goes on by itself once the server takes letters again.")
    return reason


def pace_in_words(progress: Progress) -> str:
    return _("%(minute)s copies in the last minute, %(average)s a minute since the start.") % {
        "minute": number_format(progress.last_minute),
        "average": number_format(round(progress.a_minute, 1), 1),
    }


def time_left_in_words(issue: Issue, progress: Progress) -> str:
    if issue.mailing != Mailing.SENDING:
        return ""
    minutes, estimate = progress.minutes_left, _("This is an estimate.")
    if minutes is None:
        return _("How long it will take cannot be estimated yet.") if progress.waiting else ""
    if minutes < 120:
        text = ngettext("About %(number)s minute left.", "About %(number)s minutes left.", minutes)
        return f"{text % {'number': minutes}} {estimate}"
    hours = ceil(minutes / 60)
    text = ngettext("About %(number)s hour left.", "About %(number)s hours left.", hours)
    return f"{text % {'number': hours}} {estimate}"


def announcement(issue: Issue, progress: Progress) -> str:
    """What a screen reader says without being asked: the state, and each tenth of the way."""
    if issue.mailing != Mailing.SENDING or not progress.total:
        return str(issue.get_mailing_display())
    ended = progress.total - progress.waiting
    return _("%(state)s: %(percent)s %% of the copies are done.") % {
        "state": issue.get_mailing_display(),
        "percent": ended * 10 // progress.total * 10,
    }


def texts(issue: Issue, now: datetime) -> dict[str, str]:
    """Everything on the page that changes while it is open, by the name of its place."""
    progress = progress_of(issue, now)
    return {
        "state": state_in_words(issue, progress, now),
        "reason": reason_in_words(issue),
        "pace": pace_in_words(progress) if progress.sent else "",
        "left": time_left_in_words(issue, progress),
        **{f"count-{state}": number_format(progress.counts.get(state, 0)) for state in Transit.values},
        "announcement": announcement(issue, progress),
    }
