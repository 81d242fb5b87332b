"""Working database → snapshot: what is public is copied, checked, and switched to; nothing else ever leaves.

The steps, in order (STEPS): each leaves the old snapshot whole if it fails or if the process dies there.
Readers are in sensgene/snapshot.py.
"""

import fcntl
import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from wsgiref.util import setup_testing_defaults

from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.utils import load_backend
from django.urls import reverse
from modeltranslation.translator import NotRegistered, translator

from sensgene import snapshot
from sensgene.records import Record, State

FORMAT = 1  # raise it when the meaning of a snapshot changes but none of its columns does

SOURCED = ("source_url", "source_date", "source_read_on", "source_remark", "verified_on", "updated_at", "to_check")
RECORD = ("slug", "state", *SOURCED)
PERSON = ("title", "first_name", "last_name")

# The whole allow-list: a model or a column that is not named here is not in the file. `staff_note` never is.
PUBLIC_FIELDS: dict[str, tuple[str, ...]] = {
    "centres.Hospital": (
        *RECORD,
        *("name", "street", "postcode", "town", "department", "region"),
        *("latitude", "longitude", "coordinate_precision", "finess"),
    ),
    "centres.Coordinator": (*RECORD, *PERSON, "form_of_address"),
    "centres.Network": (
        *RECORD,
        *(
            "acronym",
            "short_name",
            "name",
            "remit",
            "channel",
            "field",
            "label_from",
            "label_until",
            "label_remark",
            "website",
            "order",
        ),
    ),
    "centres.Centre": (
        *RECORD,
        *(
            "network",
            "kind",
            "kind_to_confirm",
            "name",
            "hospital",
            "department",
            "address_precision",
            "coordinator",
            "audience",
            *("label_from", "label_until", "rhythm"),
        ),
        *("referral", "access", "website", "website_remark"),
        *("sign_language", "tactile_signing", "induction_loop", "accessible_letters"),
        *("guide_dogs", "met_at_the_door", "step_free"),
    ),
    "centres.TeamMember": (*SOURCED, *PERSON, "centre", "role", "order"),
    "centres.Contact": (*SOURCED, "centre", "kind", "value", "answers", "order"),
    "centres.TreatedCondition": (*SOURCED, "network", "centre", "name", "is_field", "includes_descendants", "order"),
    "centres.TreatedCondition_diseases": ("treatedcondition", "disease"),
    "centres.Disease": (
        *("kind", "status", "name", "german_name", "synonyms", "search_words"),
        *("is_eye", "is_hearing", "is_ent", "genes", "omim", "releases", "german_release", "updated_at"),
    ),
    "centres.DiseaseParent": ("child", "parent", "is_direct"),
    "centres.FormerCode": ("disease", "name_fr", "name_en"),
    "centres.Town": (
        *("country", "name", "kind", "postcodes", "region", "department", "department_code"),
        *("population", "latitude", "longitude", "other_names"),
    ),
    "missions.Picture": ("alt", "kind", "width", "height", "digest", "content", "updated_at"),
    "missions.Page": (*RECORD, "title", "summary"),
    "missions.PageSection": (*SOURCED, "page", "heading", "body", "below", "order"),
    "missions.Mission": (*RECORD, "body", "title", "text", "order"),
    "missions.Milestone": (*RECORD, "date", "text"),
    "missions.Figure": (*RECORD, "number", "label", "as_of", "order"),
    "missions.HealthChannel": (
        *RECORD,
        "acronym",
        "name",
        "scope",
        "website",
        "coordinator",
        "hospital",
        "logo",
        "order",
    ),
    "missions.Association": (*RECORD, "name", "scope", "tie", "website", "is_patient_association", "logo", "order"),
    "missions.Partner": (*RECORD, "name", "description", "website", "logo", "on_every_page", "order"),
    "missions.LegalText": (*RECORD, "title", "date", "reference", "purpose", "url", "order"),
    "missions.HelpLine": (*RECORD, "name", "offers", "website", "sms", "phone", "hours", "on_every_page", "order"),
    "missions.GlossaryTerm": (*RECORD, "term", "abbreviation", "definition", "order"),
    "missions.AccessibilityAudit": (*RECORD, "result", "audited_on", "auditor", "rate"),
    # Of the newsletter what is written, never who reads it.
    "newsletter.Issue": ("slug", "state", "updated_at", "subject", "preheader", "released_at"),
    "newsletter.IssueSection": ("updated_at", "issue", "heading", "body", "centre", "channel", "order"),
}

