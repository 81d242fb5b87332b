"""The newsletter in the admin: issues are written here; letters, subscribers and reports are looked at.

What a list or a form of the admin cannot do (release, preview, …) is in staff_pages.py.
"""

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import connection, transaction
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from newsletter import staff_pages
from newsletter.models import (
    Bounce,
    Consent,
    Delivery,
    Issue,
    IssueSection,
    Mailing,
    Subscriber,
    Suppression,
    Transit,
)
from newsletter.progress import moment
from newsletter.staff_forms import ConfirmForm
from sensgene.records import State
from sensgene.staff import RecordAdmin, RecordInline, SafeLookups

AT_ONCE = 100  # people erased by one action: more is no daily work

# --- Issues -------------------------------------------------------------------------------------------------------


class IssueSectionInline(RecordInline):
    """Centres and channels are plain lists: usable by keyboard, and a letter typed jumps to a town or an acronym."""

    model = IssueSection
    fields = ("heading", "body", "centre", "channel", "order")
    has_source = False

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "centre":
            centres = apps.get_model("centres.Centre").objects.filter(state=State.PUBLISHED)
            field.queryset = centres
            shown = centres.select_related("hospital", "network").order_by("hospital__town", "name_fr")
            field.choices = [("", "---------"), *((each.pk, self.centre_in_words(each)) for each in shown)]
        elif db_field.name == "channel":
            field.queryset = apps.get_model("missions.HealthChannel").objects.filter(state=State.PUBLISHED)
            shown = field.queryset.order_by("acronym")
            field.choices = [("", "---------"), *((each.pk, f"{each.acronym}: {each.name}") for each in shown)]
        return field

    @staticmethod
    def centre_in_words(centre) -> str:
        return f"{centre.hospital.town}: {centre.name} ({centre.network})"

    def has_add_permission(self, request, obj=None):
        return super().has_add_permission(request, obj) and (obj is None or obj.is_open)

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.is_open)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and (obj is None or obj.is_open)


@admin.register(Issue)
class IssueAdmin(RecordAdmin):
    main_fields = ("subject", "preheader")
    list_display = ("subject", "sending", "completeness", "starts", "finished")
    list_filter = ("mailing",)
    search_fields = ("subject_fr", "subject_en", "subject_de", "slug")
    prepopulated_fields = {"slug": ("subject_fr",)}
    inlines = (IssueSectionInline,)
    has_source = False
    change_form_template = "admin/newsletter/issue_form.html"

    @admin.display(description=_("sending"), ordering="mailing")
    def sending(self, issue):
        if issue.mailing == Mailing.WRITING:
            return issue.get_mailing_display()
        return format_html(
            '<a href="{}">{}</a>', staff_pages.address("issue_progress", issue.pk), issue.get_mailing_display()
        )

    @admin.display(description=_("what is written"))
    def completeness(self, issue):
        return staff_pages.completeness_in_words(issue)

    @admin.display(description=_("starts on"), ordering="starts_at")
    def starts(self, issue):
        return moment(issue.starts_at)

    @admin.display(description=_("finished on"), ordering="finished_at")
    def finished(self, issue):
        return moment(issue.finished_at)

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("sections")

    def get_object(self, request, object_id, from_field=None):
        """Whoever saves holds the row, as `release` does: what is released meanwhile is not overwritten."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST" and connection.in_atomic_block:
            Issue.objects.select_for_update().get(pk=found.pk)
            found = super().get_object(request, object_id, from_field)
        return found

    def get_readonly_fields(self, request, obj=None):
        """What was released is frozen: the copies say what they say."""
        fixed = super().get_readonly_fields(request, obj)
        if obj is None or obj.is_open:
            return fixed
        texts = [f"{field}_{code}" for field in self.main_fields for code, _name in settings.LANGUAGES]
        return (*fixed, *texts)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and obj.released_at is None

    def get_deleted_objects(self, objs, request):
        """Test copies go with their issue; a copy to a subscriber never does."""
        gone, counts, needed, protected = super().get_deleted_objects(objs, request)
        if Delivery.objects.filter(issue__in=objs).exclude(kind=Delivery.Kind.TEST).exists():
            return gone, counts, needed, protected
        return gone, counts, needed - {Delivery._meta.verbose_name}, []

    def delete_model(self, request, obj):
        obj.deliveries.filter(kind=Delivery.Kind.TEST).delete()
        super().delete_model(request, obj)

    def save_model(self, request, obj, form, change):
        obj.last_edited_by = request.user
        super().save_model(request, obj, form, change)

    @transaction.atomic
    def _bring_to(self, state, request, queryset):
        return super()._bring_to(state, request, queryset.select_for_update())

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        may = request.user.has_perm
        context |= {
            "may_test": may("newsletter.change_issue") or may("newsletter.release_issue"),
            "may_release": may("newsletter.release_issue"),
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_urls(self):
        return [*staff_pages.of_issues(), *super().get_urls()]


def called(subscriber: Subscriber) -> str:
    """By the address, as long as there is one."""
    return subscriber.address or str(subscriber)


def link_to(record, words: str = ""):
    """The record's name, leading to its page of the admin."""
    where = reverse(f"admin:newsletter_{record._meta.model_name}_change", args=[record.pk])
    return format_html('<a href="{}">{}</a>', where, words or record)


