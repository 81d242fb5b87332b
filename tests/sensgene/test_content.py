"""Loading the starting content: what it adds, what it leaves alone, what it refuses; and the real files themselves."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import translation
from modeltranslation.translator import translator

from centres.models import Centre, Contact, Coordinator, Hospital, Network, TeamMember, TreatedCondition
from missions.models import Page, PageSection
from sensgene import content, prose, sitemaps
from sensgene.content import Outcome
from sensgene.records import State
from tests import factories

LANGUAGES = ("fr", "en", "de")


def in_languages(text) -> dict:
    return dict.fromkeys(LANGUAGES, text)


# --- A small invented directory -----------------------------------------------------------------------------------


@dataclass
class Files:
    """A folder like fixtures/, with a few invented records that a test may change."""

    folder: Path
    records: dict[str, list[dict]]

    def __getitem__(self, name: str) -> dict:
        """The one record of a file."""
        return self.records[name][0]

    def write(self) -> None:
        for name in content.FILES:
            records = self.records.get(name, [])
            if not name.endswith(".json"):
                (self.folder / name).mkdir(exist_ok=True)
                for record in records:
                    (self.folder / name / f"{record['slug']}.json").write_text(json.dumps(record), "utf-8")
            else:
                (self.folder / name).write_text(json.dumps(records), "utf-8")

    def load(self) -> dict[str, Outcome]:
        """Writes the files, loads them; returns what happened to each record by its short name."""
        self.write()
        return {record.rpartition(" ")[2]: outcome for outcome, record in content.load().lines}


@pytest.fixture
def files(tmp_path, monkeypatch) -> Files:
    monkeypatch.setattr(content, "FIXTURES", tmp_path)
    hospital = {
        "slug": "invented-hospital",
        "name": "Invented hospital for a test",
        "town": "Invented town",
        "region": "44",
        "latitude": "48.5",
        "longitude": "7.70",
        "coordinate_precision": "hospital",
        "source_read_on": "2026-11-22",
    }
    centre = {
        "slug": "invented-centre",
        "network": "invented-network",
        "kind": "coordinating",
        "name": in_languages("Invented centre"),
        "hospital": "invented-hospital",
        "coordinator": "invented-coordinator",
        "referral": in_languages(["First paragraph.", ["one item", "another item"]]),
        "contacts": [
            {"kind": "phone", "value": "+33 1 44 49 57 44", "answers": in_languages("Desk")},
            {"kind": "email", "value": "invented@example.org"},
        ],
        "team": [{"first_name": "Invented", "last_name": "Member"}],
        "conditions": [{"name": in_languages("Invented condition of the centre"), "is_field": True}],
    }
    network = {
        "slug": "invented-network",
        "name": in_languages("Invented network"),
        "field": "eye",
        "conditions": [{"name": in_languages("Invented condition of the network")}],
    }
    page = {
        "slug": "invented-page",
        "title": in_languages("Invented page"),
        "sections": [{"heading": in_languages(f"Heading {n}"), "body": in_languages([f"Text {n}."])} for n in (1, 2)],
    }
    coordinator = {"slug": "invented-coordinator", "first_name": "Invented", "last_name": "Coordinator"}
    made = Files(
        tmp_path,
        {
            "hospitals.json": [hospital],
            "coordinators.json": [coordinator],
            "networks.json": [network],
            "centres.json": [centre],
            "pages": [page],
        },
    )
    made.write()
    return made


def everything() -> dict[str, list[tuple]]:
    """Every row of every model that content can fill, dates of change included."""
    labels = {*content.FILES.values(), *(label for parts in content.PARTS.values() for label in parts.values())}
    tables = [apps.get_model(label) for label in sorted(labels)]
    return {model._meta.label: list(models.QuerySet(model).order_by("pk").values_list()) for model in tables}


# --- Adding -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_new_records_are_added_and_published_with_their_parts(files):
    assert set(files.load().values()) == {Outcome.ADDED}
    centre = Centre.objects.get()
    assert centre.state == State.PUBLISHED
    assert (centre.network.slug, centre.hospital.slug) == ("invented-network", "invented-hospital")
    assert centre.coordinator.last_name == "Coordinator"
    assert centre.referral_de == "First paragraph.\n\n- one item\n- another item"
    assert [contact.value for contact in centre.contacts.all()] == ["+33 1 44 49 57 44", "invented@example.org"]
    assert [member.last_name for member in centre.team.all()] == ["Member"]
    assert [condition.network for condition in centre.conditions.all()] == [centre.network]
    assert TreatedCondition.objects.filter(centre=None).count() == 1
    assert [section.heading_en for section in Page.objects.get().sections.all()] == ["Heading 1", "Heading 2"]
    assert str(Hospital.objects.get().longitude) == "7.70000"


@pytest.mark.django_db
def test_loading_again_changes_nothing(files):
    files.load()
    before = everything()
    assert set(files.load().values()) == {Outcome.UNCHANGED}
    assert everything() == before


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_loaded_does_not_depend_on_the_language_of_the_caller(files, language):
    files.records["networks.json"][0]["name"] = {"fr": "Réseau", "en": "Network", "de": "Netz"}
    with translation.override(language):
        files.load()
    assert models.QuerySet(Network).values_list("name", "name_fr", "name_en", "name_de").get() == (
        "Réseau",
        "Réseau",
        "Network",
        "Netz",
    )
    other = LANGUAGES[LANGUAGES.index(language) - 1]
    with translation.override(other):
        assert set(files.load().values()) == {Outcome.UNCHANGED}


@pytest.mark.django_db
def test_how_a_file_writes_a_number_or_an_empty_text_is_no_change(files):
    files.load()
    files["hospitals.json"].update(latitude="48.50000", longitude="7.7", street="", source_url="")
    assert files.load()["invented-hospital"] == Outcome.UNCHANGED


# --- Leaving alone ------------------------------------------------------------------------------------------------


def save(row, **fields) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


EDITS = {
    "a text": ("invented-centre", lambda: save(Centre.objects.get(), name_de="Edited")),
    "the day it was verified": ("invented-centre", lambda: save(Centre.objects.get(), verified_on="2026-11-22")),
    "a note for staff": ("invented-centre", lambda: save(Centre.objects.get(), staff_note="Edited")),
    "a choice": ("invented-centre", lambda: save(Centre.objects.get(), guide_dogs="yes")),
    "a relation": ("invented-centre", lambda: save(Centre.objects.get(), coordinator=None)),
    "a contact": ("invented-centre", lambda: save(Contact.objects.last(), value="edited@example.org")),
    "a contact, verified": ("invented-centre", lambda: save(Contact.objects.last(), verified_on="2026-11-22")),
    "a contact more": ("invented-centre", lambda: Contact(centre=Centre.objects.get(), kind="sms", value="114").save()),
    "a contact less": ("invented-centre", lambda: Contact.objects.last().delete()),
    "the team": ("invented-centre", lambda: TeamMember.objects.all().delete()),
    "a condition of the centre": (
        "invented-centre",
        lambda: save(TreatedCondition.objects.exclude(centre=None).get(), is_field=False),
    ),
    "a condition of the network": (
        "invented-network",
        lambda: save(TreatedCondition.objects.get(centre=None), name_en="Edited"),
    ),
    "coordinates": ("invented-hospital", lambda: save(Hospital.objects.get(), latitude="48.50001")),
    "a person": ("invented-coordinator", lambda: save(Coordinator.objects.get(), form_of_address="feminine")),
    "a section": ("invented-page", lambda: save(PageSection.objects.first(), body_fr="Edited")),
    "the order of sections": ("invented-page", lambda: save(PageSection.objects.first(), order=99)),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("slug", "happens"), EDITS.values(), ids=EDITS.keys())
def test_what_staff_edited_is_left_alone_and_reported(files, slug, happens):
    files.load()
    happens()
    before = everything()
    for records in files.records.values():
        for record in records:
            record["source_url"] = "https://example.org/a-newer-source"
    outcomes = files.load()
    assert outcomes[slug] == Outcome.EDITED
    assert {other for other, outcome in outcomes.items() if outcome == Outcome.CHANGED} == set(outcomes) - {slug}
    label = next(label for name, label in content.FILES.items() if files.records.get(name, [{}])[0].get("slug") == slug)
    own = {label, *content.PARTS.get(label, {}).values()} - {"centres.TreatedCondition"}
    after = everything()
    assert {name: after[name] for name in own} == {name: before[name] for name in own}
    before = everything()
    assert files.load()[slug] == Outcome.EDITED
    assert everything() == before


@pytest.mark.django_db
def test_a_record_that_staff_wrote_themselves_is_left_alone(files):
    Hospital.objects.create(slug="invented-hospital", town="Another town", region="11")
    assert files.load()["invented-hospital"] == Outcome.EDITED
    assert Hospital.objects.get().town == "Another town"


@pytest.mark.django_db
def test_a_record_that_left_the_files_stays(files):
    files.load()
    files.records["pages"] = []
    (files.folder / "pages" / "invented-page.json").unlink()
    assert "invented-page" not in files.load()
    assert Page.objects.get().state == State.PUBLISHED


# --- Changing -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_record_that_nobody_edited_follows_its_file(files):
    files.load()
    key = Centre.objects.get().pk
    centre = files["centres.json"]
    centre["name"] = in_languages("Another name")
    centre["contacts"] = [
        {"kind": "email", "value": "invented@example.org"},
        {"kind": "sms", "value": "114"},
    ]
    del centre["coordinator"], centre["team"]
    outcomes = files.load()
    assert outcomes.pop("invented-centre") == Outcome.CHANGED
    assert set(outcomes.values()) == {Outcome.UNCHANGED}
    loaded = Centre.objects.get()
    assert (loaded.pk, loaded.name_en, loaded.coordinator) == (key, "Another name", None)
    assert [contact.value for contact in loaded.contacts.all()] == ["invented@example.org", "114"]
    assert not loaded.team.exists()
    assert TreatedCondition.objects.count() == 2
    assert set(files.load().values()) == {Outcome.UNCHANGED}


@pytest.mark.django_db
def test_a_network_that_changes_keeps_what_its_centres_care_for(files):
    files.load()
    files["networks.json"]["conditions"] = [{"name": in_languages("Another condition")}]
    assert files.load()["invented-network"] == Outcome.CHANGED
    assert Centre.objects.get().conditions.get().name_fr == "Invented condition of the centre"
    assert TreatedCondition.objects.get(centre=None).name_fr == "Another condition"


@pytest.mark.django_db
@pytest.mark.parametrize("state", [State.ARCHIVED, State.DRAFT])
def test_what_staff_took_off_the_site_stays_off(files, state):
    files.load()
    save(Centre.objects.get(), state=state)
    assert files.load()["invented-centre"] == Outcome.UNCHANGED
    files["centres.json"]["name"] = in_languages("Another name")
    assert files.load()["invented-centre"] == Outcome.CHANGED
    assert Centre.objects.get().name_fr == "Another name"
    assert Centre.objects.get().state == state


# --- Refusing -----------------------------------------------------------------------------------------------------

SPOILT = {
    "an unknown field": ("hospitals.json", {"twon": "Invented"}),
    "an unknown network": ("centres.json", {"network": "no-such-network"}),
    "an unknown hospital": ("centres.json", {"hospital": "no-such-hospital"}),
    "a text that is too long": ("hospitals.json", {"town": "x" * 101}),
    "a translated text that is too long": ("centres.json", {"name": {"fr": "x", "en": "x" * 201, "de": "x"}}),
    "a text without languages": ("centres.json", {"name": "Invented centre"}),
    "a text in an unknown language": ("centres.json", {"name": {"fr": "x", "es": "x"}}),
    "no name": ("hospitals.json", {"town": ""}),
    "an unknown choice": ("hospitals.json", {"region": "99"}),
    "a day that is none": ("hospitals.json", {"source_read_on": "2026-13-01"}),
    "a date that is none": ("hospitals.json", {"source_date": "last year"}),
    "a source that is no address": ("hospitals.json", {"source_url": "sensgene"}),
    "a phone number that is none": ("centres.json", {"contacts": [{"kind": "phone", "value": "+33 1 23"}]}),
    "an e-mail address that is none": ("centres.json", {"contacts": [{"kind": "email", "value": "no address"}]}),
    "an unknown field of a part": ("centres.json", {"team": [{"nmae": "Invented"}]}),
    "a part that is too long": ("pages", {"sections": [{"heading": in_languages("x" * 121), "body": {"fr": "x"}}]}),
    "a contact twice": ("centres.json", {"contacts": [{"kind": "sms", "value": "114"}] * 2}),
    "one coordinate": ("hospitals.json", {"longitude": None}),
    "a label that ends before it begins": ("networks.json", {"label_from": "2022", "label_until": "2017"}),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "spoilt"), SPOILT.values(), ids=SPOILT.keys())
def test_a_record_that_cannot_be_loaded_is_named_and_nothing_is_loaded(files, name, spoilt):
    files.load()
    before = everything()
    files["hospitals.json"]["street"] = "This would have changed"
    slug = files[name]["slug"]
    files[name].update(spoilt)
    with pytest.raises(content.ContentError) as refusal:
        files.load()
    assert str(refusal.value).startswith(name)
    assert slug in str(refusal.value)
    assert everything() == before


BROKEN = {
    "half a file": ("networks.json", '[{"slug": "half"'),
    "an empty file": ("networks.json", ""),
    "half a page": ("pages/invented-page.json", '{"slug": '),
    "one record without its list": ("networks.json", '{"slug": "alone"}'),
    "a list of words": ("networks.json", '["cargo"]'),
    "no short name": ("coordinators.json", '[{"first_name": "Invented", "last_name": "Nameless"}]'),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "text"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_named_and_nothing_is_loaded(files, name, text):
    (files.folder / name).write_text(text, "utf-8")
    with pytest.raises(content.ContentError, match=re.escape(name)):
        content.load()
    assert not any(everything().values())


@pytest.mark.django_db
def test_a_missing_file_is_named(files):
    (files.folder / "glossary.json").unlink()
    with pytest.raises(content.ContentError, match=r"glossary\.json"):
        content.load()


# --- The command --------------------------------------------------------------------------------------------------


def load_content(*arguments: str) -> str:
    out = StringIO()
    call_command("load_content", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_counts_and_names_what_it_left_alone(files):
    assert "5 added" in load_content()
    save(Hospital.objects.get(), street="Edited")
    said = load_content()
    assert "0 added" in said
    assert "4 unchanged" in said
    assert [line for line in said.splitlines() if "invented-hospital" in line]
    assert not [line for line in said.splitlines() if "invented-centre" in line]


@pytest.mark.django_db
def test_a_dry_run_reports_and_changes_nothing(files):
    assert "5 added" in load_content("--dry-run")
    assert not any(everything().values())


@pytest.mark.django_db
def test_the_command_says_that_nothing_was_loaded(files):
    files["hospitals.json"]["twon"] = "Invented"
    files.write()
    with pytest.raises(CommandError, match=r"Nothing was loaded.*hospitals\.json, invented-hospital.*twon"):
        load_content()


# --- The real files -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """One object of a file: a record or a part of one."""

    where: str
    model: type[models.Model]
    values: dict

    @property
    def translated(self) -> tuple[str, ...]:
        return tuple(translator.get_options_for_model(self.model).all_fields)

    @property
    def required(self) -> set[str]:
        return set(translator.get_options_for_model(self.model).required_languages["fr"])

    def texts(self) -> Iterator[tuple[str, str, str]]:
        """(field, language, text) of what readers see; notes for staff left out."""
        for name, value in self.values.items():
            if name in self.translated:
                for language, text in value.items():
                    yield name, language, content.joined(text)
            elif isinstance(value, str) and name != "staff_note":
                yield name, "", value


def entries() -> Iterator[Entry]:
    for name, model, values in content.each_record():
        yield Entry(f"{name}, {values['slug']}", model, values)
        for key, label in content.PARTS.get(model._meta.label, {}).items():
            for place, part in enumerate(values.get(key, []), start=1):
                yield Entry(f"{name}, {values['slug']}, {key} {place}", apps.get_model(label), part)


def records(name: str) -> dict[str, dict]:
    return {record["slug"]: record for record in content.read(name)}


@pytest.fixture
def diseases(db):
    """What the centres' lists point at: conditions name entries of Orphanet by their code."""
    codes = {code for entry in entries() for code in entry.values.get("diseases", ())}
    assert len(codes) > 15
    for code in codes:
        factories.disease(orpha_code=code)


