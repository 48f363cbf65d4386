"""Frame audit of one model: answers for films inside uniform frames, left in and through the service.

At the network, the frame is left in: the film, smaller by the frame, and the frame are the input. Through the service,
frames are found and cropped first (`imaging.film_area`), so the network sees the film alone if this succeeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from .. import imaging
from ..imaging import INPUT_SIDE
from ..inference.decision import DEFAULT_POINT
from ..inference.model import Model
from ..inference.predictor import Predictor
from .answer_changes import Answers, answers, change_counts, compare_answers, mean_figure, sum_counts
from .audit_films import AuditFilms, Films, run_network
from .frames import is_refused, outcome
from .simulated_frames import COLOURS, SHARES, Grey, add_frame

DEPTHS = tuple(depth for depth in SHARES if depth <= 0.12)
"""Depths of the frames: 1 to 12 % of the side."""

SERVICE_FILMS = 200
"""Number of films for the service, evenly spaced, because each is read and cropped for every frame."""


def frame_audit(model: Model, films: AuditFilms, *, quiet: bool = False) -> dict[str, Any]:
    """The entry `frames` of the audits: results at the `network` and through the `service`.

    Each has a row for every depth, over all colours: share of answers unchanged, counts of films that change from
    Pneumonia to Normal (`missed`) and the reverse (`raised`); `worst`: the frame that changes most; `all`: all frames.
    """
    every = max(1, len(films.labels) // SERVICE_FILMS)
    served = films.subset(np.arange(0, len(films.labels), every))
    return {
        "network": {"films": len(films.labels), **_at_network(model, films, quiet=quiet)},
        "service": {"films": len(served.labels), **_through_service(model, served, quiet=quiet)},
    }


def framed_inputs(films: Films, depth: float, colour: str) -> Films:
    """Model inputs `[N, 150, 150]` of films inside a frame that is not cropped."""
    size = (INPUT_SIDE, INPUT_SIDE)
    framed = (Image.fromarray(add_frame(film, depth, colour)) for film in films)
    return np.stack([np.asarray(film.resize(size, Image.Resampling.BILINEAR)) for film in framed])


def _kinds() -> list[tuple[float, str]]:
    return [(depth, colour) for depth in DEPTHS for colour in COLOURS]


def _at_network(model: Model, films: AuditFilms, *, quiet: bool) -> dict[str, Any]:
    point = model.operating_points[DEFAULT_POINT]

    def answered(inputs: Films, title: str) -> Answers:
        return answers(run_network(model, inputs, title=title, quiet=quiet).probability, point)

    before = answered(films.inputs, "unchanged")
    after = {
        (depth, colour): answered(framed_inputs(films.inputs, depth, colour), frame_name(depth, colour))
        for depth, colour in _kinds()
    }
    return summarise(films, before, after)


def _through_service(model: Model, films: AuditFilms, *, quiet: bool) -> dict[str, Any]:
    predictor = Predictor((model,))
    displays = [imaging.to_display(imaging.read(film.path)) for film in films.films.films]

    def outcomes(images: Iterator[Grey]) -> tuple[Answers, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        results = list(predictor.predict_many(images))
        return np.array([outcome(result) for result in results]), np.array([is_refused(result) for result in results])

    before, refused_before = outcomes(iter(displays))
    after, refused = {}, 0
    for depth, colour in tqdm(_kinds(), "frames, service", disable=quiet or None):
        framed = (add_frame(display, depth, colour) for display in displays)
        after[depth, colour], refused_after = outcomes(framed)
        refused += int((refused_after & ~refused_before).sum())
    return {**summarise(films, before, after), "refused_in_frame": refused}


def summarise(films: AuditFilms, before: Answers, after: dict[tuple[float, str], Answers]) -> dict[str, Any]:
    """The result of an audit from the answers alone and in each frame (depth, colour)."""
    rows = {
        f"{100 * depth:.0f} %": _over([before != answer for (one, _), answer in after.items() if one == depth], films)
        | sum_counts([change_counts(before, answer) for (one, _), answer in after.items() if one == depth])
        for depth in DEPTHS
    }
    worst = max(after, key=lambda kind: int((before != after[kind]).sum()))
    return {
        "depths": rows,
        "worst": {"frame": frame_name(*worst), **compare_answers(before, after[worst], films.weights)},
        "all": _over([before != answer for answer in after.values()], films)
        | sum_counts([change_counts(before, answer) for answer in after.values()]),
    }


def frame_name(depth: float, colour: str) -> str:
    """Name of a frame in `evaluation.json`: `white, 2 %`."""
    return f"{colour}, {100 * depth:.0f} %"


def _over(changed: list[np.ndarray[tuple[int], np.dtype[np.bool_]]], films: AuditFilms) -> dict[str, Any]:
    """Share of unchanged answers over several frames; a film is drawn with all its frames."""
    unchanged = 1 - np.mean(np.stack(changed), axis=0)
    return {"frames": len(changed), "same": mean_figure(unchanged, films.weights)}
