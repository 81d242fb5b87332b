"""Which centres answer for a disease and why: three kinds of answer, told apart in words, each with its reason."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from centres import answers, search
from centres.answers import Answer, Care, Reason, Relation
from centres.models import Centre, Network
from centres.reference import Disease
from sensgene import snapshot
from sensgene.records import State
from tests import factories
from tests.markup import Element, page_at

LANGUAGES = ("fr", "en", "de")
both = pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)


def care(code: int) -> Care:
    return answers.care_of(Disease.public.get(pk=code))


def reasons(code: int) -> dict[str, Reason]:
    """Short name of a centre → why it answers."""
    slugs = dict(Centre.public.values_list("pk", "slug"))
    return {slugs[pk]: reason for pk, reason in care(code).centres.items()}


def disease_page(client: Client, language: str, code: int) -> Element:
    with translation.override(language):
        return page_at(client, reverse("disease", args=[code]))


def said(text: str, language: str, **values) -> str:
    with translation.override(language):
        return translation.gettext(text) % values


# --- On the real data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "centre", "answer", "relation", "listed"),
    [
        (886, "maolya-montpellier", Answer.NAMED, Relation.ITSELF, 886),
        (231178, "maolya-montpellier", Answer.NAMED, Relation.FORM, 886),
        (827, "referet-quinze-vingts", Answer.NAMED, Relation.ITSELF, 827),
        (827, "maolya-montpellier", Answer.NAMED, Relation.MEMBER, 519302),
        (827, "cargo-strasbourg", Answer.FIELD, Relation.MEMBER, 101435),
        (98974, "crnk-toulouse", Answer.FIELD, Relation.MEMBER, 519282),
        (87884, "surdites-lille", Answer.NAMED, Relation.ITSELF, 87884),
        (140653, "ophtara-hegp", Answer.NAMED, Relation.ITSELF, 140653),
        (140653, "maolya-montpellier", Answer.FORM, Relation.BROADER, 98671),
    ],
)
def test_a_centre_answers_with_what_it_lists(real, code, centre, answer, relation, listed):
    reason = reasons(code)[centre]
    assert (reason.answer, reason.relation, reason.listed.pk) == (answer, relation, listed)
    assert reason.condition.name


def test_the_three_answers_on_the_real_data(real):
    assert care(886).answer == Answer.NAMED
    assert care(98974).answer == Answer.FIELD  # no centre lists the dystrophy of Fuchs, two networks have its field
    assert care(98974).count(Answer.NAMED) == 0 and care(98974).count(Answer.FIELD) > 0
    for code in (15, 232):
        assert care(code).answer == Answer.OUTSIDE
        assert not care(code).centres


def test_what_a_network_says_reaches_its_centres(real):
    """The network's protocol for Wolfram syndrome is not tied to one site."""
    found = reasons(3463)
    assert found["ophtara-bicetre"].is_of_network
    assert found["ophtara-bicetre"].answer == Answer.NAMED
    assert not found["ophtara-hegp"].is_of_network  # its own list is the better reason


def test_nothing_is_claimed_for_the_members_of_a_group_that_is_listed_alone(real):
    """The Pompidou hospital lists neuro-ophthalmic diseases, and no source says that every entry below is meant."""
    group = Disease.public.get(pk=140653)
    members = [link.child for link in group.child_links.using(snapshot.ALIAS).select_related("child")]
    found = {member.pk: reasons(member.pk)["ophtara-hegp"] for member in members}
    assert len(found) > 2
    assert not [code for code, reason in found.items() if reason.listed == group]
    assert found[519341].answer == Answer.FIELD  # of the network


def test_each_kind_of_answer_is_only_given_for_a_listed_entry_above_or_below(real):
    """Over a sample: the reason leads along the classification, never sideways."""
    checked = 0
    for disease in Disease.public.of_eye_or_ear().order_by("orpha_code")[::60]:
        above = answers.ancestors([disease.pk])[disease.pk]
        for reason in answers.care_of(disease).centres.values():
            checked += 1
            listed = reason.listed.pk
            if reason.relation == Relation.BROADER:
                assert disease.pk in answers.ancestors([listed])[listed]
                assert reason.answer == Answer.FORM
            else:
                assert above[listed] == reason.steps
                assert reason.steps == 0 or reason.condition.includes_descendants
            assert (reason.answer == Answer.FIELD) == reason.condition.is_field
    assert checked > 50


