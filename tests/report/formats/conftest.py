"""The fixed store's table, and a real browser for pages that must need no network."""

import shutil

import pytest

from tests.report import renew

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def built():
    return renew.built()


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium: the system's, since Playwright's own is a download."""
    driver = pytest.importorskip("playwright.sync_api", reason="the dev extra installs playwright")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium: 'apt-get install chromium' ('make test' does it as root on Debian)")
    with driver.sync_playwright() as play:
        running = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser):
    """Open a file in a window of its own; at the end it must have said nothing and asked the network for nothing."""
    heard, asked, contexts = [], [], []

    def open_file(path, **window):
        context = browser.new_context(offline=True, **{"viewport": {"width": 1280, "height": 900}, **window})
        contexts.append(context)
        view = context.new_page()
        view.on("console", lambda message: heard.append(message.text))
        view.on("pageerror", lambda error: heard.append(str(error)))
        view.on("request", lambda request: asked.append(request.url))
        view.goto(path.as_uri())
        return view

    yield open_file
    for context in contexts:
        context.close()
    assert heard == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == len(contexts)
