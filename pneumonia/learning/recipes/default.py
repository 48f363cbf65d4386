"""The recipe of the children's model: two networks that score only features inside the predicted lung field.

The data set has a shortcut: normal and pneumonia films were framed, exposed and saved differently. Average pooling to
50 x 50 pixels removes the finest texture, where the shortcut is strongest. The lung head (`lung_head.py`) removes the
surroundings of the lungs from what is scored. Three operations of the augmentation teach the convolutions, whose
receptive field is wider than a position of the lung field, to ignore the surroundings too: frames of any grey value,
lungs with the surroundings of another film, and films with erased lungs, whose label becomes 0.5. Mixed feature
statistics make the score independent of exposure and processing. `docs/experiments.md` lists the experiments.

    python train.py --data DATA

About 20 minutes on one core. Validation AUROC .995; .983 for the worst pair of perturbations; .993 with the border of
the other class.
"""

from ..recipe import Augmentation, Convolution, Recipe

RECIPE = Recipe(
    name="default",
    members=2,
    pooling=3,
    convolutions=(Convolution(48, 5), Convolution(96, 3), Convolution(160, 3)),
    head="lungs",
    head_pooling=3,
    dense=96,
    lung_field_weight=1.0,
    lung_dilation=0,
    padding="same",
    standardise=True,
    central_share=0.6,
    deviation_floor=4.0,
    batch_normalisation=True,
    style_mixing=0.5,
    dropout_features=0.25,
    dropout_dense=0.1,
    optimizer="adamw",
    learning_rate=1.5e-3,
    weight_decay=1e-3,
    cosine_decay=True,
    label_smoothing=0.05,
    class_weights=True,
    balanced_calibration=True,
    weight_averaging=0.995,
    epochs=20,
    batch=32,
    augmentation=Augmentation(
        foreign_surroundings=0.15,
        erased_lungs=0.06,
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
        frame=0.3,
        frame_width=0.15,
    ),
)
