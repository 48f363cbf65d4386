"""The Gradio page: it renders, and computes nothing."""
