"""Fit of the gate's classifier: films of the gate's population against those of another one and other kinds of images.

All films are augmented strongly: the classifier has to read the proportions of the body, and not how a film was
exposed, cropped or saved, which differs between the sources of the two populations.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from ..inference.gate_classifier import Classifier
from ..inference.gate_views import Films, Floats, join_views
from .augmentation import augment_films
from .recipe import Augmentation

AUGMENTATION = Augmentation(
    rotation_degrees=8,
    zoom_in=0.2,
    zoom_out=0.1,
    aspect_log=0.35,
    shift=0.06,
    flip=True,
    gamma_log=0.6,
    contrast_log_low=0.5,
    contrast_log_high=0.4,
    brightness=0.15,
    blur_pixels=2.5,
    sharpen=2.0,
    noise=0.04,
    frame=0.2,
    frame_width=0.1,
)

VARIANTS = 4
"""Augmented copies of each film, beside the film itself."""

MIN_FILMS_OF_SOURCE = 1200
"""A source of the other population with fewer films gets more copies of each, up to about this number of images."""

MIN_IMAGES_OF_KIND = 400
"""The same for a kind of image."""

MAX_COPIES = 40
"""Maximum number of augmented copies of an image, whatever the two minimums: more would repeat what they show."""

HIDDEN_UNITS = 32
EPOCHS = 6
WEIGHT_DECAY = 0.01

OTHER_KINDS_WEIGHT = 0.5
"""Total weight of the other kinds of images, relative to that of each population."""

MIN_DEVIATION = 0.05
"""Added to the deviation of a feature before division, so that a nearly constant feature is not amplified."""

ABSENT_LOGIT = -30.0
"""Logit of a class without films: it is never the likelier one."""

OWN, OTHER_POPULATION, OTHER_KIND = range(3)


@dataclass(frozen=True)
class Others:
    """Films `[N, 150, 150]` that do not belong to a gate's population.

    `population`: films of the other population, by source. `kinds`: images of other kinds, by kind.
    """

    population: Mapping[str, Films] = field(default_factory=dict)
    kinds: Mapping[str, Films] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(len(films) for films in (*self.population.values(), *self.kinds.values()))


@dataclass(frozen=True)
class Part:
    """Features `[N, d]` of the films of one source or kind, with their copies; `weight` is their total weight."""

    name: str
    label: int
    weight: float
    features: Floats


def fit_classifier(own: Films, others: Others, seed: int = 0) -> Classifier:
    """Fit the classifier on `[N, 150, 150]` films of the gate's population and on the others.

    Both populations have the same total weight, each source of the other one a share that grows with the square root of
    its size; all kinds of images have the same weight. Raises `ValueError` if there are no others.
    """
    if not others:
        raise ValueError("A classifier needs films of another population or of other kinds. Received: none.")
    return fit_on_parts(training_parts(own, others, seed), seed)


def training_parts(own: Films, others: Others, seed: int = 0) -> list[Part]:
    """The training set of a classifier, one part for each source and kind; the first has the gate's population."""
    random = np.random.default_rng(seed)
    population = {name: films for name, films in others.population.items() if len(films)}
    kinds = {name: images for name, images in others.kinds.items() if len(images)}
    total = sum(np.sqrt(len(films)) for films in population.values())
    return [
        Part("own", OWN, 1.0, _augmented_features(own, 0, random)),
        *(
            Part(
                name,
                OTHER_POPULATION,
                float(np.sqrt(len(films)) / total),
                _augmented_features(films, MIN_FILMS_OF_SOURCE, random),
            )
            for name, films in population.items()
        ),
        *(
            Part(
                name,
                OTHER_KIND,
                OTHER_KINDS_WEIGHT / len(kinds),
                _augmented_features(images, MIN_IMAGES_OF_KIND, random),
            )
            for name, images in kinds.items()
        ),
    ]


def fit_on_parts(parts: Sequence[Part], seed: int = 0) -> Classifier:
    """Fit the classifier on a training set, or on some of its parts."""
    features = np.concatenate([part.features for part in parts])
    classes = np.repeat([part.label for part in parts], [len(part.features) for part in parts])
    weights = np.concatenate([np.full(len(part.features), part.weight / len(part.features)) for part in parts])
    mean, deviation = features.mean(axis=0), features.std(axis=0) + np.float32(MIN_DEVIATION)
    features -= mean
    features /= deviation
    network = MLPClassifier(
        (HIDDEN_UNITS,),
        alpha=WEIGHT_DECAY,
        batch_size=min(512, len(features)),
        max_iter=EPOCHS,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # The number of epochs is fixed: the fit is not meant to converge.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(features, classes, sample_weight=weights / weights.mean())
    return _to_classifier(network, mean, deviation)


def _augmented_features(films: Films, least: int, random: np.random.Generator) -> Floats:
    """`[M, d]`: features of the films and of their augmented copies, about `least` or more, if `MAX_COPIES` permit."""
    copies = min(max(VARIANTS, least // len(films)), MAX_COPIES)
    return np.concatenate([join_views(films), *(join_views(_augment(films, random)) for _ in range(copies))])


def _augment(films: Films, random: np.random.Generator) -> Films:
    unused = np.zeros_like(films)
    augmented = augment_films(films, unused, unused, AUGMENTATION, random)[0]
    return np.rint(augmented).astype(np.uint8)


def _to_classifier(network: MLPClassifier, mean: Floats, deviation: Floats) -> Classifier:
    """The classifier with the standardisation of the features in its first layer, and rounded to 16 bits as stored."""
    hidden_weights = (network.coefs_[0] / deviation[:, None]).astype(np.float16).astype(np.float32)
    hidden_bias = (network.intercepts_[0] - mean @ hidden_weights).astype(np.float32)
    output_weights = np.zeros((HIDDEN_UNITS, 3), np.float32)
    output_bias = np.full(3, ABSENT_LOGIT, np.float32)
    columns = network.coefs_[1], network.intercepts_[1]
    if len(network.classes_) == 2:
        # With two classes, the network has one logit, that of the second class.
        columns = np.column_stack([0 * columns[0], columns[0]]), np.array([0.0, columns[1][0]])
    output_weights[:, network.classes_] = columns[0]
    output_bias[network.classes_] = columns[1]
    return Classifier(hidden_weights, hidden_bias, output_weights, output_bias)
