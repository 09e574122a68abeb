"""Serving: a pipeline behind HTTP, by `redheart serve`."""
