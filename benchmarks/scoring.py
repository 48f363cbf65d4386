"""Benchmark of one film in one process: from memory, from a file, and the graph compared with a matrix product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from pneumonia import imaging
from pneumonia.imaging import Source
from pneumonia.inference.predictor import Predictor

from . import films, keras_baseline
from .measure import Row, at_least, at_most, interleaved

SMALL, LARGE = (224, 224), (2500, 2300)
"""Width and height of the films in pixels."""

MATRIX_SIDE = 1536
"""Side of the float32 matrices whose product measures the processor's rate: large enough that arithmetic dominates."""

TOLERANCE = 1e-4
"""Maximum difference between the scores of Keras and LiteRT for the same input."""

OVERHEAD_NOTE = (
    "most of the reference's time is the overhead of `model.predict` per call; "
    "the references of a direct and a compiled call lack it"
)
DIRECT_CALL_NOTE = (
    "the reference only scores a prepared tensor, on all cores; the product also resizes, applies the gate, computes "
    "the activation map and decides, on one core"
)


def rows(network: keras.Model, predictor: Predictor, folder: Path, repetitions: int) -> Iterator[Row]:
    """Yield the six rows of a single film."""
    film = films.film(predictor, SMALL)
    input_image = imaging.to_input(imaging.read(film))
    agreement_note = agreement(network, predictor, input_image)
    invoke = bare_graph(predictor, input_image)

    pair = interleaved(
        lambda: predictor.predict(film),
        lambda: network.predict(input_image[None], verbose=0),
        repetitions,
        times=(10, 1),
    )
    label = "`Predictor.predict`, one 224 px film in memory"
    note = f"{agreement_note}; {OVERHEAD_NOTE}"
    yield at_least(label, "Keras `model.predict`, same network", pair.speedups, 10, 15, note)

    pair = interleaved(lambda: predictor.predict(film), invoke, 3 * repetitions, times=(10, 10))
    label = "the same, including resize, gate and decision"
    yield at_most(label, "LiteRT alone: set the input and invoke the same graph", pair.slowdowns, 1.3, 1.1)

    yield from direct_call_rows(network, predictor, film, repetitions)

    yield _graph_row(network, invoke, repetitions)

    path = folder / "large.jpeg"
    path.write_bytes(films.jpeg(films.film(predictor, LARGE)))
    pair = interleaved(
        lambda: predictor.predict(path), lambda: keras_baseline.score(network, path), repetitions, times=(3, 1)
    )
    megabytes = f"{path.stat().st_size / 1e6:.1f} MB"
    label = "file -> Prediction, JPEG of 2500 x 2300"
    yield at_least(
        label, "`load_img`, `img_to_array`, `model.predict`", pair.speedups, 4, 6, f"the file has {megabytes}"
    )


def direct_call_rows(network: keras.Model, predictor: Predictor, film: Source, repetitions: int) -> Iterator[Row]:
    """Yield two rows: the same film compared with `model(x)`, and with `model(x)` in a `tf.function`.

    They have no target. Raises `ValueError` if the scores differ by more than `TOLERANCE`.
    """
    input_image = imaging.to_input(imaging.read(film))
    calls = keras_baseline.direct_calls(network, input_image)
    for kind, (reference, call) in zip(("direct", "compiled"), calls.items(), strict=True):
        agreement_note = difference_note(predictor, input_image, call())
        pair = interleaved(lambda: predictor.predict(film), call, 3 * repetitions, times=(10, 5))
        note = f"{DIRECT_CALL_NOTE}; {agreement_note}"
        yield at_least(f"the same film, against a {kind} call", reference, pair.speedups, None, None, note)


def agreement(network: keras.Model, predictor: Predictor, input_image: Any) -> str:
    """Compare the scores of Keras and LiteRT for a `[150, 150, 3]` film; returns the difference as a sentence.

    Raises `ValueError` if it exceeds `TOLERANCE`.
    """
    return difference_note(predictor, input_image, float(network.predict(input_image[None], verbose=0)[0, 0]))


def difference_note(predictor: Predictor, input_image: Any, keras_score: float) -> str:
    """The difference between the scores of Keras and LiteRT as a sentence; raises `ValueError` like `agreement`."""
    score = predictor.models[0].graph.score(input_image).score
    difference = abs(score - keras_score)
    if difference > TOLERANCE:
        raise ValueError(
            f"The scores of Keras and LiteRT differ. Allowed: {TOLERANCE:.0e}. Received: {difference:.1e}."
        )
    return f"scores differ by {difference:.0e}; allowed: {TOLERANCE:.0e}"


def bare_graph(predictor: Predictor, input_image: Any) -> Callable[[], object]:
    """Return a function that runs only the graph, on one thread: it sets the float input and invokes the interpreter.

    It uses the predictor's own interpreter. A second one would have a second copy of the weights, and the two copies
    would evict each other from the processor's cache.
    """
    graph, film = predictor.models[0].graph, input_image[None].astype(np.float32)
    with graph._lease_interpreter() as interpreter:  # noqa: SLF001
        graph_interpreter: Any = interpreter
    index = graph._input  # noqa: SLF001

    def invoke() -> None:
        graph_interpreter.set_tensor(index, film)
        graph_interpreter.invoke()

    return invoke


def _graph_row(network: keras.Model, invoke: Callable[[], object], repetitions: int) -> Row:
    left, right = np.random.default_rng(0).random((2, MATRIX_SIDE, MATRIX_SIDE), np.float32)
    multiply_adds = keras_baseline.multiply_adds(network)
    with threadpool_limits(1, "blas"):
        pair = interleaved(invoke, lambda: left @ right, repetitions, times=(20, 1))
    ratios = [ratio * MATRIX_SIDE**3 / multiply_adds for ratio in pair.slowdowns]
    rate = 2 * MATRIX_SIDE**3 / sorted(pair.reference)[len(pair.reference) // 2] / 1e9
    note = f"{multiply_adds / 1e6:.0f} million multiply-adds per film; the matrix product runs at {rate:.0f} GFLOP/s"
    return at_most("the graph, one thread", "a matrix product with as many multiply-adds", ratios, 2.5, 1.5, note)
