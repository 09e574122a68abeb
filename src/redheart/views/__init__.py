"""Forms of a model for stacks that do not know this package."""
