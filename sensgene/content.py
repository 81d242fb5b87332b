"""The starting content: fixtures/*.json → working database. Adds what is new, never overwrites what staff edited.

One file per kind of record, one object per record, found again by its short name. A record and what it holds (a
centre's contacts, a page's sections) are one unit: `loaded_digest` remembers what was loaded, so a unit that differs
from it was edited by staff since, and is left alone.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import translation
from modeltranslation.translator import translator

from sensgene import history
from sensgene.records import Record, Sourced, State

FIXTURES = settings.BASE_DIR / "fixtures"

# In the order in which they depend on each other. A folder holds one record per file.
FILES: dict[str, str] = {
    "hospitals.json": "centres.Hospital",
    "coordinators.json": "centres.Coordinator",
    "networks.json": "centres.Network",
    "centres.json": "centres.Centre",
    "pages": "missions.Page",
    "missions.json": "missions.Mission",
    "milestones.json": "missions.Milestone",
    "figures.json": "missions.Figure",
    "health_channels.json": "missions.HealthChannel",
    "associations.json": "missions.Association",
    "partners.json": "missions.Partner",
    "legal_texts.json": "missions.LegalText",
    "help_lines.json": "missions.HelpLine",
    "glossary.json": "missions.GlossaryTerm",
    "accessibility_audits.json": "missions.AccessibilityAudit",
}

# What a record holds: the key in its object → the model of the parts.
PARTS: dict[str, dict[str, str]] = {
    "centres.Network": {"conditions": "centres.TreatedCondition"},
    "centres.Centre": {
        "contacts": "centres.Contact",
        "team": "centres.TeamMember",
        "conditions": "centres.TreatedCondition",
    },
    "missions.Page": {"sections": "missions.PageSection"},
}

LANGUAGES = [code for code, _name in settings.LANGUAGES]


class Outcome(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    EDITED = "left alone: edited by staff since"


class ContentError(Exception):
    """A fixture file says something that cannot be loaded; the message names the file and the record."""


@dataclass
class Report:
    """What a load did, record by record."""

    lines: list[tuple[Outcome, str]] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        return sum(1 for each, _record in self.lines if each == outcome)


# --- Reading the files --------------------------------------------------------------------------------------------


def read(name: str) -> list[dict]:
    path = FIXTURES / name
    if path.is_dir():
        return [read_one(file, dict) for file in sorted(path.glob("*.json"))]
    records = read_one(path, list)
    if not all(isinstance(record, dict) for record in records):
        raise ContentError(f"{name}: every record must be an object")
    return records


def read_one(path: Path, kind: type) -> list | dict:
    name = path.relative_to(FIXTURES)
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ContentError(f"{name}: {error}") from error
    if not isinstance(found, kind):
        raise ContentError(f"{name}: must hold {'a list of records' if kind is list else 'one record'}")
    return found


def joined(text) -> str:
    """Long texts are lists in the files: a string is a paragraph, a list in the list holds bullet points."""
    if not isinstance(text, list):
        return text
    return "\n\n".join("\n".join(f"- {item}" for item in part) if isinstance(part, list) else part for part in text)


def linked_names(model: type[models.Model]) -> list[str]:
    """The fields that point at many rows: of a condition, the entries of Orphanet."""
    return [field.name for field in model._meta.many_to_many]


def instance(model: type[Sourced], values: dict, **more) -> Sourced:
    """An unsaved row; what it points at many of waits in `waiting_links`, until the row has a key."""
    row = model(
        **columns(model, {key: value for key, value in values.items() if key not in linked_names(model)}), **more
    )
    row.waiting_links = {}
    for name in linked_names(model):
        target = model._meta.get_field(name).related_model._base_manager
        row.waiting_links[name] = sorted(target.only("pk").get(pk=pk).pk for pk in values.get(name, []))
    return row


def columns(model: type[Sourced], values: dict) -> dict:
    """Column → value as the database holds it. Raises FieldDoesNotExist, ValidationError, a related DoesNotExist."""
    translated = translator.get_options_for_model(model).all_fields
    found = {}
    for key, value in values.items():
        column = model._meta.get_field(key)
        if key in translated:
            if not isinstance(value, dict) or set(value) - set(LANGUAGES):
                raise ValidationError(f"{key} must hold a text for each of {', '.join(LANGUAGES)}")
            for code, text in value.items():
                found[f"{key}_{code}"] = model._meta.get_field(f"{key}_{code}").to_python(joined(text))
        elif isinstance(column, models.ForeignKey):
            found[column.attname] = column.related_model._base_manager.only("pk").get(slug=value).pk
        else:
            found[key] = column.to_python(joined(value))
    return found


# --- Comparing ----------------------------------------------------------------------------------------------------


def stored(row: models.Model) -> dict:
    """Every column of a row that content can fill, without what is empty: {} and {"street": ""} mean the same."""
    ignored = {"id", "updated_at", "loaded_digest", "state", "version", "pending", "to_check", "verified_by_id"}
    translated = translator.get_options_for_model(type(row)).all_fields
    values = {}
    for column in row._meta.concrete_fields:
        if column.attname in ignored or column.name in translated:
            continue
        value = getattr(row, column.attname)
        if isinstance(value, str):
            value = value.replace("\r\n", "\n")  # as browsers send them
        if value not in ("", None) and value != (column.get_default() if column.has_default() else None):
            values[column.attname] = f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
    waiting = getattr(row, "waiting_links", {})
    for name in linked_names(type(row)):
        keys = waiting[name] if waiting else sorted(getattr(row, name).values_list("pk", flat=True))
        if keys:
            values[name] = keys
    return values


def digest(unit: dict) -> str:
    return hashlib.sha256(json.dumps(unit, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass
class Unit:
    """A record and its parts, as a file describes them, ready to be compared with what the database holds."""

    record: Record
    parts: dict[str, list[Sourced]]

    def digest(self) -> str:
        parts = {name: [without(stored(row), "order") for row in rows] for name, rows in self.parts.items()}
        return digest({"record": stored(self.record), "parts": parts})


def without(values: dict, *names: str) -> dict:
    """A part's place is its place in the list; which record it belongs to is clear."""
    return {name: value for name, value in values.items() if name not in names and not name.endswith("_id")}


