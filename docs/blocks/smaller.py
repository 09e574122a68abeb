"""The tables of smaller models (forms, pruning, distillation), of ways to learn Korean, and of rules for windows."""

import math
from statistics import mean
from typing import Any

from .markdown import Block, bold, megabytes, number, percent, signed, table
from .results import evaluation, figure, machine, result

FORMS = {
    "float32": "float32", "bfloat16": "bfloat16", "int8": "INT8", "nf4": "NF4", "onnx": "ONNX",
    "onnx-int8": "ONNX INT8", "distill-mini": "distilled student",
}  # fmt: skip


def _changes(item: dict[str, Any], base: dict[str, Any]) -> list[float]:
    """The absolute change of each figure from ``base``, without the figures of the confidence."""
    known = {key: value for key, value in base["figures"].items() if ", confidence." not in key}
    return [abs(item["figures"].get(key, math.nan) - value) for key, value in known.items()]


def _forms(report: dict[str, Any], *, figures: bool) -> str:
    base = report["sizes"][0]
    lines = []
    for item in report["sizes"]:
        name = FORMS.get(item["name"], item["name"])
        cells = [name, f"{item['parameters'] / 1e6:,.1f}M", megabytes(item["disk"]), megabytes(item["memory"])]
        ratio = 1.0 if item is base else item["ratio"]
        cells += [f"{item['milliseconds']:,.0f} ms", number(ratio)]
        if figures:
            moved = _changes(item, base)
            cells.append(f"{mean(moved):.3f} ({max(moved):.3f})")
        else:
            cells.append(number(item["emotion"], 4))
        lines.append(cells)
    last = f"mean (largest) change of {len(_changes(base, base))} figures" if figures else "emotions move by"
    heads = ("form", "parameters", "on disk", "memory", "one text", "time, x float32", last)
    return table(heads, lines) + f"\n\nMeasured on {machine(report)}; {report['setting']['tokens']} tokens."


def sizes_mini() -> str:
    """Return the table of the forms of redheart-mini."""
    return _forms(result("sizes-mini"), figures=True)


def sizes_730m() -> str:
    """Return the table of the forms of redheart-730m, with random weights."""
    return _forms(result("sizes-730m"), figures=False)


# Title, key of `sizes-mini.json`.
_SOME = (
    ("emotion AP, GoEmotions", "goemotions validation, emotion: average precision"),
    ("emotion AP, Korean", "goemotions_ko validation, emotion: average precision"),
    ("verdict soft CE", "scruples_anecdotes validation, verdict: soft cross entropy"),
    ("action, Moral Stories", "moral_stories validation, action: pair accuracy"),
    ("utility, ETHICS", "ethics_utilitarianism test, utility: pair accuracy"),
)


def changes_mini() -> str:
    """Return the table of how five figures of redheart-mini change in each form."""
    items = result("sizes-mini")["sizes"]
    base = items[0]["figures"]
    lines = [
        [FORMS.get(item["name"], item["name"])]
        + [number(base[key], 3) if item is items[0] else signed(item["figures"][key] - base[key]) for _, key in _SOME]
        for item in items
    ]
    return table(("form", *(title for title, _ in _SOME)), lines)


def cpu_int8() -> str:
    """Return the table of ways to compute with integers on a CPU: their times, and what they change."""
    names = {
        "float32": "torch, float32", "bitsandbytes": "bitsandbytes INT8", "quantize_dynamic":
        "`torch.ao` quantize_dynamic", "torchao": "torchao W8A8, eager", "onnx": "onnxruntime, float32",
        "onnx-int8": "onnxruntime, INT8",
    }  # fmt: skip
    report = result("cpu-int8")
    lines = []
    for key, title in names.items():
        way = report["ways"][key]
        lines.append((
            title, number(1.0 if key == "float32" else way["x float32"]), number(way["emotion"], 4),
            percent(way["other emotions"], 1), percent(way["other verdict"], 1), number(way["batch"], 4),
        ))  # fmt: skip
    heads = ("way", "time, x float32", "emotions move by", "other asserted emotions", "other verdict",
             "moves with the batch by")  # fmt: skip
    setting = report["setting"]
    return (
        table(heads, lines) + f"\n\nMeasured on {machine(report)}; one text of {setting['tokens']} tokens, "
        f"{setting['texts']} texts of GoEmotions."
    )


