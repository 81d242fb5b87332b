"""Size and contrast: what a press on a display button does, and what it never does."""

import re
from itertools import product
from urllib.parse import quote, urlencode, urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from sensgene import preferences, snapshot
from tests.markup import Element, document
from tests.site import sampled_paths

SAME_ORIGIN = {"sec-fetch-site": "same-origin", "origin": "http://testserver"}
A_YEAR_AND_A_MONTH = 13 * 31 * 24 * 60 * 60


def new_browser(**headers: str) -> Client:
    """As strict as production: the test client skips Django's CSRF check unless told not to."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False, headers=headers)


@pytest.fixture
def browser(visitor) -> Client:
    return new_browser()


def address(url_name: str, language: str = "fr", *arguments: str) -> str:
    with translation.override(language):
        return reverse(url_name, args=arguments)


def press(browser: Client, *, language: str = "fr", headers: dict[str, str] = SAME_ORIGIN, **fields: str):
    """Sends the display form of a page as a browser does."""
    body = urlencode({"next": address("help", language), **fields})
    return send(browser, body, language=language, headers=headers)


def send(browser: Client, body: str, *, language: str = "fr", headers: dict[str, str] = SAME_ORIGIN):
    form = "application/x-www-form-urlencoded"
    return browser.post(address("display", language), body, content_type=form, headers=headers)


def shown(browser: Client, path: str = "") -> Element:
    """What the visitor sees next."""
    response = browser.get(path or address("help"))
    assert response.status_code == 200
    return document(response.content.decode())


def look(page: Element) -> tuple[str, str]:
    html = page.one("html")
    return html.get("data-zoom"), html.get("data-contrast")


def button(page: Element, name: str, value: str) -> Element:
    return page.one("button", name=name, value=value)


# --- What a press does --------------------------------------------------------------------------------------------


def test_a_page_has_its_plain_look_and_no_cookie_before_the_first_press(browser):
    page = shown(browser)
    assert look(page) == ("100", "auto")
    assert browser.cookies == {}
    # No contrast was chosen: the system's wish counts, and no button claims to be down.
    assert button(page, "contrast", "standard").get("aria-pressed") == "false"


def test_zoom_goes_through_nine_sizes_and_stops_at_both_ends(browser):
    def sizes(step: str, presses: int) -> list[str]:
        found = []
        for _press in range(presses):
            assert press(browser, zoom=step).status_code == 303
            found.append(look(shown(browser))[0])
        return found

    assert sizes("in", 7) == ["125", "150", "175", "200", "250", "300", "300"]
    assert sizes("out", 9) == ["250", "200", "175", "150", "125", "100", "90", "80", "80"]
    assert len(preferences.ZOOMS) == 9


@pytest.mark.parametrize(("zoom", "last", "other"), [("300", "in", "out"), ("80", "out", "in")])
def test_at_the_end_of_the_range_the_button_says_so_in_words(browser, zoom, last, other):
    words = button(shown(browser), "zoom", last).text
    browser.cookies["prefs"] = f"{zoom}-auto"
    page = shown(browser)
    assert look(page)[0] == zoom
    assert button(page, "zoom", last).get("aria-disabled") == "true"
    assert len(button(page, "zoom", last).text) > len(words) + 3
    assert "disabled" not in button(page, "zoom", last).attributes  # it stays reachable, and can be read
    assert button(page, "zoom", other).get("aria-disabled") is None


@pytest.mark.parametrize("name", ["standard", "black", "blue", "white"])
def test_a_contrast_is_shown_and_its_button_is_down(browser, name):
    assert press(browser, contrast=name).status_code == 303
    page = shown(browser)
    assert look(page) == ("100", name)
    states = {each.get("value"): each.get("aria-pressed") for each in page.all("button", name="contrast")}
    assert states == {other: str(other == name).lower() for other in ("standard", "black", "blue", "white")}


def test_contrast_and_size_are_kept_apart_until_reset_forgets_both(browser):
    press(browser, contrast="blue")
    press(browser, zoom="in")
    press(browser, zoom="in")
    assert look(shown(browser)) == ("150", "blue")
    press(browser, contrast="white")
    assert look(shown(browser)) == ("150", "white")
    press(browser, zoom="reset")
    assert look(shown(browser)) == ("100", "auto")


def test_the_size_is_said_where_a_screen_reader_announces_it(browser):
    press(browser, zoom="in")
    [state] = shown(browser).all("p", role="status")
    assert "125" in state.text


@pytest.mark.parametrize("language", ["fr", "en", "de"])
def test_the_form_of_each_language_works_and_comes_back_in_that_language(browser, language):
    path = address("glossary", language)
    page = shown(browser, path)
    form = page.one("form", class_="display")
    assert form.get("method") == "post"
    fields = {field.get("name"): field.get("value") for field in form.all("input")}
    body = urlencode({**fields, "contrast": "black"})
    assert form.get("action") == address("display", language)
    response = send(browser, body, language=language)
    assert (response.status_code, response["Location"]) == (303, f"{path}#display")
    assert look(shown(browser, path)) == ("100", "black")
    assert "display" in [element.get("id") for element in page.walk()]


def test_the_answer_to_a_press_leads_back_to_the_same_page_with_its_query(browser, site):
    snapshot.open_current()
    paths = sampled_paths("fr")
    assert len(paths) > 40
    queries = ("", "?q=r%C3%A9tinite+pigmentaire&page=2", "?a=//example.org/&b=https://example.org", "?", "?x=%2F%2Fy")
    for path, query in product(paths, queries):
        response = press(browser, next=path + query, zoom="out")
        assert (response.status_code, response["Location"]) == (303, f"{path}{query}#display")


def test_a_page_says_why_nothing_changed_where_cookies_are_refused(browser):
    """The note is on every page that came without the cookie; the address of the answer (#display) shows it."""
    assert shown(browser).all("p", id="display-refused")
    press(browser, zoom="in")
    assert not shown(browser).all("p", id="display-refused")


# --- The cookie ---------------------------------------------------------------------------------------------------


def test_the_cookie_holds_the_choice_and_nothing_else(browser):
    cookie = press(browser, contrast="blue").cookies["prefs"]
    assert cookie.value == "100-blue"
    assert (cookie["path"], cookie["domain"], cookie["samesite"], cookie["httponly"]) == ("/", "", "Lax", True)
    assert 0 < cookie["max-age"] <= A_YEAR_AND_A_MONTH


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(browser, settings):
    settings.IS_SECURE = True
    settings.PREFERENCES_COOKIE_NAME = "__Host-prefs"
    response = press(browser, contrast="black")
    assert set(response.cookies) == {"__Host-prefs"}
    cookie = response.cookies["__Host-prefs"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


@pytest.mark.parametrize(
    "value",
    [
        *("", "-", "100", "black", "100-", "-black", "100_black", "100-pink", "110-black", "99-black", "0100-black"),
        *("1000-black", "+100-black", "100-black-", "100-BLACK", "100-auto;x", "-100-black", "1e2-black"),
        *(
            "१००-black",
            "１００-black",
            "100-blаck",
            "100-none",
            "z1c1",
            "<script>",
            "'--",
            "9" * 4000,
            "100-" + "a" * 4000,
        ),
        *("None-None", "100-black%00", "null", "[]", "../../etc/passwd", "100‮-black", "🦮"),
    ],
)
def test_a_cookie_that_we_did_not_write_counts_as_none(visitor, value):
    raw = f"prefs={value}".encode().decode("latin-1")
    response = visitor.get(address("help"), headers={"cookie": raw})
    assert response.status_code == 200
    assert look(document(response.content.decode())) == ("100", "auto")
    assert not response.cookies


@pytest.mark.parametrize("choice", [{"zoom": "in"}, {"contrast": "black"}, {"zoom": "reset"}])
def test_reading_an_address_never_changes_the_display(browser, choice):
    """Crawlers follow links, and people share them."""
    for path in (address("display"), address("help"), address("home")):
        response = browser.get(path, choice)
        assert not response.cookies
    response = browser.get(address("display"), {**choice, "next": "https://example.org/"})
    assert (response.status_code, response["Location"]) == (302, address("help"))


@pytest.mark.parametrize(
    "fields",
    [
        *(
            {},
            {"zoom": "huge"},
            {"contrast": "pink"},
            {"contrast": "auto"},
            {"zoom": ""},
            {"zoom": "in", "contrast": "x"},
        ),
        *({"zoom": "IN"}, {"zoom": "in" * 5000}, {"zoom": "in", "next": "/" + "x" * 5000}, {"contrast": "black blue"}),
    ],
)
def test_a_press_on_no_button_of_ours_is_refused(browser, fields):
    response = press(browser, **fields)
    assert response.status_code == 400
    assert not response.cookies


# --- Where the answer leads (hardening T6) ------------------------------------------------------------------------

ELSEWHERE = [
    *("//example.org", "///example.org", "////example.org/", "//example.org/%2e%2e", "//example.org@localhost/"),
    *(
        r"/\example.org",
        r"\\example.org",
        r"\/example.org",
        r"/\/example.org",
        r"//\example.org",
        r"/fr/\..\example.org",
    ),
    *(
        "https://example.org",
        "http://example.org/fr/",
        "https:example.org",
        "https:/example.org",
        "https:///example.org",
    ),
    *("http:example.org", "HTTPS://EXAMPLE.ORG", "ftp://example.org/", "ws://example.org", "file:///etc/passwd"),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "javascript://localhost/%0aalert(1)"),
    *("data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "mailto:a@example.org", "tel:+33100000000"),
    *("%2f%2fexample.org", "/%2fexample.org", "/%5cexample.org", "%5c%5cexample.org", "/%09/example.org", "/%2e%2e//x"),
    *("/\t/example.org", "/\n/example.org", "/\r\n/example.org", "\t//example.org", " //example.org", "//example.org "),
    *("/fr/\r\nLocation: https://example.org", "/fr/\nSet-Cookie: a=b", "/fr/%0d%0aLocation:%20https://example.org"),
    *("//ex\u00e4mple.org", "//xn--exmple-cua.org", "//example\u3002org", "//\u0435xample.org", "/\u2215example.org"),
    *(
        "\uff0f\uff0fexample.org",
        "/\uff0fexample.org",
        "/\u2044example.org",
        "\u202e//example.org",
        "\ufeff//example.org",
    ),
    *("http://localhost:8000@example.org/", "http://localhost@example.org", "//localhost:8000@example.org/fr/"),
    *(
        "http://testserver.example.org/",
        "//testserver.example.org",
        "http://[::1]/",
        "//[::1]/",
        "//127.0.0.1/",
        "//0/",
    ),
    *(
        "?next=//example.org",
        "#//example.org",
        "",
        " ",
        ".",
        "..",
        "../",
        "./fr/",
        "fr/",
        "example.org",
        "example.org/fr/",
    ),
    *(
        "/fr/../../example.org",
        "/fr/..//example.org",
        "/./",
        "/fr//",
        "/fr/;//example.org",
        "/fr/aide/..",
        "/fr/%2e%2e/",
    ),
    *(
        "/nowhere/",
        "/fr/nowhere/",
        "/fr/aide",
        "/fr/aide//",
        "/FR/",
        "/es/",
        "/static/",
        "/fr/<script>",
        "/fr/aide/?\n",
    ),
    *("/fr/#//example.org", "//fr/aide/", "http://testserver/fr/", "http://localhost:8000/fr/", "\x00/fr/", "/fr/\x00"),
    *(
        "//user:password@example.org:443/fr/?a=b#c",
        "//example.org:80",
        "https://example.org\\@localhost/",
        "/:80",
        "::",
    ),
    *("/fr/?\r\nLocation: https://example.org", "\x01//example.org", "\x0b//example.org", "//example.org\x1f", "null"),
]
# What a filter might take off or decode once too often, before each of the worst.
PREFIXES = ("", "/", "/fr/", " ", "\t", "\\", "%20", "%09", "%5c", ".", "@", "/.", "/fr/aide/", "a:", ":", "?")
WORST = (
    "//example.org",
    r"/\example.org",
    "https://example.org",
    "https:example.org",
    "javascript:alert(1)",
    "%2f%2fexample.org",
)
CORPUS = list(dict.fromkeys([*ELSEWHERE, *(before + worst for before, worst in product(PREFIXES, WORST))]))


def where_a_browser_goes(location: str, base: str) -> str:
    """As browsers read an address: controls and blanks around it go, tabs and line ends in it too, \\ is a /."""
    location = re.sub(r"[\t\r\n]", "", location.strip("".join(map(chr, range(33)))))
    head, mark, query = location.partition("?")
    return urljoin(base, head.replace("\\", "/") + mark + query)


def test_the_corpus_is_as_long_as_it_promises():
    assert len(CORPUS) > 180
    assert where_a_browser_goes("/\t/example.org", "http://testserver/fr/") == "http://example.org"


def test_no_address_in_the_form_leads_off_the_site(browser):
    base = f"http://testserver{address('display')}"
    led, paths = 0, set()
    for odd in CORPUS:
        response = press(browser, zoom="in", next=odd)
        assert response.status_code in (303, 400), odd
        if response.status_code == 303:
            led += 1
            location = response["Location"]
            assert not re.search(r"[\x00-\x20\x7f\\]", location), odd
            goes_to = urlsplit(where_a_browser_goes(location, base))
            assert (goes_to.scheme, goes_to.netloc) == ("http", "testserver"), (odd, location)
            paths.add(goes_to.path)
    assert led > 100
    assert not [path for path in paths if browser.get(path).status_code != 200]


def test_bytes_that_are_no_text_lead_nowhere_else_either(browser):
    for odd in (
        "%ED%A0%80//example.org",
        "%C0%AF%C0%AFexample.org",
        "%FF%FE/",
        "/fr/%E0%80%AF",
        "%F4%90%80%80",
        "%",
        "%zz",
    ):
        response = send(browser, f"zoom=in&next={odd}")
        assert response.status_code in (303, 400), odd
        if response.status_code == 303:
            assert response["Location"] == f"{address('home')}#display", odd


def test_the_second_of_two_addresses_is_judged_like_the_first(browser):
    for first, second in (("/fr/", "//example.org"), ("//example.org", "/fr/")):
        response = send(browser, f"zoom=in&next={quote(first, safe='')}&next={quote(second, safe='')}")
        assert urlsplit(response["Location"]).netloc == ""


# --- Who may press ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
        {"sec-fetch-site": "nonsense"},
        {"origin": "https://example.org"},
        {"origin": "null"},
        {"origin": "http://testserver.example.org"},
        {"origin": "http://testserver:81"},
        {"origin": "https://testserver"},
        {"origin": "//testserver"},
        {"origin": "http://testserver "},
    ],
)
def test_a_form_on_another_site_cannot_press_a_button(browser, headers):
    response = press(browser, contrast="black", headers=headers)
    assert response.status_code == 403
    assert not response.cookies
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://testserver"},
        {"origin": "http://localhost:8000"},
        {},
        {"sec-fetch-site": "same-origin", "origin": "http://testserver", "referer": "http://testserver/fr/"},
    ],
    ids=str,
)
def test_our_own_form_can_with_every_kind_of_browser(browser, headers):
    response = press(browser, contrast="black", headers=headers)
    assert response.status_code == 303
    assert response["Location"] == f"{address('help')}#display"
    assert response.cookies["prefs"].value == "100-black"


# --- Caches -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "status"), [("/fr/", 200), ("/en/", 200), ("/fr/nowhere/", 404)])
def test_a_page_without_the_cookie_may_be_shared_and_one_with_it_may_not(browser, path, status):
    plain = browser.get(path)
    assert plain["Cache-Control"].startswith("public, ")
    press(browser, contrast="black")
    own = browser.get(path)
    assert own["Cache-Control"] == "private, max-age=60"
    assert plain["Vary"] == own["Vary"] == "Cookie"
    assert plain.status_code == own.status_code == status
    assert look(document(own.content.decode())) == ("100", "black")


def test_the_answer_to_a_press_is_never_stored(browser):
    assert press(browser, contrast="black")["Cache-Control"] == "no-store"


def test_each_of_two_visitors_gets_their_own_display(visitor):
    ada, bea, plain = new_browser(), new_browser(), new_browser()
    press(ada, contrast="black")
    press(bea, contrast="blue")
    press(bea, zoom="in")
    looks = []
    for path in [address("home"), address("help", "en"), address("glossary", "de")] * 4:
        looks.append((look(shown(ada, path)), look(shown(plain, path)), look(shown(bea, path))))
    assert set(looks) == {(("100", "black"), ("100", "auto"), ("125", "blue"))}
