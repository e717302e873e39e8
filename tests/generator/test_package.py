"""`write_package`: typed packages for any server, hostile ones included."""

from __future__ import annotations

import ast
import builtins
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from comfygraph.catalogue import Catalogue
from comfygraph.errors import DefinitionError, GraphError, OutputError
from comfygraph.generator import write_package
from comfygraph.generator.write import MANIFEST
from comfygraph.graph import Graph
from comfygraph.node import Node, Option

from .custom import EVIL, FRIENDLY, hostile
from .samples import arguments, source

ROOT = Path(__file__).parents[2]


@pytest.fixture
def importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that packages can be imported from; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [n for n in sys.modules if n.partition(".")[0] in ("my_nodes", "evil_nodes")]:
        del sys.modules[name]


def made(folder: Path, catalogue: Catalogue, name: str = "my_nodes", **options: Any) -> ModuleType:
    write_package(catalogue, folder / name, **options)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def test_a_package_for_custom_nodes(importing: Path) -> None:
    nodes = made(importing, Catalogue.from_object_info(FRIENDLY))
    assert sorted(nodes.__all__) == ["Chooser", "KSampler", "PresetMaker", "Same", "Sharpen", "definitions"]
    maker = nodes.PresetMaker(ratio=0.5, wild=source("LATENT"))
    assert maker.inputs["size"] == 512
    assert maker.output_names == ("FANCY_PRESET", "IMAGE", "IMAGE_2", "NUMBER")
    assert (maker.IMAGE_2._slot, maker.IMAGE_2._kind) == (2, "IMAGE")
    sharp = nodes.Sharpen(image=maker.IMAGE, preset=maker.FANCY_PRESET, model="a file that came later.safetensors")
    assert sharp.class_type == "Sharpen+"
    assert sharp.inputs["amount"] == 0.5  # the pack wrote "0.5", which the server would turn into a number
    assert sharp.inputs["class"] == 3
    graph = Graph(sharp)
    assert graph.to_api(check=False)[graph.id(sharp)]["inputs"]["preset"] == [graph.id(maker), 0]
    chosen = nodes.Chooser(how=nodes.Chooser.BySize(size=2), also=nodes.Chooser.AlsoOff(), images=[sharp, maker.IMAGE])
    assert dict(chosen.inputs) | {"images.i0": 0, "images.i1": 0} == {
        "how": "by size",
        "how.size": 2,
        "also": "off",
        "images.i0": 0,
        "images.i1": 0,
    }
    with pytest.raises(GraphError, match="mode"):
        nodes.Sharpen(image=maker.IMAGE, mode="loud")
    with pytest.raises(GraphError, match="FANCY_PRESET or LATENT"):
        nodes.Same(a=source("IMAGE"))


def test_tooltips_are_docstrings_if_wanted(importing: Path) -> None:
    nodes = made(importing, Catalogue.from_object_info(FRIENDLY))
    assert "Sharpens a picture." in nodes.Sharpen.__doc__
    assert 'amount: FLOAT, 0 .. 2, default 0.5. How "much". Two lines.' in nodes.Sharpen.__doc__
    assert "Pixels." in nodes.Chooser.BySize.__doc__
    write_package(Catalogue.from_object_info(FRIENDLY), importing / "plain", tooltips=False)
    text = "".join(path.read_text(encoding="utf-8") for path in (importing / "plain").glob("*.py"))
    assert "Sharpens a picture." not in text
    assert "Pixels." not in text


def test_modules_are_packs(importing: Path) -> None:
    nodes = made(importing, Catalogue.from_object_info(FRIENDLY))
    assert nodes.Sharpen.__module__ == "my_nodes.comfyui_some_pack"
    assert nodes.KSampler.__module__ == "my_nodes.sampling"
    assert sorted(path.name for path in (importing / "my_nodes").iterdir() if path.is_file()) == [
        ".comfygraph-generated",
        "__init__.py",
        "__init__.pyi",
        "comfyui_some_pack.py",
        "definitions.json",
        "kinds.py",
        "options.py",
        "py.typed",
        "sampling.py",
    ]


def test_file_lists_stay_open(importing: Path) -> None:
    """A server's files change from day to day: a package must not need to be written again for each."""
    nodes = made(importing, Catalogue.from_object_info(FRIENDLY))
    assert nodes.definitions()["Sharpen+"].inputs["model"].options is None
    assert nodes.definitions()["Sharpen+"].inputs["mode"].options == ("soft", "hard", "none")


def test_writing_again_replaces_and_is_the_same(tmp_path: Path) -> None:
    out = tmp_path / "my_nodes"
    first = write_package(Catalogue.from_object_info(FRIENDLY), out)
    before = {path: path.read_bytes() for path in first}
    (out / "__pycache__").mkdir()
    fewer = {name: FRIENDLY[name] for name in ("KSampler",)}
    write_package(Catalogue.from_object_info(fewer), out)
    assert not (out / "comfyui_some_pack.py").exists()
    again = write_package(Catalogue.from_object_info(FRIENDLY), out)
    assert {path: path.read_bytes() for path in again} == before
    assert [path.name for path in tmp_path.iterdir()] == ["my_nodes"]


