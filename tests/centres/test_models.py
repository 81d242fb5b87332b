"""What the database and the admin refuse to hold of a centre, and what the models say of themselves."""

from datetime import date

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import translation

from centres.models import (
    Centre,
    Contact,
    ContactKind,
    DiseaseParent,
    Editorship,
    Hospital,
    Kind,
    Network,
    Precision,
    ProposedChange,
    Provided,
    ReferenceCentre,
    TreatedCondition,
)
from sensgene.records import Record, State
from tests import factories
from tests.tables import tables

pytestmark = pytest.mark.django_db

TABLES = tables("centres")


# --- Constraints --------------------------------------------------------------------------------------------------


def hospital_at(latitude, longitude, precision) -> Hospital:
    made = factories.hospital()
    made.latitude, made.longitude, made.coordinate_precision = latitude, longitude, precision
    return made


def labelled(label_from, label_until) -> Network:
    made = factories.network()
    made.label_from, made.label_until = label_from, label_until
    return made


def second_coordinating_centre(state=State.PUBLISHED, state_of_the_first=State.PUBLISHED) -> Centre:
    first = factories.centre(kind=Kind.COORDINATING, state=state_of_the_first)
    second = factories.centre(network=first.network, state=state)
    second.kind = Kind.COORDINATING
    return second


def same_contact_again() -> Contact:
    first = factories.contact(kind=ContactKind.SMS, value="114")
    second = factories.contact(centre=first.centre)
    second.kind, second.value = first.kind, first.value
    return second


def below_the_same_group_again() -> DiseaseParent:
    first = factories.disease_parent()
    second = factories.disease_parent(child=first.child)
    second.parent = first.parent
    return second


def centre_with(**fields) -> Centre:
    row = factories.centre()
    for name, value in fields.items():
        setattr(row, name, value)
    return row


def same_editor_again() -> Editorship:
    first = factories.editorship()
    return Editorship(user=first.user, centre=first.centre)


# constraint: (rows that it refuses, rows that it allows), each saved once before with other values.
CONSTRAINTS = {
    "hospital_coordinates_in_range": (
        [lambda: hospital_at("90.00001", "7.7", "town"), lambda: hospital_at("-90.00001", "7.7", "town")],
        [lambda: hospital_at("90", "7.7", "town"), lambda: hospital_at("-90", "7.7", "town")],
    ),
    "hospital_longitude_in_range": (
        [lambda: hospital_at("48.5", "180.00001", "town"), lambda: hospital_at("48.5", "-180.00001", "town")],
        [lambda: hospital_at("48.5", "180", "town"), lambda: hospital_at("48.5", "-180", "town")],
    ),
    "hospital_coordinates_both_or_none": (
        [lambda: hospital_at("48.5", None, "town"), lambda: hospital_at(None, "7.7", "")],
        [lambda: hospital_at("0", "0", "town"), lambda: hospital_at(None, None, "")],
    ),
    "hospital_coordinates_say_what_they_point_at": (
        [lambda: hospital_at("48.5", "7.7", ""), lambda: hospital_at(None, None, "town")],
        [lambda precision=each: hospital_at("48.5", "7.7", precision) for each in Precision.values],
    ),
    "network_label_period_in_order": (
        [lambda: labelled("2023", "2022"), lambda: labelled("2022-05-02", "2022-05-01")],
        [
            lambda: labelled("2017", "2022"),
            lambda: labelled("2022", "2022"),
            lambda: labelled("", "2022"),
            lambda: labelled("2023", ""),
            lambda: labelled("2022", "2022-05"),
            lambda: labelled("2022-05", "2022"),  # from May to some day of the same year
            lambda: labelled("2022-05-17", "2022-05"),
        ],
    ),
    "one_coordinating_centre_a_network": (
        [second_coordinating_centre, lambda: second_coordinating_centre(state=State.DRAFT)],
        [
            lambda: second_coordinating_centre(state_of_the_first=State.ARCHIVED),
            lambda: second_coordinating_centre(state=State.ARCHIVED),
        ],
    ),
    "centre_label_period_in_order": (
        [lambda: centre_with(label_from="2023", label_until="2022")],
        [
            lambda: centre_with(label_from="2023", label_until="2027-12"),
            lambda: centre_with(label_until="2027"),
            lambda: centre_with(),
        ],
    ),
    "centre_is_verified_every_so_many_months": (
        [lambda: centre_with(rhythm=0), lambda: centre_with(rhythm=61)],
        [lambda: centre_with(rhythm=1), lambda: centre_with(rhythm=60)],
    ),
    "editorship_listed_once": ([same_editor_again], [factories.editorship]),
    "contact_listed_once": (
        [same_contact_again],
        [lambda: factories.contact(kind=ContactKind.SMS, value="114")],
    ),
    "one_place_below_a_group": ([below_the_same_group_again], [factories.disease_parent]),
}
BY_NAME = {constraint.name: constraint for model in TABLES for constraint in model._meta.constraints}


