"""Inference: model bundle and its sources, gate, served graph, decision, activation map, predictor."""