# --- What is only looked at ---------------------------------------------------------------------------------------


class OnlyLookedAt:
    """No row is typed, changed or thrown away by hand. What may be done to it has a button of its own."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_view_permission(self, request, obj=None):
        """Whoever may act sees, too."""
        rights = ("view", "change", "delete")
        names = [f"{self.opts.app_label}.{right}_{self.opts.model_name}" for right in rights]
        return any(map(request.user.has_perm, names))


class OnlyLookedAtAdmin(OnlyLookedAt, SafeLookups, admin.ModelAdmin):
    list_per_page = 50

    def has_module_permission(self, request):
        return self.has_view_permission(request)


class PartOfSubscriber(OnlyLookedAt, admin.TabularInline):
    extra = 0
    show_change_link = False

    def has_view_permission(self, request, obj=None):
        return True  # shown on the page of a subscriber, which asks


class ConsentInline(PartOfSubscriber):
    model = Consent
    fields = ("wording", "language", "page", "requested_at", "confirmed_at", "withdrawn_at")


class BounceInline(PartOfSubscriber):
    model = Bounce
    fields = ("received_at", "kind", "status", "diagnostic")


class LetterInline(PartOfSubscriber):
    model = Delivery
    verbose_name_plural = _("letters")
    fields = ("kind", "issue", "state", "written_at", "ended_at", "last_code")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("issue")


# --- The outbox ---------------------------------------------------------------------------------------------------

WHAT_IT_MEANS = {
    Transit.PENDING: _("It waits for its turn, or for its next attempt."),
    Transit.CLAIMED: _("A worker has taken it and will hand it over within moments. It has not left."),
    Transit.DISPATCHING: _(
        "It is being handed over at this moment. If the worker dies now, the journal of the mail server tells whether it left."
    ),
    Transit.SENT: _("The mail server has taken it. What happens after that, we learn only if a report comes back."),
    Transit.FAILED: _("The mail server refused it for good, or too often. It will not be tried again."),
    Transit.UNSURE: _(
        "The connection or the worker broke after the letter was handed over and before the server answered. The server "
        "may or may not have accepted it, and nobody here can know. Send it again, and this person may receive it twice; "
        "leave it, and they may not receive it at all. Programs that recognise a letter by its number show it once."
    ),
    Transit.QUARANTINED: _(
        "Three workers died while they had this letter: it may be what kills them. It was not handed over. Ask somebody "
        "who knows the machine before you send it again."
    ),
    Transit.CANCELLED: _("It will not leave: the person left, the issue was stopped, or staff decided so."),
}


@admin.register(Delivery)
class DeliveryAdmin(OnlyLookedAtAdmin):
    list_display = ("kind", "address", "state", "attempts", "answer", "next_attempt", "issue")
    list_filter = ("state", "kind", "issue")
    list_select_related = ("issue",)
    search_fields = ("address", "message_id")
    actions = ("send_again", "leave_it")
    change_form_template = "admin/newsletter/delivery_detail.html"
    fieldsets = (
        (None, {"fields": ("kind", "issue_in_words", "address", "language", "who")}),
        (_("Where it is"), {"fields": ("state", "meaning", "attempts", "crashes", "answer", "next_attempt")}),
        (_("Moments"), {"fields": ("written_at", "handed_over", "ended_at", "number")}),
    )
    readonly_fields = ("issue_in_words", "who", "meaning", "answer", "next_attempt", "handed_over", "number")

    @admin.display(description=_("subscriber"))
    def who(self, delivery):
        return link_to(delivery.subscriber, called(delivery.subscriber)) if delivery.subscriber else "-"

    @admin.display(description=_("hand-over begun on"))
    def handed_over(self, delivery):
        return moment(delivery.dispatched_at) or "-"

    @admin.display(description=_("number of the letter (Message-ID)"))
    def number(self, delivery):
        return delivery.message_id

    @admin.display(description=_("next attempt"), ordering="next_try")
    def next_attempt(self, delivery):
        return moment(delivery.next_try) if delivery.state == Transit.PENDING else "-"

    @admin.display(description=_("answer of the server"))
    def answer(self, delivery):
        return " ".join(filter(None, [delivery.last_code, delivery.last_reply])) or "-"

    @admin.display(description=_("issue"))
    def issue_in_words(self, delivery):
        return str(delivery.issue) if delivery.issue else "-"

    @admin.display(description=_("what this means"))
    def meaning(self, delivery):
        return WHAT_IT_MEANS[delivery.state]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("issue", "subscriber")

    def has_decide_permission(self, request):
        return request.user.has_perm("newsletter.change_delivery")

    @admin.action(description=_("Send again (unsure or set aside)"), permissions=["decide"])
    def send_again(self, request, queryset):
        staff_pages.decided(request, list(queryset), "again")

    @admin.action(description=_("Leave it (unsure or set aside)"), permissions=["decide"])
    def leave_it(self, request, queryset):
        staff_pages.decided(request, list(queryset), "leave")

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        message = staff_pages.letter_in_folder(obj)
        context |= {
            "may_decide": self.has_decide_permission(request) and obj.state in (Transit.UNSURE, Transit.QUARANTINED),
            "is_in_folder": settings.MAIL_SERVER is None,
            "folder": settings.MAIL_DIR,
            "letter_subject": message["Subject"] if message else "",
            "letter_text": staff_pages.part(message, "plain", request.user) if message else "",
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_urls(self):
        return [*staff_pages.of_letters(), *super().get_urls()]


# --- Who asked for it ---------------------------------------------------------------------------------------------


@admin.register(Subscriber)
class SubscriberAdmin(OnlyLookedAtAdmin):
    """Nobody is added or renamed here: each address is one that agreed, by itself."""

    list_display = ("who", "language", "standing", "since", "last_sign")
    list_filter = ("standing", "language")
    search_fields = ("address",)
    actions = ("take_off", "erase")
    inlines = (ConsentInline, BounceInline, LetterInline)
    fields = ("address", "language", "standing", "standing_since", "last_sign_at", "asked_again_at")
    change_list_template = "admin/newsletter/subscriber_list.html"
    change_form_template = "admin/newsletter/subscriber_detail.html"

    @admin.display(description=_("address"), ordering="address")
    def who(self, subscriber):
        return called(subscriber)

    @admin.display(description=_("since"), ordering="standing_since")
    def since(self, subscriber):
        return moment(subscriber.standing_since)

    @admin.display(description=_("last sign"), ordering="last_sign_at")
    def last_sign(self, subscriber):
        return moment(subscriber.last_sign_at)

    def has_leave_permission(self, request):
        return request.user.has_perm("newsletter.change_subscriber")

    def has_erase_permission(self, request):
        return request.user.has_perm("newsletter.delete_subscriber")

    @admin.action(description=_("Take off the list"), permissions=["leave"])
    def take_off(self, request, queryset):
        staff_pages.taken_off(request, list(queryset))

    @admin.action(description=_("Erase everything"), permissions=["erase"])
    def erase(self, request, queryset):
        people = list(queryset[: AT_ONCE + 1])
        if len(people) > AT_ONCE:
            self.message_user(request, _("Please choose at most a hundred people at once."), level="error")
        elif ConfirmForm(request.POST).is_valid():
            staff_pages.erased(request, people)
        else:
            return staff_pages.erasure_page(request, people, "erase")
        return None

    def changelist_view(self, request, extra_context=None):
        counts = {
            "counts": staff_pages.counts_of_subscribers(),
            "languages": settings.LANGUAGES,
            "suppressed": Suppression.objects.count(),
            "may_export": request.user.has_perm("newsletter.export_subscriber"),
        }
        return super().changelist_view(request, {**counts, **(extra_context or {})})

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        context |= {
            "may_leave": self.has_leave_permission(request) and obj.standing in ("active", "pending"),
            "may_erase": self.has_erase_permission(request),
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_urls(self):
        return [*staff_pages.of_subscribers(), *super().get_urls()]


@admin.register(Bounce)
class BounceAdmin(OnlyLookedAtAdmin):
    list_display = ("received_at", "kind", "who", "status", "diagnostic")
    list_filter = ("kind",)
    list_select_related = ("subscriber",)
    search_fields = ("subscriber__address",)
    fields = ("received_at", "kind", "who", "letter", "status", "diagnostic")
    readonly_fields = ("who", "letter")

    @admin.display(description=_("subscriber"))
    def who(self, bounce):
        return link_to(bounce.subscriber, called(bounce.subscriber))

    @admin.display(description=_("letter"))
    def letter(self, bounce):
        return link_to(bounce.delivery) if bounce.delivery else "-"
