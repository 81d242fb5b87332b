"""Every version of every record: who changed what, when, as one change; going back is a new version.

django-simple-history keeps the rows, one table a model. What is ours is the unit: a record and its parts (a centre
and its contacts) change together, are shown together, and go back together. The apps build on this module.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.db.models.deletion import ProtectedError
from django.db.models.signals import post_delete, post_save, pre_delete
from django.dispatch import receiver
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from simple_history import register
from simple_history.models import HistoricalRecords
from simple_history.signals import pre_create_historical_record

from sensgene.records import Record, Sourced, take_version

NOT_KEPT = ("loaded_digest", "pending", "to_check", "updated_at")
# What going back leaves as it is: an address and whether it is public are decisions of their own.
NOT_REVERTED = ("id", "version", "slug", "state")


class ChangedIn(models.Model):
    """Which change a kept row belongs to: all that one person did at once has the same."""

    change = models.CharField(max_length=32, db_index=True)

    class Meta:
        abstract = True


# --- Keeping ------------------------------------------------------------------------------------------------------


_kept: dict[type[models.Model], HistoricalRecords] = {}


def keep(model: type[models.Model], links: tuple[str, ...] = ()) -> None:
    """Keeps every version of this model's rows from now on. Called from translation.py, once its columns exist.

    A proxy's rows are those of the model that it stands for, whose signals it does not send.
    """
    if model._meta.proxy:
        records = _kept[model._meta.concrete_model]
        post_save.connect(records.post_save, sender=model, weak=False)
        post_delete.connect(records.post_delete, sender=model, weak=False)
        pre_delete.connect(records.pre_delete, sender=model, weak=False)
        return
    left_out = [column.name for column in model._meta.fields if column.name in NOT_KEPT]
    records = HistoricalRecords(bases=[ChangedIn], m2m_fields=links, excluded_fields=left_out)
    register(model, app=model._meta.app_label, records_class=lambda: records)
    _kept[model] = records


def kept_models() -> list[type[models.Model]]:
    return list(_kept)


@dataclass(frozen=True)
class Change:
    """What is being done now, by whom (None: the system), and why in a few words for the record."""

    identifier: str
    by: object
    why: str


_current: ContextVar[Change | None] = ContextVar("change", default=None)


@contextmanager
def one_change(by=None, why: str = "") -> Iterator[str]:
    """All that is saved inside is one change; inside another one it is part of that. Gives the change's identifier.

    `why` has at most 100 characters.
    """
    if outer := _current.get():
        if why and not outer.why:
            token = _current.set(Change(outer.identifier, by or outer.by, why))
            try:
                yield outer.identifier
            finally:
                _current.reset(token)
        else:
            yield outer.identifier
        return
    change = Change(uuid.uuid4().hex, by, why)
    token = _current.set(change)
    try:
        yield change.identifier
    finally:
        _current.reset(token)


@receiver(pre_create_historical_record)
def say_which_change(history_instance, **kwargs) -> None:
    change = _current.get() or Change(uuid.uuid4().hex, None, "")
    history_instance.change = change.identifier
    if change.by is not None and change.by.is_authenticated:
        history_instance.history_user_id = change.by.pk
    history_instance.history_change_reason = change.why[:100] or None


# --- A record and its parts ---------------------------------------------------------------------------------------


def parts_of(model: type[Record]) -> list[models.ForeignKey]:
    """The columns by which the parts of such a record point at it: of a centre, Contact.centre and others."""
    return [
        relation.field
        for relation in model._meta.concrete_model._meta.related_objects
        if issubclass(relation.related_model, Sourced) and not issubclass(relation.related_model, Record)
    ]


def rows_of(record: Record) -> Iterator[tuple[type[models.Model], QuerySet]]:
    """The kept rows of a record, then of each kind of part that it has or had."""
    model = record._meta.concrete_model
    yield model, model.history.filter(id=record.pk)
    for column in parts_of(model):
        kept = column.model.history.filter(**{column.attname: record.pk})
        others = {other.attname for other in column.model._meta.fields if other.is_relation} - {column.attname}
        if record._meta.label == "centres.Network" and "centre_id" in others:
            kept = kept.filter(centre_id=None)  # what a centre cares for is part of the centre
        yield column.model, kept


@dataclass(frozen=True)
class Difference:
    """One field before and after, in words. Long texts are whole: the page shows what changed in them."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Step:
    """What one change did to one row: `before` is None if it was made, `after` is None if it was removed."""

    model: type[models.Model]
    pk: int
    before: models.Model | None
    after: models.Model | None

    @property
    def name(self) -> str:
        row = self.after or self.before
        return f"{capfirst(self.model._meta.verbose_name)} {name_of(row)}".strip()

    @property
    def is_made(self) -> bool:
        return self.before is None

    @property
    def is_removed(self) -> bool:
        return self.after is None

    def differences(self) -> list[Difference]:
        found = []
        for column in self.model._meta.fields:
            if column.name in (*NOT_KEPT, "id", "version") or is_bare(self.model, column):
                continue
            before, after = (words(column, row) for row in (self.before, self.after))
            if before != after:
                found.append(Difference(str(column.verbose_name), before, after))
        for column in self.model._meta.many_to_many:
            before, after = (linked(column, row) for row in (self.before, self.after))
            if before != after:
                found.append(Difference(str(column.verbose_name), ", ".join(before), ", ".join(after)))
        return found