def test_every_constraint_has_its_cases():
    assert set(BY_NAME) == set(CONSTRAINTS)


def cases(position: int) -> list:
    return [
        pytest.param(name, make, id=f"{name} {number}")
        for name, both in CONSTRAINTS.items()
        for number, make in enumerate(both[position], start=1)
    ]


@pytest.mark.parametrize(("name", "make"), cases(0))
def test_what_contradicts_itself_is_refused_in_words_and_by_the_database(name, make):
    row = make()
    with pytest.raises(ValidationError) as refusal:
        row.full_clean()
    message = str(BY_NAME[name].violation_error_message)
    assert message in refusal.value.messages
    assert name not in message, "an editor reads it"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.parametrize(("name", "make"), cases(1))
def test_what_does_not_contradict_itself_is_saved(name, make):
    row = make()
    row.full_clean()
    row.save()


def test_a_short_name_is_given_once():
    first = factories.hospital(slug="taken")
    second = Hospital(slug=first.slug, town="Invented town", region="44")
    with pytest.raises(ValidationError) as refusal:
        second.full_clean()
    assert set(refusal.value.message_dict) == {"slug"}
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()


# --- Nothing disappears with something else -----------------------------------------------------------------------

# Who edits what, and what is part of a question to a centre, goes with it; an account leaves what it did behind.
GOES_WITH_IT = (Editorship, ProposedChange)
RELATIONS = [
    field
    for model in TABLES
    for field in model._meta.fields
    if field.is_relation and field.related_model is not User and model not in GOES_WITH_IT
]


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda field: f"{field.model.__name__}.{field.name}")
def test_a_record_that_others_need_cannot_be_deleted(relation):
    needed = factories.FACTORIES[relation.related_model]()
    row = factories.FACTORIES[relation.model](**{relation.name: needed})
    with pytest.raises(models.ProtectedError):
        needed.delete()
    assert type(needed).objects.filter(pk=needed.pk).exists()
    assert type(row).objects.filter(pk=row.pk).exists()


# --- Contacts -----------------------------------------------------------------------------------------------------

REACHABLE = [
    (ContactKind.EMAIL, "rdv@example.org", "mailto:rdv@example.org", "rdv@example.org"),
    (ContactKind.PHONE, "+33 1 44 49 57 44", "tel:+33144495744", "+33 1 44 49 57 44"),
    (ContactKind.PHONE, "01.44.49.57.44", "tel:+33144495744", "+33 1 44 49 57 44"),  # typed as in France
    (ContactKind.PHONE, "+49 7221 91-0", "tel:+497221910", "+49 7221 910"),
    (ContactKind.PHONE, "15", "tel:15", "15"),
    (ContactKind.SMS, "114", "sms:114", "114"),
    (ContactKind.SMS, "06 12 34 56 78", "sms:+33612345678", "+33 6 12 34 56 78"),
    (ContactKind.RELAY, "https://example.org/lsf", "https://example.org/lsf", "https://example.org/lsf"),
    (ContactKind.FORM, "http://example.org/rdv", "http://example.org/rdv", "http://example.org/rdv"),
]
UNREACHABLE = [
    (ContactKind.EMAIL, "rdv"),
    (ContactKind.EMAIL, "rdv@"),
    (ContactKind.EMAIL, "rdv@example.org, other@example.org"),
    (ContactKind.EMAIL, "+33 1 44 49 57 44"),
    (ContactKind.PHONE, "+33 1 44 49 57"),
    (ContactKind.PHONE, "+33 1 44 49 57 44 55"),
    (ContactKind.PHONE, "1234567"),
    (ContactKind.PHONE, "appointment desk"),
    (ContactKind.PHONE, ""),
    (ContactKind.SMS, "rdv@example.org"),
    (ContactKind.RELAY, "http://example.org/lsf"),
    (ContactKind.RELAY, "+33 1 44 49 57 44"),
    (ContactKind.FORM, "javascript:alert(1)"),
    (ContactKind.FORM, "ftp://example.org/rdv"),
    (ContactKind.FORM, "example.org/rdv"),
]


def test_every_kind_of_contact_has_its_cases():
    assert {kind for kind, *_rest in REACHABLE} == {kind for kind, *_rest in UNREACHABLE} == set(ContactKind)


