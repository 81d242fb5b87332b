"""What people come to do, from beginning to end, against a real server."""

import re
import time
from urllib.request import urlopen

import pytest

from tests.browser.conftest import STAFF_NAME, STAFF_PASSWORD, one_of_each_type

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["fr", "en", "de"])
def test_a_family_goes_from_the_home_page_to_a_centre_by_keyboard_alone(new_page, language):
    page = new_page(java_script_enabled=False)
    page.goto(f"/{language}/")
    link = page.locator(".tiles a", has_text="CARGO")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/cargo/$"))
    page.locator("main ol a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/cargo-strasbourg/$"))
    text = page.locator("main").inner_text()
    assert "Hélène Dollfus" in text
    assert "1 place de l" in text
    assert "67091 Strasbourg" in text


def test_size_and_contrast_change_without_scripts_and_stay_on_the_page(new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/fr/glossaire/?from=test")
    before = page.locator("main p").first.bounding_box()["height"]
    page.locator("button[value=in]").click()
    page.locator("button[value=in]").click()
    page.locator("button[value=blue]").click()
    assert page.url.endswith("/fr/glossaire/?from=test#display")
    assert page.locator("html").get_attribute("data-zoom") == "150"
    assert page.locator("html").get_attribute("data-contrast") == "blue"
    assert page.locator("button[value=blue]").get_attribute("aria-pressed") == "true"
    assert page.locator("main p").first.bounding_box()["height"] > before
    page.goto("/de/")
    assert page.locator("html").get_attribute("data-zoom") == "150"
    page.locator("button[value=reset]").click()
    assert page.locator("html").get_attribute("data-zoom") == "100"
    assert page.locator("html").get_attribute("data-contrast") == "auto"


def test_the_end_of_the_zoom_range_says_so(new_page):
    page = new_page(java_script_enabled=False, preferences="300-standard")
    page.goto("/en/")
    button = page.locator("button[value=in]")
    assert button.get_attribute("aria-disabled") == "true"
    assert "largest" in button.inner_text()


def test_a_browser_that_refuses_cookies_is_told_why_nothing_changed(new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/en/")
    assert not page.locator("#display-refused").is_visible()
    page.route("**/display/", lambda route: route.fulfill(status=303, headers={"Location": "/en/#display"}))
    page.locator("button[value=black]").click()
    assert page.locator("#display-refused").is_visible()


def test_the_language_links_lead_to_the_same_page_with_the_same_query(new_page):
    page = new_page(java_script_enabled=False)
    page.goto("/fr/centres-de-reference/?near=invented")
    page.locator(".languages a[lang=de]").click()
    assert page.url.endswith("/de/referenzzentren/?near=invented")
    page.locator(".languages a[lang=en]").click()
    assert page.url.endswith("/en/reference-centres/?near=invented")


def test_no_page_asks_any_other_host_or_sets_a_cookie(new_page, paths, origin):
    page = new_page()
    requested = []
    page.on("request", lambda request: requested.append(request.url))
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    for language in ("fr", "en", "de"):
        # Every page in French; the other languages have the same templates.
        for path in paths[language] if language == "fr" else one_of_each_type(paths[language]):
            page.goto(path)
    assert len(requested) > 120
    assert [url for url in requested if not url.startswith(f"{origin}/")] == []
    assert page.context.cookies() == []
    assert problems == []


def test_a_page_weighs_little_and_moves_nothing(new_page):
    page = new_page()
    sizes = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    page.goto("/fr/")
    page.wait_for_load_state("networkidle")
    fonts = [url for url in sizes if url.endswith(".woff2")]
    assert len(sizes) - len(fonts) <= 4, sizes  # page, style sheet, script of the search box, icon
    assert len(fonts) <= 2
    assert sum(size for url, size in sizes.items() if url.endswith(".woff2")) <= 40_000
    shift = page.evaluate(
        """() => new Promise((done) => new PerformanceObserver((list) => done(list.getEntries()
          .reduce((sum, entry) => sum + entry.value, 0))).observe({type: "layout-shift", buffered: true})
          || setTimeout(() => done(0), 500))"""
    )
    assert shift < 0.02


def test_every_centre_prints_on_one_sheet_with_its_address_and_date(chromium, origin, paths):
    page = chromium.new_page()
    centres = [path for path in paths["fr"] if path.startswith("/fr/centres/")]
    assert len(centres) == 13
    try:
        for path in centres:
            page.goto(origin + path)
            page.emulate_media(media="print")
            assert page.locator(".print-address").is_visible()
            assert path in page.locator(".print-address").inner_text()
            assert page.evaluate("getComputedStyle(document.body).fontSize") == "24px"  # 18 pt
            sheets = len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True)))
            assert sheets == 1, path
    finally:
        page.close()


def log_in(page):
    page.goto("/staff/")
    page.fill("#id_username", STAFF_NAME)
    page.fill("#id_password", STAFF_PASSWORD)
    page.click("[type=submit]")
    page.wait_for_selector("#user-tools")


def test_an_edit_in_the_admin_is_public_within_five_seconds(new_page, origin):
    def read(path: str) -> str:
        with urlopen(origin + path) as response:
            return response.read().decode()

    page = new_page(locale="fr-FR")
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    log_in(page)
    page.goto("/staff/centres/referencecentre/")
    page.click("#result_list tbody th a")
    page.wait_for_selector(".staff-languages")
    address = page.locator(".viewsitelink").get_attribute("href")
    page.fill("#id_referral_fr", "Invented words for a test: écrivez au secrétariat.")
    page.locator(".staff-languages button[value=de]").click()
    assert not page.locator("#id_referral_fr").is_visible()
    assert page.locator("#id_referral_de").is_visible()
    page.click("[name=_continue]")
    page.wait_for_selector(".messagelist .success")
    saved = time.monotonic()
    while "écrivez au secrétariat" not in read(re.sub(r"^/\w\w/", "/fr/", address)):
        assert time.monotonic() - saved < 5
        time.sleep(0.1)
    # The editor's own browser, which had the page before, shows the edit too.
    page.goto(address)
    assert "écrivez au secrétariat" in page.locator("main").inner_text()
    assert problems == []


def test_a_mistake_in_the_admin_is_explained_and_nothing_is_lost(new_page):
    page = new_page()
    log_in(page)
    page.goto("/staff/centres/hospital/")
    page.click("#result_list tbody th a")
    page.fill("#id_latitude", "48.5")
    page.fill("#id_longitude", "")
    page.fill("#id_street", "Invented street that must not be lost")
    page.locator("[name=_save]").first.click()
    page.wait_for_selector(".errornote")
    assert page.locator(".errorlist").first.inner_text().strip()
    assert page.locator("#id_street").input_value() == "Invented street that must not be lost"


def test_the_admin_speaks_the_three_languages(new_page):
    page = new_page(locale="fr-FR")
    log_in(page)
    for code in ("de", "en", "fr"):
        page.click(f".staff-language-form button[value={code}]")
        page.wait_for_load_state()
        assert page.locator("html").get_attribute("lang") == code
