"""The rules that travel with a preset's graph: what a model was made for, held by `Graph.check` after every edit.

A `ModelRule` follows the model file: it looks for the loaders of that file in the graph as it stands, walks down from there
through LoRAs and other patches, and judges every sampler, guider and scheduler that the model reaches. So it holds after a
splice, a swap or a merge, and it lets another model in the same graph be.
"""

# pyright: reportPrivateUsage=false
# Within one package, an underscore keeps a name from users, not from its neighbours.
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ..edits import definition_of, label, upstream_ids
from ..node import Node
from ..problems import Problem, Severity
from ..raw_values import Raw
from ..text import shown
from ..wires import Slot, is_slot, slots

if TYPE_CHECKING:
    from ..definition import NodeDef
    from ..graph import Entry, Graph

FOLDERS: Final = frozenset({"checkpoints", "diffusion_models"})
CFG_INPUTS: Final = ("cfg", "cfg_conds", "cfg_cond2_negative")
CARRIED: Final = frozenset({"MODEL", "GUIDER"})
OPEN: Final = frozenset({"*", "COMFY_MATCHTYPE_V3"})
SAMPLES: Final = frozenset({"LATENT", "SIGMAS"})
CONSTANTS: Final = frozenset({"PrimitiveInt", "PrimitiveFloat", "PrimitiveString", "PrimitiveStringMultiline"})
_MODEL_FILE: Final = re.compile(r"\.(safetensors|sft|gguf|ckpt|pt|pth|bin)$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class ModelRule:
    """What a guidance-distilled model was made for. Called with a graph it gives the problems; it pickles and compares.

    Attributes:
        model: its name in messages.
        pattern: a regular expression that its file names match, whatever their quantisation.
        files: further file names that are taken for it.
        steps: the smallest and the largest number of sampling steps.
        steps_why: why, in a few words.
        cfg_hint: what to do for stronger guidance.
    """

    model: str
    pattern: str
    steps: tuple[int, int]
    steps_why: str
    cfg_hint: str
    files: tuple[str, ...] = ()

    def __call__(self, graph: Graph) -> list[Problem]:
        """All that breaks the rule in this graph."""
        table = graph._table
        loaders = [node_id for node_id, entry in table.items() if self._loads(table, entry)]
        if not loaders:
            return []
        found = list(dict.fromkeys(_Walk(self, graph).problems(loaders)))
        if not found:
            return found
        reached = upstream_ids(table, _outputs(table))
        return [p if not reached or p.node_id in reached else _as_warning(p) for p in found]

    def of(self, *files: str) -> ModelRule:
        """The rule for these model files too, whatever they are called."""
        unknown = tuple(name for name in files if not self._is_file(name))
        return replace(self, files=(*self.files, *unknown)) if unknown else self

    def settings(self, *, cfg: Any, steps: Any, negative: Any) -> Iterator[tuple[str, str, str, str]]:
        """What is wrong with a preset's settings: input, code, message, hint."""
        low, high = self.steps
        if not _is(cfg, 1.0, 1.0):
            yield (
                "cfg",
                "rule_cfg",
                f"cfg is {shown(cfg)}, and {self.model} runs at cfg 1.0 only: guidance is distilled into its weights",
                self.cfg_hint,
            )
        if not _is(steps, low, high):
            yield (
                "steps",
                "rule_steps",
                f"steps is {shown(steps)}, and {self.model} takes {low} to {high}: {self.steps_why}",
                f"give it {low} to {high} steps",
            )
        if isinstance(negative, str) and negative.strip():
            yield (
                "negative",
                "rule_negative",
                f"the negative prompt {shown(negative)} would do nothing: {self.model} runs at cfg 1.0, where the server skips it",
                "leave it empty, and say in the prompt what you want instead",
            )

    def _loads(self, table: Mapping[str, Entry], entry: Entry) -> bool:
        definition = definition_of(entry)
        if definition is not None and not _gives_model(definition):
            return False
        for name, value in (entry.inputs or {}).items():
            known = _constant(table, value)
            if type(known) is str and self._is_file(known):
                if definition is None:
                    if _MODEL_FILE.search(known):
                        return True
                elif name in definition.inputs and definition.inputs[name].folder in FOLDERS:
                    return True
        return False

    def _is_file(self, name: str) -> bool:
        return (
            name in self.files or _compiled(self.pattern).search(name.replace("\\", "/").rpartition("/")[2]) is not None
        )


class _Walk:
    """One look at one graph, down from the loaders of the rule's model."""

    def __init__(self, rule: ModelRule, graph: Graph) -> None:
        self.rule = rule
        self.graph = graph
        self.table = graph._table
        self.users: dict[str, dict[int, list[tuple[str, str]]]] = {}
        for node_id, entry in self.table.items():
            for name, value in (entry.inputs or {}).items():
                if is_slot(value):
                    self.users.setdefault(value[0], {}).setdefault(value[1], []).append((node_id, name))

    def problems(self, loaders: list[str]) -> Iterator[Problem]:
        """Every node that the model reaches, judged once."""
        carrying: set[Slot] = set()
        judged: set[str] = set()
        pending = [link for node_id in loaders for link in self._gives(node_id)]
        while pending:
            link = pending.pop()
            if link in carrying:
                continue
            carrying.add(link)
            for node_id, name in self.users[link[0]][link[1]]:
                definition = definition_of(self.table[node_id])
                if _kind(definition, name) in CARRIED and node_id not in judged:
                    judged.add(node_id)
                    yield from self._node(node_id, definition)
                if not self._mixes(node_id, definition, carrying):
                    pending += self._gives(node_id)

    def _gives(self, node_id: str) -> list[Slot]:
        """The outputs of a node that carry a model on, of those that are used."""
        definition = definition_of(self.table[node_id])
        used = self.users.get(node_id, ())
        if definition is None:
            return [(node_id, slot) for slot in used]
        kinds = [output.type for output in definition.outputs]
        return [(node_id, s) for s in used if 0 <= s < len(kinds) and kinds[s] in CARRIED | OPEN]

    def _mixes(self, node_id: str, definition: NodeDef | None, carrying: set[Slot]) -> bool:
        """Whether a node merges this model with another one: what it gives is then a third, of which nothing is known."""
        if definition is None or not _gives_model(definition):
            return False
        links = [link for name, link in slots(self.table[node_id]) if _kind(definition, name) == "MODEL"]
        return any(link not in carrying for link in links)

    def _node(self, node_id: str, definition: NodeDef | None) -> Iterator[Problem]:
        inputs = self.table[node_id].inputs or {}
        gives = {"LATENT"} if definition is None else {output.type for output in definition.outputs}
        cfg_is_one = True
        if gives & (CARRIED | SAMPLES):
            for name in CFG_INPUTS:
                if name in inputs:
                    problem = self._number(node_id, name, inputs[name], 1.0, 1.0)
                    cfg_is_one = cfg_is_one and problem is None
                    if problem is not None:
                        yield problem
        if gives & SAMPLES:
            if "steps" in inputs:
                yield from self._steps(node_id, "steps", inputs["steps"])
            if definition is not None and "sigmas" in definition.inputs:
                yield from self._schedule(node_id)
        if cfg_is_one and "negative" in inputs:
            yield from self._negative(node_id, inputs)

    def _steps(self, node_id: str, name: str, value: Any) -> Iterator[Problem]:
        problem = self._number(node_id, name, value, *self.rule.steps)
        if problem is not None:
            yield problem

    def _schedule(self, node_id: str) -> Iterator[Problem]:
        """The steps of the sigmas that a sampler is given, where a node without a model makes them."""
        seen: set[str] = set()
        pending = [node_id]
        while pending:
            current = pending.pop()
            here = definition_of(self.table[current]) if current in self.table else None
            if current in seen or here is None:
                continue
            seen.add(current)
            inputs = self.table[current].inputs or {}
            above = [link[0] for name, link in slots(self.table[current]) if _kind(here, name) == "SIGMAS"]
            pending += above
            if current == node_id or above or "model" in here.inputs:
                continue
            if "steps" in inputs:
                yield from self._steps(current, "steps", inputs["steps"])
            elif here.class_type == "ManualSigmas":
                written = _constant(self.table, inputs.get("sigmas"))
                if isinstance(written, str):
                    yield from self._steps(current, "sigmas", len(_NUMBER.findall(written)) - 1)

    def _negative(self, node_id: str, inputs: Mapping[str, Any]) -> Iterator[Problem]:
        """A negative prompt with words in it. The positive one, linked twice, is no mistake."""
        found = list(_texts(self.table, inputs["negative"]))
        wanted = set(_texts(self.table, inputs.get("positive"))) if found else set[tuple[str, str]]()
        for source, text in found:
            if (source, text) not in wanted:
                _, code, message, hint = next(self.rule.settings(cfg=1.0, steps=self.rule.steps[0], negative=text))
                yield self._problem("error", code, message, source, "text", hint)

    def _number(self, node_id: str, name: str, value: Any, low: float, high: float) -> Problem | None:
        number = _constant(self.table, value)
        what = "cfg" if name in CFG_INPUTS else "steps"
        if number is None:
            message = (
                f"{name} comes from another node, so whether it fits {self.rule.model} cannot be known before it runs"
            )
            return self._problem("warning", f"rule_{what}", message, node_id, name, "give it the number itself")
        if _is(number, low, high):
            return None
        given = {"cfg": 1.0, "steps": self.rule.steps[0], "negative": "", what: number}
        _, code, message, hint = next(self.rule.settings(**given))
        if name != what:
            message = f"{name}: {message}"
        return self._problem("error", code, message, node_id, name, hint)

    def _problem(self, severity: Severity, code: str, message: str, node_id: str, name: str, hint: str) -> Problem:
        entry = self.table[node_id]
        where = entry.token.where if isinstance(entry.token, Node) else None
        return Problem(
            severity, code, f"{label(self.graph, node_id)}: {message}", node_id, entry.class_type, name, hint, where
        )


def _texts(table: Mapping[str, Entry], link: Any) -> Iterator[tuple[str, str]]:
    """The prompts that a conditioning is made of, with the nodes that encode them; what is zeroed out is none."""
    seen: set[Slot] = set()
    pending: list[Any] = [link]
    while pending:
        link = pending.pop()
        if not is_slot(link) or link in seen or link[0] not in table:
            continue
        seen.add(link)
        source, slot = link
        definition = definition_of(table[source])
        if definition is None or definition.class_type == "ConditioningZeroOut":
            continue
        inputs = table[source].inputs or {}
        if any(_kind(definition, name) == "CLIP" for name in inputs):
            for name, value in inputs.items():
                text = _constant(table, value) if _kind(definition, name) == "STRING" else None
                if isinstance(text, str) and text.strip():
                    yield source, text
        linked = {name: v for name, v in slots(table[source]) if _kind(definition, name) == "CONDITIONING"}
        # A node that takes and gives both prompts gives each under its own name.
        name = definition.outputs[slot].name.lower() if 0 <= slot < len(definition.outputs) else ""
        pending += [linked[name]] if name in linked else linked.values()


def _constant(table: Mapping[str, Entry], value: Any) -> Any:
    """A value, or the value of the primitive node that it comes from; None when it comes from anything else."""
    for _ in range(len(table)):
        if isinstance(value, Raw):
            value = value.value
        if not is_slot(value):
            return value
        entry = table.get(value[0])
        if entry is None or entry.class_type not in CONSTANTS:
            return None
        value = (entry.inputs or {}).get("value")
    return None


def _is(value: Any, low: float, high: float) -> bool:
    """Whether a value is a number between two others, as the server reads it: a text that is a number is one."""
    try:
        return low <= float(value) <= high
    except (TypeError, ValueError):
        return False


def _kind(definition: NodeDef | None, name: str) -> str:
    """The kind of an input; of a class that is not known, anything that is called a model is one."""
    if definition is None:
        return "MODEL" if "model" in name else "GUIDER" if name == "guider" else ""
    known = definition.inputs.get(name)
    return "" if known is None else known.type


def _gives_model(definition: NodeDef) -> bool:
    return "MODEL" in [output.type for output in definition.outputs]


def _outputs(table: Mapping[str, Entry]) -> list[str]:
    return [node_id for node_id, entry in table.items() if (d := definition_of(entry)) is not None and d.output_node]


def _as_warning(problem: Problem) -> Problem:
    return replace(problem, severity="warning")


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


FLUX_SCHNELL: Final = ModelRule(
    model="Flux Schnell",
    pattern=r"schnell",
    steps=(1, 4),
    steps_why="it was distilled to finish in 1 to 4, and more make the picture worse",
    cfg_hint="set cfg to 1.0; for stronger guidance use flux_dev(guidance=…), which takes it as an input of the model",
)
FLUX_DEV: Final = ModelRule(
    model="Flux Dev",
    pattern=r"flux[._-]?1?[._-]dev",
    steps=(20, 28),
    steps_why="fewer leave it unfinished, and more only take longer",
    cfg_hint="set cfg to 1.0; guidance is an input of the model: flux_dev(guidance=3.5), or the FluxGuidance node",
)
