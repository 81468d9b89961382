"""The layers: one direction, a pure core, `subprocess` in one file, sizes within the house rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILDER = ROOT / "builder"
MODULES = sorted(p for p in BUILDER.rglob("*.py") if "_data" not in p.parts)
OTHERS = sorted(
    path
    for base in ("bench", "scripts", "systemd", "templates", "tests")
    for path in (ROOT / base).rglob("*.py")
)

# Each target is a layer of its own; the registry stands before all of them.
TARGETS = {
    f"targets/{path.stem}"
    for path in (BUILDER / "targets").iterdir()
    if path.stem not in {"__init__", "__pycache__", "registry"}
}
# A layer imports itself and those before it. Top-level modules are layers of their own.
LAYERS = [
    {"errors", "phrases", "diagnostics", "rule", "yaml_text"},
    {"catalog"},
    {"inventory"},
    {"model"},
    {"plan"},
    {"render"},
    {"targets/registry"},
    {"changes", "page"},
    {"command", "jsonfile", "monitor", "resources", "workdir"},
    {"build_host"},
    {"prepare"},
    {"accept", "execute"},
    {"trees"},
    {"discover"},
    TARGETS,
    {"verify"},
    {"needs"},
    {"verbs"},
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# What the pure layers may not reach: disk, clock, environment, randomness, network.
IMPURE = {
    "os",
    "pathlib",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "time",
    "datetime",
    "random",
    "secrets",
    "urllib",
    "http",
    "io",
    "glob",
}
# Parts of a pure package that are the declared exceptions, each for its reason.
ALLOWED = {
    "inventory/loader.py": {"pathlib"},  # reads the file it is given
    "model/schema.py": {"pathlib"},  # writes the generated schema when run as a program
    "targets/cloud_init/bundles.py": {"os", "pathlib", "shutil"},  # writes what the others make
}
PURE = {
    "errors",
    "phrases",
    "diagnostics",
    "rule",
    "catalog",
    "inventory",
    "model",
    "plan",
    "render",
    "changes",
    "page",
    "targets/cloud_init",
    "targets/registry",
}


def layer_of(path: Path) -> str:
    return name_of_layer([part.removesuffix(".py") for part in path.relative_to(BUILDER).parts])


def name_of_layer(parts: list[str]) -> str:
    """The layer of a module's path below builder; each target is one of its own."""
    return "/".join(parts[:2]) if parts[0] == "targets" else parts[0]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def names_of_ours(path: Path) -> Iterator[str]:
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "builder" and len(parts) > 1 and name_of_layer(parts[1:]) in RANK:
            yield name_of_layer(parts[1:])


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(BUILDER)))
def test_a_module_imports_only_earlier_layers(path: Path) -> None:
    own = layer_of(path)
    if own in {"__init__", "targets/__init__"}:
        return
    later = {name for name in names_of_ours(path) if RANK[name] > RANK[own]}
    assert later == set()


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {dotted(path): path for path in MODULES}


def needed_by(module: str) -> set[str]:
    """The modules that are run before `module` can be: what it imports, and the packages of that.

    Of a package it is in itself only what it takes a name from: importing its own parts is what
    the `__init__` of a package is for, and they find it begun.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(NAMES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= parts & NAMES.keys()
            found |= {node.module} if parts - NAMES.keys() else set()
    found &= NAMES.keys()
    packages = {parent for name in found for parent in parents_of(name)}
    return found | {name for name in packages if not module.startswith(f"{name}.")} - {module}


def parents_of(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def test_imports_have_no_cycle() -> None:
    order = TopologicalSorter({name: needed_by(name) for name in NAMES})
    assert set(order.static_order()) == NAMES.keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(BUILDER)))
def test_only_command_imports_subprocess(path: Path) -> None:
    found = {name for name in imports(path) if name.split(".")[0] in {"subprocess", "pty"}}
    assert found == set() or path == BUILDER / "command.py"


def test_every_exception_is_one_to_a_rule() -> None:
    assert {layer_of(BUILDER / path) for path in ALLOWED} <= PURE


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if layer_of(p) in PURE],
    ids=lambda p: str(p.relative_to(BUILDER)),
)
def test_the_core_is_pure(path: Path) -> None:
    allowed = ALLOWED.get(str(path.relative_to(BUILDER)), set())
    assert {name.split(".")[0] for name in imports(path)} & IMPURE <= allowed
    if not allowed:
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert calls & {"open", "print", "input", "exec", "eval"} == set()


@pytest.mark.parametrize("path", [*MODULES, *OTHERS], ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    }
    assert long == {}


@pytest.mark.parametrize("path", [*MODULES, *OTHERS], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_says_what_it_owns(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree) or not tree.body


# A verb reads its arguments, makes one call of a layer below and prints: what that call needs is no
# business of the verb's. Of model, plan and render it may have what it is called or printed with.
VERBS_USE = {
    *("errors", "phrases", "diagnostics", "command", "monitor", "resources"),
    *("prepare", "execute", "trees", "changes", "page", "discover", "verify", "needs", "verbs"),
    *("accept", "targets/registry", *TARGETS),
}
VERBS_USE_MODULES = {
    "__version__",
    "model.inventory",
    "plan.explain",
    "plan.nouns.host",
    "render.tree_diff",
}
VERBS = sorted((BUILDER / "verbs").glob("*.py"))


@pytest.mark.parametrize("path", VERBS, ids=lambda p: p.name)
def test_a_verb_holds_no_logic(path: Path) -> None:
    """Only what can be seen from outside it: what it imports, and its length."""
    names = {name.removeprefix("builder.") for name in imports(path) if name.startswith("builder.")}
    wanted = {name for name in names if name_of_layer(name.split(".")) not in VERBS_USE}
    assert {name for name in wanted if not _is_below(name, VERBS_USE_MODULES)} == set()
    assert set(imports(path)) & {"tempfile", "shutil", "subprocess"} == set()
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 120


def _is_below(name: str, modules: set[str]) -> bool:
    """Whether it is one of `modules`, or a name in one."""
    return name in modules or name.rpartition(".")[0] in modules


def test_no_grab_bags() -> None:
    banned = {"utils", "util", "helpers", "common", "misc", "manager"}
    assert {p.stem for p in MODULES} & banned == set()


def test_no_placeholders_in_documents() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    assert [str(page) for page in pages if "@@" in page.read_text(encoding="utf-8")] == []