@dataclass
class Version:
    """All that one change did to a record and its parts."""

    change: str
    at: datetime
    by: object = None
    why: str = ""
    steps: list[Step] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        return any(step.is_made or step.is_removed or step.differences() for step in self.steps)


def name_of(kept: models.Model) -> str:
    """What a kept row is called: as the row itself would be, without a query for what it points at."""
    try:
        return str(kept.instance_type(**{c.attname: getattr(kept, c.attname, None) for c in stored_columns(kept)}))
    except (models.ObjectDoesNotExist, AttributeError, TypeError):
        return str(kept.id)


def stored_columns(kept: models.Model) -> list[models.Field]:
    return [column for column in kept.instance_type._meta.fields if column.name not in NOT_KEPT]


def is_bare(model: type[models.Model], column: models.Field) -> bool:
    """Whether this is the column that modeltranslation fills from the active language: its languages say more."""
    names = {each.name for each in model._meta.fields}
    return f"{column.name}_fr" in names


def words(column: models.Field, row: models.Model | None) -> str:
    if row is None:
        return ""
    value = getattr(row, column.attname)
    if value in (None, ""):
        return ""
    if column.is_relation:
        target = QuerySet(column.related_model, using="default").filter(pk=value).first()
        return str(target) if target else f"({value})"
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return str(value)


def linked(column: models.ManyToManyField, row: models.Model | None) -> list[str]:
    if row is None:
        return []
    target = column.m2m_reverse_field_name()
    return sorted(str(getattr(each, target)) for each in getattr(row, column.name).select_related(target))


def versions(record: Record) -> list[Version]:
    """Every change to the record and its parts, the newest first."""
    found: dict[str, Version] = {}
    for model, kept in rows_of(record):
        last: dict[int, models.Model] = {}
        steps: dict[tuple[str, int], list] = {}
        for row in kept.select_related("history_user").order_by("history_date", "history_id"):
            version = found.setdefault(row.change, Version(row.change, row.history_date, row.history_user))
            version.at = max(version.at, row.history_date)
            version.why = version.why or row.history_change_reason or ""
            before = steps.setdefault((row.change, row.id), [last.get(row.id), None])
            before[1] = None if row.history_type == "-" else row
            last[row.id] = before[1]
        for (change, pk), (before, after) in steps.items():
            if before is not None or after is not None:
                found[change].steps.append(Step(model, pk, before, after))
    return sorted(found.values(), key=lambda version: version.at, reverse=True)


def version_with(record: Record, change: str) -> Version | None:
    return next((version for version in versions(record) if version.change == change), None)


# --- Going back ---------------------------------------------------------------------------------------------------


