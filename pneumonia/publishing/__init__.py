"""Publish a model to the Hugging Face Hub and deploy the page as a Space."""
