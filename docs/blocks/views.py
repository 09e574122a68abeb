"""The table of the plain views beside the model that they learned from."""

from .markdown import Block, number, table
from .results import machine, result


def plain_views() -> str:
    """Return the figures of the plain views and of the original, with intervals where they are over texts."""
    report = result("plain-views")
    lines = []
    for part in ("emotions", "embedding"):
        for name, original in report[part]["original"].items():
            both = (original, report[part]["plain"][name])
            lines.append((part, name, *(_cell(value) for value in both)))
    taught = {part: report[part]["training"] for part in ("emotions", "embedding")}
    distances = "; ".join(
        f"{part} {number(run['distance']['before'], 3)} with the fitted head alone, "
        f"{number(run['distance']['after'], 3)} after {run['steps']} steps on {run['texts']['train']:,} texts"
        for part, run in taught.items()
    )
    rows = report["rows"]
    return (
        table(("view", "measure", report["model"], "plain view"), lines)
        + f"\n\nDistance from the teacher on held-out texts (cross entropy of an emotion; 1 - cosine): {distances}. "
        f"{rows['goemotions']:,} comments of GoEmotions and {rows['cases']:,} cases, validation; {rows['pairs']} "
        f"triplets and pairs; intervals of 95 %. The folder with its code and the model differ by at most "
        f"{report['embedding']['folder and model apart']:.0e}. Measured on {machine(report)}."
    )


def _cell(value: float | list[float]) -> str:
    if isinstance(value, list):
        return f"{number(value[0], 3)} [{number(value[1], 3)}, {number(value[2], 3)}]"
    return number(value, 3)


BLOCKS: dict[str, Block] = {"plain-views": plain_views}