# --- In words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_three_answers_are_told_apart_in_words(real, language):
    named, by_field, outside = (disease_page(real, language, code).one("main") for code in (886, 98974, 15))
    names = said("Names this disease", language)
    covers = said("Covers the field", language)
    nobody = said("No centre names this disease itself.", language)
    where = said("Where to ask", language)
    assert len({names, covers, nobody, where}) == 4
    strong = [[each.text for each in page.all("strong")] for page in (named, by_field, outside)]
    assert names in strong[0] and covers in strong[0]
    assert set(strong[1]) == {covers}
    assert nobody in by_field.text and nobody not in named.text
    assert where in [title.text for title in outside.all("h2")]
    assert not outside.all("ol", class_="numbered")
    assert said("No source names the disease itself for this centre.", language) in by_field.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_outside_says_where_to_ask(real, language):
    with translation.override(language):
        ways = {reverse("help-lines"), reverse("referral")}
        search_page = page_at(real, reverse("search"), q="ORPHA:15")
    for page in (disease_page(real, language, 15), search_page):
        section = next(each for each in page.all("section") if each.get("aria-labelledby") in ("answer", "outside"))
        links = {link.get("href") for link in section.all("a")}
        assert ways <= links
        assert any("orpha.net" in link and "/15" in link for link in links)
        assert not page.all("ol", class_="numbered")
        assert not page.all("div", class_="messages")  # it was found: only no centre was


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [886, 231178, 827, 98974, 3463, 140653, 101435])
def test_every_centre_shows_its_reason(real, language, code):
    """With the entry that is listed, the printed words, and the network where it speaks."""
    with translation.override(language):
        addresses = {centre.get_absolute_url(): centre.pk for centre in Centre.public.all()}
        found = care(code)
        by_address = {link: found.centres[pk] for link, pk in addresses.items() if pk in found.centres}
        pages = (
            page_at(real, reverse("disease", args=[code])),
            page_at(real, reverse("search"), q=f"ORPHA:{code}", near="Colmar"),
        )
        why = translation.gettext("Why this centre")
        for page in pages:
            items = [each for each in page.one("ol", class_="numbered").children if isinstance(each, Element)]
            assert {item.one("h3").one("a").get("href") for item in items} == set(by_address)
            for item in items:
                reason = by_address[item.one("h3").one("a").get("href")]
                text = next(group.one("dd").text for group in item.all("div") if group.one("dt").text == why)
                assert reason.condition.name in text
                if reason.relation != Relation.ITSELF or reason.answer == Answer.FIELD:
                    assert reason.listed.label in text
        assert by_address


# --- On invented data ---------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("includes", [True, False])
def test_forms_and_members_are_meant_only_where_staff_say_so(publish, includes):
    factories.directory()
    disorder = factories.disease()
    form, group = factories.disease(kind="subtype"), factories.disease(kind="group")
    sibling = factories.disease()
    for child, parent in ((form, disorder), (disorder, group), (sibling, group)):
        factories.disease_parent(child=child, parent=parent)
    lists_disorder, lists_group = factories.centre(), factories.centre()
    for centre, listed in ((lists_disorder, disorder), (lists_group, group)):
        condition = factories.treated_condition(centre=centre, includes_descendants=includes)
        condition.diseases.set([listed])
    publish()

    def relations(code: int) -> dict[str, tuple[Relation, int]]:
        return {slug: (reason.relation, reason.steps) for slug, reason in reasons(code).items()}

    first, second = lists_disorder.slug, lists_group.slug
    below = {second: (Relation.MEMBER, 1)} if includes else {}
    assert relations(disorder.pk) == {first: (Relation.ITSELF, 0), **below}
    assert relations(sibling.pk) == below  # never sideways
    further = {first: (Relation.FORM, 1), second: (Relation.MEMBER, 2)} if includes else {}
    assert relations(form.pk) == further
    assert relations(group.pk) == {first: (Relation.BROADER, 1), second: (Relation.ITSELF, 0)}
    assert care(form.pk).answer == (Answer.NAMED if includes else Answer.OUTSIDE)


@both
def test_a_field_is_never_claimed_to_name_and_says_nothing_of_what_is_wider(publish):
    factories.directory()
    field, below, above = factories.disease(kind="group"), factories.disease(), factories.disease(kind="group")
    factories.disease_parent(child=below, parent=field)
    factories.disease_parent(child=field, parent=above)
    centre = factories.centre()
    condition = factories.treated_condition(centre=centre, is_field=True, includes_descendants=True)
    condition.diseases.set([field])
    client = publish()
    assert reasons(below.pk)[centre.slug].answer == Answer.FIELD
    assert reasons(field.pk)[centre.slug].answer == Answer.FIELD
    assert reasons(above.pk) == {}
    assert said("Names this disease", "en") not in disease_page(client, "en", below.pk).one("main").text


