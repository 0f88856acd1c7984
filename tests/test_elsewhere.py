"""What runs the project on other machines: Binder, a dev container, workflows. None of them can be started here.

What can be seen from here is that they are well formed, and that what they name is there.
"""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def commands() -> list[str]:
    """Return the lines that the workflows and the container run."""
    steps = [CONTAINER["onCreateCommand"], CONTAINER["postCreateCommand"]]
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values():
            steps += [step["run"] for step in job["steps"] if "run" in step]
    return [line for step in steps for line in step.splitlines()]


def test_workflows_are_named_by_what_they_do():
    names = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["name"] for path in WORKFLOWS}
    assert names == {
        "check-links": "Check external links",
        "publish": "Build and publish to Pages",
        "test": "Test on Linux, macOS and Windows",
    }


def test_what_they_run_is_there():
    lines = "\n".join(commands())
    files = re.findall(r"(?<![\w/.])(\.ci/run|\.binder/postBuild|book/\w+\.py)", lines)
    assert {".ci/run", ".binder/postBuild", "book/launch.py"} == set(files)
    assert all((ROOT / file).is_file() for file in files)
    modules = set(re.findall(r"python -m ([\w.]+)", lines))
    assert modules == {"swinlib.takeaway"}
    extras = re.findall(r"postBuild (\S+)", lines)
    assert len(extras) >= 3
    assert {extra for each in extras for extra in each.split(",")} <= EXTRAS.keys()


@pytest.mark.skipif(os.name == "nt" or shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(("arguments", "extra"), [([], "notebooks"), (["book,takeaway"], "book,takeaway")])
def test_binder_installs_the_locked_versions_with_pytorch_for_the_cpu(tmp_path, arguments, extra):
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nfor each; do [ -f "$each" ] && cat "$each"; done\ntrue\n')
    pip.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", ".binder/postBuild", *arguments]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert f".[{extra}]" in said.splitlines()
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lock if "==" in line and not line.startswith("#")]
    for line in pins:
        name, _, version = line.partition(" ")[0].partition("==")
        local = "+cpu" if name in ("torch", "torchvision") else ""
        assert re.search(rf"^{re.escape(name)}=={re.escape(version + local)}( ;|$)", said, re.MULTILINE), name
    assert "\n-e" not in said
