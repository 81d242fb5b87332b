"""Who sends a request, as far as a public form may ask."""

import pytest
from django.test import RequestFactory

from sensgene import visitors


def request(remote: str, forwarded: str | None = None, **headers: str):
    given = {"x-forwarded-for": forwarded} if forwarded is not None else {}
    return RequestFactory().post("/", headers={**given, **headers}, REMOTE_ADDR=remote)


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "192.0.2.1", "203.0.113.9"),  # no edge of ours: what it says counts for nothing
        ("", "192.0.2.1", "192.0.2.1"),  # the edge's own socket
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("::1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("", "10.9.8.7, 192.0.2.1", "192.0.2.1"),  # only the last word is the edge's
        ("", "192.0.2.1, nonsense", "unknown"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("", None, "unknown"),
        ("nonsense", None, "unknown"),
        ("::ffff:203.0.113.9", None, "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", None, "2001:db8:1:2::/64"),
        ("", "2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ],
)
def test_a_network_is_what_the_edge_saw(remote, forwarded, expected):
    assert visitors.network(request(remote, forwarded)) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),  # from a page that tells no address
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, False),
        ({"origin": "http://testserver"}, True),
        ({"origin": "http://localhost:8000"}, True),
        ({"origin": "https://testserver"}, False),
        ({"origin": "http://testserver.elsewhere.example"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_a_form_comes_from_this_site_unless_the_browser_says_otherwise(headers, expected, settings):
    settings.SITE_ORIGIN = "http://localhost:8000"
    assert visitors.is_from_this_site(request("192.0.2.1", **headers)) is expected
