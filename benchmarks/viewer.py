"""Speed of the film viewer in Chromium: `python -m benchmarks.viewer [--seconds S] [--side PIXELS] [--out FILE]`.

Runs `python app.py`, drops a DICOM film of 3000 x 3000 pixels with 12 of 16 bits, and prints as Markdown: bytes of the
film, time until the answer and until the film's own values are visible, and frames a second while the film is zoomed,
moved (also inverted, and below evidence map and lung zones) and windowed by mouse events, on a screen of a desktop and
of a phone, drawn by WebGL and by the canvas. The browser shows at most 60 frames a second. Needs Chromium, playwright
and pydicom (requirements/dev.txt). A machine without a graphics chip draws WebGL in software; the table names what has
drawn it.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pneumonia.files import atomic_write
from pneumonia.inference.predictor import load_predictor
from pneumonia.web.viewer import packing

from . import films
from .service_process import running_service
from .table import machine

SCREENS: dict[str, dict[str, Any]] = {
    "desktop, 1280 x 860": {"viewport": {"width": 1280, "height": 860}},
    "phone, 390 x 844, 3 pixels for one": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 3,
        "is_mobile": True,
        "has_touch": True,
    },
}
RENDERERS = ("webgl", "canvas")
MOVES = ("zoom", "pan", "pan, inverted in turns", "pan with map and zones", "window")
"""Columns of the table: names of the movements in `_MEASURE`."""

_MEASURE = """async ([name, seconds]) => {
    const viewer = (await import(new URL("viewer/viewer.js", document.baseURI).href)).get();
    const { stage } = viewer;
    const { left, top, width, height } = stage.getBoundingClientRect();
    const [middleX, middleY] = [left + width / 2, top + height / 2];
    const at = (x, y) => ({ bubbles: true, cancelable: true, clientX: middleX + x, clientY: middleY + y });
    const point = (type, x, y, button = 0) => stage.dispatchEvent(
        new PointerEvent(type, { ...at(x, y), pointerId: 1, pointerType: "mouse", button }));
    const drag = (step) => point("pointermove", 120 * Math.sin(step / 15), 100 * Math.sin(step / 11));
    const startPan = () => { viewer.act("one"); point("pointerdown", 0, 0); };
    const map = Object.assign(document.createElement("canvas"), { width: 1200, height: 1200 });
    const moves = {
        zoom: [() => 0, (step) => stage.dispatchEvent(
            new WheelEvent("wheel", { ...at(0, 0), deltaY: -43 * Math.sin(step / 20) }))],
        pan: [startPan, drag],
        "pan, inverted in turns": [startPan, (step) => { drag(step); if (step % 30 === 0) viewer.act("invert"); }],
        "pan with map and zones": [() => { viewer.setMap(map.toDataURL()); viewer.act("zones"); startPan(); }, drag],
        window: [() => point("pointerdown", 0, 0, 2), drag],
    };
    const [start, move] = moves[name];
    start();
    await new Promise((done) => setTimeout(done, 300)); // until the map is decoded
    const { gl } = viewer.renderer;
    const drawNow = viewer.drawNow.bind(viewer);
    let [frames, busy] = [0, 0];
    viewer.drawNow = () => {
        const before = performance.now();
        drawNow();
        if (gl) gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits for the drawing
        busy += performance.now() - before;
        frames += 1;
    };
    const started = performance.now();
    for (let step = 0; performance.now() - started < 1000 * seconds; step += 1) {
        await new Promise(requestAnimationFrame);
        move(step);
    }
    const elapsed = performance.now() - started;
    delete viewer.drawNow;
    point("pointerup", 0, 0);
    viewer.setMap(null);
    viewer.reset();
    return [1000 * frames / elapsed, busy / frames];
}"""
"""(movement, seconds) -> [frames a second, ms to draw one]. Events of wheel and mouse, one for each frame, as of a
user: the value under the pointer and the controls are updated too.
"""

_START = """(renderer) => import(new URL("viewer/viewer.js", document.baseURI).href).then(({ get }) => {
    const viewer = get();
    viewer.root.dataset.renderer = renderer;
    viewer.replaceCanvas();
    viewer.startRenderer();
    viewer.resize();
    const { gl, name } = viewer.renderer;
    const names = gl && gl.getExtension("WEBGL_debug_renderer_info");
    return names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : name;
})"""


def film(side: int) -> npt.NDArray[np.uint16]:
    """A chest film `[side, side]` of 12 bits with the noise of a detector."""
    small = films.film(load_predictor(""), (side, side))
    noise = np.random.default_rng(1).normal(0, 10, small.shape)
    return np.clip(small * 15.0 + noise, 0, 4095).astype(np.uint16)


def as_dicom(pixels: npt.NDArray[np.uint16]) -> bytes:
    """The film as an uncompressed DICOM file."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", generate_uid()
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel, dataset.PixelRepresentation = "MONOCHROME2", 1, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PatientAge = "003Y"
    dataset.PixelData = pixels.tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def measure(page: Any, path: Path, seconds: float) -> Iterator[str]:
    """Rows of the table for one screen: drops the film, then moves it with each renderer."""
    start = time.perf_counter()
    page.set_input_files("#film input[type=file]", path)
    page.wait_for_selector(".answer:not(.waiting)", timeout=120_000)
    answered = time.perf_counter() - start
    page.wait_for_selector("#film-viewer[data-state=ready]", timeout=120_000)
    visible = time.perf_counter() - start
    yield f"| answer after {answered:.1f} s, own values visible after {visible:.1f} s {'| ' * len(MOVES)}|"
    for renderer in RENDERERS:
        drawn_by = page.evaluate(_START, renderer)
        columns = []
        for move in MOVES:
            rate, busy_ms = page.evaluate(_MEASURE, [move, seconds])
            columns.append(f"{rate:.0f} ({busy_ms:.1f} ms)")
        yield f"| {renderer}: {drawn_by} | {' | '.join(columns)} |"


