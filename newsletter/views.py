"""The newsletter's public pages. The archive reads the snapshot; the forms write one row; mailed links act on POST only.

A page behind a mailed link is nobody else's: it is never cached, never indexed, and tells no other site its address.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

from newsletter import addresses, clock, limits, subscriptions, tokens
from newsletter.forms import CONSENT, AddressForm, LinkForm, SubscribeForm, stamp
from newsletter.models import Enquiry, Issue, Purpose, Standing, Token
from sensgene import languages, visitors
from sensgene.records import published_or_gone

FRESH = {"Cache-Control": "no-store"}
PRIVATE = {**FRESH, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}

FROM_ANOTHER_SITE = _("This form was sent from another site. Please send it from this page.")
TOO_MANY = _(
    "Too many requests came from your connection in the last hour. Please try again in an hour. You can read all issues on this site without signing up."
)


def fresh_page(
    request: HttpRequest, template: str, context: dict, status: int = 200, headers: dict[str, str] = FRESH
) -> HttpResponse:
    """A page that no cache keeps."""
    return HttpResponse(render_to_string(template, context, request), status=status, headers=headers)


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
    # The page's own language is chosen already: it is a choice, not a consent.
    chosen = {"language": translation.get_language()}
    form = SubscribeForm(request.POST) if request.method == "POST" else SubscribeForm(initial=chosen)
    return address_form(request, form, Enquiry.Kind.SUBSCRIBE, "subscribe")


@csrf_exempt  # as above
def own_page(request):
    form = AddressForm(request.POST) if request.method == "POST" else AddressForm()
    return address_form(request, form, Enquiry.Kind.MANAGE, "own_page")


def address_form(request: HttpRequest, form: AddressForm, kind: str, page: str) -> HttpResponse:
    """Shows the form, or notes what was typed. The answer never depends on whether we know the address."""
    name, status, headers = page.replace("_", "-"), 200, FRESH
    if form.is_bound and not visitors.is_from_this_site(request):
        form.add_error(None, FROM_ANOTHER_SITE)
        status = 403
    elif form.is_valid():
        key = addresses.digest(visitors.network(request))
        if limits.take(limits.SIGN_UPS_OF_A_NETWORK, key, clock.now()):
            note(form, kind, reverse(name))
            return HttpResponse(status=303, headers={**FRESH, "Location": reverse(f"{name}-asked")})
        form.add_error(None, TOO_MANY)
        status, headers = 429, {**FRESH, "Retry-After": "3600"}
    elif form.is_bound:
        status = 400
    context = {"form": form, "consent": CONSENT, "stamp": stamp()}
    return fresh_page(request, f"newsletter/{page}.html", context, status, headers)


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
    headers = {**FRESH, "X-Robots-Tag": "noindex"}
    return fresh_page(request, "newsletter/asked.html", {"asked_by": form}, headers=headers)


# --- Mailed links -------------------------------------------------------------------------------------------------


TEMPLATES = {
    Purpose.CONFIRM: "newsletter/link_confirm.html",
    Purpose.LEAVE: "newsletter/link_leave.html",
    Purpose.RETURN: "newsletter/link_return.html",
    Purpose.MANAGE: "newsletter/link_manage.html",
    Purpose.STAY: "newsletter/link_stay.html",
    Purpose.NEVER: "newsletter/link_never.html",
}


@csrf_exempt  # mail programs send no token (RFC 8058); the link itself is the permission
@sensitive_variables("secret")
def mailed_link(request, secret):
    """The short address in a letter: leads to the page in the reader's language; a POST acts at once, without a page."""
    token = tokens.find(secret, clock.now())
    language = token.subscriber.language if token else translation.get_language_from_request(request)
    with translation.override(language):
        if request.method == "POST" or token is None:
            response = act(request, token)
            response.headers["Content-Language"] = language
            return response
        return HttpResponseRedirect(reverse("own-link", args=[secret]), headers=PRIVATE)


