"""The served graph, run by LiteRT: input image `[150, 150, 3]` -> score and activation map."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import BundleCorrupt, UsageError
from ..imaging import INPUT_SIDE
from ..messages import message

Activation = npt.NDArray[np.float32]
"""Activation map `[h, w]`, non-negative, at the resolution of the last convolution."""

LungField = npt.NDArray[np.float32]
"""Predicted lung field `[h, w]` in 0..1, at the resolution of the last convolution."""


@dataclass(frozen=True)
class GraphOutput:
    """The outputs of a graph for one film: uncalibrated score in 0..1, map, and lung field if the graph has one."""

    score: float
    activation: Activation
    lung_field: LungField | None


class Graph:
    """A graph and a pool of at most `threads` interpreters, which are created on demand.

    Thread-safe: an interpreter is not, so each call leases one and waits while all are in use. `model` is the content
    of `model.tflite`. Raises `BundleCorrupt` for a graph that LiteRT cannot load, or with unexpected inputs or outputs,
    and `UsageError` on a system without LiteRT.

    Films are scored one at a time. In a batch, the order of additions would differ, but a film must get the same score
    on the page and in a batch, to the last digit.
    """

    def __init__(self, model: bytes, threads: int) -> None:
        self._model = model
        interpreter = self._new_interpreter()
        self._input, self._score, self._activation, self._lung_field = _tensor_indices(interpreter)
        self._idle = [interpreter]
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(threads):
            self._slots.put(None)

    def score(self, input_image: npt.NDArray[np.uint8]) -> GraphOutput:
        """The outputs for a `[150, 150, 3]` input image; raises `ValueError` if the score is not finite."""
        with self._lease_interpreter() as interpreter:
            self._set_input(interpreter, input_image)
            interpreter.invoke()
            score = float(interpreter.get_tensor(self._score)[0, 0])
            activation: Activation = interpreter.get_tensor(self._activation)[0]
            has_field = self._lung_field is not None
            lung_field: LungField | None = interpreter.get_tensor(self._lung_field)[0, ..., 0] if has_field else None
        if not math.isfinite(score):
            raise ValueError("the score of the graph is not finite")
        return GraphOutput(score, activation, lung_field)

    def _set_input(self, interpreter: Any, input_image: npt.NDArray[np.uint8]) -> None:
        # Writes directly to the graph's memory; LiteRT allows no reference to it while the graph is invoked. Copies
        # each channel separately: if the three share memory (a grey film), a copy by pixel takes three times as long.
        tensor = interpreter.tensor(self._input)()[0]
        for channel in range(3):
            tensor[:, :, channel] = input_image[:, :, channel]

    @contextmanager
    def _lease_interpreter(self) -> Iterator[Any]:
        # `SimpleQueue`, because it is implemented in C: a `Semaphore` takes 0.1 ms after the graph has filled the CPU
        # cache.
        self._slots.get()
        try:
            interpreter = self._take_interpreter()
            try:
                yield interpreter
            finally:
                self._idle.append(interpreter)
        finally:
            self._slots.put(None)

    def _take_interpreter(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._new_interpreter()

    def _new_interpreter(self) -> Any:
        try:
            from ai_edge_litert.interpreter import Interpreter  # takes 0.3 s, and is needed only for scoring
        except ImportError:
            raise UsageError(
                message(
                    "LiteRT, which runs the model, is not installed or cannot be loaded. Allowed: Linux with glibc on "
                    "x86-64 or ARM64, Windows on x64, macOS 12 or newer on Apple silicon, after pip install -r "
                    "requirements.txt. Received: {system} {release} on {machine}.",
                    system=platform.system(),
                    release=platform.release(),
                    machine=platform.machine(),
                )
            ) from None
        try:
            # One thread each: at this size, scoring two films on two cores is faster than one film on both.
            interpreter = Interpreter(model_content=self._model, num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleCorrupt(
                message("LiteRT cannot load model.tflite ({type}).", type=type(error).__name__)
            ) from None
        return interpreter


def _tensor_indices(interpreter: Any) -> tuple[int, int, int, int | None]:
    """Tensor indices of input, score, activation map and lung field, if there is one.

    Outputs are identified by rank, since their order may vary.
    """
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    by_rank = {len(output["shape"]): int(output["index"]) for output in outputs}
    is_valid = (
        len(inputs) == 1
        and tuple(inputs[0]["shape"]) == (1, INPUT_SIDE, INPUT_SIDE, 3)
        and set(by_rank) in ({2, 3}, {2, 3, 4})
    )
    if not is_valid:
        raise BundleCorrupt(
            message(
                "Invalid graph. Expected: input [1, {input_side}, {input_side}, 3], a score [1, 1] and an "
                "activation map [1, h, w]; optionally a lung field [1, h, w, 1]. Received: {shapes}.",
                input_side=INPUT_SIDE,
                shapes=[tuple(tensor["shape"]) for tensor in [*inputs, *outputs]],
            )
        )
    return int(inputs[0]["index"]), by_rank[2], by_rank[3], by_rank.get(4)
