"""The shape of the house: import direction, no cycles, sizes, docstrings, exports, README's test command in CI."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("lepton_rl", "envs", "agents", "experiments")
FILES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in FILES}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path, top_level_only=False):
    nodes = TREES[path].body if top_level_only else ast.walk(TREES[path])
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_down(path):
    own = FLOORS.index(path.relative_to(ROOT).parts[0])
    above = [name for name in imports(path) if name.split(".")[0] in FLOORS[own + 1 :]]
    assert not above, f"{module_name(path)} imports upwards: {above}"


def test_no_import_cycles():
    names = {module_name(path): path for path in FILES}
    edges = {name: {i for i in imports(path, top_level_only=True) if i in names and i != name}
             for name, path in names.items()}  # fmt: skip
    done = set()

    def visit(name, trail):
        assert name not in trail, f"import cycle: {' -> '.join([*trail, name])}"
        if name not in done:
            for target in edges[name]:
                # A package's __init__ gathers its own modules; what they import from it is their base.
                if not name.startswith(f"{target}.") and not target.startswith(f"{name}."):
                    visit(target, [*trail, name])
            done.add(name)

    for name in names:
        visit(name, [])


def test_files_are_short():
    lengths = {module_name(path): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: length for name, length in lengths.items() if length > 300}
    assert sorted(lengths.values())[len(lengths) // 2] <= 150


def test_functions_are_short():
    lengths = sorted(f.end_lineno - f.lineno + 1 for tree in TREES.values() for f in functions(tree))
    too_long = [f"{path.name}:{f.name}" for path, tree in TREES.items() for f in functions(tree)
                if f.end_lineno - f.lineno + 1 > 60]  # fmt: skip
    assert not too_long
    assert lengths[int(0.95 * len(lengths))] <= 45


def test_public_names_have_docstrings_and_arguments_have_types():
    public = [(path, f) for path, tree in TREES.items() for f in functions(tree) if not f.name.startswith("_")]
    top = [(path, node) for path, tree in TREES.items() for node in tree.body
           if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")]  # fmt: skip
    documented = [ast.get_docstring(node) is not None for _, node in top]
    assert sum(documented) / len(documented) >= 0.9
    untyped = [f"{module_name(path)}.{f.name}({arg.arg})" for path, f in public
               for arg in f.args.args + f.args.kwonlyargs
               if arg.annotation is None and arg.arg not in ("self", "cls")]  # fmt: skip
    assert not untyped


def test_packages_export_few_names():
    for path, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                assert len(ast.literal_eval(node.value)) <= 30, module_name(path)


def test_no_unsafe_loading():
    for path in FILES:
        names = set(imports(path))
        assert not names & {"pickle", "cloudpickle", "dill", "xml.etree.ElementTree", "marshal"}, module_name(path)
        assert not re.search(r"(?<![\w.])(eval|exec)\(|allow_pickle=True", path.read_text()), module_name(path)


def test_ci_runs_the_readme_test_command():
    readme, ci = (ROOT / "README.md").read_text(), (ROOT / ".ci" / "run").read_text()
    assert "python -m pytest" in readme
    assert "python -m pytest" in ci
