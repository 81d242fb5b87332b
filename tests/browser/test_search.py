"""The search in a real browser: from the box to a centre, the list of suggestions, and every kind of answer."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.urls import reverse
from django.utils import translation
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import overflow, violations

pytestmark = pytest.mark.browser

LANGUAGES = ("fr", "en", "de")
CONTRASTS = ("standard", "black", "blue", "white")
NARROW = [(1280, "300-blue"), (320, "100-standard"), (320, "300-blue"), (160, "100-standard")]
BOX, OPTIONS, STATUS = "#search-q", ".suggest [role=option]", ".suggest [role=status]"
USHER = {"kind": "disease", "orpha_code": 886, "label": "Usher syndrome", "lang": "en", "url": "/en/diseases/886/"}
INVENTED = [
    USHER,
    {"kind": "disease", "orpha_code": 1, "label": "Syndrome inventé", "lang": "fr", "url": "/en/diseases/1/"},
    {"kind": "centre", "orpha_code": None, "label": "Zentrum für Erfundenes", "lang": "de", "url": "/en/centres/x/"},
]


def address(language: str, name: str, *arguments, **query: str) -> str:
    with translation.override(language):
        path = reverse(name, args=arguments)
    return f"{path}?{urlencode(query)}" if query else path


def pages(language: str) -> dict[str, str]:
    """Every kind of page that the search leads to."""
    return {
        "many centres": address(language, "search", q="usher", near="Colmar", age="children"),
        "nothing": address(language, "search", q="xqzvwk"),
        "an ambiguous town": address(language, "search", q="usher", near="Saint-Denis"),
        "a question that is too long": address(language, "search", q="a" * 400),
        "a disease of the directory": address(language, "disease", 886),
        "a disease outside": address(language, "disease", 15),
        "a region with centres": address(language, "region", "grand-est"),
        "a region without": address(language, "region", "bretagne"),
        "a way in": address(language, "eye"),
        "a letter": address(language, "disease-letter", "a"),
        "the list of diseases": address(language, "diseases"),
    }


def invent(page: Page, results: list[dict] = INVENTED) -> list[str]:
    """From now on the page is offered these suggestions; returns the questions as they come."""
    asked = []

    def answer(route):
        asked.append(parse_qs(urlsplit(route.request.url).query)["q"][0])
        route.fulfill(json={"query": asked[-1], "results": results})

    page.route("**/api/suggest?*", answer)
    return asked


def offered(page: Page, typed: str = "usher", results: list[dict] = INVENTED) -> list[str]:
    """The English search page with the list open."""
    asked = invent(page, results)
    page.goto("/en/search/")
    page.locator(BOX).press_sequentially(typed)
    expect(page.locator(OPTIONS)).to_have_count(len(results))
    return asked


def hold(page: Page) -> list[Route]:
    """From now on nothing is answered until the test says so; returns the questions as they come."""
    waiting = []
    page.route("**/api/suggest?*", lambda route: waiting.append(route))
    return waiting


def type_and_wait(page: Page, typed: str, waiting: list[Route]) -> Route:
    """Types this into the box; returns the question that it leads to."""
    before = len(waiting)
    page.locator(BOX).press_sequentially(typed)
    for _ in range(200):
        if len(waiting) > before:
            return waiting[-1]
        page.wait_for_timeout(25)
    raise AssertionError(f"nothing was asked for {typed!r}")


def active(page: Page) -> str | None:
    """The words of the option that a screen reader reads now."""
    return page.evaluate(
        """(box) => {
          const marked = document.querySelectorAll("[role=option][aria-selected=true]");
          const id = document.querySelector(box).getAttribute("aria-activedescendant");
          if (marked.length !== (id ? 1 : 0) || (id && marked[0].id !== id)) return "what is marked is not what is read";
          return id && marked[0].textContent;
        }""",
        BOX,
    )


def is_closed(page: Page) -> None:
    expect(page.locator(BOX)).to_have_attribute("aria-expanded", "false")
    assert not page.locator(".suggest-list").is_visible()
    assert page.locator(STATUS).inner_text() == ""
    assert active(page) is None


# --- From the box to a centre -------------------------------------------------------------------------------------


def read_the_results(page: Page) -> None:
    page.wait_for_url(re.compile(r"/en/search/\?"))
    query = parse_qs(urlsplit(page.url).query)
    assert (query["near"], query["age"]) == (["Colmar"], ["children"])
    heading = page.locator("h2#list").inner_text()
    assert "Usher" in heading
    assert "Colmar" in heading
    assert "Montpellier" in page.locator(".highlights").inner_text()  # MAOLYA: the disease itself is on its list
    assert re.search(r"\d+ km from Colmar", page.locator(".results ol > li").first.inner_text())
    assert overflow(page) <= 0
    link = page.locator(".results ol > li h3 a").first
    name = link.inner_text()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/en/centres/"))
    assert page.locator("h1").inner_text() == name
    assert overflow(page) <= 0


@pytest.mark.parametrize("width", [1280, 320])
def test_a_parent_finds_the_nearest_centre_by_keyboard_alone(new_page, origin, width):
    page = new_page(width=width)
    problems, requested = [], []
    page.on("console", lambda message: problems.append(message.text))  # a breach of the CSP is written there too
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.goto("/en/")
    assert overflow(page) <= 0
    page.locator(BOX).focus()
    page.keyboard.type("usher")
    expect(page.locator(OPTIONS).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert active(page) == "Usher syndrome"
    assert overflow(page) <= 0
    page.keyboard.press("Enter")
    assert page.locator(BOX).input_value() == "Usher syndrome"
    page.keyboard.press("Tab")
    page.keyboard.type("Colmar")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("A child").is_checked()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Search"
    page.keyboard.press("Enter")
    read_the_results(page)
    assert problems == []
    assert any("/api/suggest?" in url for url in requested)
    assert [url for url in requested if not url.startswith(f"{origin}/")] == []
    assert page.context.cookies() == []


@pytest.mark.parametrize("width", [1280, 320])
def test_a_parent_finds_the_nearest_centre_without_scripts(new_page, width):
    page = new_page(width=width, java_script_enabled=False)
    page.goto("/en/")
    page.locator(BOX).fill("usher")
    page.locator("#search-near").fill("Colmar")
    page.get_by_label("A child").check()
    page.get_by_role("button", name="Search").click()
    read_the_results(page)


def test_what_was_asked_stays_in_the_form(new_page):
    page = new_page(java_script_enabled=False)
    page.goto(pages("fr")["many centres"])
    assert page.locator(BOX).input_value() == "usher"
    assert page.locator("#search-near").input_value() == "Colmar"
    assert page.locator("input[name=age]:checked").get_attribute("value") == "children"


def test_an_ambiguous_town_is_chosen_by_a_link_that_keeps_the_rest(new_page):
    page = new_page(java_script_enabled=False)
    page.goto(pages("en")["an ambiguous town"])
    page.locator(".messages a", has_text="Seine-Saint-Denis").click()
    assert "Usher" in page.locator("h2#list").inner_text()
    assert "nearest to Saint-Denis" in page.locator("h2#list").inner_text()
    assert " km from Saint-Denis" in page.locator(".results ol > li").first.inner_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_found_repeats_the_words_and_leads_on(new_page, language):
    page = new_page()
    page.goto(pages(language)["nothing"])
    message = page.locator(".messages[role=status]")
    assert "xqzvwk" in message.inner_text()
    assert message.locator("li").count() == 3
    links = [link.get_attribute("href") for link in message.locator("a").all()]
    assert links == [address(language, name) for name in ("diseases", "no-diagnosis", "help-lines")]


def test_a_mistake_in_the_form_is_said_above_it_and_beside_the_box(new_page):
    page = new_page()
    page.goto(pages("en")["a question that is too long"])
    assert page.title().startswith("Error:")
    page.locator(".errors[role=alert] a").click()
    box = page.locator(BOX)
    expect(box).to_be_focused()
    assert box.input_value() == "a" * 400
    assert box.get_attribute("aria-invalid") == "true"
    assert "100" in page.locator("#search-q-error").inner_text()
    assert "search-q-error" in box.get_attribute("aria-describedby").split()
    # Not by colour alone: the border of a wrong box is another one.
    style = "(box) => getComputedStyle(box).borderStyle"
    assert box.evaluate(style) == "double"
    assert page.locator("#search-near").evaluate(style) == "solid"


# --- The list of suggestions --------------------------------------------------------------------------------------


def test_the_box_is_a_combobox_that_controls_a_named_list(new_page):
    page = new_page()
    invent(page)
    page.goto("/en/search/")
    box = page.get_by_role("combobox", name="Disease, centre, hospital or person")
    expect(box).to_have_attribute("aria-autocomplete", "list")
    expect(box).to_have_attribute("aria-expanded", "false")
    listed = page.locator(f"#{box.get_attribute('aria-controls')}")
    assert listed.get_attribute("role") == "listbox"
    assert not listed.is_visible()
    box.press_sequentially("usher")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("listbox", name="Suggestions")).to_be_visible()
    assert [option.inner_text() for option in listed.get_by_role("option").all()] == [
        each["label"] for each in INVENTED
    ]
    assert [option.get_attribute("lang") for option in listed.get_by_role("option").all()] == ["en", "fr", "de"]
    assert active(page) is None
    assert page.evaluate("document.activeElement.id") == "search-q"


def test_without_scripts_nothing_says_that_there_would_be_a_list(new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/en/search/")
    box = page.locator(BOX)
    assert [box.get_attribute(name) for name in ("role", "aria-expanded", "aria-controls")] == [None] * 3
    assert page.locator("[role=listbox]").count() == 0


def test_the_arrows_go_round_the_list_and_the_marked_line_is_the_one_that_is_read(new_page):
    page = new_page()
    offered(page)
    heard = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
        heard.append(active(page))
    first, second, third = (each["label"] for each in INVENTED)
    assert heard == [first, second, third, first, third, second]
    assert page.locator(BOX).input_value() == "usher"
    assert page.evaluate("document.activeElement.id") == "search-q"


def test_the_arrow_up_begins_at_the_end_and_the_arrow_down_opens_a_closed_list(new_page):
    page = new_page()
    offered(page)
    page.keyboard.press("ArrowUp")
    assert active(page) == INVENTED[-1]["label"]
    page.keyboard.press("Escape")
    is_closed(page)
    page.keyboard.press("ArrowDown")
    expect(page.locator(OPTIONS)).to_have_count(3)


def test_enter_takes_the_marked_line_and_only_the_next_enter_sends_the_form(new_page):
    page = new_page()
    offered(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    is_closed(page)
    assert page.locator(BOX).input_value() == "Usher syndrome"
    assert urlsplit(page.url).query == ""
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?q="))
    assert "Usher syndrome" in page.locator("h2#list").inner_text()


def test_enter_without_a_marked_line_sends_what_was_typed(new_page):
    page = new_page()
    offered(page)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?q=usher&"))


def test_typing_on_takes_the_mark_away_so_that_enter_sends_the_new_words(new_page):
    page = new_page()
    offered(page, "ushe")
    page.keyboard.press("ArrowDown")
    assert active(page) == "Usher syndrome"
    page.keyboard.press("r")
    assert active(page) is None
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?q=usher&"))


def test_escape_closes_the_list_and_then_clears_the_box(new_page):
    page = new_page()
    offered(page)
    page.keyboard.press("Escape")
    is_closed(page)
    assert page.locator(BOX).input_value() == "usher"
    page.keyboard.press("Escape")
    assert page.locator(BOX).input_value() == ""


def test_an_answer_that_comes_after_escape_opens_nothing(new_page):
    page = new_page()
    waiting = hold(page)
    page.goto("/en/search/")
    question = type_and_wait(page, "usher", waiting)
    page.keyboard.press("Escape")
    question.fulfill(json={"query": "usher", "results": INVENTED})
    page.wait_for_timeout(200)
    is_closed(page)
    assert page.locator(BOX).input_value() == ""


def test_tab_leaves_the_box_and_closes_the_list(new_page):
    page = new_page()
    offered(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "search-near"
    is_closed(page)
    assert page.locator(BOX).input_value() == "usher"


def test_a_finger_takes_a_line_too(new_page):
    page = new_page(width=320, has_touch=True)
    offered(page)
    page.locator(OPTIONS).nth(1).tap()
    is_closed(page)
    assert page.locator(BOX).input_value() == "Syndrome inventé"
    assert page.evaluate("document.activeElement.id") == "search-q"


@pytest.mark.parametrize(
    ("language", "spoken"),
    [
        ("fr", ["3 suggestions", "1 suggestion", "Aucune suggestion"]),
        ("en", ["3 suggestions", "1 suggestion", "No suggestion"]),
        ("de", ["3 Vorschläge", "1 Vorschlag", "Kein Vorschlag"]),
    ],
)
def test_the_number_of_suggestions_is_announced(new_page, language, spoken):
    page = new_page()
    answers = [INVENTED, INVENTED[:1], []]
    page.route("**/api/suggest?*", lambda route: route.fulfill(json={"query": "", "results": answers.pop(0)}))
    page.goto(address(language, "search"))
    status = page.locator(STATUS)
    assert status.inner_text() == ""  # it is there before it says something, else nobody hears the first message
    page.locator(BOX).press_sequentially("us")
    for number, words in enumerate(spoken):
        expect(status).to_have_text(words)
        assert page.locator(OPTIONS).count() == (3, 1, 0)[number]
        if number < 2:
            page.keyboard.press("h")
    assert page.locator(BOX).get_attribute("aria-expanded") == "false"


def test_somebody_who_types_fast_asks_once(new_page):
    page = new_page()
    asked = invent(page)
    page.goto("/en/search/")
    page.locator(BOX).press_sequentially("usher", delay=20)
    expect(page.locator(OPTIONS)).to_have_count(3)
    assert asked == ["usher"]


def test_a_late_answer_to_an_earlier_question_is_dropped(new_page):
    page = new_page()
    waiting = hold(page)
    page.goto("/en/search/")
    early, late = type_and_wait(page, "us", waiting), type_and_wait(page, "h", waiting)
    late.fulfill(json={"query": "ush", "results": INVENTED[:1]})
    expect(page.locator(OPTIONS)).to_have_text(["Usher syndrome"])
    early.fulfill(json={"query": "us", "results": INVENTED[1:]})
    page.wait_for_timeout(200)
    assert page.locator(OPTIONS).all_inner_texts() == ["Usher syndrome"]
    assert page.locator(STATUS).inner_text() == "1 suggestion"


def test_fewer_than_two_letters_ask_nothing_and_close_the_list(new_page):
    page = new_page()
    asked = invent(page)
    page.goto("/en/search/")
    page.locator(BOX).press_sequentially("u ")
    page.wait_for_timeout(400)
    is_closed(page)
    assert asked == []
    page.keyboard.press("s")
    expect(page.locator(OPTIONS)).to_have_count(3)
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    expect(page.locator(OPTIONS)).to_have_count(0)
    is_closed(page)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda route: route.fulfill(status=500, body="Server error"),
        lambda route: route.fulfill(body="<!doctype html><title>Sign in to this network</title>"),
        lambda route: route.fulfill(json={"unknown": "shape"}),
        lambda route: route.abort(),
    ],
    ids=["server error", "not JSON", "another shape", "offline"],
)
def test_the_form_works_without_the_suggestions(new_page, break_it):
    page = new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/api/suggest?*", break_it)
    page.goto("/en/search/")
    with page.expect_request("**/api/suggest?*"):
        page.locator(BOX).press_sequentially("usher")
    page.wait_for_timeout(100)
    is_closed(page)  # and it does not claim that there is no suggestion
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?q=usher&"))
    assert "Usher" in page.locator("h2#list").inner_text()
    assert errors == []


def test_markup_in_a_suggestion_is_text(new_page):
    label = """<b>Usher</b> & "quotes" 'more' <img src=x onerror="document.body.id='taken'">"""
    page = new_page()
    offered(page, results=[{**USHER, "orpha_code": None, "label": label}])
    option = page.locator(OPTIONS)
    assert option.inner_text() == label
    assert option.locator("*").count() == 0
    assert page.locator("#taken").count() == 0
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(BOX).input_value() == label
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?q="))
    assert page.locator("main :is(b, img)").count() == 0
    assert page.locator("#taken").count() == 0


def take_and_send(page: Page, suggestion: dict) -> dict[str, list[str]]:
    """Takes this one and presses Enter; returns the query of the results page."""
    offered(page, results=[suggestion])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(BOX).input_value() == suggestion["label"]
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?q="))
    return parse_qs(urlsplit(page.url).query)


def test_a_disease_that_was_chosen_is_found_even_if_its_label_is_longer_than_a_question(new_page):
    page = new_page()
    query = take_and_send(page, {**USHER, "label": "Usher syndrome (" + "an invented synonym " * 8 + ")"})
    assert query["q"] == ["ORPHA:886"]
    assert "Usher syndrome" in page.locator("h2#list").inner_text()
    assert page.locator(".errors, .messages").count() == 0


def test_a_town_that_was_chosen_is_a_place_to_start_from(new_page):
    page = new_page()
    town = "Colmar (Mersch, Luxembourg)"
    query = take_and_send(page, {"kind": "town", "orpha_code": None, "label": town, "lang": "en", "url": "/en/search/"})
    assert query == {"near": [town]}
    assert "nearest to Colmar" in page.locator("h2#list").inner_text()


def test_words_that_were_changed_after_choosing_are_sent_as_they_stand(new_page):
    page = new_page()
    offered(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type(" type 2")
    page.locator(".search button").click()
    page.wait_for_url(re.compile(r"\?q=Usher\+syndrome\+type\+2&"))


MANY = [{**USHER, "label": f"Invented disease with a long name, number {number}"} for number in range(10)]


@pytest.mark.parametrize(
    ("width", "height", "preferences"),
    [(1280, 720, ""), (1280, 720, "300-blue"), (320, 256, ""), (320, 568, "300-black")],
)
def test_the_box_and_its_list_are_seen_together_and_the_marked_line_is_in_view(new_page, width, height, preferences):
    page = new_page(width=width, height=height, preferences=preferences)
    offered(page, results=MANY)
    box, listed = page.locator(BOX).bounding_box(), page.locator(".suggest-list").bounding_box()
    assert box["y"] + box["height"] / 2 > 0
    assert listed["y"] + listed["height"] <= height + 1
    ring = page.locator(BOX).evaluate(
        "(box) => parseFloat(getComputedStyle(box).outlineWidth) + parseFloat(getComputedStyle(box).outlineOffset)"
    )
    assert listed["y"] >= box["y"] + box["height"] + ring - 0.5, "the list covers the ring of the box"
    for _ in MANY:
        page.keyboard.press("ArrowDown")
        line = page.locator("[aria-selected=true]").bounding_box()
        listed = page.locator(".suggest-list").bounding_box()
        assert line["y"] >= listed["y"] - 1
        bottom = listed["y"] + listed["height"] + 1
        assert line["y"] + line["height"] <= bottom or line["height"] > listed["height"] - 10 <= bottom - line["y"]
        assert line["height"] >= 44
    assert overflow(page) <= 0


# --- Every window, every colour -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "preferences"), NARROW)
def test_no_answer_scrolls_sideways(new_page, width, preferences):
    page = new_page(width=width, height=256, preferences=preferences)
    for name, path in {"home": address("de", "home"), **pages("de")}.items():
        page.goto(path)
        assert overflow(page) <= 0, f"{name} at {width} px, {preferences}"


def test_nothing_is_lost_in_the_colours_of_the_system(new_page):
    page = new_page(width=320, forced_colors="active", color_scheme="dark", preferences="100-blue")
    for name, path in {"home": address("fr", "home"), **pages("fr")}.items():
        page.goto(path)
        assert overflow(page) <= 0, name
    offered(page)
    look = "(line) => [getComputedStyle(line).outlineStyle, getComputedStyle(line).color]"
    page.keyboard.press("ArrowDown")
    marked, other = (page.locator(OPTIONS).nth(place).evaluate(look) for place in (0, 1))
    assert (marked[0], other[0]) == ("solid", "none"), "nobody sees which line is marked"
    assert marked[1] == other[1], "text has the background of the system, so it needs the colour of the system"
    page.goto(pages("fr")["a region with centres"])
    drawn = page.evaluate(
        """() => [".map-region", ".map-point", ".map-number"].map((each) => {
          const style = getComputedStyle(document.querySelector(each));
          return style.fill !== style.stroke;
        }).concat(getComputedStyle(document.querySelector(".map-region")).fill ===
          getComputedStyle(document.body).backgroundColor)"""
    )
    assert drawn == [True] * 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_answer_has_an_axe_violation(new_page, language):
    page = new_page(bypass_csp=True)
    for name, path in pages(language).items():
        page.goto(path)
        assert violations(page) == [], name


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_no_contrast_has_an_axe_violation_even_with_the_list_open(new_page, contrast):
    page = new_page(preferences=f"100-{contrast}", bypass_csp=True)
    invent(page)
    strict = ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "wcag2aaa")
    tags = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa") if contrast == "standard" else strict
    for name in ("a disease of the directory", "many centres"):
        page.goto(pages("en")[name])
        assert page.locator("html").get_attribute("data-contrast") == contrast
        if name == "many centres":
            page.locator(BOX).press_sequentially(" ")
            page.keyboard.press("ArrowDown")
            expect(page.locator(OPTIONS)).to_have_count(3)
            page.keyboard.press("ArrowDown")
            assert active(page) == "Usher syndrome"
        assert violations(page, tags) == [], name


def test_the_round_buttons_grow_with_the_letters(new_page):
    sizes = []
    for preferences in ("100-standard", "300-standard"):
        page = new_page(preferences=preferences)
        page.goto("/en/search/")
        sizes.append(page.locator("input[name=age]").first.bounding_box()["width"])
    assert sizes[0] >= 22
    assert sizes[1] >= 2.5 * sizes[0]


# --- Keyboard and paper -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["home", "search", "diseases"])
def test_the_first_stop_after_the_skip_link_is_the_search_box(new_page, name):
    page = new_page()
    page.goto(address("fr", name))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "search-q"


@pytest.mark.parametrize("name", ["many centres", "a region with centres"])
def test_the_map_is_skipped_by_its_link(new_page, name):
    page = new_page()
    page.goto(pages("fr")[name])
    link = page.locator("a[href='#after-map']")
    link.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.map a')"), "there is nothing to skip"
    link.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    after = """document.querySelector("#after-map").compareDocumentPosition(document.activeElement) &
      Node.DOCUMENT_POSITION_FOLLOWING"""
    assert page.evaluate(after), page.evaluate("document.activeElement.outerHTML")


@pytest.mark.parametrize(("width", "preferences"), [(1280, "100-standard"), (320, "100-black")])
def test_every_region_of_the_map_shows_where_the_keyboard_is(new_page, width, preferences):
    page = new_page(width=width, preferences=preferences)
    page.goto(pages("en")["a region with centres"])
    page.locator("a[href='#after-map']").focus()
    look = """() => {
      const region = document.activeElement.closest(".map a")?.querySelector("path");
      if (!region) return null;
      const probe = document.createElement("span");
      probe.style.color = "var(--focus)";
      document.body.append(probe);
      const focus = getComputedStyle(probe).color, style = getComputedStyle(region), box = region.getBoundingClientRect();
      probe.remove();
      return {name: document.activeElement.querySelector("title").textContent, ring: style.stroke === focus,
              width: parseFloat(style.strokeWidth), grows: style.vectorEffect !== "non-scaling-stroke",
              seen: box.bottom > 0 && box.top < innerHeight};
    }"""
    names = []
    for _ in range(30):
        page.keyboard.press("Tab")
        state = page.evaluate(look)
        if state is None:
            break
        names.append(state["name"])
        assert state["ring"], state
        assert state["width"] >= 6, state  # half of it may lie under a neighbour
        assert not state["grows"], state  # a narrow window would make it thin
        assert state["seen"], state
    assert len(set(names)) == page.locator(".map a").count() == 18
    assert all(re.search(r": \d+ centres?$", name) for name in names)


def test_paper_shows_the_answer_without_the_form_the_filters_and_the_map(new_page):
    page = new_page(width=794, height=1123)
    page.emulate_media(media="print")
    page.goto(pages("fr")["many centres"])
    assert page.locator("h2#list").is_visible()
    assert page.locator(".results ol > li").last.is_visible()
    for left_out in (".search", ".filters", "h2#map", ".map", "a[href='#narrow']", "a[href='#after-map']", ".menu"):
        assert page.locator(left_out).count() == 1, left_out
        assert not page.locator(left_out).is_visible(), left_out
    page.goto(pages("fr")["a disease of the directory"])
    assert page.locator(".results ol > li").first.is_visible()
    for left_out in (".search", "h2#nearest", "a[href='#nearest']"):
        assert page.locator(left_out).count() == 1, left_out
        assert not page.locator(left_out).is_visible(), left_out
    page.goto(pages("fr")["a region without"])
    assert page.locator("h2#nearest").is_visible()  # there the same name stands over a list of centres
    assert not page.locator(".map").is_visible()
