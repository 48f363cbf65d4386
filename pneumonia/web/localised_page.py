"""A Gradio page whose configuration is in the language of the request.

Gradio sends the configuration of the page (labels, choices, initial HTML) to the browser. `LocalisedPage` keeps it in
English with its messages and returns a translation for each language, so that the page appears in its language at once.
"""

from __future__ import annotations

import copy
from typing import Any

import gradio as gr

from ..languages import ENGLISH, current_language, use_language
from ..messages import Message, translate


class LocalisedPage(gr.Blocks):
    """`gr.Blocks` whose `config` is a translation of the configuration that Gradio has set."""

    _translations: dict[str, dict[str, Any]]

    @property
    def config(self) -> Any:  # Gradio's TypedDict has no public name
        """The configuration in the language of the request. Gradio copies it before it changes the copy."""
        code = current_language()
        if code not in self._translations:
            self._translations[code] = _translated(self._translations[ENGLISH], code)
        return self._translations[code]

    @config.setter
    def config(self, config: Any) -> None:
        self._translations = {ENGLISH: config}

    def get_api_info(self, *arguments: Any, **options: Any) -> Any:
        """The description of the endpoints, which Gradio keeps for all requests: it is English."""
        with use_language(ENGLISH):
            return super().get_api_info(*arguments, **options)


def _translated(part: Any, code: str) -> Any:
    """A copy of a part of the configuration, with its messages translated."""
    if isinstance(part, Message):
        return translate(part, code)
    if isinstance(part, dict):
        return {key: _translated(value, code) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_translated(item, code) for item in part]
    return copy.copy(part)
