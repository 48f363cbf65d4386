"""The evidence tab: for each model a picture with three sentences, then intended use, and sections that open."""

from __future__ import annotations

import re

import gradio as gr

from ..inference.bundle import Bundle
from ..inference.predictor import Predictor
from ..messages import deferred, message
from . import evidence_lead, evidence_sections, monitoring_section, page_text
from .rendering import localised, render

_HEADINGS = {
    "children": message("What to expect: children of 1-5 years"),
    "adults": message("What to expect: adults of 18 years and over"),
}
"""Population -> heading of its model's part."""


def add(predictor: Predictor) -> None:
    """Build the tab inside the `gr.Tabs` that is open: a part for each model, the intended use, the site's counts.

    With several models, a switch chooses the one that is shown.
    """
    bundles = [model.bundle for model in predictor.models]
    with gr.Tab(message("Evidence"), id="evidence", elem_id="evidence-tab"), gr.Column(elem_id="evidence"):
        is_choice = len(bundles) > 1
        if is_choice:
            populations = [(bundle.population.name, bundle.population.description) for bundle in bundles]
            gr.HTML(localised("evidence_populations.html", populations=populations), apply_default_css=False)
        for number, bundle in enumerate(bundles):
            html = deferred(sections, bundle, is_choice=is_choice, is_shown=number == 0)
            gr.HTML(html, apply_default_css=False)
        intended_use = deferred(page_text.intended_use, [bundle.population for bundle in bundles])
        gr.HTML(intended_use, apply_default_css=False)
        monitoring_section.add(predictor)


def sections(bundle: Bundle, *, is_choice: bool = False, is_shown: bool = True) -> str:
    """HTML of a model's lead and of all sections for which the bundle has data.

    If the page has a choice of models, the anchors contain the population, and the part is hidden unless `is_shown`.
    """
    run = bundle.served_run
    if run is None:
        return render("no_evidence.html")
    rendered = [(name, section(bundle, run)) for name, section in evidence_sections.SECTIONS]
    with_data = [{"heading": name, "anchor": anchor(name), "html": html} for name, html in rendered if html]
    population = str(bundle.population.name)
    return render(
        "evidence.html",
        heading=_HEADINGS[population],
        population=population if is_choice else "",
        is_shown=is_shown,
        prefix=f"{population}-" if is_choice else "",
        lead=evidence_lead.lead(bundle, run),
        sections=with_data,
    )


def anchor(heading: str) -> str:
    """The id of a section, from its heading."""
    return re.sub(r"\W+", "-", heading.lower()).strip("-")
