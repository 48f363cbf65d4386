"""Gradio's own texts on the page can be replaced for a language that Gradio does not have."""

from __future__ import annotations

from pathlib import Path

import gradio
import pytest

from pneumonia.web.gradio_texts import MISSING_IN_GRADIO, TEXTS, translations

SCRIPTS = Path(gradio.__path__[0]) / "templates" / "frontend" / "assets"


def test_the_keys_are_those_of_gradio() -> None:
    (script,) = SCRIPTS.glob("id-*.js")
    text = script.read_text(encoding="utf-8")
    assert {key for key in TEXTS if f"{key.partition('.')[2]}:" not in text} == MISSING_IN_GRADIO
    assert translations().translations_dict["en"] == TEXTS


@pytest.mark.parametrize("key", sorted(MISSING_IN_GRADIO))
def test_gradio_uses_a_key_that_has_no_text_there(key: str) -> None:
    assert any(key in script.read_text(encoding="utf-8") for script in SCRIPTS.glob("*.js"))
