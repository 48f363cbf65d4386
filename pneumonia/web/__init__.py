"""The Gradio page: presentation only; predictions and figures are computed elsewhere."""
