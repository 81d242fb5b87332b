"""The pages that the admin does not have by itself: preview, test copy, release, progress, decisions, sender checks.

A GET never changes anything. Releasing, stopping and the like need a right of their own: to write an issue is not to
send it (threat T24).
"""

from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import wraps

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import quote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from newsletter import clock, exports, limits, progress, relay, release, subscriptions
from newsletter import messages as letters
from newsletter.models import Delivery, Issue, Mailing, Standing, Subscriber, Transit
from newsletter.staff_forms import ConfirmForm, DecisionForm, ReleaseForm, SeenForm, TestCopyForm
from sensgene.logs import without_secrets

# A letter is shown as it arrives: its style sheet stands in it, and nothing else may load or run.
LETTER_CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

show_or_send = require_http_methods(["GET", "HEAD", "POST"])


def needs(*rights: str) -> Callable:
    """Any one of these rights of this app opens the page: 403 without."""

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not any(request.user.has_perm(f"newsletter.{right}") for right in rights):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


reads_issues = needs("view_issue", "change_issue", "release_issue")
releases = needs("release_issue")


def page(request: HttpRequest, template: str, title: str, context: dict, status: int = 200) -> HttpResponse:
    return render(request, template, {**admin.site.each_context(request), "title": title, **context}, status=status)


def issue_page(
    request: HttpRequest, template: str, title: str, issue: Issue, context: dict, status: int = 200
) -> HttpResponse:
    chrome = {
        "issue": issue,
        "subtitle": issue.subject,
        "may_release": request.user.has_perm("newsletter.release_issue"),
    }
    return page(request, template, title, {**chrome, **context}, status)


def address(name: str, *arguments) -> str:
    return reverse(f"admin:newsletter_{name}", args=[quote(each) for each in arguments])


def to(name: str, *arguments) -> HttpResponseRedirect:
    return HttpResponseRedirect(address(name, *arguments))


def note(request: HttpRequest, record, words: str, *, name: str = "") -> None:
    """On record in the history. `name` stands for a record whose own name must be forgotten with it."""
    LogEntry.objects.create(
        user=request.user,
        content_type=ContentType.objects.get_for_model(record),
        object_id=record.pk if not isinstance(record, type) else None,
        object_repr=(name or str(record))[:200],
        action_flag=CHANGE,
        change_message=words,
    )


# --- What an issue lacks ------------------------------------------------------------------------------------------


def completeness(issue: Issue) -> list[dict]:
    """For each language: how much of the issue is written in it, and the names of what lacks."""
    lacks = letters.missing(issue)
    needed = 1 + (2 * len(issue.sections.all()) or 1)
    return [
        {
            "code": code,
            "name": name,
            "percent": 100 * (needed - len(lacks.get(code, ()))) // needed,
            "lacks": lacks.get(code, []),
        }
        for code, name in settings.LANGUAGES
    ]


def completeness_in_words(issue: Issue) -> str:
    """FR 100 %, EN 80 %: missing heading 2"""
    parts = []
    for each in completeness(issue):
        words = f"{each['code'].upper()} {each['percent']}\u00a0%"
        if each["lacks"]:
            words = _("%(language)s: missing %(texts)s") % {"language": words, "texts": ", ".join(each["lacks"])}
        parts.append(words)
    return "; ".join(parts)


def find_issue(pk: int) -> Issue:
    issues = Issue.objects.prefetch_related("sections__centre", "sections__channel")
    return get_object_or_404(issues, pk=pk)


# --- Preview ------------------------------------------------------------------------------------------------------


def preview_parts(issue: Issue, language: str) -> tuple[str, str, str]:
    """Subject, text, HTML: frozen if the issue was released, as it would leave now if not. Raises Http404."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    edition = issue.editions.filter(language=language).first()
    if edition is not None:
        parts = edition.subject, edition.text, edition.html
    else:
        letter = letters.letter_of_issue(issue, language)
        parts = letter.subject, letters.text_part(letter), letters.html_part(letter)
    own_page = letters.address_of(language, "own-page")
    return tuple(part.replace(letters.LEAVE, own_page) for part in parts)


def alone(html: str) -> HttpResponse:
    """A letter's HTML part, exactly as it arrives, shut in."""
    return HttpResponse(html, headers={"Content-Security-Policy": LETTER_CSP})


