"""Networks, their centres, the hospitals they work in, the people in charge and the ways to reach them.

What others publish and we load whole (diseases, towns) is in centres/reference.py; what keeps all this true, in
centres/upkeep.py.
"""

from datetime import date
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator, validate_email
from django.db import models
from django.db.models import Q
from django.db.models.functions import Left, Length
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from centres.reference import DataRelease, Disease, DiseaseParent, FormerCode, Town
from centres.upkeep import CentreImport, CheckRequest, Editorship, ErrorReport, ProposedChange
from sensgene import phones
from sensgene.records import (
    Addressed,
    PartialDateField,
    PublicManager,
    Record,
    RecordQuerySet,
    Sourced,
    State,
    either_both_or_none,
    host,
)

# Django looks for models here.
__all__ = [
    "CentreImport",
    "CheckRequest",
    "DataRelease",
    "Disease",
    "DiseaseParent",
    "Editorship",
    "ErrorReport",
    "FormerCode",
    "ProposedChange",
    "Town",
]


class Field(models.TextChoices):
    EYE = "eye", _("Eye")
    HEARING = "hearing", _("Hearing")
    BOTH = "both", _("Eye and hearing")


class Region(models.TextChoices):
    """The regions of France by their INSEE code, mainland first."""

    AUVERGNE_RHONE_ALPES = "84", _("Auvergne-Rhône-Alpes")
    BOURGOGNE_FRANCHE_COMTE = "27", _("Bourgogne-Franche-Comté")
    BRETAGNE = "53", _("Brittany")
    CENTRE_VAL_DE_LOIRE = "24", _("Centre-Val de Loire")
    CORSE = "94", _("Corsica")
    GRAND_EST = "44", _("Grand Est")
    HAUTS_DE_FRANCE = "32", _("Hauts-de-France")
    ILE_DE_FRANCE = "11", _("Île-de-France")
    NORMANDIE = "28", _("Normandy")
    NOUVELLE_AQUITAINE = "75", _("Nouvelle-Aquitaine")
    OCCITANIE = "76", _("Occitanie")
    PAYS_DE_LA_LOIRE = "52", _("Pays de la Loire")
    PROVENCE_ALPES_COTE_D_AZUR = "93", _("Provence-Alpes-Côte d’Azur")
    GUADELOUPE = "01", _("Guadeloupe")
    MARTINIQUE = "02", _("Martinique")
    GUYANE = "03", _("French Guiana")
    LA_REUNION = "04", _("Réunion")
    MAYOTTE = "06", _("Mayotte")

    @property
    def slug(self) -> str:
        """Its short name in addresses: grand-est."""
        return self.name.lower().replace("_", "-")

    @property
    def french(self) -> str:
        """Its own name, as the gazetteer has it."""
        with translation.override("fr"):
            return str(self.label)

    def get_absolute_url(self) -> str:
        return reverse("region", args=[self.slug])


class Precision(models.TextChoices):
    """What a pair of coordinates points at."""

    BUILDING = "building", _("The building of the clinic")
    HOSPITAL = "hospital", _("The hospital")
    TOWN = "town", _("The town only")


class AddressPrecision(models.TextChoices):
    """What the hospital's address says about where the consultation is. Empty means that no source says it."""

    BUILDING = "building", _("The consultation is at this address")
    MAIN_SITE = "main_site", _("Address of the hospital’s main site; the building of the clinic is not confirmed")


class Kind(models.TextChoices):
    COORDINATING = "coordinating", _("Reference centre, coordinating site")
    CONSTITUTIVE = "constitutive", _("Reference centre, constitutive site")
    COMPETENCE = "competence", _("Competence centre")


REFERENCE_KINDS = (Kind.COORDINATING, Kind.CONSTITUTIVE)


class Title(models.TextChoices):
    PROFESSOR = "Pr", pgettext_lazy("title of a physician", "Prof.")
    DOCTOR = "Dr", pgettext_lazy("title of a physician", "Dr")


class Audience(models.TextChoices):
    """Whom a centre receives. Empty means that no source says it."""

    CHILDREN = "children", _("Children")
    ADULTS = "adults", _("Adults")
    BOTH = "both", _("Children and adults")


class FormOfAddress(models.TextChoices):
    """How the person in charge is called; French and German need to know. Empty: a neutral wording."""

    FEMININE = "feminine", _("coordonnatrice / Koordinatorin")
    MASCULINE = "masculine", _("coordonnateur / Koordinator")


