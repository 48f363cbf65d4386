"""What a recipe is: every choice that makes one model differ from another, as data.

A recipe file in `recipes/` is one `Recipe` under the name `RECIPE`, with a docstring that gives the command, the time
and the figures to expect.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, replace
from types import ModuleType

from ..errors import UsageError
from . import recipes
from .recipes import experiments


@dataclass(frozen=True)
class Convolution:
    """One of the three blocks: convolution, 2 x 2 max pooling, optional batch normalisation, ReLU."""

    filters: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random changes to a training film; 0 switches one off. Grey values are in 0..1."""

    foreign_border: float = 0.0
    """The share of films that are shown in the border of another film, of whatever class."""
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
    blur_pixels: float = 0.0
    """Sigma of the Gaussian at most, in pixels of the 150 px input."""
    sharpen: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """All that training needs besides the films."""

    name: str
    members: int
    """So many networks, of different seeds, are trained and answer together by the mean of their logits."""
    pooling: int
    """The film is averaged over so many pixels a side before the first convolution; 1 leaves it as it is."""
    convolutions: tuple[Convolution, Convolution, Convolution]
    head_pooling: int
    """Side of the maximum over the last activation map before the dense head."""
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
    """Over all epochs but the first, in which the rate rises from zero: without that some networks die at once."""
    label_smoothing: float
    class_weights: bool
    weight_averaging: float
    epochs: int
    batch: int
    augmentation: Augmentation

    def with_epochs(self, epochs: int | None) -> Recipe:
        return self if epochs is None else replace(self, epochs=epochs)


def names() -> list[str]:
    """The names of the user recipes (`recipes/`), sorted."""
    return _module_names(recipes)


def experiment_names() -> list[str]:
    """The names of the recipes of the search (`recipes/experiments/`), sorted; `docs/experiments.md` describes them."""
    return _module_names(experiments)


def get(name: str) -> Recipe:
    """The recipe `name`, from the user recipes or else the experiments; raises `UsageError` for an unknown name."""
    for package in (recipes, experiments):
        if name in _module_names(package):
            recipe = importlib.import_module(f"{package.__name__}.{name}").RECIPE
            assert isinstance(recipe, Recipe)
            return recipe
    raise UsageError(
        f"Unknown recipe. Allowed: {', '.join(names())}; experiments: {', '.join(experiment_names())}. "
        f"Received: {name!r}."
    )


def _module_names(package: ModuleType) -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.ispkg)