@csrf_exempt  # as above
@sensitive_variables("secret")
def own_link(request, secret):
    """One page for every purpose: what the link is for, and a button. GET changes nothing, ever."""
    token = tokens.find(secret, clock.now())
    if request.method == "POST" or token is None:
        return act(request, token)
    return link_page(request, token, "ask")


def private_page(request: HttpRequest, template: str, context: dict, status: int = 200) -> HttpResponse:
    """Nothing on it names its own address but the language links, and those only where there are three of them."""
    has_languages = bool(translation.get_language_from_path(request.path_info))
    chrome = {"alternates": [], "language_links": languages.links(request, is_page=has_languages)}
    return fresh_page(request, template, {**chrome, **context}, status, PRIVATE)


def dead_link(request: HttpRequest) -> HttpResponse:
    """The same for a link that never was, is used up, or has expired; whoever tries many is told to stop."""
    key = addresses.digest(visitors.network(request))
    status = 410 if limits.take(limits.TOKENS_OF_A_NETWORK, key, clock.now()) else 429
    return private_page(request, "newsletter/dead_link.html", {}, status)


def link_page(request: HttpRequest, token: Token, step: str) -> HttpResponse:
    """`step` is "ask", or the action that was just done."""
    subscriber = token.subscriber
    context = {"subscriber": subscriber, "step": step, "is_subscribed": subscriber.standing == Standing.ACTIVE}
    if token.purpose == Purpose.CONFIRM:
        context |= {"consent": CONSENT, "waits": subscriber.standing == Standing.PENDING and not token.used_at}
    elif token.purpose == Purpose.RETURN:
        is_open = subscriber.standing == Standing.LEFT and bool(subscriber.address)
        context["can_return"] = is_open and not token.used_at
    elif token.purpose == Purpose.MANAGE:
        context |= {"consents": subscriber.consents.all(), "languages": languages.OWN_NAMES}
    return private_page(request, TEMPLATES[token.purpose], context)


def act(request: HttpRequest, token: Token | None) -> HttpResponse:
    """Does what the link is for, and nothing else, whatever the button said."""
    form = LinkForm(request.POST)
    if token is None or not form.is_valid():
        return dead_link(request)
    now, subscriber, action = clock.now(), token.subscriber, form.cleaned_data["action"]
    is_subscribed = subscriber.standing == Standing.ACTIVE
    done = False
    match token.purpose, action:
        case Purpose.CONFIRM, "confirm":
            done = subscriptions.confirm(token, now)
        case Purpose.RETURN, "return":
            done = subscriptions.come_back(token, now)
        case (Purpose.NEVER, "never") | (Purpose.MANAGE, "silence"):
            subscriptions.never_again(subscriber, now)
            return link_page(request, token, "silence")
        case Purpose.MANAGE, "erase":
            subscriptions.erase(subscriber, now)
            return link_page(request, token, "erase")
        case Purpose.MANAGE, "export":
            name = {"Content-Disposition": 'attachment; filename="sensgene-newsletter.json"'}
            readable = {"indent": 1, "ensure_ascii": False}
            return JsonResponse(
                subscriptions.export(subscriber), json_dumps_params=readable, headers={**PRIVATE, **name}
            )
        case ((Purpose.LEAVE | Purpose.MANAGE), "leave"):
            subscriptions.leave(subscriber, now)
            done = True
        case Purpose.STAY, "stay" if is_subscribed:
            subscriptions.stay(subscriber, now)
            done = True
        case Purpose.MANAGE, "language" if is_subscribed and form.cleaned_data["language"]:
            subscriptions.set_language(subscriber, form.cleaned_data["language"], now)
            done = True
    # What the page says is what is true now.
    token = Token.objects.select_related("subscriber").filter(pk=token.pk).first()
    return link_page(request, token, action) if done and token else dead_link(request)