@require_safe
@reads_issues
def preview(request, pk, language):
    issue = find_issue(pk)
    subject, text, _html = preview_parts(issue, language)
    lacks = letters.missing(issue).get(language, [])
    context = {"language": language, "subject": subject, "text": text, "lacks": lacks, "languages": settings.LANGUAGES}
    return issue_page(request, "admin/newsletter/issue_preview.html", _("Preview"), issue, context)


@require_safe
@reads_issues
def preview_html(request, pk, language):
    return alone(preview_parts(find_issue(pk), language)[2])


# --- Test copy ----------------------------------------------------------------------------------------------------


@show_or_send
@needs("change_issue", "release_issue")
def test_copy(request, pk):
    issue = find_issue(pk)
    user = request.user
    if request.method == "POST" and user.email:
        form = TestCopyForm(request.POST)
        if form.is_valid() and not limits.take(limits.TEST_COPIES_OF_AN_ACCOUNT, str(user.pk), clock.now()):
            messages.error(request, _("Twenty times test copies were sent within an hour. Please wait an hour."))
        elif form.is_valid():
            count = release.send_test(issue, user, form.cleaned_data["languages"], clock.now())
            words = ngettext(
                "%(count)d test copy leaves in some seconds to %(address)s.",
                "%(count)d test copies leave in some seconds to %(address)s.",
                count,
            )
            messages.success(request, words % {"count": count, "address": user.email})
            return to("issue_test_copy", pk)
    else:
        form = TestCopyForm(initial={"languages": [code for code, _name in settings.LANGUAGES]})
    context = {"form": form, "copies": test_copies(issue), "may_set_address": user.has_perm("auth.change_user")}
    return issue_page(request, "admin/newsletter/issue_test_copy.html", _("Test copy to yourself"), issue, context)


def test_copies(issue: Issue) -> list[dict]:
    """The last ones, newest first; whether the text was changed since."""
    copies = issue.deliveries.filter(kind=Delivery.Kind.TEST)[:6]
    return [{"letter": copy, "is_outdated": copy.written_at < issue.updated_at} for copy in copies]


test_copy.__test__ = test_copies.__test__ = False


# --- Release ------------------------------------------------------------------------------------------------------


def recipients() -> list[dict]:
    """For each language: how many people receive an issue."""
    counts = dict(Subscriber.objects.active().order_by().values_list("language").annotate(Count("pk")))
    return [{"code": code, "name": name, "number": counts.get(code, 0)} for code, name in settings.LANGUAGES]


def digest_now(issue: Issue) -> str:
    return letters.digest(letters.freeze(issue))


@require_safe
@releases
def release_first(request, pk):
    """Step 1: what would leave, and to how many."""
    issue = find_issue(pk)
    if not issue.is_open:
        return to("issue_progress", pk)
    people = recipients()
    languages = [
        {**each, "number": person["number"], "subject": getattr(issue, f"subject_{each['code']}")}
        for each, person in zip(completeness(issue), people, strict=True)
    ]
    context = {
        "rows": languages,
        "is_complete": not any(each["lacks"] for each in languages),
        "total": sum(each["number"] for each in people),
        "copies": test_copies(issue),
        "form": SeenForm(initial={"seen": digest_now(issue)}),
    }
    return issue_page(request, "admin/newsletter/issue_release.html", _("Release, step 1 of 2"), issue, context)


