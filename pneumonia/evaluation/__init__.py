"""Metrics, protocols, audits and the model card. Needs no TensorFlow."""
