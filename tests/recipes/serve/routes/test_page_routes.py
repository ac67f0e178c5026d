"""The page as a person uses it, in a browser; skipped where none is installed."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from small_server import Colours, MeanColour, Running, paint

from dlpractice.recipes.serve.routes.page_routes import make_page_routes
from dlpractice.recipes.serve.served_comparer import ServedComparer
from dlpractice.recipes.serve.served_model import ServedClassifier

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def test_the_page_lies_at_the_address_and_may_load_nothing_from_elsewhere(colours: Running) -> None:
    assert len(make_page_routes().routes) == 3
    for path, kind in (("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")):
        answer = colours.get(path)
        assert answer.ok and answer.headers["Content-Type"].startswith(kind)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "//" not in answer.text.replace("// ", "")


class Tab:
    """A page in the browser, and what it has complained of and asked for."""

    def __init__(self, page: Any) -> None:
        self.page, self.asked, self.complaints = page, list[str](), list[str]()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda line: self.complaints.append(line.text) if line.type in ("error", "warning") else None,
        )

    def drop(self, name: str, content: bytes) -> None:
        """Drops a file on the page, as a hand would."""
        self.page.evaluate(
            """([name, bytes]) => {
                const files = new DataTransfer();
                files.items.add(new File([new Uint8Array(bytes)], name));
                document.getElementById("drop").dispatchEvent(
                    new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true}));
            }""",
            [name, list(content)],
        )

    def read(self, what: str) -> list[str]:
        return list(self.page.locator(what).all_inner_texts())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def open_tab(browser: Any) -> Iterator[Callable[[Running], Tab]]:
    tabs: list[Tab] = []

    def open_(running: Running) -> Tab:
        tabs.append(Tab(browser.new_page()))
        tabs[-1].page.goto(running.url)
        return tabs[-1]

    yield open_
    for tab in tabs:
        tab.page.close()
        assert tab.complaints == []
        assert {url.removeprefix("blob:").split("/")[2] for url in tab.asked if url[:5] != "data:"} == {
            tab.page.url.split("/")[2]
        }


def test_pictures_are_dropped_and_their_answers_read(
    serve: Callable[..., Running], open_tab: Callable[[Running], Tab]
) -> None:
    tab = open_tab(serve(ServedClassifier("colours <b>", Colours())))
    tab.drop("warm.png", paint((200, 100, 0), size=(60, 40)))
    tab.page.wait_for_selector("canvas:not([hidden])", timeout=20_000)
    assert tab.read("h1") == ["colours <b>"] and tab.read(".predicted") == ["red"]
    rows = [line.split() for line in tab.read("tr")]
    assert rows == [["red", "66.7", "%"], ["green", "33.3", "%"], ["blue", "0.0", "%"]]
    assert "occlusion" in tab.read(".note")[0]
    tab.drop("junk.jpg", b"junk")
    tab.page.wait_for_selector(".error", timeout=20_000)
    assert "no image" in tab.read(".error")[0]
    tab.page.fill("#least", "90")
    tab.page.dispatch_event("#least", "change")
    tab.page.wait_for_selector(".none", timeout=20_000)
    assert tab.read(".none") == ["unsure"]
    tab.page.set_viewport_size({"width": 360, "height": 800})
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 360
    tab.page.click(".close >> nth=0")
    assert len(tab.read("article")) == 1
    # A refused picture is an error of HTTP, which the console names; it is no fault of the page.
    tab.complaints[:] = [line for line in tab.complaints if "422" not in line]


def test_a_class_is_enrolled_and_removed_on_the_page(
    serve: Callable[..., Running], open_tab: Callable[[Running], Tab]
) -> None:
    tab = open_tab(serve(ServedComparer("colours", MeanColour())))
    tab.page.wait_for_selector("#enrolment:not([hidden])", timeout=20_000)
    for label, colour in (("warm <i>", (220, 20, 20)), ("cold", (20, 20, 220))):
        tab.page.fill("#label", label)
        file = {"name": "a.png", "mimeType": "image/png", "buffer": paint(colour)}
        tab.page.set_input_files("#example", file)
        tab.page.click("#enrol button")
        tab.page.wait_for_function(
            "label => document.getElementById('classes').innerText.includes(label)", arg=label
        )
    tab.drop("a.png", paint((200, 30, 30)))
    tab.page.wait_for_selector("canvas:not([hidden])", timeout=20_000)
    assert tab.read(".predicted") == ["warm <i>"]
    tab.page.click("#classes button >> nth=0")
    tab.page.wait_for_selector(".none", timeout=20_000)
    assert tab.read(".none") == ["unknown"] and tab.read("#refused") == [""]
