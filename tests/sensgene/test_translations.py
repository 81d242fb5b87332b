"""Translations that may be older than the French: marked by a change of the French, confirmed by somebody."""

from datetime import date

import pytest

from centres.models import Centre
from sensgene import translations
from tests import factories

pytestmark = pytest.mark.django_db

TODAY = date.today().isoformat()


@pytest.fixture
def centre() -> Centre:
    made = factories.centre(referral_fr="Écrivez-nous.", referral_en="Write to us.", referral_de="")
    return Centre.objects.get(pk=made.pk)


def test_nothing_is_to_be_checked_at_first(centre):
    centre.department_fr = "Ophtalmologie"
    centre.save()
    assert centre.to_check == {}


def test_a_change_of_the_french_marks_what_stays_as_it_is(centre):
    centre.referral_fr = "Appelez-nous."
    centre.save()
    centre.refresh_from_db()
    assert centre.to_check == {"en": {"referral": TODAY}}, "German is missing, not old"


def test_a_translation_that_changes_with_the_french_is_not_marked(centre):
    centre.referral_fr, centre.referral_en = "Appelez-nous.", "Call us."
    centre.save()
    assert centre.to_check == {}


@pytest.mark.parametrize("text", ["Call us.", ""])
def test_the_mark_goes_with_a_later_change_of_the_translation(centre, text):
    centre.referral_fr = "Appelez-nous."
    centre.save()
    centre.referral_en = text
    centre.save()
    assert centre.to_check == {}


def test_somebody_confirms_what_still_holds(centre):
    centre.referral_fr, centre.name_fr = "Écrivez-nous !", "Autre nom inventé"
    centre.save()
    assert set(centre.to_check) == {"en", "de"}
    translations.confirm(centre, "en", ["referral"])
    centre.refresh_from_db()
    assert centre.to_check == {"en": {"name": TODAY}, "de": {"name": TODAY}}
    translations.confirm(centre, "en")
    centre.refresh_from_db()
    assert centre.to_check == {"de": {"name": TODAY}}


def test_the_mark_is_kept_even_if_only_some_columns_are_saved(centre):
    centre.referral_fr = "Appelez-nous."
    centre.save(update_fields=["referral_fr"])
    centre.refresh_from_db()
    assert centre.to_check == {"en": {"referral": TODAY}}
