"""The film viewer: the film's own values for the browser, and the scripts that draw them."""
