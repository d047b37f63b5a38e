"""Times writing the HTML report and the site of 10,000 rows, and opening their pages in a headless Chromium.

Two stores: one with many rows behind each of some 560 lines, one with three rows behind each of some 3,300 lines.
Prints the median wall time of new processes that write, and of five openings in one browser process, from the start of
navigation: until the load event, until the first paint, and until the page stands (two frames after its load event).
Wants playwright, and a Chromium on the PATH, as the tests of the report do.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from report import TASKS, fill_store, median_time

from loocbench import provenance

ROWS = 10_000
IMAGES = 200  # test images of each row: small rows, since here the page is measured
STORES: dict[str, tuple[Sequence[str], int]] = {  # tasks, and pretraining seeds of each model
    "few lines": ((*TASKS, "knn/flowers102"), 3),
    "many lines": (("linear/cub200", "linear/flowers102", "knn/cub200"), 1),
}
OPENINGS = 5
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STANDING = """() => new Promise((resolve) => {
    const entry = performance.getEntriesByType("navigation")[0];
    const twice = () => requestAnimationFrame(() => requestAnimationFrame(() => {
        const paint = performance.getEntriesByName("first-contentful-paint")[0];
        resolve([entry.loadEventEnd, paint ? paint.startTime : NaN, performance.now()]);
    }));
    if (entry.loadEventEnd) twice(); else addEventListener("load", () => setTimeout(twice));
})"""


def main() -> None:
    """Fill the stores, write the pages, open them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writes", type=int, default=5, help="how often each page is written, after one to warm up")
    parser.add_argument("pages", nargs="*", type=Path, help="only open these pages")
    arguments = parser.parse_args()
    print(provenance.hardware("cpu"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        pages = arguments.pages or write_pages(Path(folder), arguments.writes)
        print(f"{'page':>40} {'lines':>7} {'load':>9} {'first paint':>11} {'standing':>9}")
        for page in pages:
            lines, *times = open_page(browser, page)
            load, paint, standing = (f"{one / 1000:.2f} s" for one in times)
            print(f"{'/'.join(page.parts[-2:]):>40} {lines:7,.0f} {load:>9} {paint:>11} {standing:>9}")
        browser.close()


def write_pages(folder: Path, writes: int) -> list[Path]:
    """Write the report and the site of each store, print how long that takes, and return their pages."""
    pages = []
    print(f"{'store':>12} {'html':>9} {'site':>9}")
    for name, (tasks, seeds) in STORES.items():
        results = folder / name.replace(" ", "-")
        fill_store(results, ROWS, names=tasks, seeds=seeds, images=IMAGES)
        report = [sys.executable, "-m", "loocbench", "report", "--results", str(results), "--suite", "many"]
        pages += [results / "report.html", results / "site" / "index.html"]
        html = median_time([*report, "--output", str(pages[-2])], writes)
        site = median_time([*report, "--format", "site", "--output", str(pages[-1].parent)], writes)
        print(f"{name:>12} {html:7.2f} s {site:7.2f} s")
    return pages


def open_page(browser: Browser, page: Path) -> list[float]:
    """Return the number of lines of a page's table and the median of its times in ms, of so many ``OPENINGS``."""
    times = []
    for _ in range(OPENINGS + 1):  # the first one warms up
        context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
        view = context.new_page()
        view.goto(page.resolve().as_uri())
        times.append(view.evaluate(STANDING))
        lines = view.locator("#table-measured tbody tr").count()
        context.close()
    return [lines, *(statistics.median(column) for column in zip(*times[1:], strict=True))]


if __name__ == "__main__":
    main()
