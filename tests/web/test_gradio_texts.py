"""Gradio's own texts on the page can be replaced for a language that Gradio does not have."""

from __future__ import annotations

from pathlib import Path

import gradio

from pneumonia.web.gradio_texts import TEXTS, translations

SCRIPTS = Path(gradio.__path__[0]) / "templates" / "frontend" / "assets"


def test_the_keys_are_those_of_gradio() -> None:
    (script,) = SCRIPTS.glob("id-*.js")
    text = script.read_text(encoding="utf-8")
    assert [key for key in TEXTS if f"{key.partition('.')[2]}:" not in text] == []
    assert translations().translations_dict["en"] == TEXTS
