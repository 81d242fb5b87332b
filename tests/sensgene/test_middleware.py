"""What holds for every request: what is refused, which headers leave, what a cache may keep."""

import os
import re
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sensgene import sitemaps, snapshot
from sensgene.environment import ROOT
from tests.markup import document
from tests.site import Site, free_port

HOST = "directory.example.org"
HTTPS = {"SITE_ORIGIN": f"https://{HOST}"}
FORM = "application/x-www-form-urlencoded"


def address(url_name: str, language: str = "fr") -> str:
    with translation.override(language):
        return reverse(url_name)


@pytest.fixture
def a_centre(visitor) -> str:
    """The path of one centre."""
    snapshot.open_current()
    with translation.override("fr"):
        sitemap = sitemaps.sitemap_of(sitemaps.SITEMAPS["centres"])
        return sitemap.location(sitemap.items().first())


# --- Header sets (hardening 4.1), as a visitor of the real thing gets them ----------------------------------------

EVERYWHERE = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
}
PUBLIC_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "script-src": "'self'",
    "connect-src": "'self'",  # the search box asks for suggestions
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
    "upgrade-insecure-requests": "",
}
STAFF_POLICY = dict(PUBLIC_POLICY)
del STAFF_POLICY["require-trusted-types-for"], STAFF_POLICY["trusted-types"]

SHARED = "public, max-age=60, s-maxage=300, stale-while-revalidate=60, stale-if-error=86400"


