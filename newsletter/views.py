"""The newsletter's public pages. The archive reads the snapshot; the forms write one row; mailed links act on POST only.

A page behind a mailed link is nobody else's: it is never cached, never indexed, and tells no other site its address.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

from newsletter import addresses, clock, limits, subscriptions, tokens
from newsletter.forms import CONSENT, AddressForm, LinkForm, SubscribeForm, initial, stamp
from newsletter.models import Enquiry, Issue, Purpose, Standing, Token
from sensgene import visitors
from sensgene.records import published_or_gone

FRESH = {"Cache-Control": "no-store"}
PRIVATE = {**FRESH, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


# --- The archive --------------------------------------------------------------------------------------------------


@require_safe
def newsletter(request):
    return render(request, "newsletter/issue_list.html", {"issues": Issue.public.all()})


@require_safe
def issue(request, slug):
    shown = published_or_gone(Issue.public.prefetch_related("sections__centre", "sections__channel"), slug)
    return render(request, "newsletter/issue_detail.html", {"issue": shown})


# --- Asking for it ------------------------------------------------------------------------------------------------


@csrf_exempt  # its own check follows; a token would need a cookie
def subscribe(request):
    return address_form(request, SubscribeForm, Enquiry.Kind.SUBSCRIBE, "subscribe")


@csrf_exempt  # as above
def own_page(request):
    return address_form(request, AddressForm, Enquiry.Kind.MANAGE, "own_page")


def address_form(request: HttpRequest, form_class: type[AddressForm], kind: str, page: str) -> HttpResponse:
    """Shows the form, or notes what was typed. The answer never depends on whether we know the address."""
    template, name = f"newsletter/{page}.html", page.replace("_", "-")
    if request.method != "POST":
        context = {"form": form_class(initial=initial()), "consent": CONSENT}
        return render(request, template, context, headers=FRESH)
    form = form_class(request.POST)
    status = 200
    if not visitors.is_from_this_site(request):
        form.add_error(None, _other_site())
        status = 403
    elif form.is_valid():
        key = addresses.digest(visitors.network(request))
        if limits.take(limits.SIGN_UPS_OF_A_NETWORK, key, clock.now()):
            note(form, kind, reverse(name))
            return HttpResponse(status=303, headers={**FRESH, "Location": reverse(f"{name}-asked")})
        form.add_error(None, _too_many())
        status = 429
    context = {"form": form, "consent": CONSENT, "stamp": stamp()}
    headers = {**FRESH, "Retry-After": "3600"} if status == 429 else FRESH
    return render(request, template, context, status=400 if status == 200 else status, headers=headers)


def _other_site() -> str:
    return translation.gettext("This form was sent from another site. Please send it from this page.")


def _too_many() -> str:
    return translation.gettext(
        "Too many requests came from your connection in the last hour. Please try again in an hour."
    )


def note(form: AddressForm, kind: str, page: str) -> None:
    is_sign_up = kind == Enquiry.Kind.SUBSCRIBE
    Enquiry.objects.create(
        kind=kind,
        address=form.cleaned_data["address"],
        language=form.cleaned_data.get("language") or translation.get_language(),
        wording=subscriptions.WORDING if is_sign_up else "",
        page=page,
        typed_at=timezone.now(),
    )


@require_safe
def asked(request, form):
    """What to do next; the same for every address."""
    return render(request, "newsletter/asked.html", {"form": form}, headers={"X-Robots-Tag": "noindex"})


# --- Mailed links -------------------------------------------------------------------------------------------------


@csrf_exempt  # mail programs send no token (RFC 8058); the link itself is the permission
@sensitive_variables("secret")
def mailed_link(request, secret):
    """The short address in a letter: leads to the page in the reader's language; a POST acts at once, without a page."""
    token = tokens.find(secret, clock.now())
    language = token.subscriber.language if token else translation.get_language_from_request(request)
    with translation.override(language):
        if request.method == "POST":
            return act(request, token)
        address = reverse("own-link", args=[secret])
    return HttpResponseRedirect(address, headers=PRIVATE)


@csrf_exempt  # as above
@sensitive_variables("secret")
def own_link(request, secret):
    """One page for every purpose: what the link is for, and a button. GET changes nothing, ever."""
    token = tokens.find(secret, clock.now())
    if request.method == "POST":
        return act(request, token)
    if token is None:
        return dead_link(request)
    return link_page(request, token, "ask")


def dead_link(request: HttpRequest) -> HttpResponse:
    """The same for a link that never was, is used up, or has expired."""
    return render(request, "newsletter/dead_link.html", status=410, headers=PRIVATE)


def link_page(request: HttpRequest, token: Token, step: str) -> HttpResponse:
    context = {"subscriber": token.subscriber, "purpose": token.purpose, "step": step}
    if token.purpose == Purpose.MANAGE:
        context["consents"] = token.subscriber.consents.all() if token.subscriber.pk else []
    return render(request, f"newsletter/link_{token.purpose}.html", context, headers=PRIVATE)


def act(request: HttpRequest, token: Token | None) -> HttpResponse:
    """Does what the link is for, and nothing else, whatever the button said."""
    form = LinkForm(request.POST)
    if token is None or not form.is_valid():
        return dead_link(request)
    now, subscriber, action = clock.now(), token.subscriber, form.cleaned_data["action"]
    done = None
    match token.purpose, action:
        case Purpose.CONFIRM, "confirm":
            done = subscriptions.confirm(token, now)
        case Purpose.RETURN, "return":
            done = subscriptions.come_back(token, now)
        case Purpose.NEVER, "never":
            done = True
            subscriptions.never_again(subscriber, now)
        case Purpose.LEAVE | Purpose.MANAGE, "leave":
            done = True
            subscriptions.leave(subscriber, now)
        case Purpose.LEAVE | Purpose.MANAGE, "silence":
            done = True
            subscriptions.never_again(subscriber, now)
        case Purpose.STAY, "stay":
            done = subscriber.standing == Standing.ACTIVE
            subscriptions.stay(subscriber, now)
        case Purpose.MANAGE, "language":
            done = bool(form.cleaned_data["language"])
            if done:
                subscriptions.set_language(subscriber, form.cleaned_data["language"], now)
                subscriber.refresh_from_db()
        case Purpose.MANAGE, "export":
            name = {"Content-Disposition": 'attachment; filename="sensgene-newsletter.json"'}
            return JsonResponse(subscriptions.export(subscriber), headers={**PRIVATE, **name})
        case Purpose.MANAGE, "erase":
            done = True
            subscriptions.erase(subscriber, now)
    return link_page(request, token, action) if done else dead_link(request)
