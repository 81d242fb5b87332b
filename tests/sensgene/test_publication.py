"""What leaves the working database, what never does, and how the site moves from one snapshot to the next."""

import re
import sqlite3
import threading
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connections, models, transaction
from django.test import Client
from django.urls import resolve
from django.utils import timezone, translation

from centres.models import Centre, Contact, Hospital, Network
from missions.models import HealthChannel, Page, Partner
from newsletter.models import Issue
from sensgene import publication, sitemaps, snapshot
from sensgene.records import Record, Sourced, State
from tests import factories
from tests.tables import tables

pytestmark = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)

# Columns that visitors must never see. A new column is named here or in PUBLIC_FIELDS: somebody decides.
PRIVATE_IN_EVERY_MODEL = {"staff_note"}
PRIVATE_IN_EVERY_RECORD = {"loaded_digest", "version", "pending"}
NO_SOURCE = {
    *("source_url", "source_date", "source_read_on", "verified_on"),
    *("source_remark", "source_remark_fr", "source_remark_en", "source_remark_de"),
}
PRIVATE: dict[str, set[str]] = {  # "app.Model": more of its columns
    "centres.Disease": {"is_edited"},
    "centres.Network": {"successor"},
    "centres.Centre": {"successor", "verified_by"},
    "missions.Page": {"successor"},
    "missions.Picture": {"name"},
    "newsletter.Issue": {
        *NO_SOURCE,
        "to_check",
        *("mailing", "last_edited_by", "released_by", "starts_at", "resumed_at", "finished_at"),
        *("paused_by_us", "pause_reason", "content_digest"),
    },
    "newsletter.IssueSection": {*NO_SOURCE, "to_check"},
}
READERS = {  # who reads the newsletter, and every copy on its way
    *("newsletter.Enquiry", "newsletter.Subscriber", "newsletter.Consent", "newsletter.Token"),
    *("newsletter.Suppression", "newsletter.Allowance", "newsletter.Edition", "newsletter.Delivery"),
    *("newsletter.Bounce", "newsletter.Trouble"),
}
UPKEEP = {  # who keeps the directory true, and what is said about it
    *("centres.Editorship", "centres.ErrorReport", "centres.CheckRequest", "centres.ProposedChange"),
    *("centres.CentreImport", "missions.OutgoingLink"),
}
PRIVATE_MODELS: set[str] = {"centres.DataRelease", *READERS, *UPKEEP}

APPS = ("centres", "missions", "newsletter")
BETWEEN = [apps.get_model(label) for label in publication.BETWEEN]
TABLES = [*(model for app in APPS for model in tables(app)), *BETWEEN]
INDEXES = ("disease_name", "disease_word", "directory_name", "directory_word", "town_name", "town_postcode")
RECORDS = [model for model in TABLES if issubclass(model, Record)]


def label(value):
    return value._meta.label if isinstance(value, type) else None


def private_columns(model) -> set[str]:
    of_records = PRIVATE_IN_EVERY_RECORD if issubclass(model, Record) else set()
    of_sourced = PRIVATE_IN_EVERY_MODEL if issubclass(model, Sourced) else set()
    return of_sourced | of_records | PRIVATE.get(model._meta.label, set())


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    """Where the snapshots of this test are."""
    settings.SNAPSHOT_DIR = tmp_path / "snapshots"
    return settings.SNAPSHOT_DIR


@pytest.fixture
def centre() -> Centre:
    return factories.directory()


@pytest.fixture
def few_pages(monkeypatch):
    """For tests that are not about the pages: rendering all of them takes most of the time of a publication."""
    monkeypatch.setattr(publication, "pages_to_check", lambda: ["/fr/", "/de/"])


@pytest.fixture
def built(tmp_path):
    """Builds a file and says where: what leaves, without checking and switching."""
    numbers = count(1)

    def build() -> Path:
        path = tmp_path / f"built-{next(numbers)}.sqlite3"
        publication.build(path)
        return path

    return build