@pytest.mark.django_db
def test_the_real_content_is_loaded_whole_and_once(diseases):
    first = content.load()
    counts = {label: apps.get_model(label).objects.count() for label in content.FILES.values()}
    assert first.count(Outcome.ADDED) == len(first.lines) == sum(counts.values())
    assert all(counts.values())
    expected = {"Centre": 13, "Network": 6, "HealthChannel": 23, "Association": 18, "HelpLine": 4}
    assert {
        name: apps.get_model(label).objects.count() for label in counts if (name := label.split(".")[1]) in expected
    } == expected
    assert Counter(Centre.objects.values_list("kind", flat=True)) == {
        "coordinating": 6,
        "constitutive": 6,
        "competence": 1,
    }
    assert Centre.objects.coordinating().values("network").distinct().count() == 6
    before = everything()
    assert content.load().count(Outcome.UNCHANGED) == len(first.lines)
    assert everything() == before


@pytest.mark.django_db
def test_every_real_record_is_one_that_staff_could_have_saved(diseases):
    """Loading checks each field; the admin also asks the record as a whole, and its constraints."""
    content.load()
    checked = 0
    for label in everything():
        for row in apps.get_model(label).objects.all():
            row.full_clean()
            checked += 1
    assert checked > 300


def test_every_real_text_exists_in_three_languages():
    missing = []
    checked = 0
    for entry in entries():
        for name in entry.translated:
            text = entry.values.get(name, {})
            if not text and name not in entry.required:
                continue
            checked += 1
            missing += [f"{entry.where}: {name}_{code}" for code in LANGUAGES if not content.joined(text.get(code, ""))]
    assert checked > 500
    assert missing == []


