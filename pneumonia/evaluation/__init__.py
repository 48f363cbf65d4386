"""Figures, protocols and the model card: everything that judges a model, without TensorFlow."""