@sensitive_variables("form")
@sensitive_post_parameters("password")
@show_or_send
@releases
def release_second(request, pk):
    """Step 2: the password, against a session that somebody else holds."""
    issue = find_issue(pk)
    if not issue.is_open:
        if request.method == "POST":
            messages.warning(
                request, _("This issue was released already, by you or somebody else. Nothing is sent twice.")
            )
        return to("issue_progress", pk)
    status = 200
    if request.method == "POST":
        form = ReleaseForm(request.POST)
        if form.is_valid():
            if not limits.take(limits.PASSWORDS_OF_AN_ACCOUNT, str(request.user.pk), clock.now()):
                form.add_error("password", _("Five passwords were tried within an hour. Please wait an hour."))
                status = 429
            elif not request.user.check_password(form.cleaned_data["password"]):
                form.add_error("password", _("This is not your password. Nothing was released."))
            else:
                limits.give_back(limits.PASSWORDS_OF_AN_ACCOUNT, str(request.user.pk), 1)
                return released(request, issue, form.cleaned_data["seen"])
    else:
        given = SeenForm(request.GET)
        if not given.is_valid() or given.cleaned_data["seen"] != digest_now(issue):
            return to("issue_release", pk)  # whoever releases has the first step, and this text, before their eyes
        form = ReleaseForm(initial={"seen": given.cleaned_data["seen"]})
    context = {"form": form, "total": sum(each["number"] for each in recipients()), "delay": Issue.DELAY.seconds // 60}
    return issue_page(
        request, "admin/newsletter/issue_release_confirm.html", _("Release, step 2 of 2"), issue, context, status
    )


def released(request: HttpRequest, issue: Issue, seen: str) -> HttpResponse:
    """Releases the text that was seen, or says why not."""
    try:
        with transaction.atomic():
            Issue.objects.select_for_update().get(pk=issue.pk)  # no form of the admin saves meanwhile
            if find_issue(issue.pk).is_open and digest_now(find_issue(issue.pk)) != seen:
                messages.error(
                    request,
                    _("The text was changed since you looked at it. Nothing was released. Please read it again."),
                )
                return to("issue_release", issue.pk)
            was_us = release.release(issue, request.user, clock.now())
    except release.NotReady:
        messages.error(request, _("The issue is not complete. Nothing was released. What it lacks stands below."))
        return to("issue_release", issue.pk)
    if was_us:
        note(request, issue, _("Released"))
        messages.success(request, _("The issue is released."))
    else:
        messages.warning(request, _("This issue was released already, by you or somebody else. Nothing is sent twice."))
    return to("issue_progress", issue.pk)


# --- Progress -----------------------------------------------------------------------------------------------------


@require_safe
@reads_issues
def issue_progress(request, pk):
    issue = get_object_or_404(Issue, pk=pk)
    texts = progress.texts(issue, clock.now())
    counts = [
        {
            "state": state,
            "label": label,
            "place": f"count-{state}",
            "number": texts[f"count-{state}"],
            "list": state in (Transit.FAILED, Transit.UNSURE, Transit.QUARANTINED),
        }
        for state, label in Transit.choices
    ]
    context = {"texts": texts, "counts": counts, "may_stop": issue.mailing in UNDER_WAY}
    return issue_page(request, "admin/newsletter/issue_progress.html", _("Sending"), issue, context)


UNDER_WAY = (Mailing.RELEASED, Mailing.SENDING, Mailing.PAUSED)


@require_safe
@reads_issues
def issue_progress_data(request, pk):
    issue = get_object_or_404(Issue, pk=pk)
    texts = progress.texts(issue, clock.now())
    return JsonResponse({"mailing": issue.mailing, "is_under_way": issue.mailing in UNDER_WAY, "texts": texts})


@show_or_send
@releases
def stop(request, pk):
    issue = get_object_or_404(Issue, pk=pk)
    if request.method != "POST":
        context = {"is_before_start": issue.mailing == Mailing.RELEASED, "may_stop": issue.mailing in UNDER_WAY}
        return issue_page(request, "admin/newsletter/issue_stop.html", _("Stop the sending"), issue, context)
    if not release.stop(issue, clock.now()):
        messages.warning(request, _("There is nothing to stop: this issue is not on its way."))
        return to("issue_progress", pk)
    note(request, issue, _("Stopped"))
    issue.refresh_from_db()
    if issue.is_open:
        messages.success(request, _("Stopped before the first copy left. The issue can be changed and released again."))
        return to("issue_change", pk)
    messages.success(request, _("Stopped. No further copy will leave."))
    return to("issue_progress", pk)


@require_POST
@releases
def pause(request, pk):
    issue = get_object_or_404(Issue, pk=pk)
    if release.pause(issue):
        note(request, issue, _("Paused"))
        messages.success(request, _("Paused. No copy leaves until somebody resumes."))
    else:
        messages.warning(request, _("Only an issue that is being sent can be paused."))
    return to("issue_progress", pk)


@require_POST
@releases
def resume(request, pk):
    issue = get_object_or_404(Issue, pk=pk)
    if release.resume(issue, clock.now()):
        note(request, issue, _("Resumed"))
        messages.success(request, _("The sending goes on."))
    else:
        messages.warning(request, _("Only an issue that is paused can go on."))
    return to("issue_progress", pk)


# --- One letter ---------------------------------------------------------------------------------------------------


def letter_in_folder(delivery: Delivery) -> EmailMessage | None:
    """The message as it was written to the folder; None if letters go to a server, or this one is not written."""
    if settings.MAIL_SERVER is not None:
        return None
    try:
        content = relay.Folder(settings.MAIL_DIR).path(delivery.message_id).read_bytes()
    except OSError:
        return None
    return message_from_bytes(content, policy=default)


def part(message: EmailMessage, kind: str, user) -> str:
    """One part as it arrives. Its private links are for those who may act for the reader anyway."""
    body = message.get_body([kind])
    text = body.get_content() if body is not None else ""
    return text if user.has_perm("newsletter.change_subscriber") else without_secrets(text)


@require_safe
@needs("view_delivery", "change_delivery")
def letter_html(request, pk):
    message = letter_in_folder(get_object_or_404(Delivery, pk=pk))
    if message is None:
        raise Http404
    return alone(part(message, "html", request.user))


@require_POST
@needs("change_delivery")
def decide(request, pk):
    delivery = get_object_or_404(Delivery, pk=pk)
    form = DecisionForm(request.POST)
    if form.is_valid():
        decided(request, [delivery], form.cleaned_data["decision"])
    return to("delivery_change", pk)


def decided(request: HttpRequest, deliveries, decision: str) -> None:
    """Sends letters again or leaves them, and says how many were still waiting for it."""
    starts_an_issue = decision == "again" and any(each.kind == Delivery.Kind.ISSUE for each in deliveries)
    if starts_an_issue and not request.user.has_perm("newsletter.release_issue"):
        raise PermissionDenied
    now = clock.now()
    act = release.send_again if decision == "again" else release.leave_it
    changed = [delivery for delivery in deliveries if act(delivery, now)]
    words = _("Send again") if decision == "again" else _("Left as it is")
    for delivery in changed:
        note(request, delivery, words)
    if changed and decision == "again":
        messages.success(
            request, ngettext("%d letter is sent again.", "%d letters are sent again.", len(changed)) % len(changed)
        )
    elif changed:
        messages.success(
            request,
            ngettext("%d letter is left as it is.", "%d letters are left as they are.", len(changed)) % len(changed),
        )
    if others := len(deliveries) - len(changed):
        messages.warning(
            request,
            ngettext(
                "%d letter did not wait for a decision, or its address was erased.",
                "%d letters did not wait for a decision, or their address was erased.",
                others,
            )
            % others,
        )


# --- Subscribers --------------------------------------------------------------------------------------------------


def counts_of_subscribers() -> list[dict]:
    """One row for each standing, with the number in each language."""
    found = Subscriber.objects.order_by().values_list("standing", "language").annotate(number=Count("pk"))
    numbers = {(standing, language): number for standing, language, number in found}
    codes = [code for code, _name in settings.LANGUAGES]
    return [
        {
            "label": label,
            "numbers": [numbers.get((standing, code), 0) for code in codes],
            "total": sum(numbers.get((standing, code), 0) for code in codes),
        }
        for standing, label in Standing.choices
    ]


def anonymous(subscriber: Subscriber) -> str:
    """How the history calls somebody whose address may be erased later."""
    return _("subscriber %(number)s") % {"number": subscriber.pk}


@show_or_send
@needs("change_subscriber")
def take_off(request, pk):
    subscriber = get_object_or_404(Subscriber, pk=pk)
    if request.method != "POST" or not ConfirmForm(request.POST).is_valid():
        context = {"subscriber": subscriber, "may_leave": subscriber.standing in (Standing.ACTIVE, Standing.PENDING)}
        return page(request, "admin/newsletter/subscriber_leave.html", _("Take off the list"), context)
    taken_off(request, [subscriber])
    return to("subscriber_change", pk)


def taken_off(request: HttpRequest, subscribers) -> None:
    now, count = clock.now(), 0
    for subscriber in subscribers:
        if subscriber.standing in (Standing.ACTIVE, Standing.PENDING):
            subscriptions.leave(subscriber, now)
            note(request, subscriber, _("Taken off the list"), name=anonymous(subscriber))
            count += 1
    words = ngettext("%d person was taken off the list.", "%d people were taken off the list.", count) % count
    messages.success(request, words) if count else messages.warning(request, _("None of them was on the list."))


@show_or_send
@needs("delete_subscriber")
def erase(request, pk):
    subscriber = get_object_or_404(Subscriber, pk=pk)
    if request.method != "POST" or not ConfirmForm(request.POST).is_valid():
        return erasure_page(request, [subscriber])
    erased(request, [subscriber])
    return to("subscriber_changelist")


def erasure_page(request: HttpRequest, subscribers, action: str = "") -> HttpResponse:
    """Asks once more. `action` is the one of the list that leads here; without it the form belongs to one person."""
    context = {"subscribers": subscribers, "action": action}
    return page(request, "admin/newsletter/subscriber_erase.html", _("Erase everything"), context)


def erased(request: HttpRequest, subscribers) -> None:
    now = clock.now()
    for subscriber in subscribers:
        note(request, subscriber, _("Erased"), name=anonymous(subscriber))
        subscriptions.erase(subscriber, now)
    count = len(subscribers)
    messages.success(request, ngettext("%d person was erased.", "%d people were erased.", count) % count)


@require_POST
@needs("view_subscriber", "change_subscriber")
@needs("export_subscriber")
def export(request):
    text, count = exports.active_subscribers()
    words = ngettext("Exported: %d address", "Exported: %d addresses", count) % count
    note(request, Subscriber, words, name=_("subscribed addresses"))
    name = f"subscribers-{clock.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


# --- The sender ---------------------------------------------------------------------------------------------------


@show_or_send
@needs("view_issue", "change_issue", "release_issue")
def sender_checks(request):
    """Asks the name servers on the press of a button, never by itself."""
    checks = None
    if request.method == "POST":
        from newsletter import sender_checks as questions

        checks = questions.check_all()
    context = {
        "checks": checks,
        "is_silent": bool(checks) and all(check.state == "unknown" for check in checks),
        "sender": settings.MAIL_FROM,
    }
    return page(request, "admin/newsletter/sender_checks.html", _("Sender checks"), context)


# --- Addresses ----------------------------------------------------------------------------------------------------


def addresses(*pages: tuple[str, Callable, str]) -> list[URLPattern]:
    """(path, view, name), guarded by the admin: strangers are led to the login, nothing is kept by a cache."""
    return [path(where, admin.site.admin_view(view), name=f"newsletter_{name}") for where, view, name in pages]


def of_issues() -> list[URLPattern]:
    return addresses(
        ("sender-checks/", sender_checks, "sender_checks"),
        ("<int:pk>/preview/<str:language>/", preview, "issue_preview"),
        ("<int:pk>/preview/<str:language>/html/", preview_html, "issue_preview_html"),
        ("<int:pk>/test-copy/", test_copy, "issue_test_copy"),
        ("<int:pk>/release/", release_first, "issue_release"),
        ("<int:pk>/release/confirm/", release_second, "issue_release_confirm"),
        ("<int:pk>/progress/", issue_progress, "issue_progress"),
        ("<int:pk>/progress/data/", issue_progress_data, "issue_progress_data"),
        ("<int:pk>/stop/", stop, "issue_stop"),
        ("<int:pk>/pause/", pause, "issue_pause"),
        ("<int:pk>/resume/", resume, "issue_resume"),
    )


def of_letters() -> list[URLPattern]:
    return addresses(
        ("<int:pk>/letter/", letter_html, "delivery_letter"), ("<int:pk>/decide/", decide, "delivery_decide")
    )


def of_subscribers() -> list[URLPattern]:
    return addresses(
        ("export/", export, "subscriber_export"),
        ("<int:pk>/leave/", take_off, "subscriber_leave"),
        ("<int:pk>/erase/", erase, "subscriber_erase"),
    )
