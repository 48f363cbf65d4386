"""Gradio's own texts on the page, for languages into which Gradio is not translated, such as Vietnamese.

Gradio uses its English texts for such a language. These replace them, in the language of the request.
"""

from __future__ import annotations

import gradio as gr

from ..messages import message

TEXTS: dict[str, str] = {
    "upload_text.drop_file": message("Drop file here"),
    "upload_text.click_to_upload": message("Click to upload"),
    "common.or": message("or"),
    "common.clear": message("Clear"),
    "common.complete": message("Complete"),
    "common.download": message("Download"),
    "common.error": message("Error"),
    "common.loading": message("Loading"),
    "common.remove": message("Remove"),
    "errors.use_via_api": message("Use via API"),
    "file.uploading": message("Uploading..."),
    "blocks.lost_connection": message("Lost connection due to leaving page. Rejoining queue..."),
    "blocks.waiting_for_inputs": message("Waiting for files to finish uploading, please retry."),
    "login.login": message("Log in"),
    "login.username": message("User name"),
    "login.password": message("Password"),
    "login.incorrect_credentials": message("Incorrect user name or password"),
}
"""Key of a text in Gradio's script -> the text, for what the page shows of Gradio, or announces to screen readers."""

MISSING_IN_GRADIO = {"common.complete"}
"""Keys that Gradio uses without a text in any language: without one of the page, screen readers announce the key."""


def translations() -> gr.I18n:
    """The texts, for `gr.mount_gradio_app`; `LocalisedPage` translates them with the rest of the configuration."""
    return gr.I18n(en=TEXTS)
