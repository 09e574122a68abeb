"""The awkward texts of `data/awkward_texts.jsonl`: each can be read, each is another one."""

import json
from pathlib import Path

from redheart.modeling_redheart.pipeline_redheart import check_text

LIST = Path(__file__).resolve().parent / "data" / "awkward_texts.jsonl"


def test_each_text_can_be_read_and_says_what_is_awkward() -> None:
    rows = [json.loads(line) for line in LIST.read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 60
    assert all(set(row) == {"text", "what"} for row in rows)
    assert len({check_text(row["text"]) for row in rows}) == len({row["what"] for row in rows}) == len(rows)
