"""pyproject.toml, requirements.lock and environment.yml name the same packages in versions that fit."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FILES = ("pyproject.toml", "requirements.lock", "environment.yml")
PLATFORMS = (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
PYTHONS = ("3.11", "3.12", "3.13")
INSTALLED = ("lab", "test", "dev", "book")  # the extras that the lock and the conda environment hold
# Import name -> package name, where they differ.
PACKAGES = {
    "IPython": "ipywidgets",  # comes with it
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "docutils": "sphinx",  # comes with it
    "jscatter": "jupyter-scatter",
    "lightning_fabric": "lightning-fabric",
    "markupsafe": "jinja2",  # comes with it
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "xdist": "pytest-xdist",
    "yaml": "pyyaml",
}


def requirements(lines: list[str]) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in lines:
        requirement = Requirement(line)
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def environments() -> list[dict[str, str]]:
    return [
        {
            **default_environment(),
            "sys_platform": platform, "platform_system": system, "os_name": name,
            "python_version": python, "python_full_version": f"{python}.9", "extra": "",
        }
        for platform, system, name in PLATFORMS
        for python in PYTHONS
    ]  # fmt: skip


def disagreements(pyproject: str, lock: str, environment: str) -> list[str]:
    """One sentence for everything that the three texts do not agree on."""
    problems = []
    project = tomllib.loads(pyproject)["project"]
    wanted = requirements(
        sum((project["optional-dependencies"][extra] for extra in INSTALLED), project["dependencies"])
    )

    lines = [line.split("#")[0].strip() for line in lock.splitlines()]
    locked = requirements([line for line in lines if line])
    for name, pins in locked.items():
        for pin in pins:
            if not re.fullmatch(r"==[^,*]+", str(pin.specifier)) or pin.url:
                problems.append(f"requirements.lock does not pin {name} to one version")
    for name, (requirement, *_) in wanted.items():
        for where in environments():
            pins = [pin for pin in locked.get(name, []) if pin.marker is None or pin.marker.evaluate(where)]
            if len(pins) != 1:
                problems.append(
                    f"requirements.lock has {len(pins)} versions of {name} on {where['sys_platform']} "
                    f"with Python {where['python_version']}"
                )
            elif not requirement.specifier.contains(str(pins[0].specifier).removeprefix("==")):
                problems.append(f"requirements.lock has {pins[0]}, pyproject.toml wants {requirement}")

    conda = yaml.safe_load(environment)["dependencies"]
    names = [entry for entry in conda if isinstance(entry, str)]
    pip = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    options = [line for line in pip if line.startswith("-")]
    if options != ["--constraint requirements.lock", "--editable ."]:
        problems.append("environment.yml does not install ferlab under the constraint of requirements.lock")
    python = [re.split(r"[=<>]", entry, maxsplit=1) for entry in names if entry.startswith("python")]
    supported = SpecifierSet(project["requires-python"])
    if len(python) != 1 or not supported.contains(python[0][1].lstrip("=<>")):
        problems.append(f"environment.yml has no Python that fits {supported}")
    if sorted(entry for entry in names if not entry.startswith("python")) != ["pip"]:
        problems.append("environment.yml takes packages from conda that the other two do not name")
    listed = requirements([line for line in pip if not line.startswith("-")])
    for name in sorted(wanted.keys() ^ listed.keys()):
        has, lacks = ("pyproject.toml", "environment.yml") if name in wanted else ("environment.yml", "pyproject.toml")
        problems.append(f"{has} names {name}, {lacks} does not")
    for name in wanted.keys() & listed.keys():
        if set(wanted[name]) != set(listed[name]):
            problems.append(f"environment.yml wants {listed[name][0]}, pyproject.toml {wanted[name][0]}")
    return problems


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in FILES}


def test_the_three_agree(texts):
    assert disagreements(*texts.values()) == []


@pytest.mark.parametrize(
    ("name", "pattern", "replacement"),
    [
        ("pyproject.toml", r'    "pandas[^\n]*\n', ""),
        ("pyproject.toml", r'    "pytest>=', '    "pytest-timeout>=2",\n    "pytest>='),
        ("pyproject.toml", r'"torch>=[^"]*"', '"torch>=99"'),
        ("requirements.lock", r"\ntimm==[^\n]*", ""),
        ("requirements.lock", r"\ntorch==[^\n]*", "\ntorch==1.13.1"),
        ("requirements.lock", r"\nrich==[^\n]*", "\nrich>=13"),
        ("requirements.lock", r"\npillow==([^\n]*)", r"\npillow==\1 ; sys_platform == 'linux'"),
        ("environment.yml", r"      - numba[^\n]*\n", ""),
        ("environment.yml", r"      - numba>=[^\n]*\n", "      - numba>=0.1\n"),
        ("environment.yml", r"  - pip\n", "  - pip\n  - pytorch\n"),
        ("environment.yml", r"python=3[^\n]*", "python=3.9"),
        ("environment.yml", r"      - --constraint[^\n]*\n", ""),
    ],
)
def test_drift_is_noticed(texts, name, pattern, replacement):
    changed, count = re.subn(pattern, replacement, texts[name], count=1)
    assert count == 1
    assert disagreements(*{**texts, name: changed}.values())


def test_the_lock_names_packages_only(texts):
    """No address, no index, no option: the lock works wherever pip finds its packages."""
    for line in texts["requirements.lock"].splitlines():
        if not line.lstrip().startswith("#"):
            assert re.fullmatch(r"[a-z0-9.\-]+==[A-Za-z0-9.+!]+( ; .+)?", line), line
    assert "://" not in texts["requirements.lock"]


def test_binder_installs_the_versions_of_the_lock():
    lines = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines[-2:] == ["--constraint ../requirements.lock", "--editable .[lab]"]
    assert (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8") == "python-3.11\n"


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("ferlab", ("export", "photos", "lab")),
        ("notebooks", ()),
        ("tests", INSTALLED),
        ("docs", ("book", "dev")),
        ("data_scripts", ("rig",)),
    ],
)
def test_everything_imported_is_named(texts, folder, extras):
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    lines = sum((project["optional-dependencies"][extra] for extra in extras), project["dependencies"])
    named = {canonicalize_name(Requirement(line).name) for line in lines}
    places = (folder, "tests/check", "docs", "docs/book", "data_scripts")
    own = {"ferlab"} | {path.stem for place in places for path in (ROOT / place).glob("*.py")}
    for path in sorted((ROOT / folder).rglob("*.py")):
        others = imports(path) - set(sys.stdlib_module_names) - own
        assert {canonicalize_name(PACKAGES.get(name, name)) for name in others} <= named, path