# Texts of our own: what the site says of itself, and what a word means.
STATES_NO_FACT = {"missions.Page", "missions.PageSection", "missions.GlossaryTerm", "missions.AccessibilityAudit"}


def test_every_real_fact_has_a_source_or_a_remark_on_its_source():
    facts = [entry for entry in entries() if entry.model._meta.label not in STATES_NO_FACT]
    assert len(facts) > 150
    assert [e.where for e in facts if not (e.values.get("source_url") or e.values.get("source_remark"))] == []


def test_every_source_that_was_read_says_when():
    read = [entry for entry in entries() if entry.values.get("source_url")]
    assert len(read) > 150
    assert [entry.where for entry in read if not entry.values.get("source_read_on")] == []


def test_nothing_in_the_real_files_claims_to_be_verified():
    """Nobody has called a centre yet; reading a page is not verifying."""
    assert [entry.where for entry in entries() if entry.values.get("verified_on")] == []


# The fields that templates show by the tag `prose`; links and foreign words in any other would be shown as typed.
PROSE = {
    "centres.Network": {"remit"},
    "centres.Centre": {"access", "referral"},
    "missions.PageSection": {"body"},
    "missions.Mission": {"text"},
    "missions.Milestone": {"text"},
    "missions.HealthChannel": {"scope"},
    "missions.GlossaryTerm": {"definition"},
}


