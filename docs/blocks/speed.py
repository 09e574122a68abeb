"""The tables of speed and memory: beside a plain encoder, and of the server under load."""

from pathlib import Path
from typing import Any

from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.storage.strict_loading import shipped_folder

from .markdown import Block, bold, megabytes, number, percent, table
from .results import machine, result, shipped


def _milliseconds(value: float) -> str:
    return f"{value:,.0f} ms"


def _judged(report: dict[str, Any], aim: str, dtype: str | None) -> str:
    found = next(item for item in report["aims"] if item["aim"] == aim and item["dtype"] == dtype)
    limit = f"at most {found['limit']:g}{found['unit'].replace('x', ' of the weights')}"
    missed = percent(abs(found["margin"]))
    return f"{limit}: {'met' if found['met'] else f'missed by {missed}'}"


def bench() -> str:
    """Return the table of redheart-730m beside a plain encoder of the same size."""
    report = result("bench-730m")
    lines: list[tuple[str, ...]] = []
    for dtype, found in report["dtypes"].items():
        ours, plain = found["redheart"], found["plain"]
        times = [_milliseconds(side["latency"]["p50"]) for side in (ours, plain)]
        has_aim = dtype == "float32"
        lines += [
            (f"{dtype}, median time of a text", *times, _judged(report, "p50", dtype) if has_aim else "-"),
            (f"{dtype}, as a share of the plain one", number(found["ratio"]), "1.00", _judged(report, "ratio", dtype)),
            (f"{dtype}, `from_pretrained`", *(f"{side['load']['seconds']:.2f} s" for side in (ours, plain)), "-"),
            (
                f"{dtype}, peak memory, x weights",
                *(number(side["peak_ratio"]) for side in (ours, plain)),
                _judged(report, "peak", dtype) if has_aim else "-",
            ),
        ]
    above = report["imports"]["above"]
    lines.append(("import, in addition to transformers", f"{above:.2f} s", "-", _judged(report, "import", None)))
    rival = report["plain"]
    heads = ("", "redheart-730m", f"{rival['name']}, {rival['layers']} layers of {rival['width']}", "aim")
    setting = report["setting"]
    return table(heads, lines) + (
        f"\n\nMeasured on {machine(report)}, {setting['threads']} threads, torch {report['machine']['torch']}; "
        f"one text of {setting['tokens']} tokens, median of {setting['runs']} readings of each in turn, random weights."
    )


def serving() -> str:
    """Return the table of the server under load."""
    report = result("serving-mini")
    loads = {(item["clients"], item["server"]): item for item in report["loads"]}
    lines = []
    for clients in report["setting"]["clients"]:
        both = [loads[clients, server] for server in ("batching", "alone")]
        best = max(item["requests_per_second"] for item in both)
        cells = [str(clients)]
        for item in both:
            rate = item["requests_per_second"]
            cells += [bold(f"{rate:.1f}", rate == best), f"{item['p50_ms']:,.0f}, {_milliseconds(item['p95_ms'])}"]
        lines.append(cells)
    heads = ("clients", "in batches: requests/s", "p50, p95", "each text alone: requests/s", "p50, p95")
    return table(heads, lines) + (
        f"\n\nMeasured with {report['setting']['model']}, all outputs, on {machine(report)}, shared by clients and "
        "servers."
    )


def serving_full() -> str:
    """Return a paragraph on the server with a full queue."""
    report = result("serving-full")
    found = next(item for item in report["loads"] if item["server"] == "batching")
    setting = report["setting"]
    return (
        f"With {found['clients']} clients and a queue of {setting['queue']} texts, {percent(found['refused'])} of the "
        f"requests are refused at once with status 503. The others are answered in {_milliseconds(found['p95_ms'])} "
        f"or less (p95). Measured with {setting['model']} on {machine(report)}."
    )


def serving_overload() -> str:
    """Return a paragraph on the server at twice its capacity."""
    report = result("serving-overload")
    setting, memory = report["setting"], report["memory_mib"]
    lost = sum(report["lost"].values()) + sum(report["failed"].values())
    return (
        f"{report['requests']:,} requests at {setting['factor']:g} times the {report['capacity']:.0f} requests/s that "
        f"the server answers when clients wait: {report['answered']:,} were answered, {report['refused']:,} were "
        f"refused with 503 and `Retry-After`, and {lost:,} were lost or failed. With {setting['queue']} texts in the "
        f"queue, half of the answers took {_milliseconds(report['p50_ms'])} or less. The memory of the server was "
        f"{memory[0]:.0f} MiB at the first request and {memory[-1]:.0f} MiB at the last, and changed by "
        f"{100 * report['memory_growth']:+.1f} % from the second quarter of the run to the last. Measured with the "
        f"smallest model, random weights, on {machine(report)}, shared with the clients and other programs."
    )


def _disk() -> str:
    """The size on disk of the shipped weights."""
    return megabytes(sum(path.stat().st_size for path in Path(shipped_folder(DEFAULT_MODEL)).glob("*.safetensors")))


def readme_cost() -> str:
    """Return the table of the README."""
    cost, full = shipped().cost, result("bench-730m")
    processor = f"{full['machine']['cpu']}, {full['machine']['cores']} cores"
    one = (f"{DEFAULT_MODEL}, computed in float32", _disk(), _milliseconds(cost["response time, ms"]))
    lines = [(*one, f"{cost['threads']:.0f} threads, processor not recorded")]
    rival = full["plain"]
    for dtype, side, title in (
        ("float32", "redheart", "redheart-730m, float32, random weights"),
        ("bfloat16", "redheart", "redheart-730m, bfloat16, random weights"),
        ("float32", "plain", f"plain encoder of that size ({rival['name']}), float32"),
    ):
        found = full["dtypes"][dtype][side]
        size, time = found["load"]["weights_bytes"], found["latency"]["p50"]
        lines.append((title, megabytes(size), _milliseconds(time), processor))
    return table(("", "on disk", f"one text of {full['setting']['tokens']} tokens", "measured on"), lines)


def cost_default() -> str:
    """Return a paragraph on the size of the shipped checkpoint, and on the time that its evaluation measured."""
    cost = shipped().cost
    return (
        f"The checkpoint is stored in 8 bits and takes {_disk()} on disk; computed in float32, its weights take "
        f"{cost['weights, MB']:,.0f} MB of memory.\n"
        f"`redheart evaluate` measured {_milliseconds(cost['response time, ms'])} for one text of {cost['tokens']:.0f} "
        f"tokens with {cost['threads']:.0f} threads;\nits file does not name the processor."
    )


BLOCKS: dict[str, Block] = {
    "bench": bench,
    "serving": serving,
    "serving-full": serving_full,
    "serving-overload": serving_overload,
    "readme-cost": readme_cost,
    "cost-default": cost_default,
}
