"""The part of the Evidence tab with the counts of this site; only if `PNEUMONIA_MONITOR` is set."""

from __future__ import annotations

from datetime import date, timedelta

import gradio as gr

from .. import settings
from ..errors import InternalError, PneumoniaError
from ..inference.predictor import Predictor
from ..messages import message
from ..monitoring.counts import DEFAULT_DAYS
from ..validation import report_html
from . import validation_text


def add(predictor: Predictor) -> None:
    """Build the part inside the column that is open. The counts are read when the user asks for them."""
    if not settings.MONITOR.read():
        return
    with gr.Column(elem_id="monitoring"):
        gr.Markdown(message("## Monitoring of this site"))
        gr.Markdown(
            message(
                "What was answered here in the last {days} days, by source and model, and whether films have drifted "
                "away from those of the models' cards. Counts by day are kept, no films and no identifiers.",
                days=DEFAULT_DAYS,
            )
        )
        button = gr.Button(message("Show the counts"), size="sm", elem_id="show-monitoring")
        counts = gr.HTML(elem_id="monitoring-report", apply_default_css=False)
        button.click(lambda: render_counts(predictor), None, counts, api_visibility="private", show_progress="minimal")


def render_counts(predictor: Predictor) -> str:
    """HTML of the report of the last `DEFAULT_DAYS` days, or an alert if the counts cannot be read."""
    from ..monitoring.period import read_period
    from ..monitoring.report import report_of

    until = date.today()
    since = until - timedelta(days=DEFAULT_DAYS)
    try:
        period = read_period(since, until, [model.bundle for model in predictor.models])
        return report_html.body(report_of(period.summaries, period.failures, since, until), with_lines=True)
    except PneumoniaError as error:
        return validation_text.error_message(error)
    except Exception as error:
        return validation_text.error_message(InternalError.from_exception(error))
