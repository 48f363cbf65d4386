"""Small films built in code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def pattern(rows: int = 180, columns: int = 160) -> npt.NDArray[np.uint8]:
    """`[rows, columns]` with smooth waves and a little noise: every pixel differs from its neighbours."""
    y, x = np.mgrid[:rows, :columns]
    waves = 120 + 60 * np.sin(x / 25) + 40 * np.cos(y / 30)
    grain = np.random.default_rng(1).normal(0, 2, waves.shape)
    film: npt.NDArray[np.uint8] = np.clip(waves + grain, 0, 255).astype(np.uint8)
    return film