# Loaded whole, by the tens of thousands: copied from the snapshot before, unless something in them changed.
REFERENCE = ("centres.Disease", "centres.DiseaseParent", "centres.FormerCode", "centres.Town")

# Rows of a table between two others: they have no date of their own, and change only with the first of the two.
BETWEEN = ("centres.TreatedCondition_diseases",)

# A directory without these is a mistake, not an edit.
NEVER_EMPTY = ("centres.Network", "centres.Centre", "missions.Page")

# What else must be published before a row is: its own state is not enough.
DEPENDS_ON: dict[str, tuple[str, ...]] = {
    "centres.Centre": ("network", "hospital"),
    "centres.TeamMember": ("centre", "centre__network", "centre__hospital"),
    "centres.Contact": ("centre", "centre__network", "centre__hospital"),
    "centres.TreatedCondition": ("network",),
    "centres.TreatedCondition_diseases": ("treatedcondition__network",),
    "missions.PageSection": ("page",),
    "newsletter.IssueSection": ("issue",),
}

# A row is not withheld because of these; it is shown without. Model → column → what must be published for it.
SHOWN_WITHOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "centres.Network": {"channel": ("channel",)},
    "centres.Centre": {"coordinator": ("coordinator",)},
    "newsletter.IssueSection": {
        "centre": ("centre", "centre__network", "centre__hospital"),
        "channel": ("channel",),
    },
}

STEPS = (
    "began",
    "copied",
    "checked the file",
    "rendered its pages",
    "made it durable",
    "named it",
    "switched to it",
    "removed old ones",
)

SNAPSHOT_NAME = re.compile(r"^\d{8}T\d{12}-[0-9a-f]{8}\.sqlite3$")
HOLD = "held-back"
REFUSAL = "refused"


class PublicationRefused(Exception):
    """The new snapshot failed a check; the old one stays."""


@dataclass(frozen=True)
class Published:
    """The outcome of a publication."""

    path: Path
    rows: dict[str, int]

    @property
    def identifier(self) -> str:
        return snapshot.identifier(self.path)


# --- What is public -----------------------------------------------------------------------------------------------


def public_columns(model: type[models.Model]) -> list[models.Field]:
    """The columns that leave, with the languages of each translated one, in the table's order."""
    names = set(PUBLIC_FIELDS[model._meta.label])
    try:
        translated = translator.get_options_for_model(model).all_fields
    except NotRegistered:
        translated = {}
    for name in list(names):
        names.update(field.name for field in translated.get(name, ()))
    columns = [field for field in model._meta.concrete_fields if field.primary_key or field.name in names]
    if missing := names - {field.name for field in columns}:
        raise LookupError(f"{model._meta.label} has no field {', '.join(sorted(missing))}")
    return columns


def public_models() -> list[type[models.Model]]:
    return [apps.get_model(label) for label in PUBLIC_FIELDS]


def plain(model: type[models.Model]) -> QuerySet:
    """The rows of the working database as they are stored: modeltranslation's managers rewrite column names."""
    return QuerySet(model, using="default")


def public_rows(model: type[models.Model]) -> QuerySet:
    rows = plain(model)
    if issubclass(model, Record):
        rows = rows.filter(state=State.PUBLISHED)
    for relation in DEPENDS_ON.get(model._meta.label, ()):
        rows = rows.filter(**{f"{relation}__state": State.PUBLISHED})
    condition = {"centres.TreatedCondition": "", "centres.TreatedCondition_diseases": "treatedcondition__"}
    if (path := condition.get(model._meta.label)) is not None:
        rows = rows.filter(
            Q(**{f"{path}centre__isnull": True})
            | Q(**{f"{path}centre__state": State.PUBLISHED, f"{path}centre__hospital__state": State.PUBLISHED})
        )
    for name, needed in SHOWN_WITHOUT.get(model._meta.label, {}).items():
        is_public = Q(**{f"{relation}__state": State.PUBLISHED for relation in needed})
        rows = rows.annotate(**{f"public_{name}": Case(When(is_public, then=F(name)), default=Value(None))})
    return rows.order_by("pk")


def selected(model: type[models.Model], column: models.Field) -> str:
    """Where a column's value comes from: the row, or what `public_rows` put in its place."""
    return f"public_{column.name}" if column.name in SHOWN_WITHOUT.get(model._meta.label, {}) else column.attname


def empty_value(column: models.Field):
    """What a column holds that nobody fills, such as those outside the allow-list in the snapshot."""
    if column.null:
        return None
    return column.get_default() if column.has_default() else column.to_python("")


