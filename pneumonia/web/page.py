"""The Gradio page and its endpoints."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI

from .. import settings
from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from ..messages import deferred
from . import (
    batch_routes,
    batch_tab,
    dicom_results,
    evidence_tab,
    film_tab,
    gradio_texts,
    handlers,
    page_text,
    refused_calls,
    validation_routes,
    validation_tab,
)
from .batch_job import BatchJobs
from .film_tab import FILM_CONCURRENCY_ID
from .lane import Lane, film_lane
from .localised_page import LocalisedPage
from .rest.api import RestApi
from .server import asgi_app, gradio_internals, installable, login, mcp, session_memory, upload_folder
from .server.upload import film_file
from .validation_job import ValidationJobs

_FOLDER = Path(__file__).parent
_STYLES = (
    "page.css",
    "controls.css",
    "language.css",
    "answer.css",
    "sending.css",
    "viewer/viewer.css",
    "job.css",
    "batch.css",
    "evidence.css",
    "validation.css",
    "monitoring.css",
    "../validation/report.css",
    "layout.css",
    "forced_colours.css",
    "print.css",
)
CLEANUP_INTERVAL_S = 60
"""Maximum seconds between two deletions of expired uploads and sessions; less if the retention time is short."""


def build(predictor: Predictor) -> gr.Blocks:
    """Build the page and the API endpoints for a predictor. `create_app` serves it."""
    return _build(predictor, film_lane(refused_calls.busy_error))[0]


def _build(predictor: Predictor, films: Lane) -> tuple[gr.Blocks, BatchJobs, ValidationJobs]:
    """The page, its batches and its validations, which have routes of their own.

    Single films take turns in the lane `films`.
    """
    upload_folder.use_private_folder()
    gradio_internals.renew_file_salt()
    page: gr.Blocks
    with LocalisedPage(
        title=page_text.TITLE,
        analytics_enabled=False,
        delete_cache=(_cleanup_interval_s(), settings.RETENTION_S.read()),
    ) as page:
        populations = [model.population for model in predictor.models]
        gr.HTML(deferred(page_text.head, populations), elem_id="head", apply_default_css=False)
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap"):
            film_tab.add(predictor, films)
            jobs = batch_tab.add(predictor)
            validations = validation_tab.add(jobs.predictor, jobs.lane)
            evidence_tab.add(predictor)
        external = [entry for model in predictor.models for entry in model.bundle.evaluation.get("external", [])]
        gr.Markdown(page_text.external_validation_note(external), elem_id="external-validation")
        gr.Markdown(page_text.NOTICE, elem_id="notice")
        _add_endpoints(predictor, films, jobs.lane)
    page.queue(api_open=False, max_size=settings.QUEUE_SIZE.read(), default_concurrency_limit=settings.THREADS.read())
    refused_calls.answer_refused_calls(page)
    session_memory.limit_session_memory(page)
    return page, jobs, validations


def _cleanup_interval_s() -> int:
    return max(1, min(CLEANUP_INTERVAL_S, int(settings.RETENTION_S.read()) // 10))


def create_app(predictor: Predictor) -> FastAPI:
    """Build the page and the ASGI application that serves it. Raises `UsageError` if a setting is invalid."""
    options = mount_options()
    films = film_lane(refused_calls.busy_error)
    page, jobs, validations = _build(predictor, films)
    rest_api = RestApi(predictor, films, jobs.predictor, jobs.lane)
    routes = [*batch_routes.routes(jobs), *validation_routes.routes(validations), *rest_api.routes]
    return asgi_app.create(page, options, _cleanup_interval_s(), routes, [jobs, validations, rest_api.work])


def mount_options() -> dict[str, Any]:
    """Keyword arguments of `gr.mount_gradio_app`, chosen for patient data.

    Gradio stores no run history, offers no monitoring, shows no error details, and serves no files of the server.
    Raises `UsageError` if a setting is invalid.
    """
    logins = settings.AUTH.read()
    settings.TOKENS.read()
    settings.UID_ROOT.read()
    return {
        "auth": login.PasswordCheck(logins).check if logins else None,
        "max_file_size": settings.MAX_UPLOAD_MB.read() * 1_000_000,
        "theme": gr.themes.Default(
            primary_hue="slate", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
        ),
        "css_paths": [_FOLDER / name for name in _STYLES],
        "js": _script("page.js", "film_input.js", "language_switch.js", "deep_links.js", "print.js"),
        "footer_links": ["api"],
        "i18n": gradio_texts.translations(),
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "allowed_paths": [],
        "ssr_mode": False,
        "mcp_server": mcp.mcp_enabled(),
        "pwa": False,  # `installable` has its own manifest
        "favicon_path": str(installable.FOLDER / "icon-192.png"),
    }


def _script(*names: str) -> str:
    """The functions in these files as one, which Gradio calls when the page is loaded."""
    calls = (f"({(_FOLDER / name).read_text(encoding='utf-8').strip()})();" for name in names)
    return "() => {\n" + "\n".join(calls) + "\n}"


def _bind_predictor(handler: Callable[..., Any], predictor: Predictor) -> Callable[..., Any]:
    """The handler with its first argument bound. Name and docstring are copied, because MCP publishes them."""
    bound = partial(handler, predictor)
    bound.__name__, bound.__doc__ = handler.__name__, handler.__doc__  # type: ignore[attr-defined]
    return bound


def _add_endpoints(predictor: Predictor, films_lane: Lane, batches_lane: Lane) -> None:
    """Add the API endpoints. Their components are never visible on the page."""
    with gr.Group(visible=False):
        film, films, analyzed = film_file(), film_file(file_count="multiple"), film_file()
        point = gr.Textbox(DEFAULT_POINT, label="operating_point")
        prevalence, age = gr.Number(None, label="prevalence"), gr.Number(None, label="age")
        result, results = gr.JSON(), gr.JSON()
        button = gr.Button()
    with gr.Group(visible=False):
        # JPEG, because encoding the overlay of a large film as PNG takes 0.25 s, most of the response time.
        analysis = [gr.HTML(), gr.Label(visible=False), gr.Image(format="jpeg", visible=False), gr.Markdown()]
    predict, predict_batch, analyze = (
        _bind_predictor(handler, predictor)
        for handler in (
            films_lane.wrap(handlers.predict),
            batches_lane.wrap(handlers.predict_batch),
            films_lane.wrap(handlers.analyze),
        )
    )
    button.click(
        predict, [film, point, prevalence, age], result, api_name="predict", concurrency_id=FILM_CONCURRENCY_ID
    )
    button.click(
        predict_batch, [films, point, prevalence, age], results, api_name="predict_batch", **batch_tab.BATCH_CONCURRENCY
    )
    button.click(analyze, [analyzed, age], analysis, api_name="analyze", concurrency_id=FILM_CONCURRENCY_ID)

    def model() -> dict[str, Any]:
        """The served models: name, revision, sha256, operating points and figures, for each population."""
        return predictor.describe()

    gr.api(model, api_name="model")
    _add_dicom_results(predictor)


def _add_dicom_results(predictor: Predictor) -> None:
    """Add the endpoint for result objects; without the extra `hospital` it answers with an error."""
    with gr.Group(visible=False):
        film, point = film_file(), gr.Textbox(DEFAULT_POINT, label="operating_point")
        prevalence, age = gr.Number(None, label="prevalence"), gr.Number(None, label="age")
        files, result = gr.File(file_count="multiple", visible=False), gr.JSON()
        button = gr.Button()
    button.click(
        _bind_predictor(dicom_results.dicom_results, predictor),
        [film, point, prevalence, age],
        [files, result],
        api_name="dicom_results",
        concurrency_id=FILM_CONCURRENCY_ID,
    )