def test_links_and_foreign_words_are_written_as_the_site_reads_them():
    wrong = []
    found = Counter()
    for entry in entries():
        for name, language, text in entry.texts():
            marks = [match for match in prose.INLINE.finditer(text) if name in PROSE.get(entry.model._meta.label, ())]
            found.update("foreign" if match["lang"] else "link" for match in marks)
            rest = prose.INLINE.sub("", text) if marks else text
            if re.search(r"[\[\]]|\(page:|\]\(", rest) or any(match["lang"] == language for match in marks):
                wrong.append(f"{entry.where}: {name} {language}: {rest}")
    assert wrong == []
    assert found["foreign"] > 50
    assert found["link"] > 50


def test_every_link_to_a_page_leads_to_one():
    pages = set(records("pages"))
    targets = Counter()
    for entry in entries():
        for _name, language, text in entry.texts():
            for slug in re.findall(r"\(page:([^()]*)\)", text):
                targets[slug] += 1
                with translation.override(language):
                    assert slug in pages, entry.where
                    assert f'<a href="/{language}/' in prose.inline(f"[words](page:{slug})"), entry.where
    assert len(targets) > 10


def test_every_page_of_the_navigation_is_in_the_files():
    needed = set(sitemaps.FixedPages().items())
    assert len(needed) > 20
    assert needed <= set(records("pages"))


