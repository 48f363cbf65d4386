"""Recipes: all parameters of a training run as data (network, optimiser, schedule, augmentation).

Each file in `recipes/` and `recipes/experiments/` defines one `Recipe` as `RECIPE`. Its docstring gives the command,
the wall time and the metrics to expect.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field, replace
from types import ModuleType

from ..errors import UsageError
from . import recipes
from .recipes import experiments


@dataclass(frozen=True)
class Convolution:
    """One of the three blocks: convolution, 2 x 2 max pooling, optional batch normalisation, ReLU."""

    filters: int
    kernel: int
    """Side of the square kernel in pixels."""
    stride: int = 1


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random augmentation; 0 switches an operation off. Grey values are in 0..1."""

    foreign_border: float = 0.0
    """Share of films that get the border of another film, of either class."""
    foreign_surroundings: float = 0.0
    """Share of films with a lung mask that get everything outside the lungs from another film, of either class."""
    erased_lungs: float = 0.0
    """Share of films with a lung mask whose lungs are erased; their label becomes 0.5, since nothing can be read."""
    rotation_degrees: float = 0.0
    """Maximum rotation in either direction."""
    zoom_in: float = 0.0
    zoom_out: float = 0.0
    """Side of the area sampled from the film, as a share of the film's side: 1 - `zoom_in` to 1 + `zoom_out`."""
    aspect_log: float = 0.0
    """Maximum of the absolute logarithm of the change of width / height."""
    shift: float = 0.0
    """Maximum shift in either direction, as a share of the side."""
    flip: bool = False
    """Mirror half of the films left to right."""
    gamma_log: float = 0.0
    """Maximum of the absolute logarithm of gamma."""
    contrast_log_low: float = 0.0
    contrast_log_high: float = 0.0
    """The logarithm of the contrast factor is in -`contrast_log_low`..`contrast_log_high`."""
    brightness: float = 0.0
    """Maximum change of the grey values, up or down."""
    blur_pixels: float = 0.0
    """Maximum standard deviation of the Gaussian, in pixels of the 150 px input."""
    sharpen: float = 0.0
    """Maximum weight of the unsharp mask."""
    noise: float = 0.0
    """Maximum standard deviation of the Gaussian noise."""
    frame: float = 0.0
    """Share of films that get a uniform frame of a random grey value."""
    frame_width: float = 0.0
    """Maximum width of the frame on each side, as a share of the film's side."""


@dataclass(frozen=True)
class Recipe:
    """All parameters of a training run except films and seed."""

    name: str
    members: int
    """Number of networks in the ensemble, with different seeds. The score is the sigmoid of their mean logit."""
    pooling: int
    """Side in pixels of the average pooling before the first convolution; 1 leaves the film unchanged."""
    convolutions: tuple[Convolution, Convolution, Convolution]
    head_pooling: int
    """Side of the max pooling between the last activation map and the dense head."""
    dense: int
    """Units of the hidden dense layer."""
    padding: str
    """Padding of the convolutions, as Keras names it: `same` or `valid`."""
    standardise: bool
    """Standardise each film to mean 0 and standard deviation 1, instead of scaling 0..255 to 0..1."""
    batch_normalisation: bool
    dropout_features: float
    """Dropout rate before the hidden dense layer."""
    dropout_dense: float
    """Dropout rate after the hidden dense layer."""
    optimizer: str
    """`adam` or `adamw`."""
    learning_rate: float
    weight_decay: float
    cosine_decay: bool
    """True: linear warm-up from 0 over the first epoch, then cosine decay to 0 over the others. Without the warm-up
    some networks stop learning in their first epochs. False: constant learning rate."""
    label_smoothing: float
    class_weights: bool
    """Weight the films so that both classes have the same total weight in the loss."""
    weight_averaging: float
    """Decay per step of the exponential moving average of the weights, which is served. 0: no averaging."""
    epochs: int
    batch: int
    augmentation: Augmentation
    head: str = "flat"
    """`flat`: max pooling and dense layers over all positions. `lungs`: dense layers over the mean, maximum and
    standard deviation of each feature inside the predicted lung field (`lung_head.py`); needs lung masks."""
    lung_field_weight: float = 0.0
    """Weight of the loss of the lung field, beside 1 for the loss of the score."""
    lung_dilation: int = 1
    """Number of positions of the last activation map by which the lung field is dilated for the pooling."""
    style_mixing: float = 0.0
    """Share of the films in a batch whose feature statistics after block 1 are mixed with those of another film."""
    central_share: float = 1.0
    """Side of the central part from which `standardise` takes mean and deviation, as a share of the film's side."""
    deviation_floor: float = 1.0
    """Grey levels (of 255) that `standardise` adds to the deviation in quadrature, so that the noise of a nearly
    uniform film is not amplified."""

    population: str = "children"
    """Name of the population that the model serves: its films are the validation and test films."""
    training_sources: tuple[str, ...] = ("kermany",)
    """Sources of the training films. Those of the other population join the training part only. The licence of the
    model follows from the sources (`evaluation/licences.py`)."""
    balanced_calibration: bool = False
    """Fit the calibration and choose the operating points with both classes weighted equally: P(pneumonia) is then that
    at a prevalence of one half, and the threshold of `balanced` is .5. Otherwise both follow the prevalence of the
    validation films."""

    max_undecided: float = field(default=0.10, repr=False)
    """Maximum share of the validation films in the undecided band of an operating point. It is not in `repr`, by which
    a checkpoint recognises its recipe: a trained network can be exported again with another value."""

    def with_epochs(self, epochs: int | None) -> Recipe:
        """The recipe with another number of epochs; unchanged for None."""
        return self if epochs is None else replace(self, epochs=epochs)


def names() -> list[str]:
    """The names of the user recipes (`recipes/`), sorted."""
    return _module_names(recipes)


def experiment_names() -> list[str]:
    """The names of the experiments (`recipes/experiments/`), sorted; `docs/experiments.md` describes them."""
    return _module_names(experiments)


def get(name: str) -> Recipe:
    """The recipe of this name, a user recipe or an experiment; raises `UsageError` for an unknown name."""
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
