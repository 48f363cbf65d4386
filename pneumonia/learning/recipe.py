"""What a recipe is: every choice that makes one model differ from another, as data.

A recipe file in `recipes/` is one `Recipe` under the name `RECIPE`, with a docstring that gives the command, the time
and the figures to expect.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, replace

from ..errors import UsageError
from . import recipes


@dataclass(frozen=True)
class Convolution:
    """One of the three blocks: convolution, optional batch normalisation, ReLU, 2 x 2 max pooling."""

    filters: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random changes to a training film; 0 switches one off. Grey values are in 0..1."""

    rotation_degrees: float = 0.0
    zoom_in: float = 0.0
    zoom_out: float = 0.0
    aspect_log: float = 0.0
    shift: float = 0.0
    flip: bool = False
    gamma_log: float = 0.0
    contrast_log_low: float = 0.0
    contrast_log_high: float = 0.0
    brightness: float = 0.0
    blur_levels: float = 0.0
    """Up to 1, 2, 3: a Gaussian of up to about 1, 2.2, 4.6 px at 150 px."""
    sharpen: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """All that training needs besides the films."""

    name: str
    convolutions: tuple[Convolution, Convolution, Convolution]
    dense: int
    padding: str
    standardise: bool
    batch_normalisation: bool
    dropout_features: float
    dropout_dense: float
    optimizer: str
    learning_rate: float
    weight_decay: float
    cosine_decay: bool
    label_smoothing: float
    class_weights: bool
    weight_averaging: float
    epochs: int
    batch: int
    augmentation: Augmentation

    def with_epochs(self, epochs: int | None) -> Recipe:
        return self if epochs is None else replace(self, epochs=epochs)


def names() -> list[str]:
    """The names that `--recipe` takes."""
    return sorted(module.name for module in pkgutil.iter_modules(recipes.__path__))


def get(name: str) -> Recipe:
    """The recipe of that name; raises `UsageError` for an unknown one."""
    if name not in names():
        raise UsageError(f"There is no such recipe. Allowed: {', '.join(names())}. Received: {name!r}.")
    recipe = importlib.import_module(f"{recipes.__name__}.{name}").RECIPE
    assert isinstance(recipe, Recipe)
    return recipe