def as_it_was(record: Record, at: datetime) -> list[tuple[type[models.Model], dict[int, models.Model | None]]]:
    """The kept rows of a record and its parts as they stood just after `at`; None for a part that was not there."""
    found = []
    for model, kept in rows_of(record):
        rows: dict[int, models.Model | None] = {}
        for row in kept.order_by("history_date", "history_id"):
            if row.history_date <= at:
                rows[row.id] = None if row.history_type == "-" else row
            else:
                rows.setdefault(row.id, None)
        found.append((model, rows))
    return found


@transaction.atomic
def go_back(record: Record, version: Version, by) -> None:
    """The record and its parts become what they were after that version, as a new version.

    Raises ChangedMeanwhile if somebody else changed the record since it was read, ValidationError if what it was
    would not be allowed today.
    """
    with one_change(by, f"back to {version.change}"):
        take_version(record)
        for model, rows in as_it_was(record, version.at):
            for pk, kept in rows.items():
                if model is record._meta.concrete_model:
                    put_back(kept, QuerySet(model, using="default").get(pk=pk))
                elif kept is None:
                    for row in model._base_manager.filter(pk=pk):
                        row.delete()
                else:
                    put_back(kept, model._base_manager.filter(pk=pk).first() or model(pk=pk))


def put_back(kept: models.Model, row: models.Model) -> None:
    """Writes a kept row over the row itself, or makes it again."""
    left = (*NOT_KEPT, *NOT_REVERTED) if row._state.db else (*NOT_KEPT, "version")
    for column in stored_columns(kept):
        if column.name not in left:
            setattr(row, column.attname, getattr(kept, column.attname))
    for column in row._meta.fields:
        value = getattr(row, column.attname)
        needs = QuerySet(column.related_model, using="default").filter(pk=value) if column.is_relation else None
        if needs is not None and value is not None and not needs.exists():
            raise ValidationError(
                _("%(field)s: what it pointed at does not exist any more.") % {"field": capfirst(column.verbose_name)}
            )
    row.full_clean(exclude=[column.name for column in row._meta.fields if is_bare(type(row), column)])
    row.save()
    for column in row._meta.many_to_many:
        target = column.m2m_reverse_name()
        getattr(row, column.name).set([getattr(each, target) for each in getattr(kept, column.name).all()])


# --- Undoing a change of many records -----------------------------------------------------------------------------


class CannotUndo(Exception):
    """Some of what the change made was changed since, or is needed by something newer; `names` says which."""

    def __init__(self, names: Iterable[str]):
        super().__init__()
        self.names = list(names)


@transaction.atomic
def undo(change: str, by, why: str) -> int:
    """Takes back all that one change did, as a new change; returns how many rows. All or nothing: raises CannotUndo."""
    steps, changed_since = [], []
    for model in kept_models():
        touched = list(model.history.filter(change=change).order_by("history_date", "history_id"))
        for pk in dict.fromkeys(row.id for row in touched):
            rows = list(model.history.filter(id=pk).order_by("history_date", "history_id"))
            own = [place for place, row in enumerate(rows) if row.change == change]
            step = Step(model, pk, rows[own[0] - 1] if own[0] else None, rows[own[-1]])
            if rows[own[-1]].history_type == "-":
                step = Step(model, pk, step.before, None)
            if own[-1] != len(rows) - 1:
                changed_since.append(step.name)
            steps.append(step)
    if changed_since:
        raise CannotUndo(changed_since)
    with one_change(by, why):
        for step in sorted(
            (each for each in steps if not each.is_made), key=lambda each: issubclass(each.model, Sourced)
        ):
            row = step.model._base_manager.filter(pk=step.pk).first() or step.model(pk=step.pk)
            put_back(step.before, row)
            state = getattr(step.before, "state", None)
            if state is not None and row.state != state:
                row.state = state
                row.save()
        remove_made([step for step in steps if step.is_made and not step.is_removed])
    return len(steps)


def remove_made(steps: list[Step]) -> None:
    """Parts before records, records before what they point at: whatever is still pointed at waits for the next round."""
    waiting = steps
    while waiting:
        left = []
        for step in waiting:
            try:
                with transaction.atomic():
                    for row in step.model._base_manager.filter(pk=step.pk):
                        row.delete()
            except ProtectedError:
                left.append(step)
        if len(left) == len(waiting):
            raise CannotUndo(step.name for step in left)
        waiting = left