def test_it_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    catalogue = Catalogue.from_object_info(FRIENDLY)
    foreign = tmp_path / "mine"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("mine = 1\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"holds '__init__\.py', which comfygraph did not write"):
        write_package(catalogue, foreign)
    assert (foreign / "__init__.py").read_text(encoding="utf-8") == "mine = 1\n"
    out = tmp_path / "my_nodes"
    write_package(catalogue, out)
    (out / "notes.txt").write_text("mine\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"notes\.txt"):
        write_package(catalogue, out)
    assert (out / "notes.txt").exists()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DefinitionError, match="is no folder"):
        write_package(catalogue, tmp_path / "file")
    (tmp_path / "link").symlink_to(out)
    with pytest.raises(DefinitionError, match="is no folder"):
        write_package(catalogue, tmp_path / "link")


@pytest.mark.parametrize("name", ["my-nodes", "1st", "class", "my nodes"])
def test_the_folder_must_be_importable(tmp_path: Path, name: str) -> None:
    with pytest.raises(DefinitionError, match="no name for a Python package"):
        write_package(Catalogue.from_object_info(FRIENDLY), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_catalogue_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="no nodes"):
        write_package(Catalogue({}), tmp_path / "my_nodes")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "my_nodes"
    write_package(Catalogue.from_object_info(FRIENDLY), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    replace = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if self.suffix == ".new":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OutputError, match="No space left"):
        write_package(Catalogue.from_object_info(FRIENDLY), out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["my_nodes"]


# --- hostile definitions

CALLS = {"self._bind", "self._output", "TypeVar", "float"}
STATEMENTS = (ast.ClassDef, ast.FunctionDef, ast.Expr, ast.Assign, ast.AnnAssign, ast.ImportFrom, ast.If, ast.Return)


def inert(source: str) -> None:
    """Nothing is called but what the generator writes itself, and there is no statement of another kind."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) in CALLS
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] in {
                "__future__",
                "typing",
                "collections",
                "comfygraph",
                "options",
                "",
            }
        if isinstance(node, ast.stmt):
            assert isinstance(node, STATEMENTS)
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, (ast.Constant, ast.Call))


def test_hostile_definitions_come_out_inert(importing: Path) -> None:
    catalogue = hostile()
    assert catalogue.faults == {}
    nodes = made(importing, catalogue, "evil_nodes")
    for path in sorted((importing / "evil_nodes").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert path.parent == importing / "evil_nodes"
        assert all(line.isprintable() for line in text.split("\n"))
        if path.name != "__init__.py":
            inert(text)
    classes = [getattr(nodes, name) for name in nodes.__all__ if name != "definitions"]
    assert {cls.class_type for cls in classes} == set(EVIL)
    assert len(classes) == len(EVIL)
    for cls in classes:
        usable_class(cls, nodes.definitions())
    assert not hasattr(builtins, "PWNED")


def usable_class(cls: type[Node], catalogue: Catalogue) -> None:
    """The class does what its definition says, with the hostile texts as values."""
    definition = catalogue[cls.class_type]
    inputs = list(definition.inputs.values())
    names = keywords(cls)
    assert len(names) == len(inputs)
    given: dict[str, Any] = {}
    for name, item in zip(names, inputs):
        if item.form == "dynamic_combo":
            found = {o.key: o for o in vars(cls).values() if isinstance(o, type) and issubclass(o, Option)}
            assert set(found) == set(item.choices or {})
            for key, option in found.items():
                (keyword,) = keywords(option)
                assert option(**{keyword: key}).inputs == {next(iter((item.choices or {})[key])).name: key}
            given[name] = next(iter(found.values()))()
        elif item.form == "socket":
            given[name] = source("IMAGE" if item.template is not None else item.type)
    node = cls(**given)
    for item in inputs:
        if item.form in ("text", "combo"):
            assert node.inputs[item.name] == item.default
    assert len(set(node.output_names)) == 3
    assert [getattr(node, name)._slot for name in node.output_names] == [0, 1, 2]


def keywords(cls: type) -> list[str]:
    """The keyword-only parameters of a constructor, in order."""
    code = cls.__init__.__code__  # type: ignore[misc]
    return list(code.co_varnames[1 : 1 + code.co_kwonlyargcount])


def test_hostile_option_lists_are_their_texts(importing: Path) -> None:
    made(importing, hostile(), "evil_nodes")
    options = importlib.import_module("evil_nodes.options")
    assert get_args(options.Every) == tuple(EVIL)


# --- what type checkers say


@pytest.mark.slow
@pytest.mark.parametrize("which", ["friendly", "hostile"])
def test_packages_pass_mypy_and_pyright_strict(tmp_path: Path, which: str) -> None:
    catalogue = Catalogue.from_object_info(FRIENDLY) if which == "friendly" else hostile()
    write_package(catalogue, tmp_path / "my_nodes")
    (tmp_path / "use.py").write_text("import my_nodes\n\nreveal = my_nodes.definitions()\n", encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(
        f"[mypy]\nstrict = True\nmypy_path = {ROOT}\ncache_dir = {tmp_path / 'cache'}\n"
        "[mypy-comfygraph.*]\nfollow_imports = silent\n",
        encoding="utf-8",
    )
    answer = subprocess.run(
        [sys.executable, "-m", "mypy", "-p", "my_nodes"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    config = {"include": ["my_nodes"], "typeCheckingMode": "strict", "pythonVersion": "3.10", "extraPaths": [str(ROOT)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_arguments_are_exercised() -> None:
    """The helper gives every required input, so that the tests above do not pass for want of arguments."""
    inputs = list(Catalogue.bundled()["KSampler"].inputs.values())
    assert set(arguments(inputs, Node)) == {
        "model",
        "positive",
        "negative",
        "latent_image",
        "sampler_name",
        "scheduler",
    }
    assert MANIFEST.startswith(".")