def has_bytes(path: Path, text: str) -> bool:
    """Whether the file holds this text anywhere, free pages and leftovers included."""
    content = path.read_bytes()
    return any(text.encode(coding) in content for coding in ("utf-8", "utf-16-le", "utf-16-be"))


def rows(path: Path, query: str) -> list[tuple]:
    database = sqlite3.connect(snapshot.uri(path), uri=True)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def name_of(address: str) -> str:
    """The name that urls.py gives to this address."""
    with translation.override(address[1:3]):
        return resolve(address).url_name


def address_of(record: Record, language: str) -> str:
    with translation.override(language):
        return record.get_absolute_url()


def slugs(path: Path, model) -> set[str]:
    return {slug for (slug,) in rows(path, f"SELECT slug FROM {model._meta.db_table}")}


def change(path: Path, statement: str) -> None:
    """Spoils a snapshot, as a bug or a bad disk would."""
    path.chmod(0o644)
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute(statement)
        database.commit()
    finally:
        database.close()


def set_texts(row: models.Model, text: str) -> int:
    """Writes the same text into every column that holds free text; returns how many."""
    columns = [
        column.name for column in row._meta.concrete_fields if isinstance(column, models.CharField | models.TextField)
    ]
    columns = [name for name in columns if not row._meta.get_field(name).choices]
    assert len(text) <= 9, "the shortest column"
    models.QuerySet(type(row)).filter(pk=row.pk).update(**dict.fromkeys(columns, text))
    return len(columns)


# --- What leaves --------------------------------------------------------------------------------------------------


def test_every_model_is_public_or_private_by_decision():
    assert len(TABLES) > 15
    assert set(publication.PUBLIC_FIELDS) | PRIVATE_MODELS == {model._meta.label for model in TABLES}
    assert not set(publication.PUBLIC_FIELDS) & PRIVATE_MODELS


def test_every_column_is_public_or_private_by_decision():
    for model in publication.public_models():
        public = {column.name for column in publication.public_columns(model)}
        private = private_columns(model)
        every = {column.name for column in model._meta.concrete_fields}
        assert not public & private, model
        assert public | private == every, f"{model}: a column without a decision, or a decision without a column"
        between = {field.remote_field.through._meta.label for field in model._meta.many_to_many}
        assert between <= set(publication.BETWEEN), f"{model}: the table of such a relation would stay behind"


def test_the_languages_of_a_public_column_are_public():
    found = {column.name for column in publication.public_columns(Network) if column.name.startswith("name")}
    assert found == {"name", "name_fr", "name_en", "name_de"}


def test_a_public_column_that_no_model_has_is_noticed(monkeypatch):
    monkeypatch.setitem(publication.PUBLIC_FIELDS, "centres.Hospital", ("name", "nmae"))
    with pytest.raises(LookupError, match="centres.Hospital.*nmae"):
        publication.public_columns(Hospital)


def test_the_file_has_the_public_tables_and_no_other(centre, built):
    names = {name for (name,) in rows(built(), "SELECT name FROM sqlite_master WHERE type = 'table'")}
    public = {model._meta.db_table for model in publication.public_models()}
    full_text = {name for name in names if re.match(r"(disease|directory)_words(_|$)", name)}
    own = {"snapshot_information", "snapshot_gone", *INDEXES}
    assert names - {"sqlite_sequence"} - full_text == public | own
    assert {"disease_words", "directory_words"} <= full_text


def test_private_columns_of_public_rows_are_not_in_the_file(centre, built):
    marks = []
    for model in publication.public_models():
        for name in private_columns(model):
            mark = f"private {name} of {model._meta.label}"
            column = model._meta.get_field(name)
            if not isinstance(column, models.CharField | models.TextField) or (column.max_length or 80) < len(mark):
                continue  # its own test says that the column is not on the list
            assert models.QuerySet(model).update(**{name: mark}) > 0
            marks.append(mark)
    Hospital.objects.update(street="this street is public")
    path = built()
    assert has_bytes(path, "this street is public")
    assert len(marks) > len(RECORDS)
    assert [mark for mark in marks if has_bytes(path, mark)] == []