class Answer:
    """One answer of a real server, headers by their lower-case names, repeated ones joined."""

    def __init__(self, origin: str, method: str, path: str, headers: dict[str, str], body: bytes | None = None):
        connection = HTTPConnection(urlsplit(origin).netloc, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            self.status, self.body = response.status, response.read()
            self.headers: dict[str, str] = {}
            for name, value in response.getheaders():
                self.headers[name.lower()] = ", ".join(filter(None, [self.headers.get(name.lower()), value]))
        finally:
            connection.close()

    @property
    def policy(self) -> dict[str, str]:
        directives = (part.strip().partition(" ") for part in self.headers["content-security-policy"].split(";"))
        return {name: sources for name, _space, sources in directives}


@pytest.fixture(scope="module")
def production(site, tmp_path_factory):
    """The site as in production: under gunicorn, with an https address, behind an edge that says so."""
    folder = tmp_path_factory.mktemp("production")
    own = site.copy(folder / "var", f"headers_{free_port()}")
    with own.served(**HTTPS) as origin:

        def get(path: str, method: str = "GET", body: bytes | None = None, **more: str) -> Answer:
            headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", **more}
            return Answer(origin, method, path, {name: value for name, value in headers.items() if value}, body)

        yield get


@pytest.mark.server
def test_every_answer_carries_the_protecting_headers(production):
    style = re.search(r'href="(/static/css/[^"]+)"', production("/fr/").body.decode())[1]
    help_path, staff = address("help"), reverse("admin:login")
    answers = {
        "page": production("/fr/"),
        "page with a cookie": production("/fr/", Cookie="__Host-prefs=100-black"),
        "redirect by language": production("/"),
        "redirect to the slash": production(help_path.rstrip("/")),
        "plain text": production("/robots.txt"),
        "site map": production("/sitemap.xml"),
        "security.txt": production("/.well-known/security.txt"),
        "not found": production("/fr/nowhere/"),
        "not found, no language": production("/nowhere"),
        "static": production(style),
        "static, not there": production("/static/css/nothing.css"),
        "staff": production(staff),
        "staff, anonymous": production("/staff/centres/network/"),
        "probe": production("/health/live"),
        "probe ready": production("/health/ready"),
        "control character": production("/fr/%00"),
        "method": production("/fr/", "DELETE"),
        "trace": production("/fr/", "TRACE"),
        "foreign form": production(address("display"), "POST", b"zoom=in", **{"Origin": "null", "Content-Type": FORM}),
        "foreign host": production("/fr/", Host="elsewhere.example.org"),
        "post to a page": production("/fr/", "POST", b"a=b", **{"Content-Type": FORM}),
    }
    wrong = {
        name: missing
        for name, answer in answers.items()
        if (missing := [header for header, value in EVERYWHERE.items() if answer.headers.get(header) != value])
    }
    assert not wrong
    for name, answer in answers.items():
        assert answer.policy["default-src"] == "'none'", name
        assert not re.search(r"unsafe|\*|http", answer.headers["content-security-policy"].replace("upgrade-", "")), name
        permissions = answer.headers["permissions-policy"].split(", ")
        assert {"geolocation=()", "camera=()", "microphone=()"} <= set(permissions), name
        assert all(re.fullmatch(r"[\w-]+=\(\)", feature) for feature in permissions), name
        assert "x-powered-by" not in answer.headers, name
        assert not re.search(r"\d", answer.headers.get("server", "")), name  # no version
        assert "access-control-allow-origin" not in answer.headers, name


@pytest.mark.server
def test_each_class_of_page_has_its_own_policy_and_caching(production):
    page, own = production("/fr/"), production("/fr/", Cookie="__Host-prefs=100-black")
    assert (page.status, page.policy) == (200, PUBLIC_POLICY)
    assert (page.headers["cache-control"], page.headers["vary"]) == (SHARED, "Cookie")
    assert (own.status, own.policy) == (200, PUBLIC_POLICY)
    assert (own.headers["cache-control"], own.headers["vary"]) == ("private, max-age=60", "Cookie")
    assert b'data-contrast="black"' in own.body
    for answer in (page, own):
        assert "set-cookie" not in answer.headers

    by_language = production("/", **{"Accept-Language": "de"})
    assert (by_language.status, by_language.headers["location"]) == (302, "/de/")
    assert {name.strip() for name in by_language.headers["vary"].split(",")} == {"Accept-Language", "Cookie"}

    missing = production("/fr/nowhere/")
    assert (missing.status, missing.headers["cache-control"], missing.policy) == (
        404,
        "public, max-age=60",
        PUBLIC_POLICY,
    )

    for staff in (
        production(reverse("admin:login")),
        production("/staff/centres/network/"),
        production("/staff/nowhere/"),
    ):
        assert (staff.headers["cache-control"], staff.policy) == ("no-store, private", STAFF_POLICY)

    for refused in (production("/fr/%0a"), production("/fr/", Host="elsewhere.example.org")):
        assert (refused.status, refused.headers["cache-control"]) == (400, "no-store")
    for refused in (production("/fr/", "PUT"), production("/fr/", "TRACE")):
        assert (refused.status, refused.headers["cache-control"]) == (405, "no-store")


@pytest.mark.server
def test_static_files_are_kept_for_ever_compressed_and_run_nothing(production):
    style = re.search(r'href="(/static/css/[^"]+)"', production("/fr/").body.decode())[1]
    assert re.fullmatch(r"/static/css/site\.[0-9a-f]{12}\.css", style)  # its name changes with its content
    for encoding in ("br", "gzip"):
        answer = production(style, **{"Accept-Encoding": encoding})
        assert (answer.status, answer.headers["content-encoding"]) == (200, encoding)
        assert answer.headers["cache-control"] == "max-age=315360000, public, immutable"
        assert answer.policy == {"default-src": "'none'"}
    font = re.search(rb"url\(\"?(\.\./fonts/[^\")]+)", production(style).body)[1].decode()
    answer = production(f"/static/css/{font}".replace("css/../", ""))
    assert (answer.status, answer.headers["content-type"]) == (200, "font/woff2")


@pytest.mark.server
def test_plain_http_is_led_to_https_except_for_the_probes(production):
    plain = production("/fr/?q=1", **{"X-Forwarded-Proto": "http"})
    assert (plain.status, plain.headers["location"]) == (301, f"https://{HOST}/fr/?q=1")
    assert production("/health/live", Host="10.0.0.7", **{"X-Forwarded-Proto": ""}).status == 200


@pytest.mark.server
def test_what_no_server_should_swallow_is_refused_before_it_reaches_us(production):
    assert production(f"/fr/?q={'a' * 10_000}").status in (400, 414)
    assert production("/fr/", Cookie="a" * 20_000).status in (400, 431)
    assert production("/fr/", **{f"X-{number}": "a" for number in range(200)}).status in (400, 431)
    assert production("/fr/").status == 200


@pytest.mark.server
def test_the_display_form_works_through_a_real_server(production):
    own = {"Origin": f"https://{HOST}", "Content-Type": FORM}
    answer = production(address("display"), "POST", b"contrast=blue&next=/fr/%3Fq%3D1", **own)
    assert (answer.status, answer.headers["location"]) == (303, "/fr/?q=1#display")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-prefs=100-blue;")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} < set(cookie.split("; "))
    assert (
        production(address("display"), "POST", b"contrast=blue", **{**own, "Origin": "https://a.example"}).status == 403
    )


# --- The same where no server is needed ---------------------------------------------------------------------------


def test_a_page_that_has_not_changed_is_not_sent_again(visitor):
    """What it says of itself (ETag) is enough for a browser to keep it."""
    first = visitor.get("/fr/")
    assert first.has_header("ETag")
    again = visitor.get("/fr/", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = visitor.get("/fr/", headers={"if-none-match": first["ETag"], "cookie": "prefs=100-black"})
    assert other.status_code == 200


def test_a_page_names_the_snapshot_it_was_made_from(visitor, site):
    current = (site.snapshots / "current.sqlite3").resolve().stem
    assert visitor.get("/fr/")["X-Snapshot"] == current


def test_head_says_what_get_says_without_the_page(visitor, a_centre):
    for path in ("/fr/", a_centre, "/robots.txt", "/fr/nowhere/"):
        get, head = visitor.get(path), visitor.head(path)
        assert head.content == b""
        said = {name: value for name, value in get.items() if name != "ETag"}
        assert (head.status_code, dict(head.items())) == (get.status_code, said)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "FOO"])
