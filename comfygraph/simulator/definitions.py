"""The simulator's node classes, as its ``object_info`` shows them and as validation and execution need them.

Works on the raw records, not on `comfygraph.definition`: the simulator's verdicts are to be independent of those of
`Graph.check`, so that each can be tested against the other. Dynamic inputs are expanded as ComfyUI does
(comfy_api/latest/_io.py ``get_finalized_class_inputs``; trace dynamic_inputs).
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..definition import AUTOGROW, DYNAMIC_COMBO
from ..server_facts import FILE_INPUTS, SELF_CHECKED
from .models import ModelFiles
from .store import Store

if TYPE_CHECKING:
    from ..catalogue import Catalogue

Slot = tuple[Any, str, Mapping[str, Any]]
"""One declared input: (type, "required" | "optional" | "hidden", options)."""

# Files right in the input folder that a node lists: by the start of the content type, or by extension.
_INPUT_FILES: Final[dict[str, tuple[str, ...]]] = {
    "LoadImage.image": ("image/",),
    "LoadImageMask.image": ("image/",),
    "LoadAudio.audio": ("audio/", "video/"),
    "LoadVideo.file": ("video/",),
    "LoadLatent.latent": (".latent",),
    "GeminiInputFiles.file": (".txt", ".pdf"),
    "OpenAIInputFiles.file": (".txt", ".pdf"),
}
# Options that a real server shows besides the files.
_EXTRA_OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "VAELoader.vae_name": ("pixel_space",),
    "TrainLoraNode.existing_lora": ("[None]",),
    "Load3D.model_file": ("none",),
    "Load3DAdvanced.model_file": ("none",),
}
_OUTPUT_FILES: Final = "LoadImageOutput.image"
_KEYS: Final[dict[str, Any]] = {
    "is_input_list": False,
    "description": "",
    "output_node": False,
    "has_intermediate_output": False,
    "search_aliases": [],
}


@dataclass(frozen=True)
class Declared:
    """The inputs of one node of a prompt, dynamic ones expanded by what the node was given.

    Attributes:
        slots: every input that is looked at, by its name on the wire.
        paths: those that are nested when the node runs: name -> path.
        empty: paths that are an empty mapping when nothing was given.
    """

    slots: dict[str, Slot]
    paths: dict[str, str] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()


class NodeClass:
    """One class.

    Attributes:
        class_type: its name.
        outputs: the socket type of each output.
        output_is_list: which outputs are lists.
        output_node, input_is_list, intermediate: as in ``object_info``.
        keyed_by_id: it is cached for its own id only.
        shown_hidden: hidden inputs that stand among the inputs of an error: name -> what (``"PROMPT"``, …).
    """

    def __init__(self, class_type: str, record: Mapping[str, Any]) -> None:
        self.class_type = class_type
        self._sections: dict[str, dict[str, Any]] = {
            section: _ordered(record, section)
            for section in ("required", "optional")
            if record["input"].get(section) is not None
        }
        self.outputs: tuple[Any, ...] = tuple(record["output"])
        self.output_is_list: tuple[bool, ...] = tuple(record.get("output_is_list") or [False] * len(self.outputs))
        self.output_node = bool(record.get("output_node"))
        self.input_is_list = bool(record.get("is_input_list"))
        self.intermediate = bool(record.get("has_intermediate_output"))
        hidden: Mapping[str, Any] = record["input"].get("hidden") or {}
        # Old-style classes name it as a plain string, new-style ones in a list; only the former keys the cache by it.
        self.keyed_by_id = "UNIQUE_ID" in hidden.values()
        self.shown_hidden: dict[str, str] = {name: what for name, what in hidden.items() if isinstance(what, str)}
        self._dynamic = any(
            spec[0] in (DYNAMIC_COMBO, AUTOGROW)
            for section in self._sections.values()
            for spec in section.values()
            if spec
        )
        self._static = None if self._dynamic else self._expand({})

    def declared(self, inputs: Mapping[str, Any]) -> Declared:
        """The inputs, given those of a node in a prompt."""
        return self._static if self._static is not None else self._expand(inputs)

    def lazy(self, name: str) -> bool:
        """Whether an input is only asked for when the node wants it. Nested ones never are, as on the server."""
        for section in self._sections.values():
            spec = section.get(name)
            if spec is not None:
                return bool(len(spec) > 1 and spec[1].get("lazy"))
        return False

    def _expand(self, inputs: Mapping[str, Any]) -> Declared:
        slots: dict[str, Slot] = {}
        paths: dict[str, str] = {}
        empty: set[str] = set()
        # (section, prefix, name, spec), worked off first in, first out at the end that is open.
        todo: list[tuple[str, str, str, Any]] = [
            (section, "", name, spec) for section, specs in self._sections.items() for name, spec in specs.items()
        ]
        todo.reverse()
        while todo:
            section, prefix, name, spec = todo.pop()
            wire = f"{prefix}.{name}" if prefix else name
            options: Mapping[str, Any] = spec[1] if len(spec) > 1 else {}
            if spec[0] == DYNAMIC_COMBO:
                chosen = _choice(options, inputs.get(wire))
                if wire in inputs and chosen is not None:
                    nested = [
                        (part, wire, key, value) for part, specs in chosen.items() for key, value in specs.items()
                    ]
                    todo.extend(reversed(nested))
                    slots[wire] = (spec[0], section, options)
                    paths[wire] = f"{wire}.{name}"
            elif spec[0] == AUTOGROW:
                grown, item, needed = _grown(options["template"])
                given = False
                for index, key in enumerate(grown):
                    item_wire = f"{wire}.{key}"
                    item_section = "required" if index < needed else "optional"
                    slots[item_wire] = (item[0], item_section, item[1] if len(item) > 1 else {})
                    if item_wire in inputs:
                        paths[item_wire] = item_wire
                        given = True
                if not given:
                    paths[wire] = wire
                    empty.add(wire)
            else:
                slots[wire] = (spec[0], section, options)
                if prefix:
                    paths[wire] = wire
        return Declared(slots, paths, frozenset(empty))


class Definitions:
    """All the classes of one simulator.

    Args:
        catalogue: the definitions to start from.
        models: which model files there are.
        store: where input and output files lie; their lists are read when they are asked for.
        extra: ``object_info`` records of further classes, by name.
        hide: classes that are not there.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        models: ModelFiles,
        store: Store,
        extra: Mapping[str, Mapping[str, Any]] | None = None,
        hide: frozenset[str] = frozenset(),
    ) -> None:
        # A catalogue of another server brings that server's model files, unless others are asked for.
        own_models = catalogue.open_files or models.chosen
        self._catalogue = catalogue
        self._models = models
        self._store = store
        self._extra: dict[str, dict[str, Any]] = {
            name: _complete(name, record) for name, record in (extra or {}).items()
        }
        self._hide = hide
        self._classes: dict[str, NodeClass] = {}
        self._live: dict[str, dict[str, Callable[[], list[Any]]]] = {}
        for place, folder in FILE_INPUTS.items():
            class_type, name = place.split(".", 1)
            if folder in models and not own_models:
                continue
            self._live.setdefault(class_type, {})[name] = self._lister(place, folder)
        self._live.setdefault("LoadImageOutput", {})["image"] = self._lister(_OUTPUT_FILES, "output")
        # Classes whose option lists change while the server runs, and are enforced: those are not to be kept.
        files = {place.split(".", 1)[0] for place, folder in FILE_INPUTS.items() if folder in ("input", "dir")}
        self._changing = files - SELF_CHECKED.keys()

    def __contains__(self, class_type: object) -> bool:
        return class_type in self._extra or (class_type in self._catalogue and class_type not in self._hide)

    def __iter__(self) -> Iterator[str]:
        for class_type in self._catalogue:
            if class_type not in self._hide and class_type not in self._extra:
                yield class_type
        yield from self._extra

    def get(self, class_type: str) -> NodeClass | None:
        """The class of that name, or None. TypeError when it is no possible name at all, as on the server."""
        node = self._classes.get(class_type)
        if node is None and class_type in self:
            node = NodeClass(class_type, self.record(class_type))
            if class_type not in self._changing:
                self._classes[class_type] = node
        return node

    def record(self, class_type: str) -> dict[str, Any]:
        """The complete ``object_info`` record, with the files that are there now."""
        record = self._extra.get(class_type)
        if record is None:
            record = _complete(class_type, self._catalogue.record(class_type))
        live = self._live.get(class_type)
        if not live or class_type in self._extra:
            return record
        record = {**record, "input": {section: dict(specs) for section, specs in record["input"].items()}}
        for name, names in live.items():
            for specs in record["input"].values():
                if name in specs:
                    specs[name] = self._with_options(f"{class_type}.{name}", specs[name], names())
        return record

    def object_info(self) -> dict[str, dict[str, Any]]:
        """All the records, those that cannot be made left out."""
        return {class_type: self.record(class_type) for class_type in self}

    def _lister(self, place: str, folder: str) -> Callable[[], list[Any]]:
        if folder == "output":
            return lambda: [f"{name} [output]" for name in self._by_type("output", ("image/",))]
        if folder == "dir":
            return lambda: sorted(entry.name for entry in os.scandir(self._store.folders["input"]) if entry.is_dir())
        if folder == "input":
            kinds = _INPUT_FILES.get(place, (".none",))
            return lambda: [*_EXTRA_OPTIONS.get(place, ()), *self._by_type("input", kinds)]
        return lambda: [*_EXTRA_OPTIONS.get(place, ()), *self._models.names(folder)]

    def _by_type(self, kind: str, kinds: tuple[str, ...]) -> list[str]:
        names = self._store.names(kind)
        return [
            name
            for name in names
            if name.lower().endswith(kinds) or (mimetypes.guess_type(name)[0] or "").startswith(kinds)
        ]

    def _with_options(self, place: str, spec: list[Any], names: list[Any]) -> list[Any]:
        options: dict[str, Any] = dict(spec[1]) if len(spec) > 1 else {}
        if self._models.open and FILE_INPUTS.get(place) in self._models:
            # Any name will do, and a list could not say so: it is shown as what it is, a free text.
            default = names[0] if names else ""
            return [
                "STRING",
                {**{k: v for k, v in options.items() if k not in ("options", "multiselect")}, "default": default},
            ]
        if isinstance(spec[0], list):
            return [names, options] if options else [names]
        return [spec[0], {**options, "options": names}]