def test_a_column_taken_off_the_list_leaves_nothing(built, monkeypatch):
    factories.hospital(finess="Zq7finess", verified_on="2026-11-22")
    assert rows(built(), "SELECT finess, verified_on FROM centres_hospital") == [("Zq7finess", "2026-11-22")]
    kept = [name for name in publication.PUBLIC_FIELDS["centres.Hospital"] if name not in ("finess", "verified_on")]
    monkeypatch.setitem(publication.PUBLIC_FIELDS, "centres.Hospital", tuple(kept))
    path = built()
    assert rows(path, "SELECT finess, verified_on, town FROM centres_hospital") == [("", None, "Invented town")]
    assert not has_bytes(path, "Zq7finess")


@pytest.mark.parametrize("state", [State.DRAFT, State.ARCHIVED])
def test_rows_that_are_not_published_are_not_in_the_file(centre, built, state):
    hidden, shown = "Zq7hidden", "Zq7shown"
    made = {model: factories.FACTORIES[model](state=state) for model in RECORDS}
    parts = [
        factories.contact(centre=made[Centre]),
        factories.team_member(centre=made[Centre]),
        factories.treated_condition(centre=made[Centre]),
        factories.treated_condition(network=made[Network]),
        factories.page_section(page=made[Page]),
        factories.issue_section(issue=made[Issue]),
    ]
    for row in (*made.values(), *parts):
        assert set_texts(row, hidden) > 0
        if isinstance(row, Record):
            # A short name that was public stays known, so that its address can answer “gone”: the next test.
            type(row).objects.filter(pk=row.pk).update(slug=f"invented-{row.pk}")
    set_texts(Hospital.objects.get(pk=centre.hospital_id), shown)
    path = built()
    assert has_bytes(path, shown)
    assert not has_bytes(path, hidden)


def short_names_in(path: Path, made: dict[type[Record], Record]) -> set[type[Record]]:
    return {model for model, record in made.items() if has_bytes(path, record.slug)}


def test_the_short_name_of_a_draft_is_not_in_the_file(centre, built):
    slug = "zq7-draft-{}".format
    made = {model: factories.FACTORIES[model](slug=slug(model.__name__), state=State.DRAFT) for model in RECORDS}
    assert short_names_in(built(), made) == set()


def test_an_archived_record_leaves_its_short_name_only_if_it_had_an_address(centre, built):
    """“Gone” is said of pages. A person who asked to be taken off the site is not in the file by name."""
    slug = "zq7-archived-{}".format
    made = {model: factories.FACTORIES[model](slug=slug(model.__name__), state=State.ARCHIVED) for model in RECORDS}
    assert short_names_in(built(), made) == {Network, Centre, Page, Issue}


def test_staff_accounts_are_not_in_the_file(centre, built):
    account = get_user_model().objects.create_superuser(
        "Zq7-username", email="zq7-mail@example.org", password="Zq7-password", first_name="Zq7-first"
    )
    Session.objects.create(session_key="zq7-session", session_data="Zq7-data", expire_date=timezone.now())
    LogEntry.objects.create(
        user=account,
        content_type=ContentType.objects.get_for_model(Centre),
        object_id=str(centre.pk),
        object_repr="Zq7-object",
        action_flag=CHANGE,
        change_message="Zq7-message",
    )
    path = built()
    marks = ["zq7-mail@example.org", account.password, "Zq7-", "zq7-session"]
    assert [mark for mark in marks if has_bytes(path, mark)] == []
    assert rows(path, "SELECT name FROM sqlite_master WHERE name LIKE 'auth%' OR name LIKE 'django%'") == []


