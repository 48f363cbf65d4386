"""Augmented batches of one epoch, prepared on a second thread while the network trains."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from .augmentation import augment_films
from .recipe import Recipe
from .training_films import TrainingFilms

Indices = npt.NDArray[np.intp]
Batch = tuple[Indices, npt.NDArray[np.float32], npt.NDArray[np.uint8], npt.NDArray[np.bool_]]
"""(indices `[B]` of the films, augmented films `[B, 150, 150]` in 0..255, their augmented masks, `[B]` whether the
lungs were erased)."""

PREFETCHED_BATCHES = 4
"""Number of batches that are augmented ahead of the training step."""


def augmented_batches(films: TrainingFilms, recipe: Recipe, seed: tuple[int, int], steps: int) -> Iterator[Batch]:
    """Yield `steps` batches of one epoch over the films in random order; `seed` is (network's seed, epoch).

    All random numbers derive from (network's seed, epoch, step), so that a resumed run gets the same batches as an
    uninterrupted one.
    """
    permutation = np.random.default_rng(seed).permutation(len(films))
    indices = [permutation[step * recipe.batch : (step + 1) * recipe.batch] for step in range(steps)]

    def prepare(step: int) -> Batch:
        random = np.random.default_rng((*seed, step))
        batch = indices[step]
        border_films = films.inputs[random.integers(len(films), size=len(batch))]
        augmented = augment_films(films.inputs[batch], border_films, films.masks[batch], recipe.augmentation, random)
        return batch, *augmented

    with ThreadPoolExecutor(1, "augmentation") as pool:
        pending_batches: deque[Future[Batch]] = deque()
        for step in range(steps):
            pending_batches.append(pool.submit(prepare, step))
            if len(pending_batches) > PREFETCHED_BATCHES:
                yield pending_batches.popleft().result()
        while pending_batches:
            yield pending_batches.popleft().result()
