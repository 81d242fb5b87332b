"""axe-core, narrow windows, large letters, keyboard, the system's own wishes: on real pages in a real browser."""

import pytest

from tests.browser.conftest import one_of_each_type, overflow, violations

pytestmark = pytest.mark.browser

LANGUAGES = ("fr", "en", "de")
CONTRASTS = ("standard", "black", "blue", "white")
# Answers of the search are in no site map. More of them, and the list of suggestions: test_search.py.
ANSWERS = ["/de/suche/?q=usher&near=Colmar", "/de/suche/?q=xqzvwk", "/de/krankheiten/886/", "/de/krankheiten/15/"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_type_has_an_axe_violation_at_the_default_settings(new_page, paths, language):
    page = new_page(bypass_csp=True)
    # Every type in French; English and German share them out, since a page has one structure in all languages.
    turn = {"fr": slice(None), "en": slice(0, None, 2), "de": slice(1, None, 2)}[language]
    checked = one_of_each_type(paths[language])[turn]
    assert len(checked) > 10
    for path in checked:
        page.goto(path)
        assert violations(page) == [], path


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_contrast_has_an_axe_violation_even_at_seven_to_one(new_page, paths, language, contrast):
    page = new_page(preferences=f"125-{contrast}", bypass_csp=True)
    for path in (f"/{language}/", paths[language][-1], f"/{language}/nothing-is-here/"):
        page.goto(path)
        page.wait_for_load_state()
        assert page.locator("html").get_attribute("data-contrast") == contrast
        assert violations(page, ("wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "wcag2aaa")) == [], path


@pytest.mark.parametrize(("width", "preferences"), [(320, "100-standard"), (320, "300-black"), (160, "100-standard")])
def test_nothing_scrolls_sideways(new_page, paths, width, preferences):
    page = new_page(width=width, height=256, preferences=preferences, java_script_enabled=True)
    # German has the longest words; every type of page in it, some in French.
    checked = [*one_of_each_type(paths["de"]), *one_of_each_type(paths["fr"])[::8]]
    assert len(checked) > 25
    for path in checked:
        page.goto(path)
        assert overflow(page) <= 0, f"{path} at {width} px, {preferences}"


def test_wide_spacing_hides_nothing(new_page, paths):
    """WCAG 1.4.12: line height 1.5, paragraphs 2, letters .12, words .16 em. The field for machines is for nobody."""
    page = new_page(width=320, bypass_csp=True)
    spacing = "* {line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important} p {margin-bottom: 2em !important}"
    clipped = """() => [...document.querySelectorAll("body *")].filter((e) => {
      const style = getComputedStyle(e);
      return ["hidden", "clip"].includes(style.overflowY) && e.scrollHeight > e.clientHeight + 1 && e.textContent.trim()
        && !e.closest(".for-machines");
    }).map((e) => e.outerHTML.slice(0, 100))"""
    for path in [*one_of_each_type(paths["de"]), *ANSWERS]:
        page.goto(path)
        page.add_style_tag(content=spacing)
        assert overflow(page) <= 0, path
        assert page.evaluate(clipped) == [], path


def test_the_first_tab_stops_are_the_skip_link_and_the_display_buttons(new_page):
    page = new_page()
    page.goto("/fr/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    names = []
    for _ in range(3):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.name + ' ' + document.activeElement.value"))
    assert names == ["zoom out", "zoom in", "contrast standard"]


def test_the_skip_link_is_seen_on_focus_and_leads_to_the_content(new_page):
    page = new_page()
    page.goto("/en/")
    page.keyboard.press("Tab")
    box = page.locator(".skip").bounding_box()
    assert box["y"] >= 0
    assert box["height"] >= 44
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("path", ["/de/", ANSWERS[0]])
def test_every_focused_element_has_a_ring_that_nothing_hides(new_page, contrast, path):
    page = new_page(preferences=f"100-{contrast}")
    page.goto(path)
    seen = 0
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.map a')"):
            continue  # its line is the ring: test_search.py
        state = page.evaluate(
            """() => {
              const e = document.activeElement;
              if (e === document.body) return null;
              const style = getComputedStyle(e), box = e.getClientRects()[0];
              const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
              return {html: e.outerHTML.slice(0, 90), width: parseFloat(style.outlineWidth), style: style.outlineStyle,
                      visible: e.contains(top) || (top && top.contains(e))};
            }"""
        )
        if state is None:
            break
        seen += 1
        assert state["width"] >= 3, state
        assert state["style"] == "solid", state
        assert state["visible"], state
    assert seen > 30


@pytest.mark.parametrize("path", ["/fr/", "/fr/recherche/?near=Colmar", "/fr/maladies/lettre/a/"])
def test_targets_outside_sentences_are_large_enough(new_page, path):
    page = new_page()
    page.goto(path)
    targets = "button, .menu a, .submenu a, .languages a, .foot-links a, .breadcrumb a, .brand a"
    of_the_search = ".search input:not([type=radio]), .choices label, .filters a, .pager a, .letters a, .ways a"
    small = page.evaluate(
        """(targets) => [...document.querySelectorAll(targets)]
          .map((e) => [e.getBoundingClientRect(), e.textContent.trim()])
          .filter(([box]) => box.height < 43.5 || box.width < 43.5).map(([box, text]) => text)""",
        f"{targets}, {of_the_search}",
    )
    assert small == []
    assert page.locator("button").count() >= 6
    assert page.locator(of_the_search).count() >= 5


def test_without_a_choice_the_system_decides_and_a_choice_wins(new_page):
    background = "getComputedStyle(document.body).backgroundColor"
    dark = new_page(color_scheme="dark")
    dark.goto("/fr/")
    assert dark.evaluate(background) == "rgb(0, 0, 0)"
    more = new_page(contrast="more")
    more.goto("/fr/")
    assert more.evaluate(background) == "rgb(255, 255, 255)"
    chosen = new_page(color_scheme="dark", contrast="more", preferences="100-blue")
    chosen.goto("/fr/")
    assert chosen.evaluate(background) == "rgb(0, 0, 92)"


def test_forced_colours_are_not_fought(new_page):
    page = new_page(forced_colors="active", preferences="100-blue")
    for path in ("/fr/", ANSWERS[0]):
        page.goto(path)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(0, 0, 92)"
        fought = page.evaluate(
            "() => [...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).forcedColorAdjust === 'none' && e.tagName !== 'svg' && !e.closest('svg')).length"
        )
        assert fought == 0, path


def test_nothing_moves_and_nothing_sticks(new_page, paths):
    page = new_page(reduced_motion="reduce")
    for path in [*one_of_each_type(paths["en"])[:6], *ANSWERS]:
        page.goto(path)
        found = page.evaluate(
            """() => [...document.querySelectorAll("*")].filter((e) => {
              const s = getComputedStyle(e);
              return ["fixed", "sticky"].includes(s.position) || s.animationName !== "none" || parseFloat(s.transitionDuration) > 0;
            }).map((e) => e.outerHTML.slice(0, 80))"""
        )
        assert found == [], path