def test_what_is_published_arrives_as_it_was_stored(centre, built):
    factories.contact(centre=centre, value="zq7@example.org", answers_fr="Accueil", answers_en="", answers_de="Empfang")
    Hospital.objects.filter(pk=centre.hospital_id).update(
        latitude="48.57612", longitude="7.74600", coordinate_precision="hospital", verified_on="2026-11-22"
    )
    path = built()
    columns = "answers_fr, answers_en, answers_de, centre_id"
    found = rows(path, f"SELECT {columns} FROM centres_contact WHERE value = 'zq7@example.org'")
    assert found == [("Accueil", "", "Empfang", centre.pk)]
    with snapshot.pinned(path):
        hospital = Hospital.public.get()
        assert (str(hospital.latitude), str(hospital.longitude)) == ("48.57612", "7.74600")
        assert hospital.verified_on.isoformat() == "2026-11-22"
        assert hospital.updated_at == Hospital.objects.get().updated_at


# --- Rows that need others ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.DRAFT, State.ARCHIVED])
@pytest.mark.parametrize("needed", ["network", "hospital"])
def test_a_published_centre_waits_for_its_network_and_its_hospital(centre, built, needed, state):
    other = factories.centre(**{needed: getattr(factories, needed)(state=state)}, slug="waits")
    factories.contact(centre=other, value="zq7@example.org")
    factories.team_member(centre=other, last_name="Zq7-member")
    factories.treated_condition(centre=other, **factories.in_three_languages("name", "Zq7-condition"))
    path = built()
    assert slugs(path, Centre) == {centre.slug}
    assert not any(has_bytes(path, mark) for mark in ("zq7@example.org", "Zq7-member", "Zq7-condition"))


def test_what_a_hidden_centre_cares_for_stays_with_it(centre, built):
    hidden = factories.centre(network=centre.network, state=State.DRAFT)
    factories.treated_condition(centre=hidden, **factories.in_three_languages("name", "Zq7-of-the-centre"))
    factories.treated_condition(network=centre.network, **factories.in_three_languages("name", "Zq7-of-all"))
    path = built()
    assert not has_bytes(path, "Zq7-of-the-centre")
    assert has_bytes(path, "Zq7-of-all")


@pytest.mark.parametrize("state", [State.DRAFT, State.ARCHIVED])
def test_a_centre_is_shown_without_a_coordinator_who_is_not_public(centre, built, state):
    publication.plain(type(centre.coordinator)).update(state=state, last_name="Zq7-person")
    path = built()
    assert rows(path, "SELECT slug, coordinator_id FROM centres_centre") == [(centre.slug, None)]
    assert not has_bytes(path, "Zq7-person")
    publication.plain(type(centre.coordinator)).update(state=State.PUBLISHED)
    assert rows(built(), "SELECT coordinator_id FROM centres_centre") == [(centre.coordinator_id,)]


def pointers(path: Path) -> list[tuple]:
    return rows(path, "SELECT centre_id, channel_id FROM newsletter_issuesection ORDER BY id")


@pytest.mark.parametrize("state", [State.DRAFT, State.ARCHIVED])
@pytest.mark.parametrize("hidden", ["centre", "network", "hospital", "channel"])
def test_a_section_of_an_issue_points_at_nothing_that_is_not_public(centre, built, hidden, state):
    other = factories.centre(slug="zq7-pointed-at")
    channel = factories.health_channel(acronym="ZQ7POINT")
    section = factories.issue_section(centre=other, channel=channel)
    assert pointers(built())[-1] == (other.pk, channel.pk)
    models.QuerySet(
        {"centre": Centre, "channel": HealthChannel, "network": Network, "hospital": Hospital}[hidden]
    ).filter(
        pk={"centre": other.pk, "channel": channel.pk, "network": other.network_id, "hospital": other.hospital_id}[
            hidden
        ]
    ).update(state=state)
    path = built()
    assert pointers(path)[-1] == ((other.pk, None) if hidden == "channel" else (None, channel.pk))
    assert has_bytes(path, str(section.heading_fr))
    assert rows(path, "PRAGMA foreign_key_check") == []


