"""A visit to the page in a browser that records errors, and helpers that run the page."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from fastapi import FastAPI
from gradio_client import Client

from pneumonia import Predictor
from pneumonia.imaging import Source
from pneumonia.inference.model import Model
from pneumonia.inference.reading import Reading
from pneumonia.web import page
from pneumonia.web.server.http_server import PageServer

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
READY = "#film input[type=file]"
DESKTOP = {"width": 1200, "height": 1000}
LAPTOP = {"width": 1366, "height": 680}
PHONE = {"width": 390, "height": 844}
TABS = ("One film", "Many films", "Your own films", "Evidence")
MAX_WAIT_MS = 90_000
"""Longest wait for the page in milliseconds; the default of Playwright is too short for two shared cores."""

DISPATCH_FILE_EVENT = """([event_type, name, content]) => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    transfer.items.add(new File([bytes], name, {type: "image/png"}));
    const event = event_type === "paste"
        ? new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true})
        : new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
    document.querySelector("#title, .head").dispatchEvent(event);
}"""

WAIT_FOR_TRANSITIONS = """Promise.all(document.getAnimations()
    .filter((animation) => animation instanceof CSSTransition)
    .map((animation) => animation.finished.catch(() => 0)))"""


HAS_SCRIPTS = "!document.querySelector('#film') || !window.takeEarlyFiles"
"""The login has none; the last of them ends the hold of early files (`templates/early_files.html`)."""


class Visit:
    """The page in a tab of a browser. At the end it asserts that the console shows no error and no other server was
    requested.
    """

    saves_screenshots = False

    def __init__(self, browser: Any, address: str, ready: str = READY, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.page.set_default_timeout(MAX_WAIT_MS)
        self.errors: list[str] = []
        self.foreign_urls: list[str] = []
        self.address, self._ready = address, ready
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._record_foreign_url(request.url, re.split("[?#]", address)[0]))
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        self.page.close()
        if error_type is None:
            self._assert_no_errors()

    @contextmanager
    def new_visitor(self, viewport: dict[str, int] = DESKTOP, color_scheme: str = "light") -> Iterator[Self]:
        """The page for a visitor who was never there, in the same tab.

        The browser takes the scripts of the page from its cache: a fifth of the time of a visit in a new context.
        """
        self.page.evaluate("localStorage.clear()")
        self.page.set_viewport_size(viewport)
        self.page.emulate_media(color_scheme=color_scheme)
        self.page.goto("about:blank")
        self.errors.clear()
        self.foreign_urls.clear()
        self._open()
        yield self
        self._assert_no_errors()

    def _open(self) -> None:
        self.page.goto(self.address)
        self.wait_for_page(self._ready)

    def wait_for_page(self, ready: str = READY) -> None:
        """Wait for a part of the page, and for its scripts, which Gradio runs when all its parts are there."""
        self.page.wait_for_selector(ready, state="attached")
        self.page.wait_for_function(HAS_SCRIPTS)

    def _assert_no_errors(self) -> None:
        assert self.errors == [], f"the console of the browser shows errors: {self.errors}"
        assert self.foreign_urls == [], "the page sends requests to other servers"

    def _record_foreign_url(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.foreign_urls.append(url)

    def drop(self, path: Path, until: str = ".answer:not(.waiting)") -> str:
        self.page.wait_for_selector(READY, state="attached")
        self.page.set_input_files(READY, path)
        self.page.wait_for_selector(until)
        return self.answer()

    def send_file(self, event_type: str, path: Path) -> None:
        """Dispatch a "paste" or "drop" event with the file, outside the upload component."""
        content = base64.b64encode(path.read_bytes()).decode()
        self.page.evaluate(DISPATCH_FILE_EVENT, [event_type, path.name, content])

    def answer(self) -> str:
        self.page.wait_for_selector(".answer:not(.waiting)")
        return str(self.page.inner_text(".answer"))

    def wait_for_viewer(self) -> None:
        """Wait until the viewer shows the film with the values of its file."""
        self.page.wait_for_selector("#film-viewer[data-state=ready]")

    def show_map(self) -> None:
        self.page.locator("#show-map").click()
        self.page.wait_for_selector("#activation .activation")
        self.page.wait_for_selector("#activation-map img")

    def choose(self, selector: str, files: Any, shown: str) -> None:
        """Choose files until the page shows them: it takes none before Gradio has connected the input of a new tab."""
        from playwright.sync_api import TimeoutError

        for _ in range(3):
            self.page.set_input_files(selector, files)
            with suppress(TimeoutError):
                self.page.wait_for_selector(shown, timeout=30_000)
                return
        self.page.wait_for_selector(shown)

    def open_tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()
        self.page.wait_for_function(f"document.querySelector('[role=tab][aria-selected=true]').innerText == '{name}'")

    def open_evidence(self) -> None:
        """Open the evidence tab and all sections of the model that is shown."""
        self.page.get_by_role("tab", name="Evidence").click()
        self.page.wait_for_selector("#evidence details:visible")  # Gradio builds the tab when it is opened
        if self.page.locator("#evidence details:not([open]):visible").first.is_visible():
            self.page.locator("#evidence [data-open-all]:visible").click()
        self.page.wait_for_selector("#evidence details[open] table:visible")

    def log_in(self, user: str, password: str) -> None:
        self.page.locator("input").first.fill(user)
        self.page.locator("input[type=password]").fill(password)
        self.page.get_by_role("button", name="Login").click()

    def is_dark(self) -> bool:
        return bool(self.page.evaluate("document.body.classList.contains('dark')"))

    def width(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def axe_violations(self, only: str | None = None, part: str | None = None) -> list[str]:
        """Serious and critical accessibility violations by axe, as rule and element.

        `only`: check this rule instead of all. `part`: check the elements of this selector instead of the page.
        """
        from axe_playwright_python.sync_playwright import Axe

        self.settle()
        options = {"resultTypes": ["violations"], **({"runOnly": [only]} if only else {})}
        violations = Axe().run(self.page, context=part, options=options).response["violations"]
        return [
            f"{rule['id']}: {node['html'][:200]}"
            for rule in violations
            if rule["impact"] in {"serious", "critical"}
            for node in rule["nodes"]
        ]

    def settle(self) -> None:
        """Wait until every image is decoded and no transition runs, so that a screenshot shows the final state."""
        self.page.evaluate("Promise.all([...document.images].map((image) => image.decode().catch(() => 0)))")
        self.page.wait_for_function("!document.querySelector('.pending')")
        self.page.evaluate(WAIT_FOR_TRANSITIONS)

    def save_screenshot(self, name: str) -> None:
        """Save the whole page in `screenshots/` if pytest has the option `--screenshots`."""
        if not self.saves_screenshots:
            return
        self.settle()
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


class PausablePredictor(Predictor):
    """A predictor that reads no film while it is paused."""

    def __init__(self, predictor: Predictor) -> None:
        super().__init__([Model(model.bundle, 1) for model in predictor.models])
        self._is_running = threading.Event()
        self._is_running.set()
        self.is_holding = False
        """Whether a film waits for the end of the pause."""

    def pause(self) -> None:
        self._is_running.clear()

    def resume(self) -> None:
        self._is_running.set()

    def read(self, source: Source, age: float | None = None) -> Reading:
        self.is_holding = not self._is_running.is_set()
        assert self._is_running.wait(600)
        self.is_holding = False
        return super().read(source, age)


def gradio_client(address: str, **options: Any) -> Client:
    """A client that waits for a busy server; its own limit for most requests is five seconds."""
    return Client(address, verbose=False, httpx_kwargs={"timeout": MAX_WAIT_MS / 1000}, **options)


@contextmanager
def running(predictor: Predictor, port: int = 0) -> Iterator[str]:
    """Run the page on a free port with the settings of the environment; yield its address."""
    with serving(page.create_app(predictor), port) as address:
        yield address


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """Serve the application of the page on another thread; yield its address."""
    server = PageServer(app, ports=range(port, port + 1))
    thread = threading.Thread(target=server.serve_until_signal, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield server.address
    finally:
        app.state.page.close(verbose=False)
        server.should_exit = server.force_exit = True  # clients may keep their connections open
        thread.join(10)
        if thread.is_alive():
            print_tasks(server)


def print_tasks(server: PageServer) -> None:
    """Print where the tasks of a server that does not end wait; a test that ends late shows its cause with `-rA`."""
    for listener in server.servers:
        for task in asyncio.all_tasks(listener.get_loop()):
            task.print_stack(file=sys.stderr)


def dicom(pixels: Any) -> bytes:
    """Return an 8-bit film `[H, W]` as an uncompressed DICOM file."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", generate_uid()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "MONOCHROME2", 1
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = pixels.tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