def staff_models() -> list[type[models.Model]]:
    """What staff write, record by record; the rest of the public tables is loaded whole."""
    return [model for model in public_models() if model._meta.label not in (*REFERENCE, *BETWEEN)]


def reference_fingerprint() -> str:
    """Names one state of the reference data: which files were loaded, and what staff corrected in them since."""
    release, disease = apps.get_model("centres.DataRelease"), apps.get_model("centres.Disease")
    digest = hashlib.sha256()
    for row in plain(release).order_by("pk").values_list("pk", "digest"):
        digest.update(repr(row).encode())
    for pk, updated_at in plain(disease).filter(is_edited=True).order_by("pk").values_list("pk", "updated_at"):
        digest.update(f"{pk} {updated_at.timestamp()}\n".encode())
    return digest.hexdigest()


def fingerprint() -> str:
    """Names one state of what staff edited: which rows there are and when each last changed."""
    digest = hashlib.sha256(reference_fingerprint().encode())
    for model in staff_models():
        for pk, updated_at in plain(model).order_by("pk").values_list("pk", "updated_at"):
            digest.update(f"{model._meta.label} {pk} {updated_at.timestamp()}\n".encode())
    return digest.hexdigest()


def schema_digest() -> str:
    """Names the form of a snapshot: tables, columns and their types, and which of them are filled."""
    connection = connections[snapshot.ALIAS]  # for the names of its column types; nothing is read
    digest = hashlib.sha256(str(FORMAT).encode())
    for model in public_models():
        filled = {column.name for column in public_columns(model)}
        for column in model._meta.concrete_fields:
            digest.update(f"{model._meta.db_table}.{column.column} {column.db_type(connection)}".encode())
            digest.update(str(column.name in filled).encode())
    return digest.hexdigest()[:16]


# --- Building one -------------------------------------------------------------------------------------------------


BUILD_ALIAS = "snapshot_build"


@contextmanager
def build_connection(path: Path) -> Iterator[BaseDatabaseWrapper]:
    """A connection to the file being built. Its alias exists only meanwhile, so no request can read a half-built file."""
    options = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
    configured = connections.configure_settings({"default": {}, BUILD_ALIAS: options})[BUILD_ALIAS]
    connection = load_backend(configured["ENGINE"]).DatabaseWrapper(configured, BUILD_ALIAS)
    connections[BUILD_ALIAS] = connection
    try:
        yield connection
    finally:
        connection.close()
        del connections[BUILD_ALIAS]


@contextmanager
def one_moment() -> Iterator[None]:
    """All reads inside see the working database as it was at one moment."""
    connection = connections["default"]
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(using="default"):
        if is_outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                # Between two reads it writes and indexes, which takes a slow host longer than a web request may idle.
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '300s'")
        yield


def copy_rows(target, model: type[models.Model], digest) -> int:
    columns = public_columns(model)
    others = [column for column in model._meta.concrete_fields if column not in columns]
    empties = tuple(column.get_db_prep_save(empty_value(column), target) for column in others)
    names = ", ".join(target.ops.quote_name(column.column) for column in (*columns, *others))
    places = ", ".join(["%s"] * (len(columns) + len(others)))
    insert = f"INSERT INTO {target.ops.quote_name(model._meta.db_table)} ({names}) VALUES ({places})"  # noqa: S608
    count = 0

    def rows() -> Iterator[tuple]:
        nonlocal count
        for row in public_rows(model).values_list(*(selected(model, column) for column in columns)).iterator(2000):
            stored = tuple(column.get_db_prep_save(value, target) for column, value in zip(columns, row, strict=True))
            readable = tuple(bytes(each) if isinstance(each, memoryview) else each for each in stored)
            digest.update(repr((model._meta.label, readable)).encode())
            count += 1
            yield stored + empties

    with target.cursor() as cursor:
        cursor.executemany(insert, rows())
    return count


def reusable(reference: str) -> Path | None:
    """The current snapshot, if its reference data and their search index are what a new one would hold."""
    try:
        path = snapshot.current()
        information = snapshot.information(path)
    except snapshot.NoSnapshot:
        return None
    is_same = information.get("reference") == reference and information.get("schema") == snapshot.schema()
    return path if is_same else None


