"""Network, augmentation, training and export with Keras. Serving does not import this package."""
