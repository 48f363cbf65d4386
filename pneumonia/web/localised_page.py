"""A Gradio page in the language of the request.

Gradio sends the configuration of the page (labels, choices, initial HTML) to the browser. `LocalisedPage` keeps it in
English with its messages and returns a translation for each language, so that the page appears in its language at once.
It also translates the messages that handlers of the page return.
"""

from __future__ import annotations

import copy
from typing import Any

import gradio as gr
from gradio.blocks import Block

from ..languages import ENGLISH, current_language, use_language
from ..messages import Message, translate


class LocalisedPage(gr.Blocks):
    """`gr.Blocks` whose `config` and answers are in the language of the request; its public endpoints are English."""

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
        for component in config["components"]:
            # Some components turn their value into a plain `str`.
            value = self.blocks[component["id"]].constructor_args.get("value")
            if isinstance(value, Message):
                component["props"]["value"] = value
        self._translations = {ENGLISH: config}

    def get_api_info(self, *arguments: Any, **options: Any) -> Any:
        """The description of the endpoints, which Gradio keeps for all requests: it is English."""
        with use_language(ENGLISH):
            return super().get_api_info(*arguments, **options)

    async def process_api(self, block_fn: Any, *arguments: Any, **options: Any) -> Any:
        """Run a call in English if it is one of an endpoint of the API, otherwise in the language of its request."""
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        with use_language(ENGLISH if function.api_visibility == "public" else current_language()):
            return await super().process_api(block_fn, *arguments, **options)

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> Any:
        """Translate the messages among the values that a handler returns."""
        return await super().postprocess_data(block_fn, _translated_outputs(predictions, block_fn.outputs), state)


def _translated(part: Any, code: str) -> Any:
    """A copy of a part of the configuration, with its messages translated."""
    if isinstance(part, Message):
        return translate(part, code)
    if isinstance(part, dict):
        return {key: _translated(value, code) for key, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_translated(item, code) for item in part]
    return copy.copy(part)


def _translated_outputs(outputs: Any, components: list[Any]) -> Any:
    """The values of a handler's outputs, which are a list, a dict by component, or one value without a list."""
    if isinstance(outputs, dict) and all(isinstance(key, Block) for key in outputs):
        return {key: value if key.stateful else _translated_value(value) for key, value in outputs.items()}
    if len(components) == 1:
        return outputs if components[0].stateful else _translated_value(outputs)
    if not isinstance(outputs, (list, tuple)):
        return outputs
    stateful = [getattr(component, "stateful", False) for component in components]
    stateful += [False] * (len(outputs) - len(stateful))
    return [value if keep else _translated_value(value) for value, keep in zip(outputs, stateful, strict=False)]


def _translated_value(value: Any) -> Any:
    """An output with its messages translated: text, rows of a table, or an update of a component."""
    if isinstance(value, Message):
        return translate(value)
    if isinstance(value, Block):
        return _translated_value({**value.constructor_args, "__type__": "update"})
    if isinstance(value, dict):
        return {key: _translated_value(part) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_translated_value(part) for part in value)
    return value
