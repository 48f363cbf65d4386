"""The Gradio page. It contains presentation only; other packages compute predictions and figures."""
