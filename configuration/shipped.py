"""Which checkpoint reads where none is named."""

# In the pipeline, in every command, on the page and in the server.
DEFAULT_MODEL = "redheart-100m"

__all__ = ["DEFAULT_MODEL"]