def test_nobody_who_reads_the_newsletter_is_in_the_file(centre, built):
    """A row in each table that knows somebody; of them all, the file has neither a byte nor the table."""
    who, now = "zq7-invented-reader@example.org", timezone.now()
    reader = factories.subscriber(address=who)
    factories.consent(subscriber=reader, page="zq7-page")
    newsletter = apps.get_app_config("newsletter").get_model
    newsletter("Enquiry").objects.create(kind="subscribe", address=who, language="fr", typed_at=now)
    newsletter("Token").objects.create(digest="zq7-token", purpose="leave", subscriber=reader, made_at=now)
    newsletter("Suppression").objects.create(digest="zq7-suppressed", reason="asked", since=now)
    newsletter("Allowance").objects.create(scope="network", key="zq7-network", since=now)
    newsletter("Trouble").objects.create(key="zq7-trouble", text="zq7-trouble", since=now, last_seen=now)
    letter = newsletter("Delivery").objects.create(
        **{"kind": "manage", "subscriber": reader, "address": who, "language": "fr", "message_id": "<zq7-letter>"},
        **{"next_try": now, "written_at": now, "last_reply": "zq7-reply"},
    )
    newsletter("Edition").objects.create(issue=Issue.objects.first(), language="fr", text="zq7-edition", html="")
    newsletter("Bounce").objects.create(
        delivery=letter,
        subscriber=reader,
        kind="soft",
        diagnostic="zq7-bounce",
        received_at=now,
        fingerprint="zq7-print",
    )
    assert all(apps.get_model(label).objects.exists() for label in READERS)
    path = built()
    assert not has_bytes(path, "zq7-")
    assert not has_bytes(path, reader.digest)
    tables = {name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE name LIKE 'newsletter%'")}
    assert {name for name in tables if apps_table(name)} == {"newsletter_issue", "newsletter_issuesection"}


def apps_table(name: str) -> bool:
    return name in {model._meta.db_table for model in apps.get_app_config("newsletter").get_models()}


def test_nothing_points_at_a_row_that_was_withheld(centre, built):
    for model in RECORDS:
        assert models.QuerySet(model).update(state=State.ARCHIVED) > 0
        path = built()
        assert rows(path, "PRAGMA foreign_key_check") == [], model
        assert slugs(path, model) == set()
        models.QuerySet(model).update(state=State.PUBLISHED)


# --- The checks ---------------------------------------------------------------------------------------------------


@pytest.fixture
def new_file(centre, tmp_path):
    """A file that was just built, and the number of rows that went into it."""
    path = tmp_path / "new.sqlite3"
    counted, _content = publication.build(path)
    return path, counted


def test_a_sound_file_passes(new_file):
    path, counted = new_file
    publication.check_file(path, counted)
    assert counted["centres.Centre"] == 1
    assert counted["missions.Page"] == len(sitemaps.FixedPages().items())


def overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: overwrite(path, 4096, b"\xff" * 4096),
        lambda path: overwrite(path, path.stat().st_size // 2, b"\x00" * 8192),
        lambda path: overwrite(path, 0, b"this is no database"),
        lambda path: path.write_bytes(path.read_bytes()[:-20_000]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes().replace(b"invented-centre", b"invented-centrX", 1)),
    ],
    ids=["a page", "the middle", "the header", "the end is missing", "nothing is left", "an index that lies"],
)
def test_a_damaged_file_is_refused(new_file, damage):
    path, counted = new_file
    damage(path)
    with pytest.raises(publication.PublicationRefused):
        publication.check_file(path, counted)


def test_lost_rows_are_refused_by_the_name_of_their_model(new_file):
    path, counted = new_file
    change(path, "DELETE FROM missions_partner")
    with pytest.raises(publication.PublicationRefused, match="missions.Partner"):
        publication.check_file(path, counted)


