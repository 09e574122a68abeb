"""The table of the components and their numbers of parameters, from the budget."""

from redheart.configuration.budget import BUDGETS, PARTS

from .markdown import Block, BlockError, table

# Component of the budget -> its file in `modeling_redheart`, what it computes, and how many numbers that is for a text.
COMPONENTS = {
    "backbone": ("backbone.py", "states of every layer, with norms that depend on the text", "layers x tokens x d"),
    "emotion head": ("heads.py", "the direct reading of the emotions", "28"),
    "bentham head": ("heads.py", "the direct reading of Bentham's dimensions", "10"),
    "regret head": ("heads.py", "the direct reading of regret", "7 x 3"),
    "surd head": ("heads.py", "the direct reading of the information, and of the verdict", "4 + 5"),
    "emotion analyzer": ("emotion.py", "the emotions of each sentence, and their levels", "segments x 28, 28 x 4"),
    "bentham calculator": ("bentham.py", "ten dimensions, each with an uncertainty", "10, 10"),
    "regret analyzer": ("regret.py", "seven types of regret in three views", "7 x 3"),
    "counterfactual reasoner": ("counterfactual.py", "a better, the actual and a worse course of events", "3, 3"),
    "surd analyzer": ("surd.py", "the information of the parts about the verdict: together, alone, in common", "4"),
    "perspectives": ("perspectives.py", "how the narrator and the other side would vote", "2 x 5"),
    "module bridge": (
        "bridge.py",
        "the joint state: verdict and acceptability; it also replaces a failed part",
        "5, 1",
    ),
    "optimisation systems": (
        "crossover.py, token_budget.py, confidence.py",
        "which layers and tokens matter; the expected loss of each part; the embedding",
        "13, d",
    ),
}


def components() -> str:
    """Return a table of all components of the budget.

    Returns:
        A table in Markdown.

    Raises:
        BlockError: When `COMPONENTS` does not have exactly the components of the budget.
    """
    if set(COMPONENTS) != set(PARTS):
        raise BlockError(f"The components are {list(PARTS)}; correct `COMPONENTS` in docs/blocks/architecture.py.")
    lines = []
    for name, (file, answer, numbers) in COMPONENTS.items():
        files = ", ".join(f"`{one}`" for one in file.split(", "))
        counts = (f"{BUDGETS[preset][name]:,}" for preset in ("redheart-100m", "redheart-330m", "redheart-730m"))
        lines.append((name, files, answer, numbers, *counts))
    totals = (f"{sum(BUDGETS[preset].values()):,}" for preset in ("redheart-100m", "redheart-330m", "redheart-730m"))
    lines.append(("**all**", "", "", "", *totals))
    heads = (
        "component",
        "file",
        "what it computes",
        "numbers per text",
        "redheart-100m",
        "redheart-330m",
        "redheart-730m",
    )
    return table(heads, lines)


BLOCKS: dict[str, Block] = {"components": components}