def from_file(model: type[Record], values: dict) -> Unit:
    kinds = PARTS.get(model._meta.label, {})
    record = instance(model, {key: value for key, value in values.items() if key not in kinds})
    parts = {}
    for name, label in kinds.items():
        part_model = apps.get_model(label)
        parts[name] = [
            instance(part_model, part, order=place * 10) for place, part in enumerate(values.get(name, []), start=1)
        ]
    for row in (record, *(part for rows in parts.values() for part in rows)):
        row.clean_fields(exclude=[column.name for column in row._meta.concrete_fields if column.is_relation])
    return Unit(record, parts)


def parts_of(record: Record) -> dict[str, list[Sourced]]:
    label = record._meta.label
    found = {name: list(getattr(record, name).all()) for name in PARTS.get(label, {})}
    if label == "centres.Network":
        found["conditions"] = [part for part in found["conditions"] if part.centre_id is None]
    return found


# --- Writing ------------------------------------------------------------------------------------------------------


def save(unit: Unit, over: Record | None) -> None:
    unit.record.loaded_digest = unit.digest()
    unit.record.state = State.PUBLISHED
    if over is not None:
        unit.record.pk = over.pk
        unit.record.state = over.state
        for rows in parts_of(over).values():
            for row in rows:
                row.delete()
    unit.record.save()
    for rows in unit.parts.values():
        for row in rows:
            attach(row, unit.record)
            row.clean()
            row.save()
            for name, keys in row.waiting_links.items():
                getattr(row, name).set(keys)


def attach(part: Sourced, record: Record) -> None:
    """A part knows the record that holds it; what a centre cares for, its network too."""
    setattr(part, record._meta.model_name, record)
    if record._meta.label == "centres.Centre" and part._meta.label == "centres.TreatedCondition":
        part.network = record.network


def load_one(model: type[Record], values: dict) -> Outcome:
    unit = from_file(model, values)
    existing = model.objects.filter(slug=unit.record.slug).first()
    if existing is None:
        save(unit, over=None)
        return Outcome.ADDED
    if Unit(existing, parts_of(existing)).digest() != existing.loaded_digest:
        return Outcome.EDITED
    if unit.digest() == existing.loaded_digest:
        return Outcome.UNCHANGED
    save(unit, over=existing)
    return Outcome.CHANGED


def each_record() -> Iterator[tuple[str, type[Record], dict]]:
    for name, label in FILES.items():
        for values in read(name):
            yield name, apps.get_model(label), values


def load() -> Report:
    """Loads every file, or none: raises ContentError and changes nothing if one record cannot be loaded."""
    report = Report()
    # modeltranslation fills the bare column from the active language: make that French, whoever calls.
    with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
        for name, model, values in each_record():
            slug = values.get("slug", "?")
            try:
                with history.one_change(why="loaded"):
                    outcome = load_one(model, values)
            except (FieldDoesNotExist, ValidationError, models.ObjectDoesNotExist, IntegrityError, TypeError) as error:
                raise ContentError(f"{name}, {slug}: {error}") from error
            report.lines.append((outcome, f"{model._meta.verbose_name} {slug}"))
    return report