def test_a_row_that_points_at_nothing_is_refused(new_file):
    path, counted = new_file
    change(path, "UPDATE centres_contact SET centre_id = 999999")
    with pytest.raises(publication.PublicationRefused, match="centres_contact"):
        publication.check_file(path, counted)


@pytest.mark.parametrize("model", [Network, Centre, Page], ids=label)
def test_a_directory_without_its_substance_is_refused(centre, few_pages, model):
    before = publication.publish().path
    models.QuerySet(model).update(state=State.ARCHIVED)
    with pytest.raises(publication.PublicationRefused, match=model._meta.label):
        publication.publish()
    assert snapshot.current() == before


def test_an_empty_working_database_is_refused(folder):
    with pytest.raises(publication.PublicationRefused, match="nothing to publish"):
        publication.publish()
    assert list(folder.glob("*.sqlite3")) == []


@pytest.mark.parametrize("slug", ["home", "glossary", "security"])
def test_a_publication_that_would_break_a_page_is_refused(centre, folder, few_pages, monkeypatch, slug):
    before = publication.publish().path
    monkeypatch.setattr(publication, "pages_to_check", sitemaps.one_path_per_type)
    page = Page.objects.get(slug=slug)
    page.state = State.ARCHIVED
    page.save()
    with pytest.raises(publication.PublicationRefused, match="answers [45]"):
        publication.publish()
    assert snapshot.current() == before
    assert publication.kept() == [before]
    assert list(folder.glob(".building-*")) == []
    assert publication.waits_for_publication(), "the mistake is still there, and once corrected it is published"


def test_a_page_that_raises_is_refused_by_its_address(centre, monkeypatch, new_file):
    """A mistake in the code, or in a text that the code cannot show."""
    monkeypatch.setattr("missions.views.sort_key", None)
    with pytest.raises(publication.PublicationRefused, match="^/../.* answers 500"):
        publication.check_pages(new_file[0])


def test_a_check_without_pages_is_refused(new_file, monkeypatch):
    monkeypatch.setattr(publication, "pages_to_check", lambda: [])
    with pytest.raises(publication.PublicationRefused, match="no page"):
        publication.check_pages(new_file[0])


def test_every_type_of_page_is_checked(new_file, centre):
    with snapshot.pinned(new_file[0]):
        addresses = publication.pages_to_check()
    assert {name_of(address) for address in addresses} == {
        *sitemaps.FixedPages().items(),
        *("network", "centre", "region", "disease", "disease-letter", "issue", "newsletter-feed"),
    }
    assert {address[:4] for address in addresses} == {"/fr/", "/en/", "/de/"}
    assert publication.check_pages(new_file[0]) == len(addresses)


# --- The outcome --------------------------------------------------------------------------------------------------


def test_publishing_says_what_it_did(centre, folder):
    steps = []
    done = publication.publish(steps.append)
    assert tuple(steps) == publication.STEPS
    assert done.path == snapshot.current()
    assert done.path.parent == folder.resolve()
    assert publication.kept() == [done.path]
    assert done.identifier == Client().get("/fr/").headers["X-Snapshot"]
    public = [model for model in TABLES if model._meta.label not in PRIVATE_MODELS]
    assert done.rows == {model._meta.label: models.QuerySet(model).count() for model in public}
    assert snapshot.information(done.path)["rows:centres.Contact"] == "1"
    assert {path.name for path in folder.iterdir()} == {done.path.name, snapshot.LINK, ".lock"}


def test_an_edit_is_public_once_it_is_published(centre, few_pages):
    publication.publish()
    address = address_of(centre.network, "de")
    Network.objects.filter(pk=centre.network_id).update(name_de="Zq7-Netzwerk")
    assert "Zq7-Netzwerk" not in Client().get(address).content.decode()
    publication.publish()
    assert "Zq7-Netzwerk" in Client().get(address).content.decode()


