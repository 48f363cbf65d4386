"""The evidence tab: intended use, then evaluation and limits of each model."""

from __future__ import annotations

import re
from collections.abc import Sequence

import gradio as gr

from ..evaluation import summary
from ..inference import bundle as bundles
from ..inference.bundle import Bundle
from ..messages import deferred, message
from . import evidence_sections, page_text
from .rendering import render

_HEADINGS = {"children": message("The model of children"), "adults": message("The model of adults")}
"""Population -> heading of its model's part, if the page has several models."""


def add(bundles: Sequence[Bundle]) -> None:
    """Build the tab inside the `gr.Tabs` that is open: intended use, then a part for each model."""
    with gr.Tab("Evidence", id="evidence"), gr.Column(elem_id="evidence"):
        intended_use = deferred(page_text.intended_use, [bundle.population for bundle in bundles])
        gr.HTML(intended_use, apply_default_css=False)
        for number, bundle in enumerate(bundles):
            heading = _HEADINGS[bundle.population.name] if len(bundles) > 1 else ""
            gr.HTML(deferred(sections, bundle, heading), apply_default_css=False)
            gr.Markdown(limits(bundle), elem_id="limits" if number == 0 else f"limits-{bundle.population.name}")


def sections(bundle: Bundle, heading: str = "") -> str:
    """HTML of all sections for which the bundle has data, below three sentences and a list of links.

    With several models on the page, `heading` names the model, and the anchors begin with its population.
    """
    run = bundle.served_run
    if run is None:
        return render("no_evidence.html")
    rendered = [(name, section(bundle, run)) for name, section in evidence_sections.SECTIONS]
    with_data = [{"heading": name, "anchor": anchor(name), "html": html} for name, html in rendered if html]
    return render(
        "evidence.html",
        heading=heading,
        prefix=f"{bundle.population.name}-" if heading else "",
        summary=summary.sentences(bundle.config, bundle.evaluation),
        sections=with_data,
    )


def anchor(heading: str) -> str:
    """The id of a section, from its heading."""
    return re.sub(r"\W+", "-", heading.lower()).strip("-")


def limits(bundle: Bundle) -> str:
    """The section "Limits" of the bundle's model card as Markdown; "" if the bundle has no card."""
    if bundles.CARD not in bundle.config["files"]:
        return ""
    card = (bundle.folder / bundles.CARD).read_text(encoding="utf-8")
    match = re.search(r"^## Limits\n.*?(?=^## |\Z)", card, re.DOTALL | re.MULTILINE)
    return match[0].strip() if match else ""
