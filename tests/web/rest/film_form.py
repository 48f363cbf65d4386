"""A call of `POST /api/v1/predict` with a form."""

from __future__ import annotations

PATH = "/api/v1/predict"


def form(content: bytes, name: str = "film.png") -> dict[str, tuple[str, bytes]]:
    return {"file": (name, content)}