@pytest.mark.parametrize("path", ["/fr/", "/robots.txt", "/staff/login/", "/nowhere"])
def test_no_method_but_three_is_understood(visitor, method, path):
    response = visitor.generic(method, path)
    assert response.status_code == 405
    assert {each.strip() for each in response["Allow"].split(",")} == {"GET", "HEAD", "POST"}
    assert "no-store" in response["Cache-Control"]


def test_nothing_can_be_posted_to_a_page(visitor, a_centre):
    for path in ("/fr/", a_centre, address("glossary"), "/robots.txt", "/.well-known/security.txt"):
        response = visitor.post(path, {"a": "b"})
        assert response.status_code == 405, path
        assert "POST" not in response["Allow"]


# --- Control characters -------------------------------------------------------------------------------------------

CONTROLS = [*range(32), 127]


@pytest.mark.parametrize("code", CONTROLS, ids=lambda code: f"{code:02x}")
def test_control_characters_are_refused_wherever_they_stand(visitor, code):
    encoded, raw = f"%{code:02X}", chr(code)
    for path in (f"/fr/{encoded}", f"/{encoded}", f"/fr/centres/{encoded}/", f"/staff/{encoded}"):
        assert visitor.generic("GET", path).status_code == 400, path
    for query in (f"q={encoded}", f"{encoded}=q", f"q=a&b=c{encoded}", encoded, f"q={raw}"):
        response = visitor.generic("GET", "/fr/", QUERY_STRING=query)
        assert (response.status_code, response["Cache-Control"]) == (400, "no-store"), query
    for cookie in (f"prefs={raw}", f"a=b{raw}c", f"a{raw}b=c", f'a="\\{code:03o}"'):
        status = visitor.get("/fr/", headers={"cookie": cookie}).status_code
        # Blanks around a name or a value belong to neither: parsing takes them off.
        assert status == 400 or (status == 200 and raw.isspace()), repr(cookie)
    if raw not in "\t\n\r":
        for body in (f"next={encoded}", f"{encoded}=a", f"zoom=in&next=/fr/{encoded}"):
            response = visitor.post(address("display"), body, content_type=FORM)
            assert response.status_code == 400, body
            assert not response.cookies