def write_reference(target, reference: str, earlier: Path | None) -> dict[str, int]:
    """Diseases and towns with their indexes: from the snapshot before where nothing changed, else from the database."""
    from centres import gazetteer, search_index

    labels = {label: apps.get_model(label)._meta.db_table for label in REFERENCE}
    with target.cursor() as cursor:
        if earlier is None:
            rows = {label: copy_rows(target, apps.get_model(label), hashlib.sha256()) for label in REFERENCE}
            search_index.write_diseases(cursor)
            gazetteer.write_index(cursor)
            return rows
        search_index.create_tables(cursor, search_index.DISEASES)
        gazetteer.create_tables(cursor)
        for table in (*labels.values(), *gazetteer.INDEX_TABLES):
            cursor.execute(f'INSERT INTO "{table}" SELECT * FROM earlier."{table}"')  # noqa: S608
        search_index.copy_diseases(cursor, "earlier")
        return {
            label: cursor.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608
            for label, table in labels.items()
        }


def gone() -> list[tuple[str, str]]:
    """The records that had a page once and were archived: their addresses answer “gone”."""
    return [
        (model._meta.label, slug)
        for model in public_models()
        if issubclass(model, Record) and hasattr(model, "get_absolute_url")
        for slug in plain(model).filter(state=State.ARCHIVED).order_by("slug").values_list("slug", flat=True)
    ]


