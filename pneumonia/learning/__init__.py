"""Keras: network, augmentation, training, export. Nothing here is needed to serve."""
