"""The embedded model until version 1: an ensemble of three networks with dense layers over all positions of the film.

Augmentation varies aspect ratio, grey values, sharpness and noise, because the data set has a shortcut: normal and
pneumonia films were saved and collimated differently. A network that learns this difference is accurate on validation
films and fails on films of another clinic. Average pooling to 50 x 50 pixels removes the finest texture, where the
shortcut is strongest; a consolidation is far larger. Augmentation regularises the network, so the dropout rates are
low. The variety of augmented films requires many filters. One film in ten gets the border of another film, because the
area around the chest separates the classes as well as the lungs do. Both classes have the same total weight in the
loss: otherwise unclear films would be scored as pneumonia, because three films in four show it. `docs/experiments.md`
lists the experiments.

    python train.py --data chest_xray --recipe flat

About 20 minutes on two cores. Validation AUROC .996 on unperturbed films, .981 for the worst pair of perturbations.
"""

from ...recipe import Augmentation, Convolution, Recipe

RECIPE = Recipe(
    name="flat",
    members=3,
    pooling=3,
    convolutions=(Convolution(48, 5), Convolution(96, 3), Convolution(160, 3)),
    head_pooling=3,
    dense=64,
    padding="same",
    standardise=True,
    batch_normalisation=True,
    dropout_features=0.25,
    dropout_dense=0.1,
    optimizer="adamw",
    learning_rate=1.5e-3,
    weight_decay=1e-3,
    cosine_decay=True,
    label_smoothing=0.05,
    class_weights=True,
    weight_averaging=0.995,
    epochs=20,
    batch=32,
    augmentation=Augmentation(
        foreign_border=0.1,
        rotation_degrees=10.0,
        zoom_in=0.20,
        zoom_out=0.10,
        aspect_log=0.3,
        shift=0.08,
        flip=True,
        gamma_log=0.5,
        contrast_log_low=0.5,
        contrast_log_high=0.4,
        brightness=0.15,
        blur_pixels=2.5,
        sharpen=1.0,
        noise=0.06,
    ),
)