def test_the_same_content_has_the_same_digest(centre, few_pages):
    """The last part of an identifier names the content: publishing twice without an edit does not change it."""
    first, second = publication.publish(), publication.publish()
    assert first.identifier != second.identifier
    assert first.identifier.split("-")[1] == second.identifier.split("-")[1]
    factories.partner()
    assert publication.publish().identifier.split("-")[1] != first.identifier.split("-")[1]


def test_old_snapshots_are_removed(centre, folder, few_pages, settings):
    settings.SNAPSHOTS_KEPT = 2
    for name in (".building-1.sqlite3", ".link-1", "backup.sqlite3", "notes.txt"):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("left behind by a process that died, or put there by somebody")
    made = [publication.publish().path for _each in range(4)]
    assert publication.kept() == made[2:]
    assert snapshot.current() == made[3]
    others = {path.name for path in folder.iterdir()} - {path.name for path in made}
    assert others == {snapshot.LINK, ".lock", "backup.sqlite3", "notes.txt"}


def test_the_current_snapshot_stays_however_old_it_is(centre, few_pages, settings):
    made = [publication.publish().path for _each in range(3)]
    publication.switch(made[0])
    settings.SNAPSHOTS_KEPT = 1
    publication.remove_old()
    assert publication.kept() == [made[0], made[2]]
    assert snapshot.current() == made[0]


def test_readers_find_a_snapshot_at_every_moment_of_a_switch(centre, few_pages):
    made = [publication.publish().path for _each in range(2)]
    found = []

    def switch_back_and_forth():
        for number in range(200):
            publication.switch(made[number % 2])

    publisher = threading.Thread(target=switch_back_and_forth)
    publisher.start()
    while publisher.is_alive():
        found.append(snapshot.current())
    publisher.join()
    assert set(found) == set(made)


# --- Going back ---------------------------------------------------------------------------------------------------


def edit(**fields) -> None:
    hospital = Hospital.objects.first()
    for name, value in fields.items():
        setattr(hospital, name, value)
    hospital.save()


def test_going_back_shows_the_earlier_snapshot_until_the_next_edit(centre, few_pages, folder):
    address = address_of(centre, "fr")
    first = publication.publish().path
    edit(street="Zq7 wrong street")
    second = publication.publish().path
    assert "Zq7 wrong street" in Client().get(address).content.decode()
    assert publication.roll_back() == first == snapshot.current()
    assert "Zq7 wrong street" not in Client().get(address).content.decode()
    assert not publication.waits_for_publication(), "the publisher would undo the decision within seconds"
    edit(street="Zq7 right street")
    assert publication.waits_for_publication()
    third = publication.publish().path
    assert snapshot.current() == third
    assert publication.kept() == [first, second, third]
    assert "Zq7 right street" in Client().get(address).content.decode()
    assert not publication.waits_for_publication()
    assert {path.name for path in folder.iterdir()} - {path.name for path in publication.kept()} == {
        snapshot.LINK,
        ".lock",
    }


def test_going_back_twice_goes_further_back(centre, few_pages):
    made = [publication.publish().path for _each in range(3)]
    assert publication.roll_back() == made[1]
    assert publication.roll_back() == made[0]
    with pytest.raises(publication.PublicationRefused):
        publication.roll_back()
    assert snapshot.current() == made[0]


def test_going_back_with_nothing_to_go_back_to_is_refused(centre, few_pages):
    only = publication.publish().path
    with pytest.raises(publication.PublicationRefused, match="no earlier snapshot"):
        publication.roll_back()
    assert snapshot.current() == only
    edit(street="Zq7 street")
    assert publication.waits_for_publication(), "a refusal holds nothing back"


@pytest.mark.parametrize("spoil", ["another version", "damaged"])
def test_going_back_passes_over_a_snapshot_that_cannot_be_read(centre, few_pages, spoil):
    first, second, _third = (publication.publish().path for _each in range(3))
    if spoil == "damaged":
        second.chmod(0o644)
        second.write_bytes(b"no snapshot any more")
    else:
        change(second, "UPDATE snapshot_information SET value = 'of another version' WHERE key = 'schema'")
    assert publication.roll_back() == first


