"""Versions of a record with its parts: kept as one change, told apart in words, gone back to, undone together."""

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from centres.models import Centre, Contact, Hospital
from sensgene import history
from sensgene.records import ChangedMeanwhile
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def editor() -> User:
    return User.objects.create_user("invented-editor")


@pytest.fixture
def centre() -> Centre:
    """With one phone number and one condition."""
    with history.one_change():
        made = factories.centre(department_fr="Ophtalmologie")
        factories.contact(centre=made, kind="phone", value="+33 1 44 49 57 44")
        factories.treated_condition(centre=made).diseases.add(factories.disease())
    return made


def told(version: history.Version) -> dict[str, tuple[str, str]]:
    return {each.label: (each.before, each.after) for step in version.steps for each in step.differences()}


def test_what_is_saved_together_is_one_version_with_who_and_when(centre, editor):
    contact = centre.contacts.get()
    with history.one_change(by=editor, why="invented"):
        centre.department_fr = "Génétique"
        centre.save()
        contact.value = "+33 1 23 45 67 89"
        contact.save()
    newest, first = history.versions(centre)
    assert (newest.by, newest.why) == (editor, "invented")
    assert newest.at > first.at
    assert told(newest) == {
        "department [fr]": ("Ophtalmologie", "Génétique"),
        "number or address": ("+33 1 44 49 57 44", "+33 1 23 45 67 89"),
    }


def test_a_proxy_keeps_the_versions_of_what_it_stands_for(centre):
    from centres.models import CompetenceCentre

    same = CompetenceCentre.objects.get(pk=centre.pk)
    same.department_fr = "Génétique"
    same.save()
    assert len(history.versions(centre)) == 2


def test_a_removed_part_is_told_and_comes_back(centre, editor):
    [first] = history.versions(centre)
    centre.contacts.get().delete()
    condition = centre.conditions.get()
    diseases = set(condition.diseases.all())
    condition.diseases.clear()
    contact = factories.contact(centre=centre, value="invented-new@example.org")
    removed = history.versions(centre)[2]
    assert [step.is_removed for step in removed.steps] == [True]
    centre.refresh_from_db()
    history.go_back(centre, first, editor)
    assert [each.value for each in centre.contacts.all()] == ["+33 1 44 49 57 44"]
    assert not Contact.objects.filter(pk=contact.pk).exists()
    assert set(centre.conditions.get().diseases.all()) == diseases
    newest = history.versions(centre)[0]
    assert newest.by == editor
    assert newest.why == f"back to {first.change}"
    history.go_back(centre, history.version_with(centre, removed.change), editor)
    assert not centre.contacts.exists()


def test_going_back_leaves_address_and_state_alone(centre, editor):
    [first] = history.versions(centre)
    centre.state, centre.slug, centre.department_fr = "archived", "invented-new-name", "Génétique"
    centre.save()
    history.go_back(centre, first, editor)
    centre.refresh_from_db()
    assert (centre.state, centre.slug, centre.department_fr) == ("archived", "invented-new-name", "Ophtalmologie")


def test_whoever_read_an_older_version_goes_nowhere(centre, editor):
    [first] = history.versions(centre)
    stale = Centre.objects.get(pk=centre.pk)
    history.go_back(centre, first, editor)
    with pytest.raises(ChangedMeanwhile):
        history.go_back(stale, first, editor)


def test_a_change_of_many_records_is_undone_at_once(centre, editor):
    with history.one_change(by=editor, why="invented set") as change:
        hospital = factories.hospital()
        made = factories.centre(hospital=hospital)
        factories.contact(centre=made)
        centre.department_fr = "Génétique"
        centre.save()
        centre.contacts.get().delete()
    assert history.undo(change, editor, "invented undo") == 6  # a network of its own, too
    assert not Centre.objects.filter(pk=made.pk).exists()
    assert not Hospital.objects.filter(pk=hospital.pk).exists()
    centre.refresh_from_db()
    assert centre.department_fr == "Ophtalmologie"
    assert centre.contacts.get().value == "+33 1 44 49 57 44"


def test_what_was_changed_since_stops_the_undoing_of_everything(centre, editor):
    with history.one_change(by=editor) as change:
        made = factories.centre()
        centre.department_fr = "Génétique"
        centre.save()
    centre.department_fr = "Ophtalmologie et génétique"
    centre.save()
    with pytest.raises(history.CannotUndo) as refusal:
        history.undo(change, editor, "invented undo")
    assert len(refusal.value.names) == 1
    assert Centre.objects.filter(pk=made.pk).exists()
    centre.refresh_from_db()
    assert centre.department_fr == "Ophtalmologie et génétique"
