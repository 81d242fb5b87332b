"""The texts in the admin."""

from django.contrib import admin

from missions import models
from sensgene.staff import RecordAdmin, RecordInline


class PageSectionInline(RecordInline):
    model = models.PageSection
    fields = ("heading", "body", "below", "order")


@admin.register(models.Page)
class PageAdmin(RecordAdmin):
    main_fields = ("title", "summary")
    list_display = ("title", "slug")
    search_fields = (
        "slug",
        "title_fr",
        "title_en",
        "title_de",
        "sections__body_fr",
        "sections__body_en",
        "sections__body_de",
    )
    prepopulated_fields = {"slug": ("title_fr",)}
    inlines = (PageSectionInline,)


@admin.register(models.Mission)
class MissionAdmin(RecordAdmin):
    main_fields = ("body", "title", "text", "order")
    list_display = ("title", "body", "order")
    list_filter = ("body",)
    search_fields = ("title_fr", "title_en", "title_de")
    prepopulated_fields = {"slug": ("title_fr",)}


@admin.register(models.Milestone)
class MilestoneAdmin(RecordAdmin):
    main_fields = ("date", "text")
    list_display = ("date", "text")
    search_fields = ("text_fr", "text_en", "text_de")


@admin.register(models.Figure)
class FigureAdmin(RecordAdmin):
    main_fields = ("number", "label", "as_of", "order")
    list_display = ("label", "number", "as_of", "order")
    search_fields = ("label_fr", "label_en", "label_de")


@admin.register(models.HealthChannel)
class HealthChannelAdmin(RecordAdmin):
    main_fields = ("acronym", "name", "scope", "website", "coordinator", "hospital")
    list_display = ("acronym", "name", "website", "coordinator")
    search_fields = ("acronym", "name_fr", "name_en", "name_de")
    prepopulated_fields = {"slug": ("acronym",)}


@admin.register(models.Association)
class AssociationAdmin(RecordAdmin):
    main_fields = ("name", "scope", "tie", "website", "is_patient_association")
    list_display = ("name", "scope", "website")
    list_filter = ("is_patient_association",)
    search_fields = ("name", "scope_fr", "scope_en", "scope_de")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(models.Partner)
class PartnerAdmin(RecordAdmin):
    main_fields = ("name", "description", "website", "on_every_page", "order")
    list_display = ("name", "website", "on_every_page", "order")
    list_filter = ("on_every_page",)
    search_fields = ("name_fr", "name_en", "name_de")
    prepopulated_fields = {"slug": ("name_fr",)}


@admin.register(models.LegalText)
class LegalTextAdmin(RecordAdmin):
    main_fields = ("title", "date", "reference", "purpose", "url")
    list_display = ("title", "date", "reference")
    search_fields = ("title_fr", "title_en", "title_de", "reference")
    prepopulated_fields = {"slug": ("title_fr",)}


@admin.register(models.HelpLine)
class HelpLineAdmin(RecordAdmin):
    main_fields = ("name", "offers", "website", "sms", "phone", "hours", "on_every_page", "order")
    list_display = ("name", "website", "sms", "phone", "order")
    search_fields = ("name_fr", "name_en", "name_de")
    prepopulated_fields = {"slug": ("name_fr",)}


@admin.register(models.GlossaryTerm)
class GlossaryTermAdmin(RecordAdmin):
    main_fields = ("term", "abbreviation", "definition")
    list_display = ("term", "abbreviation")
    search_fields = ("term_fr", "term_en", "term_de", "abbreviation")
    prepopulated_fields = {"slug": ("term_fr",)}


@admin.register(models.AccessibilityAudit)
class AccessibilityAuditAdmin(RecordAdmin):
    main_fields = ("result", "audited_on", "auditor", "rate")
    list_display = ("result", "audited_on", "auditor", "rate")
