"""Reference data, which others publish and we load whole: Orphanet's diseases and the gazetteer's towns.

Loaders: centres/nomenclature.py and centres/gazetteer.py. Staff correct a name or a search word here, nothing else.
"""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from sensgene.records import PublicManager, readable_date

ORPHANET_PAGES = "https://www.orpha.net/{language}/disease/detail/{code}"


class DiseaseKind(models.TextChoices):
    """Orphanet's three levels, the most general first."""

    GROUP = "group", _("Group of diseases")
    DISORDER = "disorder", _("Disease")
    SUBTYPE = "subtype", _("Form of a disease")


class DiseaseStatus(models.TextChoices):
    ACTIVE = "active", _("In Orphanet’s list")
    NOT_RARE = "non_rare_in_europe", _("Counted by Orphanet as not rare in Europe")
    WITHDRAWN = "withdrawn", _("No longer in the release that was loaded last")


class DataRelease(models.Model):
    """Which files were loaded last. Its digest is how a publication knows that the reference data are the same."""

    name = models.CharField(max_length=20, primary_key=True)
    digest = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager()

    class Meta:
        verbose_name = _("loaded release")
        verbose_name_plural = _("loaded releases")

    def __str__(self):
        return self.name


class DiseaseQuerySet(models.QuerySet):
    def listed(self):
        """What Orphanet's current list holds."""
        return self.exclude(status=DiseaseStatus.WITHDRAWN)

    def of_eye_or_ear(self):
        return self.listed().filter(models.Q(is_eye=True) | models.Q(is_hearing=True))

    def answered_here(self):
        """Of eye or ear, or listed by a centre, or a group that holds one of those right below it."""
        return (
            self.listed()
            .filter(
                models.Q(is_eye=True)
                | models.Q(is_hearing=True)
                | models.Q(conditions__isnull=False)
                | models.Q(child_links__child__is_eye=True)
                | models.Q(child_links__child__is_hearing=True)
            )
            .distinct()
        )


