"""The viewer on a page in Chromium: what it draws, and its controls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..visit import Visit

_GET = 'const viewer = (await import(new URL("viewer/viewer.js", document.baseURI).href)).get();'


class ShownViewer:
    """The viewer after a film was dropped."""

    def __init__(self, visit: Visit, film: Path, until: str = ".answer:not(.waiting)") -> None:
        self.visit, self.page = visit, visit.page
        self._touch_session: Any = None  # of Chromium's protocol; a touch belongs to one session
        visit.drop(film, until)
        self.wait()

    def wait(self) -> None:
        self.page.wait_for_selector("#film-viewer[data-state=ready]")

    @property
    def stage(self) -> Any:
        return self.page.locator("#film-viewer .stage")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression of `viewer`, after it has drawn."""
        return self.page.evaluate(
            f"async () => {{ {_GET} await new Promise(requestAnimationFrame);"
            f" if (viewer.view) viewer.drawNow(); return {expression}; }}"
        )

    def grey_at(self, x: float, y: float) -> int:
        """The grey level 0..255 on the screen of a place on the film, which must be visible."""
        return int(
            self.evaluate(
                f"""(() => {{
                    const place = viewer.geometry.toScreen({x}, {y});
                    const copy = document.createElement("canvas");
                    copy.width = viewer.film.width;
                    copy.height = viewer.film.height;
                    const context = copy.getContext("2d");
                    context.drawImage(viewer.film, 0, 0);
                    return context.getImageData(Math.floor(place.x), Math.floor(place.y), 1, 1).data[0];
                }})()"""
            )
        )

    def point_at(self, x: float, y: float) -> str:
        """Move the mouse to a place on the film; the readout there."""
        place = self.evaluate(f"[viewer.geometry.toScreen({x}, {y}), viewer.ratio]")
        box = self.stage.bounding_box()
        self.page.mouse.move(box["x"] + place[0]["x"] / place[1], box["y"] + place[0]["y"] / place[1])
        return str(self.evaluate('viewer.root.querySelector(".pixel").textContent'))

    def click(self, action: str) -> None:
        if action in {"zones", "model", "rotate", "mirror", "reset", "help"} and not self.is_visible("#viewer-more"):
            self.page.locator("[data-action=more]").click()
        self.page.locator(f"[data-action={action}]").first.click()

    def press(self, *keys: str) -> None:
        self.stage.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def is_visible(self, selector: str) -> bool:
        return bool(self.page.locator(f"#film-viewer {selector}").is_visible())

    def is_pressed(self, action: str) -> bool:
        return bool(self.page.locator(f"[data-action={action}]").get_attribute("aria-pressed") == "true")

    @property
    def scale(self) -> float:
        return float(self.evaluate("viewer.geometry.scale"))

    @property
    def centre(self) -> tuple[float, float]:
        centre = self.evaluate("viewer.geometry.centre")
        return centre["x"], centre["y"]

    @property
    def window(self) -> tuple[float, float]:
        low, high = self.evaluate(
            "[viewer.windowLevel.low + viewer.view.first, viewer.windowLevel.high + viewer.view.first]"
        )
        return low, high

    def text(self, selector: str) -> str:
        return str(self.evaluate(f"viewer.root.querySelector({json.dumps(selector)}).textContent"))

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """A touch event "touchStart", "touchMove" or "touchEnd" at points of the stage in CSS pixels."""
        box = self.stage.bounding_box()
        self._touch_session = self._touch_session or self.page.context.new_cdp_session(self.page)
        touch_points = [{"x": box["x"] + x, "y": box["y"] + y, "id": number} for number, (x, y) in enumerate(points)]
        self._touch_session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touch_points})
