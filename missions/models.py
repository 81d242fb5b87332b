"""The network speaking of itself and of its neighbours: texts, missions, figures, channels, associations, laws."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from sensgene import navigation, phones
from sensgene.records import Addressed, PartialDateField, PublicManager, Record, RecordQuerySet, Sourced, State, host


class Body(models.TextChoices):
    """Whose mission it is."""

    REFERENCE_CENTRE = "reference_centre", _("Reference centre")
    COMPETENCE_CENTRE = "competence_centre", _("Competence centre")
    CHANNEL = "channel", _("Channel")


class Picture(models.Model):
    """A logo, as pixels: decoded and encoded anew when it was uploaded, so that nothing else is in it.

    It lies in the database, not in a folder: hosts share nothing else, and the snapshot carries it to the pages.
    """

    class Kind(models.TextChoices):
        PNG = "image/png", "PNG"
        JPEG = "image/jpeg", "JPEG"
        WEBP = "image/webp", "WebP"

    name = models.CharField(_("name"), max_length=100, help_text=_("For staff only: to find it again."))
    alt = models.CharField(
        _("alternative text"), max_length=200, help_text=_("What the picture says to somebody who does not see it.")
    )
    kind = models.CharField(max_length=10, choices=Kind, editable=False)
    width = models.PositiveIntegerField(_("width"), editable=False)
    height = models.PositiveIntegerField(_("height"), editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # of the content; its address
    content = models.BinaryField(editable=False)
    updated_at = models.DateTimeField(_("last change"), auto_now=True)

    objects = models.Manager()
    public = PublicManager()

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name


def logo_field() -> models.ForeignKey:
    return models.ForeignKey(
        Picture, verbose_name=_("logo"), on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )


class Page(Addressed):
    """A page of prose. Its text is sections of plain text; its address comes from its short name."""

    title = models.CharField(_("title"), max_length=120)
    summary = models.CharField(
        _("summary"), max_length=300, blank=True, help_text=_("First sentence under the title; search engines show it.")
    )

    class Meta:
        verbose_name = _("page")
        verbose_name_plural = _("pages")
        ordering = ["slug"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        """A page the navigation knows has an address in words; any other one is found under its short name."""
        return reverse(self.slug) if self.has_fixed_address else reverse("page", args=[self.slug])

    @property
    def has_fixed_address(self) -> bool:
        return self.slug in navigation.PAGES

    @property
    def source_is_its_own(self) -> bool:
        """Whether no section names the same source already."""
        return self.source_url not in {section.source_url for section in self.sections.all()}

    def clean(self):
        """Menu and foot link to the pages that have an address in words: those stay published.

        Raises ValidationError naming `state`.
        """
        if self.has_fixed_address and self.state != State.PUBLISHED:
            raise ValidationError(
                {"state": _("The menu or the foot of every page links here: this page stays published.")}
            )


class PageSection(Sourced):
    page = models.ForeignKey(Page, verbose_name=_("page"), on_delete=models.PROTECT, related_name="sections")
    heading = models.CharField(_("heading"), max_length=120, blank=True)
    body = models.TextField(
        _("text"),
        help_text=_(
            "An empty line begins a paragraph, “- ” a list item. [words](https://…) or [words](page:glossary) is a link, "
            "[fr: mots] marks words of another language."
        ),
    )
    below = models.BooleanField(
        _("below the list"), default=False, help_text=_("On pages that show a list: this section stands after it.")
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["order", "pk"]

    def __str__(self):
        return self.heading or f"{self.page} {self.order}"


class MissionQuerySet(RecordQuerySet):
    def of(self, body: Body):
        return self.filter(body=body)


class Mission(Record):
    """What the law asks of a channel, a reference centre, a competence centre."""

    body = models.CharField(_("whose mission"), max_length=20, choices=Body)
    title = models.CharField(_("title"), max_length=150)
    text = models.TextField(_("text"), blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    objects = models.Manager.from_queryset(MissionQuerySet)()
    public = PublicManager.from_queryset(MissionQuerySet)()

    class Meta:
        verbose_name = _("mission")
        verbose_name_plural = _("missions")
        ordering = ["body", "order", "slug"]

    def __str__(self):
        return self.title


class Milestone(Record):
    """One dated line of the history."""

    date = PartialDateField(_("date"))
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("history")
        ordering = ["date", "slug"]

    def __str__(self):
        return f"{self.date} {self.text}"


class Figure(Record):
    """A number with the date it was true."""

    number = models.PositiveIntegerField(_("number"))
    label = models.CharField(_("what is counted"), max_length=200)
    as_of = PartialDateField(_("true in"), blank=True, help_text=_("Empty if the source prints no date."))
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("figure")
        verbose_name_plural = _("figures")
        ordering = ["order", "slug"]

    def __str__(self):
        return f"{self.number} {self.label}"

    @property
    def readable_number(self) -> str:
        """Grouped as the page's language groups it: 1 773, 1,773, 1.773."""
        return number_format(self.number, use_l10n=True, force_grouping=True)


class HealthChannel(Record):
    """One of the 23 national rare-disease health networks (filières de santé maladies rares)."""

    acronym = models.CharField(_("acronym"), max_length=30)
    name = models.CharField(_("name"), max_length=250)
    scope = models.TextField(_("diseases"), blank=True)
    website = models.URLField(_("website"), max_length=300, blank=True)
    coordinator = models.CharField(_("coordinator"), max_length=150, blank=True)
    hospital = models.CharField(_("hospital"), max_length=200, blank=True)
    logo = logo_field()
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("health channel")
        verbose_name_plural = _("health channels")
        ordering = ["order", "slug"]

    def __str__(self):
        return self.acronym

    @property
    def coordinator_name(self) -> str:
        """The name with its title in the page's language: Pr, Prof."""
        title, _space, name = self.coordinator.partition(" ")
        titles = {"Pr": pgettext("title of a physician", "Prof."), "Dr": pgettext("title of a physician", "Dr")}
        return f"{titles[title]} {name}" if title in titles else self.coordinator

    @property
    def website_host(self) -> str:
        return host(self.website)