def test_a_nul_in_a_form_of_several_parts_is_refused_too(visitor):
    response = visitor.post(address("display"), {"zoom": "in", "next": "/fr/\x00"})
    assert response.status_code == 400
    assert not response.cookies


def test_line_ends_and_tabs_are_text_in_a_form(visitor):
    """Staff write paragraphs."""
    response = visitor.post(address("display"), "zoom=in&next=%0D%0A%09", content_type=FORM)
    assert (response.status_code, response["Location"]) == (303, f"{address('home')}#display")


@pytest.mark.django_db
def test_a_nul_never_reaches_the_working_database(client):
    """PostgreSQL would answer it with an error, SQLite would not: the suite runs on both."""
    for path in ("/staff/login/?next=%00", "/staff/%00/", "/staff/login/?%00"):
        assert client.generic("GET", path).status_code == 400
    response = client.post("/staff/login/", "username=%00&password=x", content_type=FORM)
    assert response.status_code == 400
    session = client.get("/staff/", headers={"cookie": "session=\x00"})
    assert session.status_code == 400


# --- Hosts and probes ---------------------------------------------------------------------------------------------


@pytest.mark.django_db(databases=["default", "snapshot"], transaction=True)
def test_probes_answer_whatever_host_they_ask_for_and_pages_do_not(site, settings):
    settings.SNAPSHOT_DIR = site.snapshots
    client = Client(raise_request_exception=False)
    for host in ("10.0.0.7", "10.0.0.7:8000", "elsewhere.example.org", "[fe80::1]", "a b", ""):
        for probe in ("/health/live", "/health/ready"):
            response = client.get(probe, headers={"host": host})
            assert (response.status_code, response["Cache-Control"]) == (200, "no-store"), host
        for path in ("/fr/", "/", "/robots.txt", "/staff/login/"):
            response = client.get(path, headers={"host": host})
            assert response.status_code == 400, (path, host)
            assert "no-store" in response["Cache-Control"]


VARIANTS = [
    *({"x-forwarded-host": "evil.example"}, {"x-host": "evil.example"}, {"x-forwarded-server": "evil.example"}),
    *({"forwarded": "host=evil.example;proto=https"}, {"x-original-url": "/staff/"}, {"x-rewrite-url": "/staff/"}),
    *(
        {"x-forwarded-port": "1"},
        {"x-forwarded-prefix": "/evil"},
        {"x-forwarded-scheme": "http"},
        {"x-http-method": "PUT"},
    ),
    *({"x-http-method-override": "DELETE"}, {"x-forwarded-for": "203.0.113.7"}, {"x-real-ip": "203.0.113.7"}),
    *(
        {"accept-language": "de"},
        {"accept-language": "en-GB,en;q=0.9"},
        {"accept-language": "a" * 3000},
        {"accept": "*/*"},
    ),
    *(
        {"accept": "application/json"},
        {"accept-encoding": "gzip"},
        {"accept-charset": "utf-16"},
        {"user-agent": "x" * 2000},
    ),
    *(
        {"user-agent": "<script>alert(1)</script>"},
        {"referer": "https://evil.example/"},
        {"origin": "https://evil.example"},
    ),
    *(
        {"x-requested-with": "XMLHttpRequest"},
        {"authorization": "Basic dTpw"},
        {"range": "bytes=0-10"},
        {"te": "trailers"},
    ),
    *({"cookie": "language=de"}, {"cookie": "session=abc; csrf=def"}, {"cookie": "_ga=1.2"}, {"cookie": "=;;,=,"}),
    *(
        {"cookie": "prefs=nonsense"},
        {"dnt": "1"},
        {"save-data": "on"},
        {"sec-gpc": "1"},
        {"x-wap-profile": "http://evil.example"},
    ),
    *({"if-modified-since": "Sat, 01 Jan 2000 00:00:00 GMT"}, {"if-none-match": '"x"'}, {"cache-control": "no-cache"}),
]


