"""The evidence tab: intended use, evaluation and limits of the model."""

from __future__ import annotations

import re

import gradio as gr

from ..inference import bundle as bundles
from ..inference.bundle import Bundle
from . import evidence_sections, page_text
from .rendering import render


def add(bundle: Bundle) -> None:
    """Build the tab inside the `gr.Tabs` that is open."""
    with gr.Tab("Evidence", id="evidence"), gr.Column(elem_id="evidence"):
        gr.HTML(page_text.intended_use(), apply_default_css=False)
        gr.HTML(sections(bundle), apply_default_css=False)
        gr.Markdown(limits(bundle), elem_id="limits")


def sections(bundle: Bundle) -> str:
    """HTML of all sections for which the bundle has data, below a list of links to them."""
    run = bundle.served_run
    if run is None:
        return render("no_evidence.html")
    rendered = [(heading, section(bundle, run)) for heading, section in evidence_sections.SECTIONS]
    with_data = [{"heading": heading, "anchor": _anchor(heading), "html": html} for heading, html in rendered if html]
    return render("evidence.html", sections=with_data)


def _anchor(heading: str) -> str:
    return re.sub(r"\W+", "-", heading.lower()).strip("-")


def limits(bundle: Bundle) -> str:
    """The section "Limits" of the bundle's model card as Markdown; "" if the bundle has no card."""
    if bundles.CARD not in bundle.config["files"]:
        return ""
    card = (bundle.folder / bundles.CARD).read_text(encoding="utf-8")
    match = re.search(r"^## Limits\n.*?(?=^## |\Z)", card, re.DOTALL | re.MULTILINE)
    return match[0].strip() if match else ""