def sizes(pixels: npt.NDArray[np.uint16]) -> str:
    """A sentence with the bytes that travel, beside those of the picture format of 16 bits."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    packed = len(packing.pack(pixels)) / 1e6
    scripts = sum(path.stat().st_size for path in Path(packing.__file__).parent.glob("*.js"))
    return (
        f"{pixels.shape[1]} x {pixels.shape[0]} pixels of 12 bits: {packed:.1f} MB travel; "
        f"{pixels.nbytes / 1e6:.1f} MB uncompressed, {buffer.tell() / 1e6:.1f} MB as PNG of 16 bits. "
        f"The scripts have {scripts / 1e3:.0f} kB."
    )


def report(side: int, seconds: float) -> Iterator[str]:
    """Lines of Markdown."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is not installed.")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # of other programs, before the measurement
    pixels = film(side)
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as service:
        path = Path(folder) / "film.dcm"
        path.write_bytes(as_dicom(pixels))
        yield sizes(pixels)
        yield ""
        yield f"| frames a second (time to draw one) | {' | '.join(MOVES)} |"
        yield "|---" * (len(MOVES) + 1) + "|"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, screen in SCREENS.items():
                yield f"| **{name}** {'| ' * len(MOVES)}|"
                page = browser.new_page(**screen)
                page.goto(service.address)
                page.wait_for_selector("#film input[type=file]", state="attached")
                yield from measure(page, path, seconds)
                page.close()
            browser.close()
    yield ""
    yield f"Measured on {machine()}, with a load of {load:.1f} by other programs."


def main() -> int:
    """Print the report; returns the exit code 0."""
    parser = argparse.ArgumentParser("python -m benchmarks.viewer", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=3000, help="height and width of the film in pixels")
    parser.add_argument("--seconds", type=float, default=3.0, help="duration of each movement")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the report to this file")
    options = parser.parse_args()
    lines = []
    for line in report(options.side, options.seconds):
        print(line, flush=True)
        lines.append(line)
    if options.out:
        atomic_write(options.out, ("\n".join(lines) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