@pytest.mark.parametrize(("kind", "value", "href", "readable"), REACHABLE)
def test_a_contact_leads_to_somebody(kind, value, href, readable):
    contact = factories.contact(kind=kind, value=value)
    contact.full_clean()
    assert contact.href == href
    with translation.override("de"):
        assert contact.readable_value == readable


def test_a_french_number_is_grouped_as_its_reader_dials_it():
    contact = factories.contact(kind=ContactKind.PHONE, value="+33 1 44 49 57 44")
    for language, readable in [("fr", "01 44 49 57 44"), ("en", "+33 1 44 49 57 44"), ("de", "+33 1 44 49 57 44")]:
        with translation.override(language):
            assert contact.readable_value == readable
            assert contact.href == "tel:+33144495744"
    with translation.override("fr"):
        assert factories.contact(kind=ContactKind.PHONE, value="+49 7221 910").readable_value == "+49 7221 910"


@pytest.mark.parametrize(("kind", "value"), UNREACHABLE)
def test_a_contact_that_cannot_be_reached_is_refused(kind, value):
    contact = factories.contact(kind=kind, value=value)
    with pytest.raises(ValidationError) as refusal:
        contact.full_clean()
    assert set(refusal.value.message_dict) == {"value"}


def test_who_can_write_but_not_speak_is_told_so():
    centre = factories.centre()
    factories.contact(centre=centre, kind=ContactKind.PHONE, value="+33 1 44 49 57 44")
    factories.contact(centre=centre, kind=ContactKind.RELAY, value="https://example.org/lsf")
    assert not centre.has_written_contact
    factories.contact(centre=centre, kind=ContactKind.SMS, value="114")
    assert centre.has_written_contact


# --- Dates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("until", "today", "has_ended"),
    [
        ("2022", "2021-12-31", False),
        ("2022", "2022-01-01", False),
        ("2022", "2022-12-31", False),
        ("2022", "2023-01-01", True),
        ("2022-04", "2022-03-31", False),
        ("2022-04", "2022-04-01", False),
        ("2022-04", "2022-04-30", False),
        ("2022-04", "2022-05-01", True),
        ("2022-04", "2023-01-01", True),
        ("2022-04-10", "2022-04-09", False),
        ("2022-04-10", "2022-04-10", False),
        ("2022-04-10", "2022-04-11", True),
        ("", "2022-04-10", False),
    ],
)
def test_a_label_ends_after_the_last_day_that_its_date_can_mean(monkeypatch, until, today, has_ended):
    class Day(date):
        @classmethod
        def today(cls):
            return cls.fromisoformat(today)

    monkeypatch.setattr("centres.models.date", Day)
    assert Network(label_until=until).label_has_ended is has_ended


@pytest.mark.parametrize("text", ["2019", "2019-04", "2019-04-10", "2020-02-29", ""])
def test_a_date_is_as_precise_as_its_source(text):
    factories.hospital(source_date=text).full_clean()


@pytest.mark.parametrize(
    "text",
    [
        "19",
        "2019-4",
        "2019-13",
        "2019-00",
        "2019-04-00",
        "2019-04-32",
        "2019-02-30",
        "2019-02-29",
        "10/04/2019",
        "0000",
    ],
)
def test_a_date_that_no_calendar_has_is_refused(text):
    """A page would fail where it writes it out."""
    hospital = factories.hospital(source_date=text)
    with pytest.raises(ValidationError) as refusal:
        hospital.full_clean()
    assert set(refusal.value.message_dict) == {"source_date"}


# --- Centres ------------------------------------------------------------------------------------------------------


def test_the_visit_is_the_whole_form_with_an_empty_answer_for_what_is_unknown():
    known = {"guide_dogs": Provided.YES, "sign_language": Provided.ON_REQUEST, "step_free": Provided.NO}
    centre = factories.centre(**known)
    assert centre.visit() == [
        (Centre._meta.get_field(name).verbose_name, known[name].label if name in known else "")
        for name in Centre.VISIT_FIELDS
    ]
    assert not centre.knows_the_whole_visit


def test_a_visit_is_known_as_a_whole_once_every_question_has_an_answer_be_it_no():
    centre = factories.centre(**dict.fromkeys(Centre.VISIT_FIELDS, Provided.NO))
    assert centre.knows_the_whole_visit
    assert {answer for _question, answer in centre.visit()} == {Provided.NO.label}
    centre.step_free = ""
    assert not centre.knows_the_whole_visit


def test_every_question_of_the_visit_is_asked():
    asked = {field.name for field in Centre._meta.fields if field.choices == Provided.choices}
    assert asked == set(Centre.VISIT_FIELDS)


