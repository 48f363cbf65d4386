"""Reference app of the benchmarks: accepts the same inputs and returns a constant result.

GRADIO_SERVER_PORT=7870 python -m benchmarks.empty_app
"""

from __future__ import annotations

from typing import Any

import gradio as gr


def build() -> gr.Blocks:
    """Build an app with a file and a text input, a JSON output and no processing."""
    page: gr.Blocks
    with gr.Blocks(analytics_enabled=False) as page:
        film, point, result = gr.File(), gr.Textbox("balanced"), gr.JSON()
        gr.Button().click(_constant_result, [film, point], result, api_name="predict")
    return page


def _constant_result(film: str | None, point: str) -> dict[str, Any]:
    return {"file": None, "label": "Unknown", "operating_point": point, "received": film is not None}


if __name__ == "__main__":
    build().launch()
