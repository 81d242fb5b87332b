"""Diseases in lists, on the real site: every one of eye and ear under one letter, and its family above and below."""

import unicodedata

import pytest
from django.utils import translation

from centres import diseases
from centres.models import Centre, TreatedCondition
from centres.reference import Disease, DiseaseKind, DiseaseParent
from sensgene import snapshot

LANGUAGES = ("fr", "en", "de")
USHER, USHER_TYPES = 886, {231169, 231178, 231183}
EYE, DEAFNESS, OUTER_EAR, MIDDLE_EAR = 97966, 68361, 156243, 164004


@pytest.fixture(autouse=True)
def site(visitor):
    snapshot.open_current()
    with translation.override("fr"):
        yield


def keys(found) -> list[int]:
    return [disease.pk for disease in found]


def letters_only(text: str) -> str:
    """Without accents, in capitals; written here a second time."""
    text = unicodedata.normalize("NFKD", text.upper().replace("Œ", "OE").replace("Æ", "AE"))
    return "".join(letter for letter in text if letter.isalnum() or letter == " ")


# --- By letter ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_disease_of_eye_and_ear_stands_under_one_letter(language):
    with translation.override(language):
        found = [disease.pk for letter in diseases.letters() for disease in diseases.beginning_with(letter)]
    assert len(found) == len(set(found)) > 1400
    ours = set(Disease.public.of_eye_or_ear().values_list("pk", flat=True))
    named = set(TreatedCondition.public.exclude(diseases=None).values_list("diseases", flat=True))
    assert ours <= set(found)
    assert named <= set(found)
    assert Centre.public.exists()
    others = set(found) - ours - named
    above = set(DiseaseParent.public.filter(child__in=ours).values_list("parent", flat=True))
    assert others <= above


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_disease_stands_under_the_letter_that_its_name_begins_with(language):
    checked = 0
    with translation.override(language):
        for letter in diseases.letters():
            for disease in diseases.beginning_with(letter):
                first = letters_only(disease.label).strip()[0]
                assert first.isdigit() if letter == diseases.DIGITS else first == letter.upper(), disease.label
                checked += 1
    assert checked > 1400


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_names_under_a_letter_are_in_alphabetical_order(language):
    with translation.override(language):
        labels = [disease.label for disease in diseases.beginning_with("s")]
        plain = [diseases.sort_key(label) for label in labels]
    assert len(labels) > 50
    assert plain == sorted(plain)


def test_an_accent_is_no_letter_of_its_own():
    """Déficit stands between Dacryocystite and Dystrophie, not behind z."""
    labels = [disease.label for disease in diseases.beginning_with("d")]
    accented = [place for place, label in enumerate(labels) if label.startswith("Dé")]
    assert accented
    assert max(accented) < min(place for place, label in enumerate(labels) if label.startswith("Dy"))
    with translation.override("de"):
        assert "Åland-Augenkrankheit" in [disease.label for disease in diseases.beginning_with("a")]


def test_the_letters_are_the_same_in_every_language():
    found = []
    for language in LANGUAGES:
        with translation.override(language):
            found.append(diseases.letters())
    assert found[0] == found[1] == found[2]
    assert found[0] == sorted(found[0])
    assert found[0][0] == diseases.DIGITS
    assert {"a", "m", "s", "z"} <= set(found[0])


@pytest.mark.parametrize("letter", ["", "aa", "A", "é", "%", "-", "\x00"])
def test_nothing_begins_with_what_is_no_letter(letter):
    assert diseases.beginning_with(letter) == []


def test_the_list_of_one_language_is_not_shown_in_another():
    with translation.override("de"):
        german = [disease.label for disease in diseases.beginning_with("s")]
    french = [disease.label for disease in diseases.beginning_with("s")]
    assert any("Schwerhörigkeit" in label for label in german)
    assert not any("Schwerhörigkeit" in label for label in french)
    assert any(label.startswith("Surdité") for label in french)