class Association(Record):
    name = models.CharField(_("name"), max_length=200)
    scope = models.CharField(_("concerns"), max_length=300, blank=True)
    tie = models.CharField(_("tie with the network"), max_length=300, blank=True)
    website = models.URLField(_("website"), max_length=300, blank=True)
    is_patient_association = models.BooleanField(_("is an association of patients"), default=True)
    logo = logo_field()
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("association")
        verbose_name_plural = _("associations")
        ordering = ["order", "slug"]

    def __str__(self):
        return self.name

    @property
    def website_host(self) -> str:
        return host(self.website)


class Partner(Record):
    name = models.CharField(_("name"), max_length=200)
    description = models.CharField(_("description"), max_length=400, blank=True)
    website = models.URLField(_("website"), max_length=300, blank=True)
    logo = logo_field()
    on_every_page = models.BooleanField(_("named at the foot of every page"), default=False)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        ordering = ["order", "slug"]

    def __str__(self):
        return self.name

    @property
    def website_host(self) -> str:
        return host(self.website)


class LegalText(Record):
    title = models.CharField(_("title"), max_length=300)
    date = PartialDateField(_("date"), blank=True)
    reference = models.CharField(_("reference"), max_length=200, blank=True)
    purpose = models.CharField(_("what for"), max_length=400, blank=True)
    url = models.URLField(_("address of the text"), max_length=500, blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0, help_text=_("Equal numbers: the newest first."))

    class Meta:
        verbose_name = _("legal text")
        verbose_name_plural = _("legal texts")
        ordering = ["order", F("date").desc(), "slug"]

    def __str__(self):
        return self.title

    @property
    def url_host(self) -> str:
        return host(self.url)


class HelpLine(Record):
    """Where to turn: a helpline, an emergency number, an encyclopedia."""

    name = models.CharField(_("name"), max_length=250)
    offers = models.CharField(_("what it offers"), max_length=400, blank=True)
    website = models.URLField(_("website"), max_length=300, blank=True)
    sms = models.CharField("SMS", max_length=30, blank=True, validators=[phones.validate])
    phone = models.CharField(_("phone"), max_length=30, blank=True, validators=[phones.validate])
    hours = models.CharField(_("hours"), max_length=100, blank=True)
    on_every_page = models.BooleanField(_("named at the foot of every page"), default=False)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("help line")
        verbose_name_plural = _("help lines")
        ordering = ["order", "slug"]

    def __str__(self):
        return self.name

    @property
    def website_host(self) -> str:
        return host(self.website)


class GlossaryTerm(Record):
    term = models.CharField(_("term"), max_length=150)
    abbreviation = models.CharField(_("abbreviation"), max_length=20, blank=True)
    definition = models.TextField(_("definition"))
    order = models.PositiveSmallIntegerField(_("order"), default=0, help_text=_("Equal numbers: by the alphabet."))

    class Meta:
        verbose_name = _("glossary term")
        verbose_name_plural = _("glossary")
        ordering = ["order", "slug"]

    def __str__(self):
        return self.term


class AccessibilityAudit(Record):
    """The state of conformity that the accessibility statement prints; the newest published one counts."""

    class Result(models.TextChoices):
        NOT_AUDITED = "not_audited", _("not compliant, not yet audited")
        NONE = "none", _("not compliant")
        PARTIAL = "partial", _("partially compliant")
        FULL = "full", _("fully compliant")

    result = models.CharField(_("result"), max_length=12, choices=Result, default=Result.NOT_AUDITED)
    audited_on = models.DateField(_("audited on"), null=True, blank=True)
    auditor = models.CharField(_("auditor"), max_length=200, blank=True)
    rate = models.DecimalField(_("criteria met, in percent"), max_digits=5, decimal_places=2, null=True, blank=True)

    class Meta:
        verbose_name = _("accessibility audit")
        verbose_name_plural = _("accessibility audits")
        ordering = [F("audited_on").desc(nulls_last=True), "slug"]
        constraints = [
            models.CheckConstraint(
                name="audit_has_a_date_once_it_has_a_result",
                condition=Q(result="not_audited", audited_on__isnull=True)
                | ~Q(result="not_audited") & Q(audited_on__isnull=False),
                violation_error_message=_("An audit with a result needs its date; without an audit there is none."),
            ),
            models.CheckConstraint(
                name="audit_rate_is_a_percentage",
                condition=Q(rate__isnull=True) | Q(rate__range=(0, 100)),
                violation_error_message=_("The rate lies between 0 and 100 percent."),
            ),
        ]

    def __str__(self):
        return self.get_result_display()


class OutgoingLink(models.Model):
    """An address of another site that our pages lead to, and how it answered (see sensgene/links.py)."""

    url = models.URLField(_("address"), max_length=500, unique=True)
    status = models.CharField(_("last answer"), max_length=60, blank=True)
    checked_at = models.DateTimeField(_("last checked on"), null=True)
    last_good_at = models.DateTimeField(_("last worked on"), null=True)
    first_failed_at = models.DateTimeField(_("first failed on"), null=True)
    last_failed_at = models.DateTimeField(_("last failed on"), null=True)

    class Meta:
        verbose_name = _("outgoing link")
        verbose_name_plural = _("outgoing links")
        ordering = ["first_failed_at", "url"]

    def __str__(self):
        return self.url
