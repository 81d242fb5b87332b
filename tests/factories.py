"""Invented records, one plain function per model. Pass the facts that a test is about; the rest says it is invented."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from itertools import count

from django.contrib.auth.models import User
from django.utils import timezone

from centres import models as centres
from missions import models as missions
from newsletter import addresses
from newsletter import models as newsletter
from sensgene.records import State

_numbers = count(1)

ONE_PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")


def in_three_languages(field: str, text: str) -> dict[str, str]:
    """name → name_fr, name_en, name_de. Named one by one, so that the active language plays no part."""
    return {f"{field}_{code}": f"{text} ({code})" for code in ("fr", "en", "de")}


def _without_language(field: str) -> str:
    return field[:-3] if field.endswith(("_fr", "_en", "_de")) else field


def _save(model, defaults: dict, fields: dict):
    """A text given in one language or more replaces all three of the default."""
    given = set(map(_without_language, fields))
    kept = {name: value for name, value in defaults.items() if _without_language(name) not in given}
    return model.objects.create(**kept, **fields)


def _record(model, name: str, defaults: dict, fields: dict):
    record = {"slug": f"invented-{name}-{next(_numbers)}", "state": State.PUBLISHED}
    return _save(model, {**record, **defaults}, fields)


# --- Centres ------------------------------------------------------------------------------------------------------


def hospital(**fields) -> centres.Hospital:
    defaults = {"name": "Invented hospital for a test", "town": "Invented town", "region": centres.Region.GRAND_EST}
    return _record(centres.Hospital, "hospital", defaults, fields)


def coordinator(**fields) -> centres.Coordinator:
    defaults = {"title": centres.Title.PROFESSOR, "first_name": "Invented", "last_name": "Coordinator"}
    return _record(centres.Coordinator, "coordinator", defaults, fields)


def network(**fields) -> centres.Network:
    defaults = {**in_three_languages("name", "Invented network for a test"), "field": centres.Field.BOTH}
    return _record(centres.Network, "network", defaults, fields)


def centre(**fields) -> centres.Centre:
    """A competence centre: of those, a network may have many."""
    defaults = {**in_three_languages("name", "Invented centre for a test"), "kind": centres.Kind.COMPETENCE}
    fields["network"] = fields.get("network") or network()
    fields["hospital"] = fields.get("hospital") or hospital()
    return _record(centres.Centre, "centre", defaults, fields)


def contact(**fields) -> centres.Contact:
    defaults = {"kind": centres.ContactKind.EMAIL, "value": f"invented-{next(_numbers)}@example.org"}
    fields["centre"] = fields.get("centre") or centre()
    return _save(centres.Contact, defaults, fields)


def team_member(**fields) -> centres.TeamMember:
    defaults = {"first_name": "Invented", "last_name": "Member", **in_three_languages("role", "Invented role")}
    fields["centre"] = fields.get("centre") or centre()
    return _save(centres.TeamMember, defaults, fields)


def treated_condition(**fields) -> centres.TreatedCondition:
    """Of a whole network, unless a centre is given."""
    owner = fields.get("centre")
    fields["network"] = fields.get("network") or (owner.network if owner else network())
    return _save(centres.TreatedCondition, in_three_languages("name", "Invented condition"), fields)


# --- Reference data -----------------------------------------------------------------------------------------------


def disease(**fields) -> centres.Disease:
    """No entry of Orphanet has such a code."""
    defaults = {**in_three_languages("name", "Invented disease for a test"), "kind": "disorder", "is_eye": True}
    return _save(centres.Disease, {"orpha_code": 9_000_000 + next(_numbers), **defaults}, fields)


def disease_parent(**fields) -> centres.DiseaseParent:
    fields["child"] = fields.get("child") or disease()
    fields["parent"] = fields.get("parent") or disease(kind="group")
    return _save(centres.DiseaseParent, {}, fields)


def former_code(**fields) -> centres.FormerCode:
    fields["disease"] = fields.get("disease") or disease()
    return _save(
        centres.FormerCode, {"old_code": 8_000_000 + next(_numbers), "name_fr": "Invented former name"}, fields
    )


def town(**fields) -> centres.Town:
    defaults = {"name": "Invented town", "country": "FR", "kind": "commune", "latitude": 48.5, "longitude": 7.5}
    return _save(centres.Town, {"id": f"fr-{next(_numbers)}", **defaults}, fields)


def data_release(**fields) -> centres.DataRelease:
    return _save(centres.DataRelease, {"name": f"invented-{next(_numbers)}", "digest": "0" * 64, "rows": 1}, fields)


# --- Kept true ----------------------------------------------------------------------------------------------------


def editorship(**fields) -> centres.Editorship:
    fields["centre"] = fields.get("centre") or centre()
    fields["user"] = fields.get("user") or User.objects.create_user(f"invented-editor-{next(_numbers)}")
    return centres.Editorship.objects.create(**fields)


def error_report(**fields) -> centres.ErrorReport:
    fields["centre"] = fields.get("centre") or centre()
    defaults = {"language": "fr", "page": fields["centre"].get_absolute_url(), "text": "Invented report for a test."}
    return centres.ErrorReport.objects.create(**{**defaults, "typed_at": timezone.now(), **fields})


def check_request(**fields) -> centres.CheckRequest:
    fields["centre"] = fields.get("centre") or centre()
    now = timezone.now()
    defaults = {"language": "fr", "address": f"invented-{next(_numbers)}@example.org"}
    return centres.CheckRequest.objects.create(
        **{**defaults, "asked_at": now, "expires_at": now + timedelta(days=30), **fields}
    )


def proposed_change(**fields) -> centres.ProposedChange:
    fields["check_request"] = fields.get("check_request") or check_request()
    row = fields["check_request"].centre
    defaults = {"model": "centres.Centre", "row": row.pk, "field": "department_fr", "label": "Invented label"}
    return centres.ProposedChange.objects.create(**{**defaults, "new": "Invented department", **fields})


def centre_import(**fields) -> centres.CentreImport:
    return centres.CentreImport.objects.create(**{"name": "invented.csv", "content": b"slug\n", **fields})


# --- Texts --------------------------------------------------------------------------------------------------------


def picture(**fields) -> missions.Picture:
    number = next(_numbers)
    defaults = {**in_three_languages("alt", "Invented alternative text"), "name": f"Invented picture {number}"}
    pixels = {"kind": "image/png", "width": 1, "height": 1, "digest": f"{number:064x}", "content": ONE_PIXEL}
    return missions.Picture.objects.create(**{**defaults, **pixels, **fields})


def outgoing_link(**fields) -> missions.OutgoingLink:
    return missions.OutgoingLink.objects.create(**{"url": f"https://invented-{next(_numbers)}.example/", **fields})


def page(**fields) -> missions.Page:
    return _record(missions.Page, "page", in_three_languages("title", "Invented page for a test"), fields)


def page_section(**fields) -> missions.PageSection:
    defaults = {**in_three_languages("heading", "Invented heading"), **in_three_languages("body", "Invented text.")}
    fields["page"] = fields.get("page") or page()
    return _save(missions.PageSection, defaults, fields)


def mission(**fields) -> missions.Mission:
    defaults = {**in_three_languages("title", "Invented mission"), "body": missions.Body.CHANNEL}
    return _record(missions.Mission, "mission", defaults, fields)


def milestone(**fields) -> missions.Milestone:
    defaults = {**in_three_languages("text", "Invented event"), "date": "2019-04"}
    return _record(missions.Milestone, "milestone", defaults, fields)


def figure(**fields) -> missions.Figure:
    defaults = {**in_three_languages("label", "invented things"), "number": 1234}
    return _record(missions.Figure, "figure", defaults, fields)


def health_channel(**fields) -> missions.HealthChannel:
    defaults = {**in_three_languages("name", "Invented channel"), "acronym": "INVENTED"}
    return _record(missions.HealthChannel, "channel", defaults, fields)


def association(**fields) -> missions.Association:
    return _record(missions.Association, "association", {"name": "Invented association"}, fields)


def partner(**fields) -> missions.Partner:
    return _record(missions.Partner, "partner", in_three_languages("name", "Invented partner"), fields)


def legal_text(**fields) -> missions.LegalText:
    return _record(missions.LegalText, "law", in_three_languages("title", "Invented law"), fields)


def help_line(**fields) -> missions.HelpLine:
    return _record(missions.HelpLine, "help-line", in_three_languages("name", "Invented help line"), fields)


def glossary_term(**fields) -> missions.GlossaryTerm:
    defaults = {**in_three_languages("term", "invented term"), **in_three_languages("definition", "Invented.")}
    return _record(missions.GlossaryTerm, "term", defaults, fields)


def accessibility_audit(**fields) -> missions.AccessibilityAudit:
    return _record(missions.AccessibilityAudit, "audit", {}, fields)


# --- Newsletter ---------------------------------------------------------------------------------------------------

LONG_AGO = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)


def issue(**fields) -> newsletter.Issue:
    """One that was sent, and is public."""
    defaults = {
        **in_three_languages("subject", "Invented issue for a test"),
        **in_three_languages("preheader", "Invented first line"),
        **{"mailing": newsletter.Mailing.SENT, "released_at": LONG_AGO},
    }
    return _record(newsletter.Issue, "issue", defaults, fields)


def issue_section(**fields) -> newsletter.IssueSection:
    defaults = {**in_three_languages("heading", "Invented heading"), **in_three_languages("body", "Invented news.")}
    fields["issue"] = fields.get("issue") or issue()
    return _save(newsletter.IssueSection, defaults, fields)


def subscriber(**fields) -> newsletter.Subscriber:
    """Subscribed and confirmed, unless `standing` says otherwise."""
    given = fields.setdefault("address", f"invented-{next(_numbers)}@example.org")
    defaults = {"language": "fr", "standing": newsletter.Standing.ACTIVE}
    moments = {"standing_since": LONG_AGO, "last_sign_at": LONG_AGO}
    return newsletter.Subscriber.objects.create(**{**defaults, **moments, "digest": addresses.digest(given), **fields})


def consent(**fields) -> newsletter.Consent:
    """Confirmed, by the sign-up page."""
    fields["subscriber"] = fields.get("subscriber") or subscriber()
    defaults = {"wording": "2026-11", "language": "fr", "page": "/fr/invented/"}
    return newsletter.Consent.objects.create(
        **{**defaults, "requested_at": LONG_AGO, "confirmed_at": LONG_AGO, **fields}
    )


def consenting_subscriber(**fields) -> newsletter.Subscriber:
    """With the consent, and its withdrawal, that belong to the standing."""
    now = timezone.now()
    made = subscriber(**{"standing_since": now, "last_sign_at": now, **fields})
    is_pending, is_active = made.standing == newsletter.Standing.PENDING, made.standing == newsletter.Standing.ACTIVE
    consent(
        subscriber=made,
        language=made.language,
        requested_at=made.last_sign_at,
        confirmed_at=None if is_pending else made.last_sign_at,
        withdrawn_at=None if is_pending or is_active else made.standing_since,
    )
    return made


def delivery(**fields) -> newsletter.Delivery:
    """A copy of an issue that waits, unless `kind` and `state` say otherwise."""
    if "subscriber" not in fields:
        fields["subscriber"] = subscriber()
    kind = fields.setdefault("kind", newsletter.Delivery.Kind.ISSUE)
    if kind in (newsletter.Delivery.Kind.ISSUE, newsletter.Delivery.Kind.TEST):
        fields["issue"] = fields.get("issue") or issue()
    to = fields["subscriber"]
    who = {"address": to.address, "language": to.language} if to else {"language": "fr"}
    moments = {"written_at": LONG_AGO, "next_try": LONG_AGO}
    return newsletter.Delivery.objects.create(
        **{**who, **moments, "message_id": f"<invented-{next(_numbers)}@example.org>", **fields}
    )


def sent_delivery(**fields) -> newsletter.Delivery:
    """A copy that left, just now, to somebody who consented."""
    if "subscriber" not in fields:
        fields["subscriber"] = consenting_subscriber()
    now = timezone.now()
    return delivery(**{"state": newsletter.Transit.SENT, "written_at": now, "next_try": now, **fields})


def report(**fields) -> newsletter.Bounce:
    """As the function that reads returned mail makes it: not saved."""
    fields["delivery"] = fields.get("delivery") or sent_delivery(**_only("subscriber", fields))
    fields.setdefault("subscriber", fields["delivery"].subscriber)
    defaults = {"kind": newsletter.Bounce.Kind.HARD, "status": "5.1.1", "received_at": timezone.now()}
    return newsletter.Bounce(**{**defaults, "fingerprint": f"invented {next(_numbers)}", **fields})


def _only(name: str, fields: dict) -> dict:
    return {name: fields[name]} if fields.get(name) else {}


def bounce(**fields) -> newsletter.Bounce:
    fields["subscriber"] = fields.get("subscriber") or subscriber()
    defaults = {"kind": newsletter.Bounce.Kind.SOFT, "status": "4.2.2", "diagnostic": "Invented: mailbox full"}
    return newsletter.Bounce.objects.create(
        **{**defaults, "received_at": LONG_AGO, "fingerprint": f"invented {next(_numbers)}", **fields}
    )


FACTORIES = {
    centres.Hospital: hospital,
    centres.Coordinator: coordinator,
    centres.Network: network,
    centres.Centre: centre,
    centres.TeamMember: team_member,
    centres.Contact: contact,
    centres.TreatedCondition: treated_condition,
    centres.Disease: disease,
    centres.DiseaseParent: disease_parent,
    centres.FormerCode: former_code,
    centres.Town: town,
    centres.DataRelease: data_release,
    missions.Picture: picture,
    missions.OutgoingLink: outgoing_link,
    missions.Page: page,
    missions.PageSection: page_section,
    missions.Mission: mission,
    missions.Milestone: milestone,
    missions.Figure: figure,
    missions.HealthChannel: health_channel,
    missions.Association: association,
    missions.Partner: partner,
    missions.LegalText: legal_text,
    missions.HelpLine: help_line,
    missions.GlossaryTerm: glossary_term,
    missions.AccessibilityAudit: accessibility_audit,
    newsletter.Issue: issue,
    newsletter.IssueSection: issue_section,
}
KEPT_TRUE = {
    centres.Editorship: editorship,
    centres.ErrorReport: error_report,
    centres.CheckRequest: check_request,
    centres.ProposedChange: proposed_change,
    centres.CentreImport: centre_import,
}
FACTORIES |= KEPT_TRUE


# --- A whole site -------------------------------------------------------------------------------------------------


def directory() -> centres.Centre:
    """The smallest site that can be published: every page of the navigation and one record of each kind.

    Returns its one centre, a coordinating one.
    """
    from sensgene.sitemaps import FixedPages

    for slug in FixedPages().items():
        page_section(page=page(slug=slug))
    shown = centre(kind=centres.Kind.COORDINATING, coordinator=coordinator(), slug="invented-centre")
    for part in (contact, team_member, treated_condition):
        part(centre=shown)
    for model, factory in FACTORIES.items():
        if model not in KEPT_TRUE and not model.objects.exists():
            factory()
    return shown