def test_a_real_page_is_in_the_file_of_its_name():
    for path in (content.FIXTURES / "pages").glob("*.json"):
        assert json.loads(path.read_text("utf-8"))["slug"] == path.stem


# What the sources print, written down here a second time: a slip of the hand in a fixture is noticed.
PLACES = {
    "strasbourg-hopitaux-universitaires": ("67091", "48.576", "7.746"),
    "toulouse-purpan": ("31059", "43.610", "1.400"),
    "paris-necker": ("75743", "48.845", "2.313"),
    "paris-quinze-vingts": ("75571", "48.851", "2.372"),
    "le-kremlin-bicetre-bicetre": ("94270", "48.811", "2.352"),
    "montpellier-gui-de-chauliac": ("34295", None, None),
}
COORDINATORS = {
    "cargo": "Pr Hélène Dollfus",
    "crnk": "Pr Pierre Fournié",
    "maolya": "Pr Isabelle Meunier",
    "ophtara": "Pr Dominique Brémond-Gignac",
    "referet": "Pr Isabelle Audo",
    "surdites-genetiques": "Dr Sandrine Marlin",
}
CONTACTS = {
    "surdites-necker": {("phone", "+33 1 44 49 57 44")},
    "crnk-bordeaux": {("email", "rdv.ophtalmo@chu-bordeaux.fr"), ("phone", "+33 5 56 79 55 30")},
}


def test_places_are_those_that_the_sources_print():
    hospitals = records("hospitals.json")
    found = {
        slug: tuple(hospitals[slug].get(name) for name in ("postcode", "latitude", "longitude")) for slug in PLACES
    }
    assert found == PLACES


def test_coordinators_are_those_that_the_sources_print():
    people = records("coordinators.json")
    found = {}
    for centre in content.read("centres.json"):
        if centre["kind"] == "coordinating":
            person = people[centre["coordinator"]]
            found[centre["network"]] = f"{person['title']} {person['first_name']} {person['last_name']}"
    assert found == COORDINATORS


def test_contacts_are_those_that_the_sources_print():
    centres = records("centres.json")
    found = {
        slug: {(contact["kind"], contact["value"]) for contact in centre["contacts"]}
        for slug, centre in centres.items()
        if centre.get("contacts")
    }
    assert found == CONTACTS
