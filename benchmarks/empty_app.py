"""The app that everything is compared with: it takes the same file and says nothing of it.

GRADIO_SERVER_PORT=7870 python -m benchmarks.empty_app
"""

from __future__ import annotations

from typing import Any

import gradio as gr


def build() -> gr.Blocks:
    """A file in, a row of JSON out, and nothing between them."""
    page: gr.Blocks
    with gr.Blocks(analytics_enabled=False) as page:
        film, point, row = gr.File(), gr.Textbox("balanced"), gr.JSON()
        gr.Button().click(_constant_row, [film, point], row, api_name="predict")
    return page


def _constant_row(film: str | None, point: str) -> dict[str, Any]:
    return {"file": None, "label": "Unknown", "operating_point": point, "given": film is not None}


if __name__ == "__main__":
    build().launch()