# --- By group -----------------------------------------------------------------------------------------------------


def test_the_main_groups_are_those_of_eye_and_ear_each_with_the_groups_right_below_it():
    found = {root.pk: groups for root, groups in diseases.main_groups()}
    assert list(found) == [EYE, DEAFNESS, OUTER_EAR, MIDDLE_EAR]
    assert [group.label for group in found[EYE]] == [
        "Anomalie rare de la réfraction",
        "Maladie rare des organes visuels",
        "Trouble de la vision des couleurs",
        "Tumeur rare de l'oeil",
    ]
    assert [group.label for group in found[DEAFNESS]] == ["Surdité génétique syndromique"]
    for root, groups in found.items():
        wanted = DiseaseParent.public.filter(parent=root, is_direct=True, child__kind=DiseaseKind.GROUP)
        assert sorted(keys(groups)) == sorted(wanted.values_list("child", flat=True))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_main_groups_are_in_the_alphabetical_order_of_the_language(language):
    with translation.override(language):
        labels = [group.label for _root, groups in diseases.main_groups()[:1] for group in groups]
    assert len(labels) == 4
    assert labels == sorted(labels, key=letters_only)


# --- The family of one --------------------------------------------------------------------------------------------


def test_usher_syndrome_has_three_types_and_stands_in_groups_of_eye_and_ear():
    family = diseases.family(Disease.public.get(pk=USHER))
    assert set(keys(family.forms)) == USHER_TYPES
    assert [form.label for form in family.forms] == [f"Syndrome d'Usher type {number}" for number in (1, 2, 3)]
    assert family.more_forms == 0
    assert {90642, 98661} <= set(keys(family.groups))


def test_a_type_of_usher_syndrome_stands_below_it_and_has_nothing_below_itself():
    family = diseases.family(Disease.public.get(pk=231178))
    assert USHER in keys(family.groups)
    assert (family.forms, family.more_forms) == ([], 0)


def test_of_a_whole_field_the_groups_are_listed_and_the_rest_is_counted():
    """98641 has far more right below it than a page lists."""
    group = Disease.public.get(pk=98641)
    below = DiseaseParent.public.filter(parent=group, is_direct=True)
    assert below.count() > diseases.MOST_FORMS
    family = diseases.family(group)
    assert {form.kind for form in family.forms} == {DiseaseKind.GROUP}
    assert len(family.forms) == below.filter(child__kind=DiseaseKind.GROUP).count()
    assert len(family.forms) + family.more_forms == below.count()


def test_of_all_eye_diseases_one_step_is_shown_where_the_steps_are_known():
    group = Disease.public.get(pk=EYE)
    links = DiseaseParent.public.filter(parent=group)
    direct = set(links.filter(is_direct=True).values_list("child", flat=True))
    assert links.filter(is_direct=False).exists()
    assert set(keys(diseases.family(group).forms)) == direct


def test_what_stands_somewhere_below_is_listed_where_no_step_is_known():
    """101435 is a group whose members are known, but not what is between."""
    group = Disease.public.get(pk=101435)
    links = DiseaseParent.public.filter(parent=group)
    assert not links.filter(is_direct=True).exists()
    family = diseases.family(group)
    assert len(family.forms) == diseases.MOST_FORMS
    assert len(family.forms) + family.more_forms == links.count()


def test_above_and_below_say_the_same():
    """Every form names the disease among its groups; every list is in alphabetical order and says nothing twice."""
    checked = 0
    for disease in Disease.public.filter(is_eye=True, kind=DiseaseKind.GROUP).order_by("pk")[:40]:
        family = diseases.family(disease)
        for shown in (family.groups, family.forms):
            labels = [diseases.sort_key(each.label) for each in shown]
            assert labels == sorted(labels)
            assert len(set(keys(shown))) == len(shown)
            assert disease.pk not in keys(shown)
        for form in family.forms[:3]:
            assert disease.pk in keys(diseases.family(form).groups)
            checked += 1
    assert checked > 50
