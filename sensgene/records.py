"""What every record that staff edit has in common: a state, a source, a date. Abstract: the tables are the apps'.

The apps build on this module; it knows none of them.
"""

import re
from datetime import date, datetime
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import dates, timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sensgene import snapshot


class State(models.TextChoices):
    DRAFT = "draft", _("Draft: seen by staff only")
    PUBLISHED = "published", _("Published")
    ARCHIVED = "archived", _("Archived: taken off the site, its address answers “gone”")


PARTIAL_DATE = re.compile(r"^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?\Z", re.ASCII)


def validate_partial_date(text: str) -> None:
    """Raises ValidationError unless a calendar has this year, month or day."""
    try:
        if not PARTIAL_DATE.match(text):
            raise ValueError(text)
        date.fromisoformat(text + "0000-01-01"[len(text) :])
    except ValueError as error:
        raise ValidationError(_("Write a year, a month or a day: 2019, 2019-04 or 2019-04-10.")) from error


class PartialDateField(models.CharField):
    """A date as precisely as its source prints it: 2019, 2019-04 or 2019-04-10. Sorts and compares as text."""

    default_validators = [validate_partial_date]

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_length", 10)
        super().__init__(*args, **kwargs)


def readable_date(day: str | date | None) -> str:
    """The date in the active language, no more precise than it is known: 2019, April 2019, 10 April 2019."""
    if isinstance(day, datetime):
        day = timezone.localdate(day)
    partial = day.isoformat() if isinstance(day, date) else day or ""
    if len(partial) == 7 and PARTIAL_DATE.match(partial):
        year, month = map(int, partial.split("-"))
        return f"{dates.MONTHS[month]} {year}"
    if len(partial) == 10 and PARTIAL_DATE.match(partial):
        # Django's own English is American.
        text = date_format(date.fromisoformat(partial), "j. F Y" if get_language() == "de" else "j F Y")
        return f"1er{text[1:]}" if get_language() == "fr" and text.startswith("1 ") else text
    return partial


def host(url: str) -> str:
    """What a reader recognises an address by: www.sensgene.com."""
    return urlsplit(url).hostname or ""


class RecordQuerySet(models.QuerySet):
    def published(self):
        return self.filter(state=State.PUBLISHED)


class PublicManager(models.Manager):
    """Reads the snapshot, and only the snapshot: what public pages use, by name, every time."""

    def get_queryset(self):
        return super().get_queryset().using(snapshot.ALIAS)


class Sourced(models.Model):
    """A fact, where it was found, and how fresh it is. Empty means unknown to us, never “none”."""

    source_url = models.URLField(
        _("source"), max_length=500, blank=True, help_text=_("The page where this is printed.")
    )
    source_date = PartialDateField(
        _("date of the source"),
        blank=True,
        help_text=_("As the source prints it: 2019, 2019-04 or 2019-04-10. Empty if it prints none."),
    )
    source_read_on = models.DateField(_("source read on"), null=True, blank=True)
    source_remark = models.CharField(
        _("remark on the source"),
        max_length=300,
        blank=True,
        help_text=_("Shown to readers. For example: speaks of the labels 2017–2022."),
    )
    verified_on = models.DateField(
        _("verified with the centre on"),
        null=True,
        blank=True,
        help_text=_("The day somebody who knows confirmed it. Reading a page is not verifying."),
    )
    staff_note = models.TextField(
        _("note for staff"), blank=True, help_text=_("Never published: doubts, conflicts between sources, work to do.")
    )
    updated_at = models.DateTimeField(_("last change"), auto_now=True)
    # Language → text → the day its French changed while it stayed as it was. See sensgene/translations.py.
    to_check = models.JSONField(default=dict, blank=True, editable=False)

    objects = models.Manager()
    public = PublicManager()

    class Meta:
        abstract = True

    @property
    def source_host(self) -> str:
        return host(self.source_url)


class Record(Sourced):
    """A record with an address of its own: it is drafted, published, archived, never silently removed."""

    slug = models.SlugField(
        _("short name"), max_length=80, unique=True, help_text=_("Part of the page's address, in every language.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT, db_index=True)
    loaded_digest = models.CharField(max_length=64, blank=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)  # of the record and its parts: see take_version
    pending = models.JSONField(null=True, blank=True, editable=False)  # what staff typed and did not publish yet

    objects = models.Manager.from_queryset(RecordQuerySet)()
    public = PublicManager.from_queryset(RecordQuerySet)()

    class Meta:
        abstract = True


class Addressed(Record):
    """A record with a page of its own. Once archived, its address says what took its place."""

    successor = models.ForeignKey(
        "self",
        verbose_name=_("successor"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("What took its place. Named to whoever follows an old link once this record is archived."),
    )

    class Meta:
        abstract = True


class ChangedMeanwhile(Exception):
    """Somebody else changed the record since it was read; nothing was written."""


def take_version(record: Record) -> None:
    """Counts the record's next version; call it inside the transaction that changes the record or its parts.

    One statement, so that of two people who read the same version one is refused. Raises ChangedMeanwhile.
    """
    model = record._meta.concrete_model
    mine = models.QuerySet(model, using="default").filter(pk=record.pk, version=record.version)
    if not mine.update(version=models.F("version") + 1):
        raise ChangedMeanwhile
    record.version += 1


def either_both_or_none(*fields: str) -> Q:
    """For constraints: all of these columns are filled, or none is."""
    return Q(**{f"{field}__isnull": True for field in fields}) | Q(**{f"{field}__isnull": False for field in fields})


class Gone(Http404):
    """There was a page here, and staff took it off the site: 410."""


def published_or_gone(queryset: RecordQuerySet, slug: str):
    """The record with this short name from the snapshot. Raises Gone if it was archived, Http404 if it never was."""
    try:
        return get_object_or_404(queryset, slug=slug)
    except Http404 as missing:
        if snapshot.was_published(queryset.model._meta.label, slug):
            raise Gone from missing
        raise
