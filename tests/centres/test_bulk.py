"""Tables written whole: every row as it was given, what was not given as the model says, and no row more."""

import pytest
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from centres import bulk
from centres.reference import Disease, DiseaseParent, FormerCode, Town
from tests import factories

pytestmark = pytest.mark.django_db

TOWN = ("id", "country", "name", "kind", "latitude", "longitude")
TOWNS = [
    ("fr-1", "FR", "Invented town", "commune", 48.5, 7.25),
    ("fr-2", "DE", 'Another\'s "invented" %s town; ñ', "town", -1.5, -7.0),
]
FORMER = ("old_code", "disease_id", "name_fr", "name_en")


def stored(model: type[models.Model], *names: str) -> list[tuple]:
    return list(models.QuerySet(model).order_by("pk").values_list(*names))


def former_codes(*numbers: int) -> list[tuple]:
    disease = Disease.objects.first() or factories.disease()
    return [(8_000_000 + number, disease.pk, f"Ancien nom {number}", f"Former name {number}") for number in numbers]


# --- Inserting ----------------------------------------------------------------------------------------------------


def test_rows_are_inserted_as_they_were_given():
    bulk.insert(Town, TOWN, TOWNS)
    assert stored(Town, *TOWN) == TOWNS


def test_columns_that_were_not_given_hold_what_the_model_says():
    bulk.insert(Town, TOWN, TOWNS[:1])
    town = Town.objects.get()
    assert (town.population, town.postcodes, town.other_names) == (0, "", "")
    before = timezone.now()
    bulk.insert(Disease, ("orpha_code", "kind"), [(9_000_001, "disorder")])
    disease = Disease.objects.get()
    assert (disease.status, disease.is_eye, disease.name_de, disease.genes) == ("active", False, None, "")
    assert before <= disease.updated_at <= timezone.now()


def test_an_inserted_row_is_like_one_that_was_saved():
    saved = factories.disease(orpha_code=9_000_001, name_fr="Nom inventé", name_en="Invented name", name_de="Name")
    names = [field.attname for field in Disease._meta.concrete_fields if field.attname != "updated_at"]
    row = models.QuerySet(Disease).values_list(*names).get()
    saved.delete()
    bulk.insert(Disease, names, [row])
    assert models.QuerySet(Disease).values_list(*names).get() == row


def test_rows_get_keys_of_their_own():
    child, *parents = (factories.disease() for _ in range(3))
    bulk.insert(DiseaseParent, ("child_id", "parent_id", "is_direct"), [(child.pk, each.pk, True) for each in parents])
    assert len(set(DiseaseParent.objects.values_list("pk", flat=True))) == 2
    factories.disease_parent()  # the next key is free
    assert DiseaseParent.objects.count() == 3


def test_many_rows_are_inserted_from_an_iterator():
    bulk.insert(Town, TOWN, ((f"fr-{number}", *TOWNS[0][1:]) for number in range(3000)))
    assert Town.objects.count() == 3000


def test_nothing_is_inserted_from_nothing():
    bulk.insert(Town, TOWN, [])
    assert not Town.objects.exists()


def test_a_row_that_does_not_fit_its_columns_is_an_error():
    for wrong in (TOWNS[0][:-1], (*TOWNS[0], "more")):
        with pytest.raises(ValueError):
            bulk.insert(Town, TOWN, [wrong])
    with pytest.raises(KeyError):
        bulk.insert(Disease, ("orpha_code", "knid"), [(9_000_001, "disorder")])
    assert not Town.objects.exists()


# --- Replacing ----------------------------------------------------------------------------------------------------


def test_a_table_that_holds_the_rows_already_is_left_alone():
    rows = former_codes(1, 2, 3)
    assert bulk.replace(FormerCode, FORMER, rows)
    assert not bulk.replace(FormerCode, FORMER, rows)
    assert not bulk.replace(FormerCode, FORMER, list(reversed(rows)))
    assert not bulk.replace(FormerCode, FORMER, [list(row) for row in rows])
    assert stored(FormerCode, *FORMER) == rows


def test_keys_stay_where_nothing_differs():
    links = [(factories.disease().pk, factories.disease().pk, is_direct) for is_direct in (True, False)]
    names = ("child_id", "parent_id", "is_direct")
    bulk.replace(DiseaseParent, names, links)
    before = stored(DiseaseParent)
    assert not bulk.replace(DiseaseParent, names, links)
    assert stored(DiseaseParent) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [*rows, *former_codes(4)],
        lambda rows: rows[:-1],
        lambda rows: [*rows[:-1], (*rows[-1][:-1], "Another name")],
        lambda rows: [*rows[:-1], *former_codes(9)],
        lambda rows: [],
    ],
    ids=["one more", "one less", "one changed", "another one", "none"],
)
def test_the_table_holds_the_new_rows_and_no_others(change):
    rows = former_codes(1, 2, 3)
    bulk.replace(FormerCode, FORMER, rows)
    wanted = change(rows)
    assert bulk.replace(FormerCode, FORMER, wanted)
    assert stored(FormerCode, *FORMER) == wanted
    assert not bulk.replace(FormerCode, FORMER, wanted)


def test_rows_that_cannot_be_stored_take_nothing_away_from_a_transaction():
    rows = former_codes(1, 2)
    bulk.replace(FormerCode, FORMER, rows)
    with pytest.raises(DatabaseError), transaction.atomic():
        bulk.replace(FormerCode, FORMER, [*former_codes(3), *former_codes(3)])
    assert stored(FormerCode, *FORMER) == rows