# --- Noticing what waits ------------------------------------------------------------------------------------------


def edit_a_part():
    contact = Contact.objects.first()
    contact.value = "other@example.org"
    contact.save()


EDITS = {
    "a record is edited": lambda: edit(street="Zq7 street"),
    "a record is saved as it was": lambda: edit(),
    "a part is edited": edit_a_part,
    "a record is added": lambda: factories.partner(),
    "a part is deleted": lambda: Contact.objects.first().delete(),
    "many parts are deleted at once": lambda: Contact.objects.all().delete(),
    "a record is archived": lambda: Partner.objects.update(state=State.ARCHIVED, updated_at=timezone.now()),
    "a record is edited and another deleted": lambda: (edit(street="Zq7 street"), Contact.objects.all().delete()),
}


@pytest.mark.parametrize("happens", EDITS.values(), ids=EDITS.keys())
def test_an_edit_waits_for_publication(centre, few_pages, happens):
    factories.contact(centre=centre)  # newer than the one that is edited or deleted
    assert publication.waits_for_publication(), "nothing was published yet"
    publication.publish()
    assert not publication.waits_for_publication()
    happens()
    assert publication.waits_for_publication()
    publication.publish()
    assert not publication.waits_for_publication()


def test_what_visitors_never_see_does_not_publish(centre, few_pages):
    publication.publish()
    get_user_model().objects.create_user("invented-account")
    assert not publication.waits_for_publication()


def test_a_new_form_of_the_snapshot_waits_for_publication(centre, few_pages, monkeypatch):
    publication.publish()
    before = snapshot.schema()
    try:
        with monkeypatch.context() as release:
            release.setattr(publication, "FORMAT", publication.FORMAT + 1)
            snapshot.schema.cache_clear()
            assert snapshot.schema() != before
            assert publication.waits_for_publication()
            publication.publish()
            assert not publication.waits_for_publication()
    finally:
        snapshot.schema.cache_clear()
    assert publication.waits_for_publication(), "the release before cannot read it either"


def test_a_column_that_becomes_public_or_private_is_a_new_form(monkeypatch):
    before = publication.schema_digest()
    for names in (publication.PUBLIC_FIELDS["centres.Hospital"][:-1], ("name",)):
        monkeypatch.setitem(publication.PUBLIC_FIELDS, "centres.Hospital", names)
        assert publication.schema_digest() != before


def test_an_edit_whose_date_is_older_than_the_snapshot_is_noticed(centre, few_pages):
    """`updated_at` is taken when a form is saved, the row appears when its transaction ends: seconds later, maybe."""
    newest = factories.hospital()
    publication.publish()
    edited_before_it = newest.updated_at - timedelta(minutes=5)
    Hospital.objects.filter(pk=centre.hospital_id).update(street="Zq7 street", updated_at=edited_before_it)
    assert publication.waits_for_publication()
    publication.publish()
    added = factories.hospital()
    Hospital.objects.filter(pk=added.pk).update(updated_at=edited_before_it)
    assert publication.waits_for_publication()


@pytest.mark.skipif(
    "connections['default'].vendor != 'postgresql'",
    reason="On SQLite a publication waits for the transaction: they cannot overlap.",
)
def test_a_transaction_that_ends_after_the_publication_is_noticed(centre, few_pages):
    saved, published = threading.Event(), threading.Event()

    def slow_edit():
        try:
            with transaction.atomic():
                edit(street="Zq7 late street")
                saved.set()
                assert published.wait(30)
        finally:
            connections.close_all()

    editor = threading.Thread(target=slow_edit)
    editor.start()
    try:
        assert saved.wait(30)
        path = publication.publish().path
        assert not has_bytes(path, "Zq7 late street")
    finally:
        published.set()
        editor.join()
    assert publication.waits_for_publication()
    assert has_bytes(publication.publish().path, "Zq7 late street")
