"""The table of the plain views beside the model that they were made from (`benchmarks/plain_views.py`)."""

from .markdown import Block, interval, number, table
from .results import result


def _cell(value: float | list[float]) -> str:
    return interval(*value) if isinstance(value, list) else number(value)


def plain_views() -> str:
    """Return the table of both plain views."""
    report = result("plain-views")
    lines, steps = [], []
    for view in ("emotions", "embedding"):
        original, plain = report[view]["original"], report[view]["plain"]
        lines += [(f"{view}: {name}", _cell(value), _cell(plain[name])) for name, value in original.items()]
        run = report[view]["training"]
        before, after = run["distance"]["before"], run["distance"]["after"]
        kept = "put back" if run["put back"] else "kept"
        length = f"{run['texts']['train']:,} texts and {run['steps']} steps"
        steps.append(f"{view}, {length}, from {before:.3f} to {after:.3f} ({kept})")
    rows, apart = report["rows"], report["embedding"]["folder and model apart"]
    return table(("", report["model"], "plain"), lines) + (
        f"\n\nMeasured on {rows['goemotions']:,} comments of GoEmotions, {rows['cases']:,} cases, and "
        f"{rows['pairs']} triplets and pairs. The distance from the teacher on held-out texts changed in training: "
        f"{'; '.join(steps)}. The folder with code and the model differ by {apart:.1e}."
    )


BLOCKS: dict[str, Block] = {"plain-views": plain_views}

__all__ = ["BLOCKS"]
