"""How records look in the admin, whatever they are: languages side by side, states, sources, nothing deleted by mistake."""

from django import forms
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from modeltranslation.admin import TranslationAdmin, TranslationStackedInline

from sensgene.records import State

SOURCE_FIELDS = ("source_url", "source_date", "source_read_on", "source_remark", "verified_on")
SAFE_LOOKUPS = ("exact", "isnull", "isempty", "in", "gte", "lt")


class SafeLookups:
    """Refuses what no link of the admin's lists asks for."""

    def lookup_allowed(self, lookup, value, request):
        """A regular expression or a range in the address is nobody's bookmark, and a database error on PostgreSQL."""
        parts = lookup.split("__")
        if len(parts) > 1 and parts[-1] not in SAFE_LOOKUPS and self._is_lookup(parts):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _is_lookup(self, parts: list[str]) -> bool:
        model = self.model
        for part in parts:
            try:
                field = model._meta.get_field(part)
            except FieldDoesNotExist:
                return True
            model = getattr(field, "related_model", None) or model
        return False


class StaffForms:
    """Shared by pages and inlines: rooms large enough to write in, and a script that shows one language at a time."""

    formfield_overrides = {
        models.TextField: {"widget": forms.Textarea(attrs={"rows": 6, "cols": 80})},
        models.URLField: {
            "widget": admin.widgets.AdminURLFieldWidget(attrs={"size": 80}),
            "assume_scheme": "https",
        },
    }

    class Media:
        js = ["js/staff_languages.js"]
        css = {"all": ["css/staff.css"]}


class RecordInline(StaffForms, TranslationStackedInline):
    """Parts of a record. Parts can be removed: the record's own page shows what is left."""

    extra = 0
    max_num = 100
    has_source = True  # False for what we write ourselves

    def get_formset(self, request, obj=None, **kwargs):
        """A form that claims a million parts must not occupy a worker."""
        formset = super().get_formset(request, obj, **kwargs)
        formset.absolute_max = type(self).max_num  # Django sets this one's own to 0 for those who may add none
        return formset

    def get_fieldsets(self, request, obj=None):
        fields = [name for name in self.fields if name not in SOURCE_FIELDS]
        if not self.has_source:
            return self._patch_fieldsets([(None, {"fields": fields})])
        source = {"fields": (*SOURCE_FIELDS, "staff_note"), "classes": ["collapse"]}
        return self._patch_fieldsets([(None, {"fields": fields}), (_("Source and notes for staff"), source)])


class RecordAdmin(SafeLookups, StaffForms, TranslationAdmin):
    """The base of every page of the admin. A subclass names its own fields, filters and columns."""

    main_fields: tuple = ()
    more_groups: tuple[tuple, ...] = ()  # (heading, fields) after the main ones
    has_source = True  # False for what we write ourselves
    list_per_page = 50
    save_on_top = True
    actions = ["publish", "withdraw"]
    show_facets = admin.ShowFacets.ALWAYS

    def get_fieldsets(self, request, obj=None):
        groups = [
            (None, {"fields": ("state", "slug")}),
            (_("What the page shows"), {"fields": self.main_fields}),
            *((heading, {"fields": fields}) for heading, fields in self.more_groups),
            *([(_("Source"), {"fields": SOURCE_FIELDS})] if self.has_source else []),
            (_("Notes for staff"), {"fields": ("staff_note",)}),
        ]
        return self._patch_fieldsets(groups)

    def get_list_filter(self, request):
        verified = [("verified_on", admin.EmptyFieldListFilter)] if self.has_source else []
        return (*super().get_list_filter(request), "state", *verified)

    def get_list_display(self, request):
        verified = ["verified_on"] if self.has_source else []
        return (*super().get_list_display(request), "state", *verified, "updated_at")

    def get_readonly_fields(self, request, obj=None):
        """An address once published answers for ever, so a short name stays as it was first saved."""
        return ("slug",) if obj else ()

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def has_delete_permission(self, request, obj=None):
        """Only a draft that staff began themselves can be thrown away; anything else is archived."""
        if not super().has_delete_permission(request, obj):
            return False
        return obj is not None and obj.state == State.DRAFT and not obj.loaded_digest

    def get_actions(self, request):
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        if not self.has_change_permission(request):
            actions = {}
        return actions

    def view_on_site(self, obj):
        return obj.get_absolute_url() if obj.state == State.PUBLISHED and hasattr(obj, "get_absolute_url") else None

    def get_changeform_initial_data(self, request):
        """What the address offers for a new record, without what its field cannot hold."""
        return {
            name: value
            for name, value in super().get_changeform_initial_data(request).items()
            if self._can_hold(name, value)
        }

    def _can_hold(self, name: str, value) -> bool:
        try:
            field = self.model._meta.get_field(name)
            (field.target_field if field.is_relation else field).to_python(value)
        except (FieldDoesNotExist, ValidationError, AttributeError, TypeError, ValueError):
            return False
        return True

    @admin.action(description=_("Publish the selected records"), permissions=["change"])
    def publish(self, request, queryset):
        count = self._bring_to(State.PUBLISHED, request, queryset)
        self.message_user(request, ngettext("%d record is published.", "%d records are published.", count) % count)

    @admin.action(description=_("Take the selected records off the site (archive)"), permissions=["change"])
    def withdraw(self, request, queryset):
        count = self._bring_to(State.ARCHIVED, request, queryset)
        self.message_user(
            request, ngettext("%d record was taken off the site.", "%d records were taken off the site.", count) % count
        )

    def _bring_to(self, state: State, request, queryset) -> int:
        """Changes the state of each record that may have it, says why the others may not; returns how many did."""
        count = 0
        for record in queryset:
            record.state = state
            try:
                record.full_clean()
            except ValidationError as error:
                self.message_user(request, f"{record}: {' '.join(error.messages)}", level="error")
                continue
            record.save()
            self.log_change(request, record, str(state.label))
            count += 1
        return count
