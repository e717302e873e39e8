"""What each node is for: its place on the way to a sampler's positive or negative, the input it fills, the words of its title."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from .python_steps import Step
from .python_text import word_set

SIDES: Final = ("positive", "negative")

_SIDE_INPUTS: Final[Mapping[str, str]] = {
    "positive": "positive",
    "negative": "negative",
    "conditioning": "",
    "cond1": "positive",
    "cond2": "positive",
    "neg": "negative",
    "uncond": "negative",
}
_TITLE_PREFIXES: Final = re.compile(r"^(?:\d+[.):\s]+|(?:load|the|a|an)\s+)", re.IGNORECASE)
_PARENTHESES: Final = re.compile(r"^([^()]*)\(([^()]+)\)\s*$")
_TYPE_WORDS: Final = word_set(
    "int integer float number boolean bool string text switch combo custom select value primitive preview as clip encode "
    "concatenate replace multiline input math expression"
)
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_CAMEL: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")


def sides(steps: Mapping[str, Step], order: Sequence[str]) -> dict[str, str]:
    """``"positive"`` or ``"negative"`` for the nodes whose conditioning or text ends at such an input, and only at one."""
    reached: dict[str, set[str]] = {}
    for node_id in reversed(order):
        found: set[str] = set()
        step = steps[node_id]
        for user, name, slot in step.users:
            kind = step.kinds[slot] if slot < len(step.kinds) else ""
            if kind not in ("CONDITIONING", "STRING"):
                continue
            side = _SIDE_INPUTS.get(name.rpartition(".")[2])
            if steps[user].class_type == "ConditioningZeroOut":
                continue  # whatever goes in, nothing of it comes out
            if side:
                found.add(side)
            elif len(reached.get(user, ())) < 3:
                output = _passed(steps[user], kind)
                if output or kind == "STRING" or side == "":
                    found |= reached.get(user, set())
                if kind == "CONDITIONING" and not reached.get(user) and steps[user].kinds[:1] == ["GUIDER"]:
                    found.add("positive")
        reached[node_id] = found
    return {node_id: next(iter(found)) for node_id, found in reached.items() if len(found) == 1}


def _passed(step: Step, kind: str) -> bool:
    return kind in step.kinds


def words(text: str) -> list[str]:
    """The words of a class name or key in small letters: ``"VAEDecodeTiled"``: vae, decode, tiled."""
    return [part.lower() for word in _WORD.findall(text) for part in _CAMEL.findall(word)]


def from_title(step: Step) -> str | None:
    """A name from a title that somebody chose; None where there is none, or it makes no name."""
    title = step.title
    if not title or len(title) > 200:
        return None
    display = step.definition.display_name if step.definition is not None else ""
    plain = _spelt(title)
    if plain in (_spelt(display), _spelt(step.class_type)):
        return None
    inside = _PARENTHESES.match(title.strip())
    if inside is not None:
        head, content = inside.groups()
        heads = set(words(head))
        own = set(words(step.class_type)) | set(words(display)) | _TYPE_WORDS
        title = content if heads <= own else head
    while (shorter := _TITLE_PREFIXES.sub("", title)) != title:
        title = shorter
    found = [word.lower() for word in re.findall(r"[A-Za-z]+|[0-9]+", title)]
    letters = sum(char.isalpha() for char in title)
    kept = sum(len(word) for word in found if word.isalpha())
    if not found or len(found) > 4 or kept < 0.6 * letters or len(found[0]) < 2 or not found[0].isalpha():
        return None
    name = "_".join(found)
    return name if len(name) <= 30 and _spelt(name) not in (_spelt(display), _spelt(step.class_type)) else None


def _spelt(text: str) -> str:
    return "".join(char.lower() for char in text if char.isalnum())


def filled(step: Step) -> str | None:
    """The name of the one input that a node fills, where all its users have it under the same one."""
    names = {name for _, name, _ in step.users}
    return next(iter(names)) if len(names) == 1 else None