def build(path: Path) -> tuple[dict[str, int], str]:
    """Writes a snapshot to `path`; returns the number of rows by model and a digest of the content."""
    from centres import search_index

    digest = hashlib.sha256()
    with build_connection(path) as target:
        earlier = reusable(reference_fingerprint())
        with target.cursor() as cursor:
            # Nobody reads this file yet, and a crash throws it away: no journal. It is synced once, at the end.
            cursor.execute("PRAGMA journal_mode=OFF")
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.execute("CREATE TABLE snapshot_information (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
            cursor.execute("CREATE TABLE snapshot_gone (model TEXT, slug TEXT, PRIMARY KEY (model, slug))")
            if earlier:
                cursor.execute("ATTACH DATABASE %s AS earlier", [str(earlier)])
        with target.schema_editor() as editor:
            for model in public_models():
                if model._meta.label not in BETWEEN:  # made with the model that it belongs to
                    editor.create_model(model)
        with target.cursor() as cursor:
            # A column may point at a table that stays behind (who edited it): it is empty, and check_file looks.
            cursor.execute("PRAGMA foreign_keys=OFF")
        with one_moment(), transaction.atomic(using=BUILD_ALIAS):
            state, reference = fingerprint(), reference_fingerprint()
            archived = gone()
            rows = write_reference(target, reference, earlier if earlier == reusable(reference) else None)
            rows |= {
                model._meta.label: copy_rows(target, model, digest)
                for model in public_models()
                if model._meta.label not in REFERENCE
            }
            with target.cursor() as cursor:
                search_index.write_directory(cursor)
        digest.update(repr((archived, reference)).encode())
        information = {
            "schema": snapshot.schema(),
            "fingerprint": state,
            "reference": reference,
            "content": digest.hexdigest(),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            **{f"rows:{label}": str(count) for label, count in rows.items()},
        }
        with target.cursor() as cursor:
            cursor.executemany("INSERT INTO snapshot_gone VALUES (%s, %s)", archived)
            cursor.executemany("INSERT INTO snapshot_information VALUES (%s, %s)", list(information.items()))
    return rows, digest.hexdigest()


# --- Checking it --------------------------------------------------------------------------------------------------


def check_file(path: Path, rows: dict[str, int]) -> None:
    """Raises PublicationRefused unless the file is sound and holds what was copied."""
    database = sqlite3.connect(snapshot.uri(path), uri=True)
    try:
        damage = [line for (line,) in database.execute("PRAGMA integrity_check") if line != "ok"]
        dangling = database.execute("PRAGMA foreign_key_check").fetchall()
        counted = {
            model._meta.label: database.execute(f'SELECT count(*) FROM "{model._meta.db_table}"').fetchone()[0]  # noqa: S608
            for model in public_models()
        }
    except sqlite3.DatabaseError as error:
        raise PublicationRefused(f"the file is damaged: {error}") from error
    finally:
        database.close()
    if damage:
        raise PublicationRefused(f"the file is damaged: {damage[0]}")
    if dangling:
        raise PublicationRefused(f"{len(dangling)} rows point at a row that is not public, first in {dangling[0][0]}")
    if counted != rows:
        wrong = [label for label in rows if counted[label] != rows[label]]
        raise PublicationRefused(f"rows were lost on the way: {', '.join(wrong)}")
    if empty := [label for label in NEVER_EMPTY if not rows[label]]:
        raise PublicationRefused(f"nothing to publish: no published {', '.join(empty)}")


def pages_to_check() -> list[str]:
    """One address of every type of page, and the feed."""
    from sensgene.sitemaps import one_path_per_type

    return [*one_path_per_type(), reverse("newsletter-feed")]


def check_pages(path: Path) -> int:
    """Renders pages from the new file through the whole site; raises PublicationRefused at the first that fails."""
    site = WSGIHandler()
    paths = []
    with snapshot.pinned(path):
        for address in pages_to_check():
            paths.append(address)
            status = get(site, address)
            if status != "200 OK":
                raise PublicationRefused(f"{address} answers {status}")
    if not paths:
        raise PublicationRefused("no page was checked")
    return len(paths)


def get(site: WSGIHandler, address: str) -> str:
    environ = {"PATH_INFO": address, "HTTP_HOST": settings.SITE_ORIGIN.split("//")[1]}
    if settings.IS_SECURE:
        environ["HTTP_X_FORWARDED_PROTO"] = "https"
    setup_testing_defaults(environ)
    answer = []
    body = site(environ, lambda status, headers, *rest: answer.append(status))
    try:
        b"".join(body)
    finally:
        body.close()
    return answer[0]


# --- Switching to it ----------------------------------------------------------------------------------------------


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def switch(path: Path) -> None:
    """Makes `path` the current snapshot: one rename, so that readers see the old one or the new one."""
    folder = snapshot.directory()
    fresh_link = folder / f".link-{os.getpid()}"
    fresh_link.unlink(missing_ok=True)
    fresh_link.symlink_to(path.name)
    os.replace(fresh_link, folder / snapshot.LINK)
    sync(folder)


def kept() -> list[Path]:
    """The snapshots on disk, oldest first."""
    return sorted(path for path in snapshot.directory().glob("*.sqlite3") if SNAPSHOT_NAME.match(path.name))


def remove_old() -> None:
    """Keeps the last few, whatever is current, and nothing that a dead publication left behind. Call it locked."""
    current = snapshot.current()
    for path in kept()[: -max(1, settings.SNAPSHOTS_KEPT)]:
        if path != current:
            path.unlink()
    for path in (*snapshot.directory().glob(".building-*"), *snapshot.directory().glob(".link-*")):
        path.unlink()


@contextmanager
def one_publisher() -> Iterator[None]:
    """Waits until no other process publishes on this machine; the lock ends with the process."""
    folder = snapshot.directory()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def publish(report: Callable[[str], None] = lambda step: None) -> Published:
    """Makes what staff published public. `report` is called with each of STEPS once it is done.

    Raises PublicationRefused if a check fails. Whatever is raised, and wherever the process dies, readers keep the
    snapshot they had, or have the new one: never a part of it.
    """
    with one_publisher():
        folder = snapshot.directory()
        building = folder / f".building-{os.getpid()}.sqlite3"
        building.unlink(missing_ok=True)
        try:
            report("began")
            rows, content = build(building)
            report("copied")
            check_file(building, rows)
            report("checked the file")
            check_pages(building)
            report("rendered its pages")
            building.chmod(0o444)
            sync(building)
            report("made it durable")
            final = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{content[:8]}.sqlite3"
            os.replace(building, final)
            sync(folder)
            report("named it")
        finally:
            building.unlink(missing_ok=True)
        switch(final)
        for past in (HOLD, REFUSAL):
            (folder / past).unlink(missing_ok=True)
        report("switched to it")
        remove_old()
        report("removed old ones")
    return Published(final, rows)


def note_refusal(reason: str) -> None:
    """Keeps why publishing failed, until it succeeds again: staff read it on the first page of the admin."""
    folder = snapshot.directory()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REFUSAL).write_text(reason, "utf-8")


def last_refusal() -> str:
    try:
        return (snapshot.directory() / REFUSAL).read_text("utf-8")
    except OSError:
        return ""


def waits_for_publication() -> bool:
    """Whether staff edited something since the current snapshot, or the code changed its form."""
    state = fingerprint()
    try:
        information = snapshot.information(snapshot.current())
    except snapshot.NoSnapshot:
        return True
    if information.get("schema") != snapshot.schema():
        return True
    held = snapshot.directory() / HOLD
    return information.get("fingerprint") != state and not (held.exists() and held.read_text() == state)


def roll_back() -> Path:
    """Goes back to the snapshot before the current one, and stays there until staff edit something again.

    Raises PublicationRefused if there is none that this code can read.
    """
    with one_publisher():
        current = snapshot.current()
        earlier = [path for path in kept() if path.name < current.name]
        previous = next(filter(snapshot.is_readable, reversed(earlier)), None)
        if previous is None:
            raise PublicationRefused("there is no earlier snapshot to go back to")
        (snapshot.directory() / HOLD).write_text(fingerprint())
        switch(previous)
    return previous