def test_no_header_changes_a_page_that_a_cache_may_share(visitor, a_centre):
    """Hardening T14: what is not in the cache's key must not be in the page."""
    for path in ("/fr/", a_centre, "/de/nowhere/", "/robots.txt"):
        plain = visitor.get(path)
        for headers in VARIANTS:
            response = visitor.get(path, headers=headers)
            is_shared = response["Cache-Control"].startswith("public")
            assert response.status_code == plain.status_code, (path, headers)
            assert response.content == plain.content or not is_shared, (path, headers)
            assert not response.cookies, (path, headers)
            assert is_shared or "cookie" in headers, (path, headers)
            assert response.get("Vary") == plain.get("Vary"), (path, headers)


def test_an_unknown_query_changes_nothing_that_search_engines_keep(visitor, a_centre):
    plain = document(visitor.get(a_centre).content.decode())
    response = visitor.get(f"{a_centre}?utm_source=x&q=<script>&page=-1&next=//evil.example")
    page = document(response.content.decode())
    assert response.status_code == 200
    assert not response.cookies
    for relation in ("canonical", "alternate"):
        hrefs = [[link.get("href") for link in each.all("link", rel=relation)] for each in (page, plain)]
        assert hrefs[0] == hrefs[1] != []
    assert page.one("main").text == plain.one("main").text
    assert not page.all("script")


@pytest.mark.parametrize(
    "tail", ["x.css", "style.css/", ".css", "x.jpg", "index.php", ";x.css", "%2fx.css", "?x.css/../y"]
)
def test_a_page_does_not_pose_as_a_file(visitor, a_centre, tail):
    """Cache deception: /centres/<slug>/x.css must not answer with the page."""
    expected = 200 if tail.startswith("?") else 404
    response = visitor.get(a_centre + tail)
    assert response.status_code == expected
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "path", ["//evil.example/fr", "//evil.example", "/\\evil.example/x", "///fr", "//fr/aide", "/fr//e"]
)
def test_adding_a_slash_never_leads_to_another_site(visitor, path):
    response = visitor.generic("GET", "/", PATH_INFO=path)
    assert response.status_code in (301, 404)
    if response.status_code == 301:
        assert re.match(r"/(?![/\\])", response["Location"])


@pytest.mark.parametrize("cookie", ["session={}", "csrf={}", "language={}", "messages={}", "session={0}; csrf={0}"])
@pytest.mark.parametrize("value", ["short", "a" * 32, "Z" * 64])
def test_the_cookies_of_staff_mean_nothing_to_a_public_page(visitor, cookie, value):
    """Somebody who works here reads the same page as everybody, and it asks no database about them."""
    for path in ("/fr/", "/fr/nowhere/", "/robots.txt"):
        plain = visitor.get(path)
        response = visitor.get(path, headers={"cookie": cookie.format(value)})
        assert (response.status_code, response.content) == (plain.status_code, plain.content)
        assert not response.cookies
        assert response.get("Vary") == plain.get("Vary")


# --- The working database away ------------------------------------------------------------------------------------

AWAY = {
    "PostgreSQL": "postgres://nobody@localhost:1/nothing",
    "SQLite": "sqlite:////nowhere/at/all/sensgene.sqlite3",
}

ASK_EVERYTHING = """
import json
from django.conf import settings
from django.test import Client
settings.ALLOWED_HOSTS += ["testserver"]
client = Client(raise_request_exception=False)
answers = {}
def note(name, response):
    answers[name] = [response.status_code, dict(response.items()), response.content.decode()]
note("page", client.get("/fr/"))
note("login form", client.get("/staff/login/"))
note("login", client.post("/staff/login/", {"username": "somebody", "password": "something"}))
note("session", client.get("/staff/", headers={"cookie": "session=abcdefgh"}))
note("live", client.get("/health/live"))
note("ready", client.get("/health/ready"))
print(json.dumps(answers))
"""