@both
def test_the_most_telling_reason_is_the_one_that_is_shown(publish):
    """Named before field, the nearer entry before the wider group, the centre's own words before the network's."""
    factories.directory()
    disorder, group, wider = factories.disease(), factories.disease(kind="group"), factories.disease(kind="group")
    factories.disease_parent(child=disorder, parent=group)
    factories.disease_parent(child=group, parent=wider)
    centre = factories.centre()

    def list_it(owner: dict, disease: Disease, name: str, **facts) -> None:
        condition = factories.treated_condition(**owner, name_en=name, includes_descendants=True, **facts)
        condition.diseases.set([disease])

    own, network = {"centre": centre}, {"network": centre.network}
    expected = []
    for owner, disease, name, facts in (
        (network, wider, "invented field", {"is_field": True}),
        (own, disorder, "invented field of the centre", {"is_field": True}),
        (network, wider, "invented wide group", {}),
        (own, wider, "invented wide group of the centre", {}),
        (own, group, "invented group", {}),
        (network, disorder, "invented disease", {}),
        (own, disorder, "invented disease of the centre", {}),
    ):
        list_it(owner, disease, name, **facts)
        publish()
        with translation.override("en"):
            expected.append((name, reasons(disorder.pk)[centre.slug].condition.name))
    assert len(expected) == 7
    assert not [pair for pair in expected if pair[0] != pair[1]]


@both
def test_a_network_speaks_for_its_own_public_centres_only(publish):
    factories.directory()
    disorder = factories.disease()
    network = factories.network()
    mine, draft, other = (
        factories.centre(network=network),
        factories.centre(network=network, state=State.DRAFT),
        factories.centre(),
    )
    factories.treated_condition(network=network).diseases.set([disorder])
    publish()
    found = reasons(disorder.pk)
    assert list(found) == [mine.slug]
    assert found[mine.slug].is_of_network
    assert other.slug not in found and draft.slug not in found
    assert set(care(disorder.pk).networks) == {network.pk}


@both
def test_what_a_draft_lists_is_not_an_answer(publish):
    factories.directory()
    disorder = factories.disease()
    hidden = factories.centre(state=State.DRAFT)
    factories.treated_condition(centre=hidden).diseases.set([disorder])
    unpublished = factories.network(state=State.DRAFT)
    factories.treated_condition(network=unpublished).diseases.set([disorder])
    publish()
    assert care(disorder.pk).answer == Answer.OUTSIDE
    assert not Network.public.filter(slug=unpublished.slug).exists()


@both
def test_a_circle_in_the_classification_ends(publish):
    factories.directory()
    first, second, third = (factories.disease(kind="group") for _ in range(3))
    for child, parent in ((first, second), (second, third), (third, first)):
        factories.disease_parent(child=child, parent=parent)
    factories.disease_parent(child=first, parent=first)
    centre = factories.centre()
    factories.treated_condition(centre=centre, includes_descendants=True).diseases.set([third])
    client = publish()
    assert answers.ancestors([first.pk])[first.pk] == {first.pk: 0, second.pk: 1, third.pk: 2}
    assert reasons(first.pk)[centre.slug].steps == 2
    assert reasons(third.pk)[centre.slug].relation == Relation.ITSELF
    disease_page(client, "en", first.pk)


@both
def test_an_entry_that_orphanet_withdrew_is_gone_and_not_listed(publish):
    withdrawn = factories.disease(status="withdrawn", **factories.in_three_languages("name", "Zelotica retirée"))
    replaced = factories.disease()
    factories.former_code(old_code=8_999_999, disease=replaced)
    shown = factories.directory()
    factories.treated_condition(centre=shown).diseases.set([withdrawn, replaced])
    client = publish()
    for language in LANGUAGES:
        with translation.override(language):
            assert client.get(reverse("disease", args=[withdrawn.pk])).status_code == 410
            moved = client.get(reverse("disease", args=[8_999_999]))
            assert (moved.status_code, moved["Location"]) == (301, reverse("disease", args=[replaced.pk]))
    assert not search.diseases("zelotica retirée").found
    assert reasons(replaced.pk)[shown.slug].answer == Answer.NAMED
