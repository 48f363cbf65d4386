"""The Gradio page and its endpoints."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction

from .. import imaging, settings
from ..decision import DEFAULT_POINT
from ..predictor import Predictor
from . import batch_tab, handlers, words
from .examples import Example, examples
from .upload import film_file

_HERE = Path(__file__).parent
_SHARED_QUEUE = "films"
"""The lane of single films, on page and API. Batches have one of their own (`batch_tab.LANE`) in the same queue."""

SWEEP_S = 60
"""Seconds between two looks for uploads whose time is over."""


def build(predictor: Predictor) -> gr.Blocks:
    """The page for a predictor; nothing is launched."""
    offered = examples(predictor.bundle)
    page: gr.Blocks
    with gr.Blocks(
        title=words.TITLE,
        analytics_enabled=False,
        delete_cache=(SWEEP_S, settings.RETENTION_S.read()),
    ) as page:
        gr.Markdown(f"# {words.TITLE}\n{words.INTRODUCTION}")
        with gr.Tabs():
            with gr.Tab("One film", id="film"), gr.Row():
                with gr.Column(scale=1, min_width=320):
                    film = film_file(label=f"Film: {imaging.FORMATS}", elem_id="film", height=150)
                    gr.Markdown("No film at hand? Try:")
                    with gr.Row():
                        buttons = [gr.Button(example.name, size="sm", min_width=140) for example in offered]
                    shown = gr.Image(
                        label="The film as the model saw it", **_picture("The chest film that was dropped")
                    )
                    overlay = gr.Image(
                        label="Where the network looked", **_picture("The film under the activation map")
                    )
                with gr.Column(scale=1, min_width=320):
                    headline = gr.HTML(words.WAITING, elem_id="headline")
                    bars = gr.Label(label="Calibrated probability", show_heading=False, elem_id="bars")
                    gr.Markdown(words.prevalence_note(predictor.bundle.calibration.prevalence), elem_id="prevalence")
                    text = gr.Markdown(elem_id="characteristics")
            batch_tab.add(predictor)
        answer = [headline, bars, overlay, text]
        for example, button in zip(offered, buttons, strict=True):
            _offer(predictor, example, button, shown, answer)
        gr.Markdown(words.model_line(predictor.model, predictor.describe()["figures"]), elem_id="model")
        gr.Markdown(words.elsewhere(predictor.bundle.evaluation.get("external", [])), elem_id="elsewhere")
        gr.Markdown(words.NOTICE, elem_id="notice")
        film.upload(
            partial(handlers.preview, predictor), film, shown, api_visibility="private", concurrency_id=_SHARED_QUEUE
        )
        film.upload(
            partial(handlers.analyze, predictor),
            film,
            answer,
            api_name="analyze",
            concurrency_id=_SHARED_QUEUE,
        ).then(lambda: None, None, film, api_visibility="private")  # an empty drop zone takes the next film at once
        _add_endpoints(predictor)
    _fill_in_what_is_left_out(page)
    page.queue(api_open=False, max_size=settings.QUEUE_SIZE.read(), default_concurrency_limit=settings.THREADS.read())
    return page


def _fill_in_what_is_left_out(page: gr.Blocks) -> None:
    """A caller over plain HTTP may leave out the last inputs, as `gradio_client` lets its callers do.

    Gradio refuses such a call before any handler sees it, so an endpoint could get no further input without breaking
    its callers.
    """
    check = page.validate_inputs

    def filled(block_fn: BlockFunction, inputs: list[Any]) -> None:
        inputs += [getattr(component, "value", None) for component in block_fn.inputs[len(inputs) :]]
        check(block_fn, inputs)

    page.validate_inputs = filled  # type: ignore[method-assign]


def launch_options(*, share: bool = False) -> dict[str, Any]:
    """What `launch` needs for a page near patients: nothing recorded, nothing shown of an error, nothing shared."""
    return {
        "share": share or settings.SHARE.read(),
        "auth": settings.AUTH.read() or None,
        "max_file_size": settings.MAX_UPLOAD_MB.read() * 1_000_000,
        "theme": gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        "css_paths": _HERE / "page.css",
        "js": (_HERE / "paste.js").read_text(),
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "allowed_paths": [],
        "strict_cors": True,
        "ssr_mode": False,
        "pwa": False,
    }


def _picture(alternative: str) -> dict[str, Any]:
    options = {"interactive": False, "format": "png", "buttons": ["fullscreen"], "height": 420}
    return {**options, "alt_text": alternative, "elem_classes": "picture"}


def _offer(
    predictor: Predictor, example: Example, button: gr.Button, shown: gr.Image, answer: list[gr.components.Component]
) -> None:
    """A click on an example goes the way of a dropped film."""
    preview = partial(handlers.preview, predictor, example.picture)
    button.click(preview, None, shown, api_visibility="private", concurrency_id=_SHARED_QUEUE)
    button.click(
        partial(handlers.analyze_source, predictor, example.picture),
        None,
        answer,
        api_visibility="private",
        concurrency_id=_SHARED_QUEUE,
    )


def _add_endpoints(predictor: Predictor) -> None:
    """Endpoints for programs; their components are never shown."""
    with gr.Group(visible=False):
        one, many = film_file(), film_file(file_count="multiple")
        point = gr.Textbox(DEFAULT_POINT, label="operating_point")
        prevalence = gr.Number(None, label="prevalence")
        row, rows = gr.JSON(), gr.JSON()
        button = gr.Button()
    ask, ask_many = partial(handlers.predict, predictor), partial(handlers.predict_batch, predictor)
    button.click(ask, [one, point, prevalence], row, api_name="predict", concurrency_id=_SHARED_QUEUE)
    button.click(ask_many, [many, point, prevalence], rows, api_name="predict_batch", **batch_tab.LANE)

    def model() -> dict[str, Any]:
        """Which model answers: name, revision, sha256, operating points, figures."""
        return predictor.describe()

    gr.api(model, api_name="model")