@pytest.mark.parametrize("kind", AWAY)
def test_without_its_database_the_admin_says_when_to_come_back_and_pages_do_not_notice(site, kind):
    import json

    done = Site(site.folder, AWAY[kind]).python(ASK_EVERYTHING)
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers["page"][0] == answers["live"][0] == answers["login form"][0] == 200
    for name in ("login", "session"):
        status, headers, body = answers[name]
        assert status == 503, name
        assert 0 < int(headers["Retry-After"]) <= 120
        assert "no-store" in headers["Cache-Control"]
        for language in ("fr", "en", "de"):
            assert document(body).all("section", lang=language), f"{name}: not said in {language}"
    status, headers, body = answers["ready"]
    assert (status, headers["Cache-Control"]) == (503, "no-store")
    assert body == "snapshot: answers\nworking database: does not answer\n"


def test_without_a_snapshot_a_page_answers_503_in_three_languages(visitor, settings, tmp_path):
    settings.SNAPSHOT_DIR = tmp_path
    response = visitor.get("/de/")
    assert (response.status_code, response["Cache-Control"]) == (503, "no-store")
    assert int(response["Retry-After"]) > 0
    page = document(response.content.decode())
    assert page.one("html").get("lang") == "de"
    assert [section.get("lang") for section in page.all("section")] == ["de", "fr", "en"]


# --- Logs ---------------------------------------------------------------------------------------------------------

WRITE_LOGS = r"""
import logging
logging.getLogger("sensgene.somewhere").warning("one\n2026-01-01 CRITICAL forged %s", "two\r\nthree\x1b[31m\x00")
logging.getLogger("django.request").error("Not found: %s", "/fr/\nforged")
logging.getLogger("django.security.csrf").error("Forbidden (%s): %s", "a\nb", "/fr/\x85")
logging.getLogger("somebody.elses").error("x\ry")
"""


def test_a_log_line_is_one_line_whatever_a_request_holds(site):
    written = site.python(WRITE_LOGS).stderr
    # A foreign host name is a scanner's; such lines are not written at all.
    assert len(written.splitlines()) == 4, written
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", written)
    assert all(re.match(r"\d{4}-\d\d-\d\d [\d:,]+ (WARNING|ERROR) \S+ ", line) for line in written.splitlines())
    assert r"\n2026-01-01 CRITICAL forged two\r\nthree\x1b[31m\x00" in written


def test_who_looked_for_which_page_is_not_logged(site):
    code = (
        "from django.conf import settings; from django.test import Client\n"
        "settings.ALLOWED_HOSTS += ['testserver']\n"
        "client = Client(raise_request_exception=False)\n"
        "for path in ('/fr/', '/fr/centres/nowhere/', '/nowhere', '/fr/?q=usher'): client.get(path)\n"
    )
    assert site.python(code).stderr == ""


# --- Anything at all (hardening F16) ------------------------------------------------------------------------------

ODD = [
    *("a" * 10_000, "9" * 5_000, "-1", "¹", "١٢", "1e999", "NaN", "null", "\x00", "\r\n", "\x7f", "\x85", "\u2028"),
    *("\ud800", "‮abc", "a\u200db", "👩‍🦯" * 50, "..", "../" * 50, "%", "%%", "%zz", "%C0%AF", "%ED%A0%80"),
    *("' OR 1=1 --", '"><script>', "{{7*7}}", "${7*7}", "<!--", "\\", "//", "/.", "~", "é" * 500, "İ", "ß", "ﬃ"),
]
text = st.one_of(st.text(max_size=60), st.text(st.characters(max_codepoint=255), max_size=60), st.sampled_from(ODD))


def anything(examples: int):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,  # the same examples for everybody
        # The fixtures hold nothing that one example could leave to the next.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def encoded(words: str) -> str:
    return quote(words.encode("utf-8", "surrogatepass"), safe="/")


