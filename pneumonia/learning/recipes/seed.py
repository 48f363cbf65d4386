"""The original recipe of the project, unchanged: three 3 x 3 convolutions and a dense layer, Adam at 0.001, batch 32.

25 epochs; the input is RGB, scaled to 0..1. The metrics are those of the last epoch: validation does not select one.

    python train.py --data chest_xray --recipe seed --split grouped80
"""

from ..recipe import Augmentation, Convolution, Recipe

RECIPE = Recipe(
    name="seed",
    members=1,
    pooling=1,
    convolutions=(Convolution(32, 3), Convolution(64, 3), Convolution(128, 3)),
    head_pooling=2,
    dense=128,
    padding="valid",
    standardise=False,
    batch_normalisation=False,
    dropout_features=0.0,
    dropout_dense=0.5,
    optimizer="adam",
    learning_rate=1e-3,
    weight_decay=0.0,
    cosine_decay=False,
    label_smoothing=0.0,
    class_weights=False,
    weight_averaging=0.0,
    epochs=25,
    batch=32,
    augmentation=Augmentation(rotation_degrees=20.0, zoom_in=0.2, zoom_out=0.2, shift=0.1, flip=True),
)