def _complete(class_type: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with the keys that a bundled one leaves out, and its inputs in order."""
    outputs: list[Any] = list(record.get("output") or [])
    sections: Mapping[str, Any] = record["input"]
    inputs: dict[str, Any] = {"required": {}}
    inputs |= {
        section: _ordered(record, section) for section in ("required", "optional", "hidden") if section in sections
    }
    return {
        **_KEYS,
        "name": class_type,
        "display_name": class_type,
        "python_module": "custom_nodes.simulated",
        "category": "simulated",
        "output_is_list": [False] * len(outputs),
        "output_name": outputs,
        **record,
        "input": inputs,
        "input_order": {section: list(specs) for section, specs in inputs.items()},
        "output": outputs,
    }


def _ordered(record: Mapping[str, Any], section: str) -> dict[str, Any]:
    specs: Mapping[str, Any] = record["input"].get(section) or {}
    order = [name for name in (record.get("input_order") or {}).get(section, ()) if name in specs]
    return {name: specs[name] for name in (*order, *(name for name in specs if name not in order))}


def _choice(options: Mapping[str, Any], key: Any) -> dict[str, Any] | None:
    for option in options["options"]:
        if option["key"] == key:
            inputs: dict[str, Any] = option["inputs"]
            return inputs
    return None


def _grown(template: Mapping[str, Any]) -> tuple[list[str], list[Any], int]:
    """The slots' names, the spec of each, and how many of them are required."""
    names: list[str] = (
        template["names"] if "names" in template else [f"{template['prefix']}{i}" for i in range(template["max"])]
    )
    for section, specs in template["input"].items():
        for spec in specs.values():
            return names, spec, template.get("min", 0) if section == "required" else 0
    raise ValueError("an autogrow template without an input")
