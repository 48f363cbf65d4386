"""Data set, protocols, metrics, audits and the model card. Does not import TensorFlow."""
