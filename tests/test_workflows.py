"""What GitHub and pre-commit would run: the files fit their schemas, and name what is here. None of it runs here."""

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HOOKS = ROOT / ".pre-commit-config.yaml"

pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="about a checkout; an installed package has none of this")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands(path: Path) -> str:
    """All that its steps run."""
    return "\n".join(step.get("run", "") for job in read(path)["jobs"].values() for step in job["steps"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_fits_the_schema(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    pytest.importorskip("check_jsonschema")
    schema = json.loads(files("check_jsonschema").joinpath("builtin_schemas/vendor/github-workflows.json").read_text())
    # YAML 1.1 reads the key `on` as true, which GitHub does not.
    content = {"on" if key is True else key: value for key, value in read(path).items()}
    faults = [
        f"{fault.json_path}: {fault.message}" for fault in jsonschema.Draft7Validator(schema).iter_errors(content)
    ]
    assert faults == []
    content["jobs"] = {}
    assert not jsonschema.Draft7Validator(schema).is_valid(content)  # it does look


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_says_that_it_does_not_run_here(path: Path) -> None:
    words = " ".join(line.lstrip("# ") for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#")
    assert "Not run here" in words


def test_the_pythons_are_those_of_the_package() -> None:
    lowest = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    tested = read(ROOT / ".github/workflows/checks.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert f">={tested[0]}" == lowest
    assert tested == [f"3.{minor}" for minor in range(11, 15)]


@pytest.mark.skipif(not (ROOT / "src").is_dir(), reason="it has been moved away")
def test_the_source_that_is_moved_away_is_all_of_it() -> None:
    [line] = [line for line in commands(ROOT / ".github/workflows/wheel.yml").splitlines() if "../gone" in line]
    moved = set(re.findall(r"mv (.*) \.\./gone", line)[0].split())
    assert moved == {"src", *(path.parent.name for path in ROOT.glob("*/__init__.py"))}


def test_only_what_publishes_has_a_right_to_more_than_reading() -> None:
    """PyPI's trusted publishing asks for a token of the job's identity, and for nothing that is stored."""
    rights = {
        (path.stem, name): job["permissions"]
        for path in WORKFLOWS
        for name, job in read(path)["jobs"].items()
        if "permissions" in job
    }
    assert rights == {("publish", "publish"): {"id-token": "write"}}
    assert all(read(path)["permissions"] == {"contents": "read"} for path in WORKFLOWS)
    assert not any("secrets." in path.read_text(encoding="utf-8") for path in WORKFLOWS)


def test_what_is_made_is_a_target_of_the_makefile() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = {target for path in WORKFLOWS for target in re.findall(r"\bmake (\w+)", commands(path))}
    assert {"lint", "test"} <= asked <= targets


def test_the_hooks_are_local() -> None:
    content = read(HOOKS)
    assert [repo["repo"] for repo in content["repos"]] == ["local"]
    hooks = {hook["id"]: hook for repo in content["repos"] for hook in repo["hooks"]}
    assert list(hooks) == ["ruff", "ruff-format", "mypy", "figures"]
    for name, hook in hooks.items():
        assert {"name", "entry", "language"} <= set(hook), name
        assert hook["language"] == "system", name
