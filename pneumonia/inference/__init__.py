"""The model at prediction time: bundle, sources, gate, graph, decision, explanation, predictor."""
