"""What a request says about who sends it, as far as a public form may ask: from our own page or another's, from where."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def is_from_this_site(request: HttpRequest) -> bool:
    """For public forms that carry no CSRF token, because its cookie would end shared caching.

    A browser says where a form was: Sec-Fetch-Site, or at least Origin. One that says neither (a text browser) is
    let through: what these forms can do, anybody may do.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("same-origin", "none")
    if origin := request.headers.get("Origin"):
        return origin in (settings.SITE_ORIGIN, f"{request.scheme}://{request.get_host()}")
    return True


def network(request: HttpRequest) -> str:
    """The network a request comes from, for limits: an IPv4 address, or the first 64 bits of an IPv6 one.

    What the edge says counts only if the request comes through it, that is from this machine or its socket; and of
    what it says only the last word, which is its own.
    """
    address = parsed(request.META.get("REMOTE_ADDR", ""))
    if address is None or address.is_loopback:
        last = request.headers.get("X-Forwarded-For", "").rpartition(",")[2]
        address = parsed(last) or address
    if address is None:
        return "unknown"
    return str(address if address.version == 4 else ipaddress.ip_network((address, 64), strict=False))


def parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address  # an IPv6 socket names an IPv4 client ::ffff:192.0.2.1
