"""HTML of the page, parsed; an answer whose film has a name that is a script."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from pneumonia.inference.decision import ModelIdentity, Prediction

SCRIPT = "<script>alert('film')</script>\"&"


MODEL = ModelIdentity("embedded", "0123456789abcdef", "f" * 64)


VOID = {"input", "br", "img"}
"""Elements without an end tag."""


class Page(HTMLParser):
    """The parsed HTML: its elements, its text with white space collapsed, and the elements that are still open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self._data = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self._data += data

    @property
    def text(self) -> str:
        return " ".join(self._data.split())

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.elements}


def answer(label: str, probability: float | None = None, **others: Any) -> Prediction:
    fields: dict[str, Any] = {"file": SCRIPT, "reason": None, "zones": None, "model": MODEL, **others}
    return Prediction(label=label, probability=probability, operating_point="balanced", **fields)