def pruning() -> str:
    """Return the table of redheart-mini pruned to three sizes."""
    report, sizes = result("pruning-mini"), result("sizes-pruned")["sizes"]
    base = sizes[0]
    lines = [[
        f"{report['parameters'] / 1e6:.1f}M, original", number(report["before"]["supervised"], 3), "-",
        megabytes(base["disk"]), megabytes(base["memory"]), "1.00", "0.000 (0.000)",
    ]]  # fmt: skip
    for target in report["targets"]:
        item = next(one for one in sizes if one["parameters"] == target["parameters"])
        losses = {name: number(target[name]["supervised"], 3) for name in ("pruned", "recovered")}
        moved = _changes(item, base)
        lines.append([
            f"{target['parameters'] / 1e6:.1f}M",
            *(bold(text, name == target["kept"]) for name, text in losses.items()),
            megabytes(item["disk"]), megabytes(item["memory"]), number(item["ratio"]),
            f"{mean(moved):.3f} ({max(moved):.3f})",
        ])  # fmt: skip
    heads = ("parameters", "validation loss: pruned", "recovered", "on disk", "memory", "time, x float32",
             f"mean (largest) change of {len(_changes(base, base))} figures")  # fmt: skip
    return table(heads, lines)


_STUDENT = (
    ("emotion, GoEmotions", "goemotions", "validation", "emotion", "average precision", None),
    ("", "goemotions", "validation", "emotion", "macro F1", "per label, cross-fitted"),
    ("emotion, GoEmotions in Korean", "goemotions_ko", "validation", "emotion", "macro F1", "one threshold"),
    *(
        ("intensity, BRIGHTER" if name == "anger" else "", "emotion_intensity_en", "validation", f"intensity.{name}",
         "Pearson r", None)
        for name in ("anger", "fear", "joy", "sadness", "surprise")
    ),
    *(
        (f"{name}, EmoBank", "emobank", "validation", f"affect.{name}", "Pearson r", None)
        for name in ("valence", "arousal", "dominance")
    ),
    ("verdict, Scruples anecdotes", "scruples_anecdotes", "validation", "verdict", "soft cross entropy", None),
    ("acceptability, Scruples dilemmas", "scruples_dilemmas", "validation", "action", "pair accuracy", None),
    ("acceptability, Moral Stories", "moral_stories", "validation", "action", "pair accuracy", None),
    ("counterfactual, Moral Stories", "moral_stories", "validation", "counterfactual", "pair accuracy", None),
)  # fmt: skip


def distillation() -> str:
    """Return the table of a student with a quarter of the parameters of its teacher, beside the teacher."""
    lines, shares = [], []
    for title, dataset, split, output, measure, rule in _STUDENT:
        teacher, student = (
            figure(evaluation(name), dataset, split, output, measure, rule=rule)
            for name in ("redheart-mini", "distill-mini")
        )
        loss = measure == "soft cross entropy"
        share = teacher.value / student.value if loss else student.value / teacher.value
        shares.append(share)
        named = ", ".join(filter(None, (output.partition(".")[2], measure, rule and f"{rule}")))
        lines.append((title, named, number(teacher.value, 3), number(student.value, 3), percent(share, 1)))
    kept = sum(share >= 0.95 for share in shares)
    heads = ("output, data (validation)", "measure", "redheart-mini, 28.9M", "student, 7.2M", "share")
    return table(heads, lines) + (
        f"\n\nOn average the student keeps {percent(mean(shares), 1)}. "
        f"In {kept} of the {len(shares)} rows it keeps 95 % or more."
    )


def korean_roads() -> str:
    """Return the table of ways to teach Korean to an English encoder."""
    lines = []
    for name, found in result("korean-roads")["roads"].items():
        own = found["nearest is its own"]
        kept = found.get("English, cosine with before")
        lines.append((name, number(own), "-" if kept is None else number(kept)))
    return table(("way", "nearest is its own", "English, cosine with before"), lines)


def windows() -> str:
    """Return the table of rules that combine the windows of a long text."""
    report = result("windows")
    lines = [
        (name, number(rule["soft cross entropy"], 3), percent(rule["right"])) for name, rule in report["rules"].items()
    ]
    return table((f"rule, {report['posts']} posts", "soft cross entropy", "right"), lines)


BLOCKS: dict[str, Block] = {
    "sizes-mini": sizes_mini,
    "sizes-730m": sizes_730m,
    "changes-mini": changes_mini,
    "cpu-int8": cpu_int8,
    "pruning": pruning,
    "distillation": distillation,
    "korean-roads": korean_roads,
    "windows": windows,
}