class ContactKind(models.TextChoices):
    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")
    SMS = "sms", _("SMS")
    RELAY = "relay", _("Video call in French Sign Language")
    FORM = "form", _("Form on the centre’s site")


WRITTEN_CONTACTS = (ContactKind.EMAIL, ContactKind.SMS, ContactKind.FORM)


class Provided(models.TextChoices):
    """Whether the visit offers something. Empty means unknown to us."""

    YES = "yes", _("Yes")
    ON_REQUEST = "on_request", _("On request")
    NO = "no", _("No")


# As many characters as both have: from May 2022 until 2022 is in order.
LABEL_PERIOD_IN_ORDER = (
    Q(label_from="") | Q(label_until="") | Q(label_until__gte=Left("label_from", Length("label_until")))
)


class Hospital(Record):
    UNKNOWN = _("hospital not known")

    name = models.CharField(_("name"), max_length=200, blank=True, help_text=_("Empty if only the town is known."))
    street = models.CharField(_("street"), max_length=200, blank=True)
    postcode = models.CharField(_("postcode"), max_length=10, blank=True)
    town = models.CharField(_("town"), max_length=100)
    department = models.CharField(pgettext_lazy("part of France", "department"), max_length=100, blank=True)
    region = models.CharField(_("region"), max_length=2, choices=Region)
    latitude = models.DecimalField(_("latitude"), max_digits=8, decimal_places=5, null=True, blank=True)
    longitude = models.DecimalField(_("longitude"), max_digits=8, decimal_places=5, null=True, blank=True)
    coordinate_precision = models.CharField(
        _("what the coordinates point at"), max_length=10, choices=Precision, blank=True
    )
    finess = models.CharField(
        "FINESS",
        max_length=9,
        blank=True,
        validators=[RegexValidator(r"^\d[\dAB]\d{7}$", _("A FINESS number has nine characters."))],
        help_text=_("National number of the establishment."),
    )

    class Meta:
        verbose_name = _("hospital")
        verbose_name_plural = _("hospitals")
        ordering = ["town", "slug"]
        constraints = [
            models.CheckConstraint(
                name="hospital_coordinates_in_range",
                condition=Q(latitude__isnull=True) | Q(latitude__range=(-90, 90)),
                violation_error_message=_("A latitude lies between −90 and 90."),
            ),
            models.CheckConstraint(
                name="hospital_longitude_in_range",
                condition=Q(longitude__isnull=True) | Q(longitude__range=(-180, 180)),
                violation_error_message=_("A longitude lies between −180 and 180."),
            ),
            models.CheckConstraint(
                name="hospital_coordinates_both_or_none",
                condition=either_both_or_none("latitude", "longitude"),
                violation_error_message=_("Give both coordinates, or neither."),
            ),
            models.CheckConstraint(
                name="hospital_coordinates_say_what_they_point_at",
                condition=Q(latitude__isnull=True, coordinate_precision="")
                | Q(latitude__isnull=False) & ~Q(coordinate_precision=""),
                violation_error_message=_(
                    "Say what the coordinates point at; without coordinates, leave that choice empty."
                ),
            ),
        ]

    def __str__(self):
        return f"{self.name}, {self.town}" if self.name else f"{self.town} ({self.UNKNOWN})"

    @property
    def locality(self) -> str:
        """Postcode and town on one line, as on an envelope."""
        return f"{self.postcode} {self.town}".strip()


class Person(models.Model):
    """A professional, named because a dated source names them in that role. Abstract."""

    title = models.CharField(_("title"), max_length=2, choices=Title, blank=True)
    first_name = models.CharField(_("first name"), max_length=100)
    last_name = models.CharField(_("last name"), max_length=100)

    class Meta:
        abstract = True

    def __str__(self):
        return " ".join(filter(None, [self.get_title_display(), self.first_name, self.last_name]))


class Coordinator(Person, Record):
    """The physician in charge of a network or of a site."""

    form_of_address = models.CharField(_("form of address"), max_length=10, choices=FormOfAddress, blank=True)

    class Meta:
        verbose_name = _("coordinator")
        verbose_name_plural = _("coordinators")
        ordering = ["last_name", "first_name"]

    @property
    def role(self) -> str:
        """What to call the post, in the form that this person is known to use."""
        return {
            FormOfAddress.FEMININE: pgettext("a woman", "Coordinator"),
            FormOfAddress.MASCULINE: pgettext("a man", "Coordinator"),
        }.get(self.form_of_address, pgettext("form not known", "Coordinator"))


