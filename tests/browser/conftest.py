"""One served site and one Chromium for the whole folder; each test has a context of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import services
from tests.site import Site, thinned

STAFF_NAME, STAFF_PASSWORD = "invented-editor", "invented-password-for-tests"
CREATE_STAFF = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser({STAFF_NAME!r}, password={STAFF_PASSWORD!r})
"""
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="session")
def browsed_site(site, tmp_path_factory) -> Site:
    copy = site.copy(tmp_path_factory.mktemp("browsed") / "var", "browsed")
    copy.python(CREATE_STAFF)
    return copy


@pytest.fixture(scope="session")
def origin(browsed_site) -> Iterator[str]:
    with browsed_site.served() as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or services.chromium()
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium, origin) -> Iterator[Callable[..., Page]]:
    """new_page(width=320, preferences="300-blue", java_script_enabled=False, …) → an empty page."""
    contexts = []

    def make(width: int = 1280, height: int = 900, preferences: str = "", **options) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, base_url=origin, **options)
        contexts.append(context)
        if preferences:
            context.add_cookies([{"name": "prefs", "value": preferences, "url": origin}])
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def paths(origin, browsed_site) -> dict[str, list[str]]:
    """Language → the path of every page, from the sitemap that search engines read; of the diseases some."""
    import re
    from urllib.request import urlopen

    with urlopen(f"{origin}/sitemap.xml") as response:
        addresses = re.findall(r"<loc>https?://[^/]+([^<]+)</loc>", response.read().decode())
    found = {code: [path for path in addresses if path.startswith(f"/{code}/")] for code in ("fr", "en", "de")}
    assert all(len(each) > 1000 for each in found.values()), found
    return {code: thinned(each) for code, each in found.items()}


def one_of_each_type(addresses: list[str]) -> list[str]:
    """Every page of the navigation, and one page for each kind of record."""
    kept, kinds = [], []
    for path in addresses:
        parts = path.strip("/").split("/")
        kind = (parts[1:2], len(parts), parts[-1].isdigit())
        if len(parts) < 3:
            kept.append(path)
        elif kind not in kinds:
            kinds.append(kind)
            kept.append(path)
    return kept


def violations(
    page: Page, tags: tuple[str, ...] = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
) -> list[str]:
    """What axe-core finds, one readable line each. The page's context needs bypass_csp=True."""
    page.evaluate(AXE)
    result = page.evaluate(
        "(tags) => axe.run({runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", list(tags)
    )
    assert result["passes"], "axe checked nothing"
    return [
        f"{found['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for found in result["violations"]
        for node in found["nodes"]
    ]


def overflow(page: Page) -> int:
    """How many CSS pixels the page is wider than its window."""
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