@pytest.mark.parametrize("state", [State.DRAFT, State.ARCHIVED])
@pytest.mark.parametrize("needed", ["network", "hospital"])
def test_a_centre_is_not_published_before_the_records_it_stands_on(needed, state):
    centre = factories.centre(state=State.DRAFT, **{needed: getattr(factories, needed)(state=state)})
    centre.full_clean()
    centre.state = State.PUBLISHED
    with pytest.raises(ValidationError) as refusal:
        centre.full_clean()
    assert set(refusal.value.message_dict) == {needed}
    assert str(getattr(centre, needed)) in refusal.value.messages[0]


def test_centres_are_read_network_by_network_the_coordinating_site_first():
    second, first = factories.network(order=2), factories.network(order=1)
    made = {
        slug: factories.centre(slug=slug, network=network, kind=kind, hospital=factories.hospital(town=town))
        for slug, network, kind, town in [
            ("f", second, Kind.COORDINATING, "Albi"),
            ("e", first, Kind.COMPETENCE, "Albi"),
            ("d", first, Kind.CONSTITUTIVE, "Nantes"),
            ("c", first, Kind.CONSTITUTIVE, "Brest"),
            ("b", first, Kind.COORDINATING, "Toulouse"),
        ]
    }
    assert [centre.slug for centre in Centre.objects.in_reading_order()] == ["b", "c", "d", "e", "f"]
    assert set(Centre.objects.reference()) == {made["b"], made["c"], made["d"], made["f"]}
    assert set(Centre.objects.competence()) == {made["e"]}
    assert set(Centre.objects.coordinating()) == {made["b"], made["f"]}
    assert set(Centre.objects.for_network(second)) == {made["f"]}


def test_a_network_speaks_for_itself_and_not_for_one_of_its_centres():
    network = factories.network()
    own = factories.treated_condition(network=network)
    factories.treated_condition(centre=factories.centre(network=network))
    assert TreatedCondition.objects.filter(network=network).count() == 2
    assert network.own_conditions() == [own]


def test_a_network_is_called_by_its_acronym_or_else_by_a_short_name_or_else_by_its_name():
    network = factories.network(name_de="Langer Name des Netzes", short_name_de="Netz", acronym="ACRONYM")
    with translation.override("de"):
        assert network.called == str(network) == "ACRONYM"
        network.acronym = ""
        assert network.called == str(network) == "Netz"
        network.short_name_de = ""
        assert network.called == str(network) == "Langer Name des Netzes"


def test_the_sources_of_a_centre_are_named_once_each_with_what_they_cover():
    one, other = "https://example.org/one", "https://example.org/other"
    hospital = factories.hospital(source_url=other)
    person = factories.coordinator(source_url=one, last_name="Zq7")
    centre = factories.centre(source_url=one, hospital=hospital, coordinator=person)
    factories.contact(centre=centre, value="zq7@example.org", source_url=one, source_date="2019")
    factories.team_member(centre=centre)  # without a source: nothing to name
    sources = centre.sources()
    assert [(len(facts), record.source_url, record.source_date) for facts, record in sources] == [
        (2, one, ""),
        (1, other, ""),
        (1, one, "2019"),
    ]
    assert "Zq7" in sources[0][0][1]
    assert sources[2][0] == ["zq7@example.org"]
    assert factories.centre().sources() == []


def test_a_person_is_called_by_the_post_that_they_are_known_to_use():
    with translation.override("fr"):
        roles = {form: factories.coordinator(form_of_address=form).role for form in ("feminine", "masculine", "")}
        assert factories.centre().coordinator_role == roles[""]
    assert all(roles.values())
    with translation.override("fr"):
        assert str(factories.coordinator(title="Pr", first_name="Ada", last_name="Invented")).endswith(" Ada Invented")
    assert str(factories.coordinator(title="", first_name="Ada", last_name="Invented")) == "Ada Invented"


@pytest.mark.parametrize("language", ["fr", "en", "de"])
def test_a_centre_has_an_address_in_every_language_under_the_same_short_name(language):
    centre = factories.centre(slug="invented-short-name")
    with translation.override(language):
        for record in (centre, ReferenceCentre.objects.get(pk=centre.pk), centre.network):
            assert record.get_absolute_url().startswith(f"/{language}/")
            assert record.get_absolute_url().endswith(f"/{record.slug}/")


# --- All of them --------------------------------------------------------------------------------------------------


def test_every_record_begins_as_a_draft():
    records = [model for model in TABLES if issubclass(model, Record)]
    assert len(records) > 3
    assert {model().state for model in records} == {State.DRAFT}


def test_every_record_says_what_it_is():
    for model in TABLES:
        text = str(factories.FACTORIES[model]())
        assert text
        assert "object (" not in text, model
