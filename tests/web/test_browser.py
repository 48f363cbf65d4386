"""The page as a person meets it, in Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        if os.environ.get("PNEUMONIA_REQUIRE_BROWSER"):
            pytest.fail("no Chromium, and PNEUMONIA_REQUIRE_BROWSER forbids to skip")
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


class Visit:
    """One page in the browser, with what went wrong in it."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url, address))
        self.page.goto(address)
        self.page.wait_for_selector("#film input[type=file]", state="attached", timeout=30_000)

    def _note(self, url: str, address: str) -> None:
        if not url.startswith((address, "data:", "blob:")):
            self.foreign.append(url)

    def drop(self, path: Path) -> str:
        self.page.set_input_files("#film input[type=file]", path)
        return self.answer()

    def answer(self) -> str:
        self.page.wait_for_selector(".answer:not(.waiting)", timeout=30_000)
        return str(self.page.inner_text(".answer"))

    def keep(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    visit = Visit(browser, address, viewport={"width": 1200, "height": 1000})
    yield visit
    visit.page.close()
    assert visit.errors == []
    assert visit.foreign == [], "the page asks other servers"


def test_a_dropped_film_is_answered_by_itself(visit: Visit, files: dict[str, Path]) -> None:
    answer = visit.drop(files["film.png"])
    assert any(label in answer for label in ("Normal", "Pneumonia", "Unknown"))
    visit.page.wait_for_selector("#bars:visible, .answer.unknown")
    visit.page.wait_for_selector(".picture img[alt]:visible")
    assert "look" in visit.page.inner_text("#characteristics") or "shows" in visit.page.inner_text("#characteristics")
    visit.keep("film")


def test_the_drop_zone_takes_the_next_film_at_once(visit: Visit, files: dict[str, Path]) -> None:
    visit.drop(files["film.png"])
    visit.page.wait_for_selector("#film input[type=file]", state="attached")
    visit.page.set_input_files("#film input[type=file]", files["turned.png"])
    visit.page.wait_for_selector(".answer.unknown")


def test_a_dicom_file_is_read_like_a_picture(visit: Visit, tmp_path: Path, large_film: Any) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(_dicom(large_film))
    visit.drop(path)
    visit.page.wait_for_selector(".picture img:visible")
    assert visit.page.locator(".answer.failed").count() == 0


def test_a_pasted_picture_goes_the_way_of_a_dropped_one(visit: Visit, files: dict[str, Path]) -> None:
    content = list(files["film.png"].read_bytes())
    visit.page.evaluate(
        """(content) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(content)], "pasted.png", {type: "image/png"}));
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true}));
        }""",
        content,
    )
    assert visit.answer()


def test_a_broken_file_gets_a_sentence_and_a_code(visit: Visit, files: dict[str, Path]) -> None:
    answer = visit.drop(files["broken.jpg"])
    assert "No answer" in answer
    assert "unreadable_image" in answer
    assert visit.page.locator(".picture:visible").count() == 0


def test_each_example_is_answered(visit: Visit) -> None:
    for name, expected in (
        ("lying on its side", "Unknown"),
        ("typical normal", "Normal"),
        ("typical pneumonia", "Pneumonia"),
    ):
        visit.page.get_by_role("button", name=name).click()
        visit.page.wait_for_timeout(1500)
        assert expected in visit.answer()


def test_the_page_says_what_it_is_and_which_model_answers(visit: Visit, predictor: Any) -> None:
    text = visit.page.inner_text("body")
    assert "not a replacement for a radiologist" in text
    assert "children of 1-5 years" in text
    assert predictor.model.sha256[:12] in visit.page.inner_text("#model")


@pytest.mark.parametrize(("width", "scheme"), [(380, "light"), (1200, "dark")])
def test_nothing_overflows_on_a_phone_or_in_the_dark(
    browser: Any, address: str, files: dict[str, Path], width: int, scheme: str
) -> None:
    visit = Visit(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    visit.drop(files["film.png"])
    visit.page.wait_for_selector(".picture img:visible")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    visit.keep(f"{scheme}-{width}")
    visit.page.close()


def _dicom(pixels: Any) -> bytes:
    import io

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
