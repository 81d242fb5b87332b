"""Which centres answer for a disease, and why: by its name, by the field of their network, or not at all.

A centre or a network lists printed words; staff tie them to entries of Orphanet. From there the classification leads
down to forms and members (where the words mean them too), and never sideways.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from django.db import connections

from centres.models import Centre, TreatedCondition
from centres.reference import Disease, DiseaseKind
from sensgene import snapshot


class Answer(StrEnum):
    """The three answers, told apart in words on every page. Of a group, a centre may name a form only."""

    NAMED = "named"
    FIELD = "field"
    FORM = "form"  # what is listed is a form of it, and so much narrower
    OUTSIDE = "outside"


ORDER = (Answer.NAMED, Answer.FIELD, Answer.FORM)
LEVELS = (DiseaseKind.GROUP, DiseaseKind.DISORDER, DiseaseKind.SUBTYPE)
SOMEWHERE_BELOW = 6  # steps that are counted where the data do not say which lie between


class Relation(StrEnum):
    """How the disease that was asked for stands to the entry that is listed."""

    ITSELF = "itself"
    FORM = "form"  # it is a form of the listed disease
    MEMBER = "member"  # it belongs to the listed group
    BROADER = "broader"  # the listed one is a form of it


@dataclass(frozen=True)
class Reason:
    """Why a centre is an answer: what it, or its network, lists, and how that concerns the disease."""

    answer: Answer
    relation: Relation
    listed: Disease
    condition: TreatedCondition
    steps: int  # in the classification, between the disease and what is listed

    @property
    def is_of_network(self) -> bool:
        return self.condition.centre_id is None

    @property
    def rank(self) -> tuple:
        """The most telling reason first: named before field, the nearer entry before the wider group."""
        return (
            ORDER.index(self.answer),
            self.steps,
            LEVELS.index(self.listed.kind),
            self.is_of_network,
            self.listed.pk,
            self.condition.pk,
        )


@dataclass
class Care:
    """The answer for one disease: a reason for each centre and network that has one."""

    disease: Disease
    centres: dict[int, Reason] = field(default_factory=dict)
    networks: dict[int, Reason] = field(default_factory=dict)

    @property
    def answer(self) -> Answer:
        answers = {reason.answer for reason in self.centres.values()}
        return next((answer for answer in ORDER if answer in answers), Answer.OUTSIDE)

    def count(self, answer: Answer) -> int:
        return sum(reason.answer == answer for reason in self.centres.values())


def ancestors(codes: list[int]) -> dict[int, dict[int, int]]:
    """For each entry, everything it stands below, itself included, with the number of steps."""
    if not codes:
        return {}
    places = ", ".join(["(%s)"] * len(codes))
    with connections[snapshot.ALIAS].cursor() as cursor:
        cursor.execute(
            # Steps are bounded: a classification that runs in a circle must not run for ever.
            f"WITH RECURSIVE start(code) AS (VALUES {places}), above(code, ancestor, steps) AS ("  # noqa: S608
            "SELECT code, code, 0 FROM start UNION "
            "SELECT a.code, p.parent_id, a.steps + CASE WHEN p.is_direct THEN 1 ELSE %s END "
            "FROM above a JOIN centres_diseaseparent p ON p.child_id = a.ancestor WHERE a.steps < 18) SELECT code, ancestor, min(steps) FROM above GROUP BY code, ancestor",
            [*codes, SOMEWHERE_BELOW],
        )
        found: dict[int, dict[int, int]] = {code: {} for code in codes}
        for code, ancestor, steps in cursor.fetchall():
            found[code][ancestor] = steps
    return found


def care_of(disease: Disease) -> Care:
    """Every centre that answers for this disease, each with its best reason."""
    conditions = list(TreatedCondition.public.select_related("network", "centre").prefetch_related("diseases"))
    listed = sorted({each.pk for condition in conditions for each in condition.diseases.all()})
    above = ancestors([disease.pk, *(code for code in listed if code != disease.pk)])
    care = Care(disease)
    for condition in conditions:
        for entry in condition.diseases.all():
            if reason := reason_for(disease, entry, condition, above):
                add(care, reason)
    spread_over_networks(care)
    return care


def reason_for(disease: Disease, entry: Disease, condition: TreatedCondition, above: dict) -> Reason | None:
    answer = Answer.FIELD if condition.is_field else Answer.NAMED
    if entry.pk == disease.pk:
        return Reason(answer, Relation.ITSELF, entry, condition, 0)
    if condition.includes_descendants and (steps := above[disease.pk].get(entry.pk)):
        relation = Relation.MEMBER if entry.kind == DiseaseKind.GROUP else Relation.FORM
        return Reason(answer, relation, entry, condition, steps)
    if answer == Answer.NAMED and (steps := above.get(entry.pk, {}).get(disease.pk)):
        return Reason(Answer.FORM, Relation.BROADER, entry, condition, steps)
    return None


def add(care: Care, reason: Reason) -> None:
    place, key = (care.networks, reason.condition.network_id)
    if reason.condition.centre_id:
        place, key = care.centres, reason.condition.centre_id
    if key not in place or reason.rank < place[key].rank:
        place[key] = reason


def spread_over_networks(care: Care) -> None:
    """What is said of a whole network holds for each of its centres that says nothing better itself."""
    for pk, network in Centre.public.values_list("pk", "network_id"):
        reason = care.networks.get(network)
        if reason and (pk not in care.centres or reason.rank < care.centres[pk].rank):
            care.centres[pk] = reason
