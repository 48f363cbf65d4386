"""Augmented batches of one epoch, prepared on a second thread while the network trains."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from .augmentation import augment_films
from .recipe import Recipe

Inputs = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]
Batch = tuple[Indices, npt.NDArray[np.float32]]
"""(indices `[B]` of the films, augmented films `[B, 150, 150]` in 0..255)."""

PREFETCHED_BATCHES = 4
"""Number of batches that are augmented ahead of the training step."""


def augmented_batches(inputs: Inputs, recipe: Recipe, seed: tuple[int, int], steps: int) -> Iterator[Batch]:
    """Yield `steps` batches of one epoch over `[N, 150, 150]` films in random order; `seed` is (network's seed, epoch).

    All random numbers derive from (network's seed, epoch, step), so that a resumed run gets the same batches as an
    uninterrupted one.
    """
    permutation = np.random.default_rng(seed).permutation(len(inputs))
    indices = [permutation[step * recipe.batch : (step + 1) * recipe.batch] for step in range(steps)]

    def prepare(step: int) -> Batch:
        random = np.random.default_rng((*seed, step))
        border_films = inputs[random.integers(len(inputs), size=len(indices[step]))]
        return indices[step], augment_films(inputs[indices[step]], border_films, recipe.augmentation, random)

    with ThreadPoolExecutor(1, "augmentation") as pool:
        pending_batches: deque[Future[Batch]] = deque()
        for step in range(steps):
            pending_batches.append(pool.submit(prepare, step))
            if len(pending_batches) > PREFETCHED_BATCHES:
                yield pending_batches.popleft().result()
        while pending_batches:
            yield pending_batches.popleft().result()
