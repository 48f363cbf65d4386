"""The best three-convolution network so far: a large first kernel, per-image standardisation, strong augmentation.

The changes of aspect, grey values, sharpness and noise are there against the data set's acquisition cue: normal and
pneumonia films were saved differently, and a network that learns this reads its validation films well and a clinic's
badly. `docs/experiments.md` has what was tried. Both classes weigh the same, so that what is unclear does not count as
pneumonia only because three films in four are.

    python train.py --data chest_xray
"""

from ..recipe import Augmentation, Convolution, Recipe

RECIPE = Recipe(
    name="default",
    convolutions=(Convolution(32, 7, stride=2), Convolution(64, 3), Convolution(128, 3)),
    dense=128,
    padding="same",
    standardise=True,
    batch_normalisation=True,
    dropout_features=0.5,
    dropout_dense=0.3,
    optimizer="adamw",
    learning_rate=1.5e-3,
    weight_decay=1e-3,
    cosine_decay=True,
    label_smoothing=0.05,
    class_weights=True,
    weight_averaging=0.995,
    epochs=24,
    batch=32,
    augmentation=Augmentation(
        rotation_degrees=10.0,
        zoom_in=0.20,
        zoom_out=0.10,
        aspect_log=0.2,
        shift=0.08,
        flip=True,
        gamma_log=0.4,
        contrast_log_low=0.5,
        contrast_log_high=0.4,
        brightness=0.15,
        blur_levels=2.0,
        sharpen=1.0,
        noise=0.06,
    ),
)
