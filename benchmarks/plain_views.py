"""Measures plain views of a model beside the model itself.

    redheart export redheart-100m --form sentence-transformers --output runs/sentences
    redheart distill --plain embedding && redheart distill --plain emotions
    python benchmarks/plain_views.py redheart-100m --sentences runs/sentences --embedding runs/plain-embedding \
        --emotions runs/plain-emotions --data DATA --json docs/results/plain-views.json

Emotions: average precision and macro F1 on comments of GoEmotions (validation), micro F1 on the cases (validation),
each with the thresholds of its own config. The shipped thresholds were fitted on these rows (`rows.FITTED_ON`); those
of the plain classifier were not, so the comparison is to the original's advantage.

Embedding, by the evaluators of sentence-transformers: triplets (a case, the same in other words, another variant of
its situation, in nearly the same words), translation (comments of GoEmotions and their Korean translations, which is
nearest), and how the cosines of pairs of texts agree with the original's (Spearman).
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import pipeline

from redheart.benchmarking.measuring import machine_facts
from redheart.configuration.labels import EMOTIONS
from redheart.data.loading import Array, Unit, load, to_units
from redheart.evaluation.measurement.predict import Predictor, target_column
from redheart.evaluation.texts.cases import read_cases
from redheart.modeling_redheart.asserted import asserted_emotions
from redheart.readers import load_reader
from redheart.recipes.shipped_recipes import translations
from redheart.rewording.variants import variants
from redheart.statistics.measures import average_precision, bootstrap, macro_f1, micro_f1
from redheart.views.plain import REPORT

Figures = dict[str, Any]


def sample(items: Sequence[Any], count: int) -> list[Any]:
    """Return ``count`` of the items, or all where there are fewer, drawn with seed 0, in their order."""
    chosen = np.random.default_rng(0).permutation(len(items))[:count]
    return [items[place] for place in sorted(chosen.tolist())]


def emotion_figures(scores: Mapping[str, Array], units: Mapping[str, Sequence[Unit]], limits: Any) -> Figures:
    """Measure the emotions of one system.

    Args:
        scores: Set -> probabilities, shape ``(texts, 28)``.
        units: Set -> rows.
        limits: Threshold of each emotion.

    Returns:
        Measure -> value and interval.
    """
    found: Figures = {}
    for name, measures in (("goemotions", ("average precision", "macro F1")), ("cases", ("micro F1",))):
        actual, places = target_column(units[name], "emotion_labels")
        rows = np.isfinite(actual).all(axis=1)
        actual, probabilities = actual[rows], scores[name][places][rows]
        asserted = asserted_emotions(probabilities, limits).astype(np.float64)
        known: dict[str, tuple[Any, Array]] = {
            "average precision": (average_precision, probabilities),
            "macro F1": (macro_f1, asserted),
            "micro F1": (micro_f1, asserted),
        }
        for measure in measures:
            function, predicted = known[measure]
            interval = bootstrap(function, actual, predicted, resamples=500)
            bounds = (interval.value, interval.low, interval.high)
            found[f"{name}, {measure}"] = [round(float(value), 4) for value in bounds]
    return found


def plain_scores(folder: Path, units: Sequence[Unit]) -> Array:
    """Return the probabilities that the plain classifier gives, shape ``(texts, 28)``."""
    make: Any = pipeline
    classify = make("text-classification", model=str(folder), top_k=None, device="cpu")
    texts = [item.text for unit in units for item in unit]
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    answers = classify([texts[place] for place in order], batch_size=16, truncation=True)
    found = np.zeros((len(texts), len(EMOTIONS)))
    for place, answer in zip(order, answers, strict=True):
        given = {item["label"]: item["score"] for item in answer}
        found[place] = [given[name] for name in EMOTIONS]
    return found


def triplets(count: int) -> list[tuple[str, str, str]]:
    """Return cases, each with the same in other words and another variant of its situation."""
    cases = read_cases("validation")
    found = []
    for case in cases:
        others = [other.text for other in cases if other.group == case.group and other.text != case.text]
        reworded = variants(case.text, "paraphrase", 1)
        if others and reworded and case.language == "en":
            found.append((case.text, reworded[0], sample(others, 1)[0]))
    return sample(found, count)


def embedding_figures(model: Any, data: Path, count: int, cosines: Array | None) -> tuple[Figures, Array]:
    """Measure one embedding with the evaluators of sentence-transformers.

    Args:
        model: A `SentenceTransformer`.
        data: Folder of the data sets.
        count: Triplets, and pairs of each kind.
        cosines: The original's cosines of the pairs; None for the original.

    Returns:
        Measure -> value, and the cosines of this embedding.
    """
    from sentence_transformers.sentence_transformer.evaluation import (
        EmbeddingSimilarityEvaluator,
        TranslationEvaluator,
        TripletEvaluator,
    )

    three = triplets(count)
    both = translations(load("goemotions", data, "validation"), load("goemotions_ko", data, "validation"))
    english, korean = zip(*((one.text, other.text) for one, other in sample(both, count)), strict=True)
    first, second = [row[0] for row in three], [row[2] for row in three]
    first, second = first + first, second + second[1:] + second[:1]  # of one situation, and of two
    options: Any = {"write_csv": False, "show_progress_bar": False}
    figures = {
        "triplets, accuracy": TripletEvaluator(*zip(*three, strict=True), **options)(model)["cosine_accuracy"],
        "translation, accuracy": TranslationEvaluator(list(english), list(korean), **options)(model)["mean_accuracy"],
    }
    vectors = [model.encode(texts, show_progress_bar=False) for texts in (first, second)]
    own = np.asarray((vectors[0] * vectors[1]).sum(axis=1))
    wanted = own if cosines is None else cosines
    similar = EmbeddingSimilarityEvaluator(first, second, wanted.tolist(), **options)(model)
    figures["cosines with the original's, Spearman"] = similar["spearman_cosine"]
    return {name: round(float(value), 4) for name, value in figures.items()}, own


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the original: a shipped checkpoint, or a folder")
    parser.add_argument("--sentences", type=Path, required=True, help="its folder for sentence-transformers")
    parser.add_argument("--embedding", type=Path, required=True, help="run of the plain embedding")
    parser.add_argument("--emotions", type=Path, required=True, help="run of the plain emotions")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--rows", type=int, default=1000, help="comments of GoEmotions (default: 1000)")
    parser.add_argument("--pairs", type=int, default=200, help="triplets, and pairs of each kind (default: 200)")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="write the figures to this file")
    args = parser.parse_args()

    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model, tokenizer = load_reader(args.model)
    predict = Predictor(model, tokenizer)
    units = {
        "goemotions": sample(to_units(load("goemotions", args.data, "validation")), args.rows),
        "cases": to_units(load("cases", args.data, "validation")),
    }
    theirs = {name: predict(rows)["emotion_labels"] for name, rows in units.items()}
    plain = {name: plain_scores(args.emotions / "model", rows) for name, rows in units.items()}
    limits = json.loads((args.emotions / "model" / "config.json").read_text(encoding="utf-8"))["thresholds"]
    emotions = {
        "original": emotion_figures(theirs, units, model.config.thresholds),
        "plain": emotion_figures(plain, units, limits),
        "training": json.loads((args.emotions / REPORT).read_text(encoding="utf-8")),
    }
    print(json.dumps(emotions, indent=1), flush=True)
    folder = SentenceTransformer(str(args.sentences), device="cpu")
    texts = sample([item.text for unit in units["cases"] for item in unit], args.pairs)
    tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        own = model.embed(tokens["input_ids"], tokens["attention_mask"]).numpy()
    apart = float(np.abs(folder.encode(texts, show_progress_bar=False) - own).max())
    original, cosines = embedding_figures(folder, args.data, args.pairs, None)
    student = SentenceTransformer(str(args.embedding / "model"), device="cpu")
    embedding = {
        "original": original,
        "plain": embedding_figures(student, args.data, args.pairs, cosines)[0],
        "folder and model apart": apart,
        "training": json.loads((args.embedding / REPORT).read_text(encoding="utf-8")),
    }
    print(json.dumps(embedding, indent=1), flush=True)
    report = {
        "model": args.model,
        "machine": machine_facts(),
        "rows": {name: len(rows) for name, rows in units.items()} | {"pairs": args.pairs},
        "emotions": emotions,
        "embedding": embedding,
    }
    args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