class Network(Addressed):
    """A labelled reference centre with its sites: CARGO, CRNK, MAOLYA, OPHTARA, REFERET, genetic deafness."""

    acronym = models.CharField(_("acronym"), max_length=20, blank=True)
    short_name = models.CharField(
        _("what people call it"), max_length=60, blank=True, help_text=_("For a network without an acronym.")
    )
    name = models.CharField(_("name"), max_length=200)
    remit = models.TextField(_("field of work"), blank=True, help_text=_("What it cares for, in a sentence or two."))
    channel = models.ForeignKey(
        "missions.HealthChannel",
        verbose_name=_("health channel"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="networks",
        help_text=_("Which of the 23 channels it belongs to."),
    )
    field = models.CharField(
        _("eye or hearing"),
        max_length=10,
        choices=Field,
        blank=True,
        help_text=_("Empty for a network of another channel, for neither eyes nor ears."),
    )
    label_from = PartialDateField(_("label from"), blank=True)
    label_until = PartialDateField(_("label until"), blank=True)
    label_remark = models.CharField(
        _("remark on the label"), max_length=300, blank=True, help_text=_("Shown to readers, under the dates.")
    )
    website = models.URLField(_("website"), max_length=300, blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("reference network")
        verbose_name_plural = _("reference networks")
        ordering = ["order", "slug"]
        constraints = [
            models.CheckConstraint(
                name="network_label_period_in_order",
                condition=LABEL_PERIOD_IN_ORDER,
                violation_error_message=_("The label ends before it begins."),
            ),
        ]

    def __str__(self):
        return self.called

    def get_absolute_url(self):
        return reverse("network", args=[self.slug])

    @property
    def called(self) -> str:
        """What people call it: the acronym, or a short name where there is none."""
        return self.acronym or self.short_name or self.name

    @property
    def website_host(self) -> str:
        return host(self.website)

    @property
    def label_has_ended(self) -> bool:
        """Whether the last day that `label_until` can mean is past."""
        return bool(self.label_until) and self.label_until < date.today().isoformat()[: len(self.label_until)]

    def own_conditions(self) -> list["TreatedCondition"]:
        """What is said of the whole network, not of one centre."""
        return [condition for condition in self.conditions.all() if condition.centre_id is None]


class CentreQuerySet(RecordQuerySet):
    def coordinating(self):
        return self.filter(kind=Kind.COORDINATING)

    def reference(self):
        return self.filter(kind__in=REFERENCE_KINDS)

    def competence(self):
        return self.filter(kind=Kind.COMPETENCE)

    def for_network(self, network: Network):
        return self.filter(network=network)

    def with_place_and_people(self):
        """One query for what a line of a list shows."""
        return self.select_related("network", "hospital", "coordinator")

    def with_contacts(self):
        return self.prefetch_related("contacts")

    def with_all(self):
        """What a centre's own page shows."""
        return self.with_place_and_people().prefetch_related("contacts", "team", "conditions")

    def in_reading_order(self):
        """Network by network, the coordinating site first. The order of `Kind` is not alphabetical."""
        rank = models.Case(
            *[models.When(kind=kind, then=position) for position, kind in enumerate(Kind.values)],
            output_field=models.PositiveSmallIntegerField(),
        )
        return self.alias(rank=rank).order_by("network__order", "rank", "hospital__town", "slug")


class Centre(Addressed):
    network = models.ForeignKey(Network, verbose_name=_("network"), on_delete=models.PROTECT, related_name="centres")
    kind = models.CharField(_("kind of label"), max_length=15, choices=Kind)
    kind_to_confirm = models.BooleanField(
        _("kind to be confirmed"),
        default=False,
        help_text=_("No source says in so many words which kind of label it is."),
    )
    name = models.CharField(_("name"), max_length=200)
    hospital = models.ForeignKey(Hospital, verbose_name=_("hospital"), on_delete=models.PROTECT, related_name="centres")
    department = models.CharField(
        pgettext_lazy("part of a hospital", "department"),
        max_length=200,
        blank=True,
        help_text=_("The hospital's department, for example ophthalmology."),
    )
    address_precision = models.CharField(
        _("what the address says"), max_length=10, choices=AddressPrecision, blank=True
    )
    coordinator = models.ForeignKey(
        Coordinator,
        verbose_name=_("coordinator"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="centres",
    )
    audience = models.CharField(_("for whom"), max_length=10, choices=Audience, blank=True)
    label_from = PartialDateField(
        _("label from"), blank=True, help_text=_("Only if this centre’s label differs from its network’s.")
    )
    label_until = PartialDateField(_("label until"), blank=True)
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("verified by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    rhythm = models.PositiveSmallIntegerField(_("verified every … months"), default=12)
    referral = models.TextField(
        _("how to get an appointment"), blank=True, help_text=_("Who may write or call, and what to send.")
    )
    access = models.TextField(
        _("way in, in words"),
        blank=True,
        help_text=_("From the street or the stop to the door, for people who do not see."),
    )
    website = models.URLField(_("website"), max_length=500, blank=True)
    website_remark = models.CharField(
        _("remark on the website"), max_length=200, blank=True, help_text=_("For example: page of the hospital.")
    )
    # The visit. Each empty choice means unknown to us, and is work to do.
    sign_language = models.CharField(
        _("interpreter for French Sign Language (LSF)"), max_length=10, choices=Provided, blank=True
    )
    tactile_signing = models.CharField(
        _("tactile signing or guide-interpreter"), max_length=10, choices=Provided, blank=True
    )
    induction_loop = models.CharField(_("induction loop"), max_length=10, choices=Provided, blank=True)
    accessible_letters = models.CharField(
        _("letters in large print or by e-mail"), max_length=10, choices=Provided, blank=True
    )
    guide_dogs = models.CharField(_("guide dogs welcome"), max_length=10, choices=Provided, blank=True)
    met_at_the_door = models.CharField(_("someone meets you at the door"), max_length=10, choices=Provided, blank=True)
    step_free = models.CharField(_("step-free way in"), max_length=10, choices=Provided, blank=True)

    VISIT_FIELDS = (
        "sign_language",
        "tactile_signing",
        "induction_loop",
        "accessible_letters",
        "guide_dogs",
        "met_at_the_door",
        "step_free",
    )

    objects = models.Manager.from_queryset(CentreQuerySet)()
    public = PublicManager.from_queryset(CentreQuerySet)()

    class Meta:
        verbose_name = _("centre")
        verbose_name_plural = _("centres")
        ordering = ["network", "slug"]
        constraints = [
            models.UniqueConstraint(
                name="one_coordinating_centre_a_network",
                fields=["network"],
                condition=Q(kind=Kind.COORDINATING) & ~Q(state=State.ARCHIVED),
                violation_error_message=_("This network already has a coordinating site."),
            ),
            models.CheckConstraint(
                name="centre_label_period_in_order",
                condition=LABEL_PERIOD_IN_ORDER,
                violation_error_message=_("The label ends before it begins."),
            ),
            models.CheckConstraint(
                name="centre_is_verified_every_so_many_months",
                condition=Q(rhythm__range=(1, 60)),
                violation_error_message=_("Between 1 and 60 months lie between two verifications."),
            ),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("centre", args=[self.slug])

    def clean(self):
        """A public centre stands on public records.

        Raises ValidationError naming the record that is not published.
        """
        needed = {"network": self.network, "hospital": self.hospital} if self.network_id and self.hospital_id else {}
        if self.state == State.PUBLISHED:
            errors = {
                name: _("Publish “%(record)s” first: this record needs it.") % {"record": record}
                for name, record in needed.items()
                if record.state != State.PUBLISHED
            }
            if errors:
                raise ValidationError(errors)

    @property
    def website_host(self) -> str:
        return host(self.website)

    @property
    def coordinator_role(self) -> str:
        return (self.coordinator or Coordinator()).role

    @property
    def has_written_contact(self) -> bool:
        return any(contact.is_written for contact in self.contacts.all())

    def visit(self) -> list[tuple[str, str]]:
        """What a visitor may need, as (question, answer), in the order of the form; an empty answer is unknown."""
        return [
            (self._meta.get_field(name).verbose_name, getattr(self, f"get_{name}_display")())
            for name in self.VISIT_FIELDS
        ]

    @property
    def knows_the_whole_visit(self) -> bool:
        return all(getattr(self, name) for name in self.VISIT_FIELDS)

    def sources(self) -> list[tuple[list, Sourced]]:
        """Where the facts of the page come from: the facts that one source covers, and a record that names it.

        A fact is a text, or the condition whose name it is, since that has a language.
        """
        facts = [
            (_("the centre"), self),
            (_("the address"), self.hospital),
            *([(str(self.coordinator), self.coordinator)] if self.coordinator else []),
            *((contact.readable_value, contact) for contact in self.contacts.all()),
            *((str(member), member) for member in self.team.all()),
            *((condition, condition) for condition in self.conditions.all()),
        ]
        grouped: dict[tuple, tuple[list, Sourced]] = {}
        for label, record in facts:
            if record.source_url or record.source_remark:
                source = (record.source_url, record.source_date, record.source_read_on, record.source_remark)
                grouped.setdefault(source, ([], record))[0].append(label)
        return list(grouped.values())


class TeamMember(Person, Sourced):
    """Somebody a patient may meet there, besides the coordinator."""

    centre = models.ForeignKey(Centre, verbose_name=_("centre"), on_delete=models.PROTECT, related_name="team")
    role = models.CharField(_("role"), max_length=200, blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("member of the team")
        verbose_name_plural = _("team")
        ordering = ["order", "pk"]


class Contact(Sourced):
    """One way to reach a centre."""

    centre = models.ForeignKey(Centre, verbose_name=_("centre"), on_delete=models.PROTECT, related_name="contacts")
    kind = models.CharField(_("kind"), max_length=10, choices=ContactKind)
    value = models.CharField(
        _("number or address"), max_length=300, help_text=_("A number with its country code: +33 1 44 49 57 44.")
    )
    answers = models.CharField(
        _("who answers"), max_length=200, blank=True, help_text=_("For example: appointment desk of the department.")
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["order", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="contact_listed_once",
                fields=["centre", "kind", "value"],
                violation_error_message=_("This centre already has this contact."),
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.readable_value}"

    def clean(self):
        """The number or address is one that can be reached.

        Raises ValidationError naming `value`.
        """
        validate = {
            ContactKind.EMAIL: validate_email,
            ContactKind.FORM: URLValidator(schemes=["https", "http"]),
            ContactKind.RELAY: URLValidator(schemes=["https"]),
            ContactKind.PHONE: phones.validate,
            ContactKind.SMS: phones.validate,
        }.get(self.kind)
        try:
            if validate:
                validate(self.value)
        except ValidationError as error:
            raise ValidationError({"value": error.messages}) from error

    @property
    def is_written(self) -> bool:
        return self.kind in WRITTEN_CONTACTS

    @property
    def readable_value(self) -> str:
        return phones.readable(self.value) if self.kind in (ContactKind.PHONE, ContactKind.SMS) else self.value

    @property
    def href(self) -> str:
        match self.kind:
            case ContactKind.EMAIL:
                return f"mailto:{quote(self.value, safe='@+')}"
            case ContactKind.PHONE:
                return f"tel:{phones.international(self.value)}"
            case ContactKind.SMS:
                return f"sms:{phones.international(self.value)}"
        return self.value


class TreatedCondition(Sourced):
    """A disease or a group of diseases that a network, or one centre of it, says it cares for."""

    network = models.ForeignKey(Network, verbose_name=_("network"), on_delete=models.PROTECT, related_name="conditions")
    centre = models.ForeignKey(
        Centre,
        verbose_name=_("centre"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="conditions",
        help_text=_("Empty if the statement is about the whole network."),
    )
    name = models.CharField(_("name"), max_length=200)
    is_field = models.BooleanField(
        _("a whole field"),
        default=False,
        help_text=_("Taken from a name or a heading: the page says “covers the field”, never “names this disease”."),
    )
    diseases = models.ManyToManyField(
        Disease,
        verbose_name=_("entries of Orphanet"),
        blank=True,
        related_name="conditions",
        help_text=_("What the printed words mean in Orphanet’s list. Empty if no entry means the same: do not guess."),
    )
    includes_descendants = models.BooleanField(
        _("with everything below"),
        default=False,
        help_text=_("The forms and the members of these entries are meant too."),
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("condition cared for")
        verbose_name_plural = _("conditions cared for")
        ordering = ["order", "pk"]

    def __str__(self):
        return self.name


class ReferenceCentre(Centre):
    class Meta:
        proxy = True
        verbose_name = _("reference centre")
        verbose_name_plural = _("reference centres")


class CompetenceCentre(Centre):
    class Meta:
        proxy = True
        verbose_name = _("competence centre")
        verbose_name_plural = _("competence centres")
