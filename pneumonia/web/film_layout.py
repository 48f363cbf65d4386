"""The components of the tab for one film, in the order of the page."""

from __future__ import annotations

from typing import Any

import gradio as gr

from .. import imaging, settings
from ..inference.decision import DEFAULT_POINT
from ..inference.predictor import Predictor
from ..messages import deferred, message
from ..reporting import pdf_report
from . import age_groups, dicom_results, film_session, page_text, prevalence_control
from .examples import examples
from .opinion_control import OpinionControl
from .server.upload import film_file
from .viewer.texts import viewer_html


class FilmLayout:
    """Creates the components inside the block that is open. `film_tab` connects them."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        # The session state expires when the server deletes the upload.
        self.session_film = gr.State(None, time_to_live=settings.RETENTION_S.read())
        # The film of the viewer, also one that was read with an error.
        self.viewed_film = gr.State(None, time_to_live=settings.RETENTION_S.read())
        with gr.Column(elem_id="film-layout"):
            self._lay_out_input()
            self._lay_out_answer()
            self._lay_out_viewer()
            self._lay_out_options()
            # After an answer they stand here; before it, above the answer. The keyboard follows this order.
            self._lay_out_examples()
            self.guide = gr.Markdown(elem_id="reading-guide")

    def _lay_out_input(self) -> None:
        # Whether a film was read with the present choice: the next film starts with the age from its file again.
        self.age_used = gr.State(value=False)
        with gr.Column(elem_id="input"):
            self.film = film_file(label=message("Film: {formats}", formats=imaging.FORMATS), elem_id="film", height=150)
            self.age = gr.Radio(age_groups.CHOICES, value=age_groups.FROM_FILE, label=age_groups.LABEL, elem_id="age")

    def _lay_out_examples(self) -> None:
        self.examples = examples(self._predictor.models[0].bundle)
        with gr.Column(elem_id="examples"):
            gr.Markdown(message("No film at hand? Try an example:"))
            with gr.Row():
                self.buttons = [gr.Button(example.name, size="sm", min_width=150) for example in self.examples]

    def _lay_out_answer(self) -> None:
        with gr.Column(elem_id="result"):
            gr.HTML(deferred(page_text.sending), elem_id="sending", apply_default_css=False)
            self.headline = gr.HTML(deferred(page_text.no_film), elem_id="headline", apply_default_css=False)
            self.bars = gr.HTML(elem_id="bars", apply_default_css=False)
            self._lay_out_depth()
            self.steps = gr.HTML(elem_id="steps", apply_default_css=False)
            self.comparison = gr.HTML(elem_id="comparison", apply_default_css=False)
            self.opinion = OpinionControl(self._predictor) if settings.MONITOR.read() else None

    def _lay_out_depth(self) -> None:
        """The prevalence, and what the numbers mean; closed until the user opens it."""
        # None: the prevalence of the calibration. It belongs to the hospital, so the next film keeps it.
        self.prevalence = gr.State(None)
        with gr.Accordion(prevalence_control.TITLE, open=False, elem_id="depth"):
            self.prevalence_slider = prevalence_control.slider(self._predictor)
            self.prevalence_reset = prevalence_control.reset_button()
            self.depth = gr.HTML(elem_id="meaning", apply_default_css=False)

    def _lay_out_options(self) -> None:
        """Below the answer: operating points, report, and model."""
        choices, note, model_lines = film_session.model_texts(self._predictor, None)
        with gr.Column(elem_id="options"):
            self.point = gr.Radio(choices, value=DEFAULT_POINT, label=message("Operating point"), elem_id="point")
            self.point_note = gr.Markdown(note, elem_id="point-note")
            self._lay_out_report()
            self.model = gr.Markdown(model_lines, elem_id="model")

    def _lay_out_report(self) -> None:
        """Downloads: the report as PDF, the answer as JSON, and for a DICOM film its result objects."""
        with gr.Column(elem_id="report", visible=False) as self.report:
            self.note = gr.Textbox(
                label=message("Note for the report (optional, not stored)"),
                max_length=pdf_report.MAX_NOTE_LENGTH,
                elem_id="note",
            )
            with gr.Row():
                self.pdf = gr.Button(message("Report (PDF)"), size="sm", min_width=120)
                self.json = gr.Button(message("Answer (JSON)"), size="sm", min_width=120)
                self.dicom_results = dicom_results.button()
        self.download = gr.JSON(visible="hidden", elem_id="file")

    def _lay_out_viewer(self) -> None:
        with gr.Column(elem_id="viewer"):
            self.film_image = _image(message("The uploaded chest film"), "film-image")
            map_text = message("Activation map; bright where the activation is strong")
            self.map_image = _image(map_text, "activation-map")
            gr.HTML(deferred(viewer_html), elem_id="viewer-block", apply_default_css=False)
            gr.HTML(deferred(page_text.viewer_caption), elem_id="caption", apply_default_css=False)
            self.show_map = gr.Button(message("Show activation map"), elem_id="show-map", visible=False)
            self.activation = gr.HTML(elem_id="activation", apply_default_css=False)
        self.view = gr.JSON(visible="hidden", elem_id="film-view")
        self.values = gr.File(visible="hidden", elem_id="film-values")
        self.answered = gr.JSON(visible="hidden", elem_id="answered-film")

    @property
    def answer_outputs(self) -> list[gr.components.Component]:
        return [self.headline, self.bars, self.depth, self.steps, self.guide]

    @property
    def viewer_outputs(self) -> list[gr.components.Component]:
        return [self.film_image, self.map_image, self.activation]

    @property
    def film_outputs(self) -> list[Any]:
        return [
            self.session_film,
            *self.answer_outputs,
            *self.viewer_outputs,
            self.show_map,
            self.report,
            self.note,
            *self.model_outputs,
            self.age,
            self.age_used,
            self.viewed_film,
            self.answered,
        ]

    @property
    def model_outputs(self) -> list[Any]:
        """Texts with the figures of the model that answered."""
        return [self.point, self.point_note, self.model, self.prevalence_slider]


def _image(alt_text: str, elem_id: str) -> gr.Image:
    return gr.Image(
        interactive=False,
        format="png",
        buttons=[],
        show_label=False,
        container=False,
        alt_text=alt_text,
        elem_id=elem_id,
        elem_classes="picture",
    )
