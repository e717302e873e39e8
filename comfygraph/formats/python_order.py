"""The order that a person writes a pipeline in: models, then for each result its inputs, prompts, latent, sampling, output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .python_steps import Step, cycle
from .python_text import word_set

MODEL_KINDS: Final = word_set(
    "MODEL CLIP VAE CONTROL_NET CLIP_VISION STYLE_MODEL UPSCALE_MODEL LATENT_UPSCALE_MODEL MODEL_PATCH AUDIO_ENCODER GLIGEN "
    "PHOTOMAKER BACKGROUND_REMOVAL MOGE_MODEL DA3_MODEL INTERP_MODEL OPTICAL_FLOW LORA_MODEL FACE_DETECTION_MODEL"
)
"""Socket types of what is loaded once and used throughout."""

# What a node takes is written in this order, whatever order its class declares.
_RANKS: Final[Mapping[str, int]] = {
    **dict.fromkeys(MODEL_KINDS, 0),
    **dict.fromkeys(("STRING", "INT", "FLOAT", "BOOLEAN", "COMBO"), 1),
    **dict.fromkeys(("IMAGE", "MASK", "VIDEO", "AUDIO"), 2),
    "GUIDER": 3,
    "CONDITIONING": 3,
    "LATENT": 5,
    "NOISE": 6,
    "SAMPLER": 6,
    "SIGMAS": 6,
}
_OTHER: Final = 4
_LOADED: Final[Mapping[str, int]] = {"MODEL": 0, "CLIP": 1, "VAE": 2}


def arrange(steps: Mapping[str, Step]) -> tuple[list[str], int]:
    """The ids in the order of the program, and how many of the first load and patch models.

    Each node comes after what it takes and close before what takes it; whatever saves or shows a result comes right after
    it. Linear in nodes and links.

    Raises:
        FormatError: the graph has a cycle.
    """
    done: set[str] = set()
    order: list[str] = []
    waiting = {step.id: len({source for _, source, _ in step.links()}) for step in steps.values()}

    def emit(node_id: str) -> None:
        ready = [node_id]
        while ready:
            current = ready.pop()
            if current in done:
                continue
            done.add(current)
            order.append(current)
            users = list(dict.fromkeys(user for user, _, _ in steps[current].users))
            for user in users:
                waiting[user] -= 1
            # Previews and the like: nothing follows from them, so they stand right behind what they show.
            ready += [user for user in reversed(users) if waiting[user] == 0 and not steps[user].users]

    models = _models(steps)
    done |= models
    for node_id in models:
        for user in {user for user, _, _ in steps[node_id].users}:
            waiting[user] -= 1
    ends = [step.id for step in steps.values() if not step.users]
    later = _later(steps)
    for node_id in _walk(steps, ends, models, later):
        emit(node_id)
    loaded = _walk(steps, _heads(steps, models, order), set(), later)
    if len(order) + len(loaded) < len(steps):
        raise cycle(steps, [node_id for node_id in steps if node_id not in done])
    return [*loaded, *order], len(loaded)


def _heads(steps: Mapping[str, Step], models: set[str], order: list[str]) -> list[str]:
    """The models that the rest of the program takes: diffusion models first, then what encodes, each as it is needed."""
    place = {node_id: i for i, node_id in enumerate(order)}

    def key(node_id: str) -> tuple[int, int]:
        step = steps[node_id]
        kind = step.kinds[0] if step.kinds else ""
        return _LOADED.get(kind, len(_LOADED)), min(place[user] for user, _, _ in step.users if user in place)

    heads = [n for n in models if any(user in place for user, _, _ in steps[n].users)]
    return sorted(heads, key=key)


def _walk(steps: Mapping[str, Step], ends: list[str], done: set[str], later: set[str]) -> list[str]:
    """What `ends` need and they themselves, sources first, without what is done. A cycle's nodes are left out."""
    found: list[str] = []
    seen: set[str] = set(done)
    open_: set[str] = set()
    pending = [(node_id, False) for node_id in reversed(ends)]
    while pending:
        node_id, ready = pending.pop()
        if ready:
            open_.discard(node_id)
            found.append(node_id)
            continue
        if node_id in seen:
            continue
        seen.add(node_id)
        open_.add(node_id)
        pending.append((node_id, True))
        sources = _sources(steps, node_id, later)
        if any(source in open_ for source in sources):
            raise cycle(steps, sorted(open_))
        pending += [(source, False) for source in reversed(sources) if source not in seen]
    return found


def _later(steps: Mapping[str, Step]) -> set[str]:
    """The nodes that take what a sampler has made: the stages behind the first."""
    found: set[str] = set()
    pending = [s.id for s in steps.values() if "Sampler" in s.class_type and s.kinds[:1] == ["LATENT"]]
    while pending:
        node_id = pending.pop()
        if node_id not in found:
            found.add(node_id)
            pending += [user for user, _, _ in steps[node_id].users]
    return found


def _sources(steps: Mapping[str, Step], node_id: str, later: set[str]) -> list[str]:
    def rank(link: tuple[str, str, int]) -> tuple[int, bool]:
        name, source, slot = link
        if source in later:
            return -1, False  # a whole stage, which was before anything of this one
        kinds = steps[source].kinds
        return _RANKS.get(kinds[slot], _OTHER) if slot < len(kinds) else _OTHER, "negative" in name

    return [source for _, source, _ in sorted(steps[node_id].links(), key=rank)]


def _models(steps: Mapping[str, Step]) -> set[str]:
    """The nodes that load and patch models, and take nothing but models and values of their own."""
    found: set[str] = set()
    waiting = {step.id: len(step.links()) for step in steps.values()}
    ready = [node_id for node_id, count in waiting.items() if count == 0 and _gives_models(steps[node_id])]
    while ready:
        node_id = ready.pop()
        found.add(node_id)
        for user, _, _ in steps[node_id].users:
            waiting[user] -= 1
            if waiting[user] == 0 and _gives_models(steps[user]):
                ready.append(user)
    return found


def _gives_models(step: Step) -> bool:
    used = {step.kinds[slot] for _, _, slot in step.users if slot < len(step.kinds)}
    return bool(used) and used <= MODEL_KINDS