def raw(words: str) -> str:
    """As the server hands bytes over: one character a byte."""
    return words.encode("utf-8", "surrogatepass").decode("latin-1")


@anything(150)
@given(
    words=text,
    place=st.sampled_from(["/", "/fr/", "/en/centres/", "/de/", "/fr/centres/{}/", "/fr/pages/{}/", "/static/"]),
)
@example(words="\x00", place="/")
def test_no_path_breaks_the_site(visitor, words, place):
    path = place.format(encoded(words)) if "{}" in place else place + encoded(words)
    assert visitor.generic("GET", path).status_code < 500


@anything(25)
@given(
    words=st.one_of(
        text, st.dictionaries(text, text, max_size=5).map(lambda pairs: "&".join(map("=".join, pairs.items())))
    )
)
def test_no_query_breaks_the_site(visitor, words):
    for query in (raw(words), encoded(words), f"q={encoded(words)}&q={encoded(words)}"):
        assert visitor.generic("GET", "/fr/", QUERY_STRING=query).status_code < 500


@anything(25)
@given(words=text)
def test_no_cookie_breaks_the_site(visitor, words):
    for cookie in (raw(words), f"prefs={raw(words)}", f"prefs={encoded(words)}", f"{raw(words)}=100-black"):
        assert visitor.get("/fr/", headers={"cookie": cookie}).status_code < 500


@anything(100)
@given(words=text, field=st.sampled_from(["zoom", "contrast", "next"]))
def test_no_form_breaks_the_site(visitor, words, field):
    own = {"sec-fetch-site": "same-origin"}
    for body in (raw(words), f"zoom=in&{field}={encoded(words)}", f"{encoded(words)}={encoded(words)}"):
        response = visitor.post(address("display"), body, content_type=FORM, headers=own)
        assert response.status_code < 500


@anything(150)
@given(
    words=text, header=st.sampled_from(["host", "origin", "referer", "accept-language", "accept", "x-forwarded-proto"])
)
def test_no_header_breaks_the_site(visitor, words, header):
    assert visitor.get("/", headers={header: raw(words)}).status_code < 500


BODIES = [
    *(
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"--a\r\nnonsense"),
        ("text/plain", b"\xff" * 100),
    ),
    *(("multipart/form-data; boundary=" + "a" * 300, b""), (f"{FORM}; charset=utf-16", b"zoom=in"), ("", b"zoom=in")),
    *((f"{FORM}; charset=nonsense", b"zoom=in"), ("application/json", b'{"zoom":"in"}'), (FORM, b"&" * 5000)),
    *((FORM, b"a=b&" * 5000), (FORM, b"zoom=in&next=%ED%A0%80"), (FORM, b"a" * 4_000_000), (FORM, b"\xff\xfe=\xff")),
    *(
        (
            "multipart/form-data; boundary=a",
            b"".join(b'--a\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\ny\r\n' for _ in range(200))
            + b"--a--\r\n",
        ),
    ),
]


@pytest.mark.parametrize(("content_type", "body"), BODIES, ids=lambda value: str(value)[:40])
def test_no_body_breaks_the_site(visitor, content_type, body):
    response = visitor.generic(
        "POST", address("display"), body, content_type=content_type, headers={"sec-fetch-site": "none"}
    )
    assert 300 <= response.status_code < 500
    assert not response.cookies or response.status_code == 303


def test_a_control_character_is_refused_whatever_form_it_comes_in(visitor):
    for kind in ("multipart/form-data; boundary=a", FORM):
        parts = b'--a\r\nContent-Disposition: form-data; name="zoom"\r\n\r\nin\x0b\r\n--a--\r\n'
        body = parts if "multipart" in kind else b"zoom=in%0B"
        response = visitor.generic(
            "POST", address("display"), body, content_type=kind, headers={"sec-fetch-site": "same-origin"}
        )
        assert response.status_code == 400, kind


def test_the_wrong_server_software_settings_are_not_ours_to_find_out():
    """gunicorn reads its configuration as it is shipped: what it refuses is refused before it listens."""
    command = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "--check-config"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
