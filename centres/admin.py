"""The centres in the admin."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin

from centres import models
from sensgene.staff import RecordAdmin, RecordInline, SafeLookups, StaffForms


class HasWrittenContact(admin.SimpleListFilter):
    """Deaf and deafblind people need one: a centre without is work to do."""

    title = _("written contact")
    parameter_name = "written"

    def lookups(self, request, model_admin):
        return [("yes", _("Known")), ("no", _("Not known"))]

    def queryset(self, request, queryset):
        written = {"contacts__kind__in": models.WRITTEN_CONTACTS}
        if self.value() == "yes":
            return queryset.filter(**written).distinct()
        if self.value() == "no":
            return queryset.exclude(**written)
        return queryset


class ContactInline(RecordInline):
    model = models.Contact
    fields = ("kind", "value", "answers", "order")


class TeamInline(RecordInline):
    model = models.TeamMember
    fields = ("title", "first_name", "last_name", "role", "order")


CONDITION_FIELDS = ("name", "is_field", "diseases", "includes_descendants", "order")


class CentreConditionInline(RecordInline):
    """What one centre says it cares for; the network is the centre's own."""

    model = models.TreatedCondition
    fk_name = "centre"
    fields = CONDITION_FIELDS
    autocomplete_fields = ("diseases",)


class NetworkConditionInline(RecordInline):
    """What is said of the whole network."""

    model = models.TreatedCondition
    fk_name = "network"
    fields = CONDITION_FIELDS
    autocomplete_fields = ("diseases",)
    verbose_name_plural = _("cared for by the whole network")

    def get_queryset(self, request):
        return super().get_queryset(request).filter(centre__isnull=True)


class CentreAdmin(RecordAdmin):
    main_fields = (
        *("name", "network", "kind", "kind_to_confirm", "audience", "coordinator"),
        *("hospital", "department", "address_precision"),
    )
    more_groups = (
        (_("Appointment and website"), ("referral", "website", "website_remark")),
        (_("Your visit"), ("access", *models.Centre.VISIT_FIELDS)),
    )
    list_display = ("name", "network", "kind", "town", "coordinator")
    list_filter = ("network", "hospital__region", "audience", HasWrittenContact)
    list_select_related = ("network", "hospital", "coordinator")
    search_fields = (
        *("name_fr", "name_en", "name_de", "network__acronym", "hospital__name", "hospital__town"),
        "coordinator__last_name",
    )
    autocomplete_fields = ("network", "hospital", "coordinator")
    prepopulated_fields = {"slug": ("name_fr",)}
    inlines = (ContactInline, TeamInline, CentreConditionInline)
    kinds: tuple = ()

    @admin.display(description=_("town"), ordering="hospital__town")
    def town(self, centre):
        return centre.hospital.town

    def get_queryset(self, request):
        return super().get_queryset(request).filter(kind__in=self.kinds)

    def formfield_for_choice_field(self, db_field, request, **kwargs):
        if db_field.name == "kind":
            kwargs["choices"] = [(kind.value, kind.label) for kind in self.kinds]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def save_formset(self, request, form, formset, change):
        """A condition of a centre belongs to the centre's network too."""
        for part in formset.save(commit=False):
            if isinstance(part, models.TreatedCondition):
                part.network = form.instance.network
            part.save()
        for part in formset.deleted_objects:
            part.delete()
        formset.save_m2m()

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if "network" in form.changed_data:
            obj.conditions.update(network=obj.network)


@admin.register(models.ReferenceCentre)
class ReferenceCentreAdmin(CentreAdmin):
    kinds = models.REFERENCE_KINDS


@admin.register(models.CompetenceCentre)
class CompetenceCentreAdmin(CentreAdmin):
    kinds = (models.Kind.COMPETENCE,)


@admin.register(models.Network)
class NetworkAdmin(RecordAdmin):
    main_fields = (
        *("acronym", "short_name", "name", "field", "remit"),
        *("label_from", "label_until", "label_remark", "website", "order"),
    )
    list_display = ("__str__", "name", "field", "label_until")
    list_filter = ("field",)
    search_fields = ("acronym", "name_fr", "name_en", "name_de")
    prepopulated_fields = {"slug": ("acronym",)}
    inlines = (NetworkConditionInline,)


@admin.register(models.Hospital)
class HospitalAdmin(RecordAdmin):
    main_fields = (
        *("name", "street", "postcode", "town", "department", "region"),
        *("latitude", "longitude", "coordinate_precision", "finess"),
    )
    list_display = ("__str__", "street", "postcode", "region", "coordinate_precision")
    list_filter = ("region", "coordinate_precision")
    search_fields = ("name", "town", "street")
    prepopulated_fields = {"slug": ("name", "town")}


@admin.register(models.Coordinator)
class CoordinatorAdmin(RecordAdmin):
    main_fields = ("title", "first_name", "last_name", "form_of_address")
    list_display = ("__str__", "form_of_address")
    list_filter = ("title", "form_of_address")
    search_fields = ("first_name", "last_name")
    prepopulated_fields = {"slug": ("first_name", "last_name")}


@admin.register(models.Disease)
class DiseaseAdmin(SafeLookups, StaffForms, TranslationAdmin):
    """Orphanet's entries: loaded whole, corrected here where a name or a search word is wrong. Loading keeps that."""

    fieldsets = (
        (None, {"fields": ("orpha_code", "kind", "status", "name", "search_words")}),
        (
            _("From Orphanet"),
            {
                "fields": (
                    *("german_name", "synonyms_fr", "synonyms_en", "genes", "omim"),
                    *("is_eye", "is_hearing", "is_ent", "releases", "german_release"),
                )
            },
        ),
    )
    readonly_fields = (
        *("orpha_code", "kind", "status", "german_name", "synonyms_fr", "synonyms_en", "genes", "omim"),
        *("is_eye", "is_hearing", "is_ent", "releases", "german_release"),
    )
    list_display = ("orpha_code", "name_fr", "name_en", "name_de", "kind", "status", "is_edited")
    list_filter = ("is_eye", "is_hearing", "kind", "status", "is_edited")
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("=orpha_code", "name_fr", "name_en", "name_de", "search_words")
    actions = None

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def view_on_site(self, obj):
        return obj.get_absolute_url()

    def save_model(self, request, obj, form, change):
        obj.is_edited = obj.is_edited or bool(form.changed_data)
        super().save_model(request, obj, form, change)
