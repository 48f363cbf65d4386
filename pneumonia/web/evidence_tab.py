"""The tab that says how good the model is, and for whom."""

from __future__ import annotations

import re

import gradio as gr

from ..inference import bundle as bundles
from ..inference.bundle import Bundle
from . import evidence_sections, page_text

NO_EVIDENCE = "<p>This model came without an evaluation of its own: nothing is known of how often it is right.</p>"


def add(bundle: Bundle) -> None:
    """The tab: for whom the model is made, then its evaluation, then its limits."""
    with gr.Tab("Evidence", id="evidence"), gr.Column(elem_id="evidence"):
        gr.HTML(page_text.FOR_WHOM, apply_default_css=False)
        gr.HTML(sections(bundle), apply_default_css=False)
        gr.Markdown(limits(bundle), elem_id="limits")


def sections(bundle: Bundle) -> str:
    """All sections for which the bundle has data, under a list of links to them."""
    run = bundle.run
    if run is None:
        return NO_EVIDENCE
    made = [(heading, section(bundle, run)) for heading, section in evidence_sections.SECTIONS]
    made = [(heading, inner) for heading, inner in made if inner]
    links = "".join(f'<li><a href="#{_anchor(heading)}">{heading}</a></li>' for heading, _ in made)
    bodies = "".join(f'<section id="{_anchor(heading)}"><h2>{heading}</h2>{inner}</section>' for heading, inner in made)
    return f'<nav aria-label="Evidence"><ul>{links}</ul></nav>{bodies}'


def _anchor(heading: str) -> str:
    return re.sub(r"\W+", "-", heading.lower()).strip("-")


def limits(bundle: Bundle) -> str:
    """The section of that name in the bundle's own card, which is written from its evaluation; "" without a card."""
    if bundles.CARD not in bundle.config["files"]:
        return ""
    card = (bundle.folder / bundles.CARD).read_text(encoding="utf-8")
    found = re.search(r"^## Limits\n.*?(?=^## |\Z)", card, re.DOTALL | re.MULTILINE)
    return found[0].strip() if found else ""
