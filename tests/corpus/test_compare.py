"""Two groups, two texts: what differs, and whether it is more than chance."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from redheart.cli import main


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Groups that differ in valence, and in nothing else."""
    generator = np.random.default_rng(0)
    path = tmp_path / "readings.jsonl"
    rows = [
        {
            "writer": "ab"[number % 2],
            "affect.valence": float(generator.normal(0.3 * (number % 2), 0.2)),
            "affect.arousal": number // 2 % 10 / 10,  # the same in both
            "acceptability": number // 2 % 7 / 7,
            "withheld": "",
            "error": None,
        }
        for number in range(100)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_only_what_differs_is_named(table: Path) -> None:
    result = run("compare", "b", "a", "--file", table, "--by", "writer", "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert next((row["name"], row["named"]) for row in found) == ("affect.valence", True)
    assert not any(row["named"] for row in found[1:])
    low, high = found[0]["interval"]
    assert low < 0.3 < high
    assert found[0]["difference"] == pytest.approx(found[0]["a"] - found[0]["b"])
    shown = run("compare", "b", "a", "--file", table, "--by", "writer").stdout
    assert "1 of 3 differences are more than chance explains" in shown


def test_two_texts_differ_by_their_readings(checkpoint: Path) -> None:
    texts = ("I lied to her.", "She thanked me.")
    result = run("compare", *texts, "--model", checkpoint, "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    sizes = [abs(row["difference"]) for row in found]
    assert sizes == sorted(sizes, reverse=True)
    assert {"emotion.joy", "affect.valence", "verdict.author"} <= {row["name"] for row in found}
    assert "named" not in found[0]
    shown = run("compare", *texts, "--model", checkpoint, "--most", 2).stdout
    assert shown.startswith("A: I lied to her.\nB: She thanked me.\n")
    assert len(shown.splitlines()) == 5


def test_wrong_groups_and_texts_are_refused(table: Path, tmp_path: Path) -> None:
    for words, status, message in (
        (("a", "c", "--file", table, "--by", "writer"), 1, "No text is in the group 'c'"),
        (("a", "a", "--file", table, "--by", "writer"), 1, "two different ones"),
        (("a", "b", "--file", table, "--by", "writr"), 1, "did you mean 'writer'"),
        (("a", "b", "--file", table), 2, "give --file and --by"),
        (("a", "b", "--by", "writer"), 2, "give --file and --by"),
        ((" ", "b"), 2, "blank"),
    ):
        result = run("compare", *words)
        assert result.exit_code == status, result.stderr
        assert message in result.stderr
