"""The files for Prometheus and Grafana name what the server counts, and the container file starts what there is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client.parser import text_string_to_metric_families

from redheart.cli import main
from redheart.serving.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "examples" / "monitoring"

pytestmark = pytest.mark.skipif(not MONITORING.is_dir(), reason="about a checkout")

_SELECTED = re.compile(r"\b([a-z_]+)\{([^}]*)\}")


@pytest.fixture(scope="module")
def labels() -> dict[str, set[str]]:
    """Name of each series that the server offers -> its labels."""
    metrics = Metrics("tiny", 4, lambda: 0, lambda: True)
    metrics.request("/read", 200, 0.1, "web")
    metrics.read(1, "web")
    metrics.batch(1, 0.1)
    families = text_string_to_metric_families(metrics.text().decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def test_the_dashboard_asks_for_series_and_labels_that_are_there(labels: dict[str, set[str]]) -> None:
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
    targets = [target for panel in board["panels"] for target in panel["targets"]]
    asked = [(target, *match) for target in targets for match in _SELECTED.findall(target["expr"])]
    assert {name for _, name, _ in asked} >= {name for name in labels if name.endswith("_total")} - {"python"}
    given = {"job", "instance", "le"}  # by Prometheus
    for target, name, selector in asked:
        known = labels[name] | given
        by = re.findall(r"by \(([^)]*)\)", target["expr"])
        named = {
            *re.findall(r"(\w+)[=!]", selector),
            *(word.strip() for group in by for word in group.split(",")),
            *re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]),
        }
        assert named <= known, target
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_panels_do_not_overlap() -> None:
    board = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at: dict[str, int] = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_prometheus_asks_where_the_server_listens() -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8000"]}]
    assert "metrics_path" not in job  # /metrics is Prometheus' own default


def test_the_container_file_uses_what_there_is() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    [entry] = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    program, command, *options = json.loads(entry)
    commands: Any = typer.main.get_command(main)
    known = {name for parameter in commands.commands[command].params for name in parameter.opts}
    assert program == "redheart"
    assert {option for option in options if option.startswith("--")} <= known
    assert options[options.index("--port") + 1] == re.findall(r"^EXPOSE (\d+)$", text, re.MULTILINE)[0]
    assert "USER redheart" in text
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {"src", "configuration", "pyproject.toml", "constraints.txt"} & set(ignored)