class Disease(models.Model):
    """An entry of the Orphanet nomenclature. `name` and `synonyms` exist in French, English and German."""

    orpha_code = models.PositiveIntegerField(_("ORPHAcode"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=10, choices=DiseaseKind)
    status = models.CharField(_("status"), max_length=20, choices=DiseaseStatus, default=DiseaseStatus.ACTIVE)
    name = models.CharField(
        _("name"),
        max_length=250,
        blank=True,
        help_text=_("As readers see it. Empty: the page shows another language and says which."),
    )
    german_name = models.CharField(
        _("German name as Orphanet prints it"),
        max_length=250,
        blank=True,
        help_text=_("For searching; many are inverted or outdated, so readers never see it."),
    )
    synonyms = models.TextField(_("other names"), blank=True, help_text=_("One a line."))
    search_words = models.TextField(
        _("words people use"),
        blank=True,
        help_text=_("One a line, in any language: acronyms and everyday words. For searching only, never shown."),
    )
    is_eye = models.BooleanField(_("rare disease of the eye"), default=False)
    is_hearing = models.BooleanField(_("rare disease of hearing"), default=False)
    is_ent = models.BooleanField(_("rare disease of ear, nose or throat"), default=False)
    genes = models.TextField(_("genes"), blank=True, help_text=_("Symbols, separated by spaces."))
    omim = models.TextField("OMIM", blank=True, help_text=_("Numbers, separated by spaces."))
    releases = models.CharField(_("found in the releases of"), max_length=60, blank=True)
    german_release = models.CharField(_("release of the German name"), max_length=10, blank=True)
    is_edited = models.BooleanField(_("edited by staff"), default=False, editable=False)
    updated_at = models.DateTimeField(_("last change"), auto_now=True)

    objects = models.Manager.from_queryset(DiseaseQuerySet)()
    public = PublicManager.from_queryset(DiseaseQuerySet)()

    class Meta:
        verbose_name = _("disease")
        verbose_name_plural = _("diseases")
        ordering = ["orpha_code"]

    def __str__(self):
        return f"{self.name_fr or self.name_en} (ORPHA:{self.orpha_code})"

    def get_absolute_url(self):
        return reverse("disease", args=[self.orpha_code])

    @property
    def reading_order(self) -> tuple[str, ...]:
        """Where no clean German name exists, the English one is the international one (german-names.md)."""
        return {"de": ("de", "en", "fr"), "en": ("en", "fr", "de")}.get(get_language(), ("fr", "en", "de"))

    @property
    def label(self) -> str:
        return self.label_and_language[0]

    @property
    def label_and_language(self) -> tuple[str, str]:
        """The name to show and the language it is in."""
        return next(
            ((name, code) for code in self.reading_order if (name := getattr(self, f"name_{code}"))),
            (f"ORPHA:{self.orpha_code}", get_language()),
        )

    @property
    def is_ours(self) -> bool:
        return self.is_eye or self.is_hearing

    @property
    def orphanet_url(self) -> str:
        return ORPHANET_PAGES.format(language=get_language(), code=self.orpha_code)

    @property
    def releases_in_words(self) -> str:
        """June 2023, December 2025."""
        return ", ".join(map(readable_date, self.releases.split())) or _("earlier than June 2023")

    def synonym_list(self, language: str) -> list[str]:
        return (getattr(self, f"synonyms_{language}") or "").splitlines()


class DiseaseParent(models.Model):
    """One entry stands below another in one of Orphanet's classifications."""

    child = models.ForeignKey(Disease, on_delete=models.PROTECT, related_name="parent_links")
    parent = models.ForeignKey(Disease, on_delete=models.PROTECT, related_name="child_links")
    is_direct = models.BooleanField(
        _("directly below"),
        default=True,
        help_text=_("False: somewhere below; the steps between are not in the data."),
    )

    objects = models.Manager()
    public = PublicManager()

    class Meta:
        verbose_name = _("place in the classification")
        verbose_name_plural = _("places in the classification")
        constraints = [
            models.UniqueConstraint(
                name="one_place_below_a_group",
                fields=["child", "parent"],
                violation_error_message=_("This entry stands below that group already."),
            )
        ]

    def __str__(self):
        return f"{self.child_id} < {self.parent_id}"


class FormerCode(models.Model):
    """An ORPHAcode that Orphanet gave up, and the entry that took its place."""

    old_code = models.PositiveIntegerField(_("former ORPHAcode"), primary_key=True)
    disease = models.ForeignKey(Disease, on_delete=models.PROTECT, related_name="former_codes")
    name_fr = models.CharField(max_length=250, blank=True)
    name_en = models.CharField(max_length=250, blank=True)

    objects = models.Manager()
    public = PublicManager()

    class Meta:
        verbose_name = _("former ORPHAcode")
        verbose_name_plural = _("former ORPHAcodes")

    def __str__(self):
        return f"{self.old_code} → {self.disease_id}"


class Country(models.TextChoices):
    FRANCE = "FR", _("France")
    GERMANY = "DE", _("Germany")
    SWITZERLAND = "CH", _("Switzerland")
    BELGIUM = "BE", _("Belgium")
    LUXEMBOURG = "LU", _("Luxembourg")
    MONACO = "MC", _("Monaco")


class TownKind(models.TextChoices):
    """What a French entry is today; abroad everything is a town."""

    COMMUNE = "commune", _("Commune")
    FORMER_COMMUNE = "former_commune", _("Former commune")
    DISTRICT = "district", _("District of a city")
    TOWN = "town", pgettext_lazy("place", "Town")


class Town(models.Model):
    """A place that people may name, and its point (WGS 84, degrees): the town hall's, or one inside the town."""

    id = models.CharField(max_length=20, primary_key=True)
    country = models.CharField(_("country"), max_length=2, choices=Country)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=15, choices=TownKind)
    postcodes = models.CharField(_("postcodes"), max_length=300, blank=True)
    region = models.CharField(_("region"), max_length=60, blank=True)
    department = models.CharField(pgettext_lazy("part of France", "department"), max_length=60, blank=True)
    department_code = models.CharField(max_length=5, blank=True)
    population = models.PositiveIntegerField(_("inhabitants"), default=0)
    latitude = models.FloatField(validators=[MinValueValidator(-90), MaxValueValidator(90)])
    longitude = models.FloatField(validators=[MinValueValidator(-180), MaxValueValidator(180)])
    other_names = models.TextField(_("other names"), blank=True, help_text=_("For matching; many lost their accents."))

    objects = models.Manager()
    public = PublicManager()

    class Meta:
        verbose_name = _("town")
        verbose_name_plural = _("towns")
        ordering = ["id"]

    def __str__(self):
        return self.label

    @property
    def district(self) -> str:
        """What tells two towns of one name apart: the department, or country and region abroad."""
        if self.country == Country.FRANCE:
            return self.department or self.region
        return ", ".join(filter(None, [self.region, str(Country(self.country).label)]))

    @property
    def label(self) -> str:
        return f"{self.name} ({self.district})" if self.district not in ("", self.name) else self.name
