"""``comfygraph nodes``."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ...definition import MISSING, InputDef, NodeDef
from ..guard import PROBLEMS
from ..output import is_terminal, one_line, say, show
from ..servers import connect

if TYPE_CHECKING:
    from ...catalogue import Catalogue

MOST_OPTIONS: Final = 8
NARROW: Final = 60


def command(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", help="What to look for: in names, categories, and kinds of inputs and outputs."),
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="Search this server's nodes.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the nodes as a JSON list.")] = False,
) -> None:
    """Search the node library: 849 nodes of ComfyUI 0.33.0, or those of a server.

    A node's own name, or a search with one hit, shows its inputs with type, range and default, and how to import it.
    """
    from ...catalogue import Catalogue

    if server is None:
        catalogue = Catalogue.bundled()
    else:
        with connect(server) as client:
            catalogue = client.catalogue()
    found = search(catalogue, words or [])
    if as_json:
        show(json.dumps([_data(node) for node in found], indent=2))
    elif len(found) == 1 and words:
        show("\n".join(_details(found[0])))
    elif found:
        show("\n".join(_table(found)))
    if not found:
        from ...text import close

        near = close(" ".join(words or []), catalogue)
        say(f"no node matches{f'; did you mean {near[0]}?' if near else ''}")
        raise typer.Exit(PROBLEMS)


def search(catalogue: Catalogue, words: Sequence[str]) -> list[NodeDef]:
    """The nodes that have every word somewhere, best first: those whose name it is, then by where the words stand.

    Args:
        catalogue: where to look.
        words: in any case; a name of a node in full gives that node alone.
    """
    folded = [word.casefold() for word in words]
    ranked: list[tuple[int, str, NodeDef]] = []
    for node in catalogue.values():
        if len(words) == 1 and node.class_type == words[0]:
            return [node]
        places = _places(node)
        ranks = [next((rank for rank, text in enumerate(places) if word in text), None) for word in folded]
        if None not in ranks:
            exact = -1 if len(folded) == 1 and folded[0] in (places[0], places[1]) else 0
            ranked.append((exact + max((rank for rank in ranks if rank is not None), default=0), places[0], node))
    ranked.sort(key=lambda entry: entry[:2])
    alone = [node for rank, _, node in ranked if rank == -1]
    return alone if len(alone) == 1 else [node for _, _, node in ranked]


def _places(node: NodeDef) -> tuple[str, str, str, str]:
    kinds = " ".join([*(d.type for d in node.inputs.values()), *(o.type for o in node.outputs)])
    every = (node.class_type, node.display_name, node.category, kinds)
    return tuple(text.casefold() for text in every)  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def _table(nodes: Sequence[NodeDef]) -> list[str]:
    """A line a node: class, what goes in and comes out, category. Cut to the terminal where there is one."""
    rows = [(node.class_type, _flow(node), node.category) for node in nodes]
    name = min(max(len(row[0]) for row in rows), 40)
    width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else 0
    flow = min(max(len(row[1]) for row in rows), 50)
    lines: list[str] = []
    for class_type, kinds, category in rows:
        line = f"{one_line(class_type):<{name}}  {one_line(kinds, flow):<{flow}}  {category}".rstrip()
        lines.append(one_line_wide(line, width))
    return lines


def one_line_wide(line: str, width: int) -> str:
    """The line, cut to a width (0: not at all), its columns kept."""
    return line if not width or len(line) <= width else f"{line[: max(width, NARROW) - 1]}…"


def _flow(node: NodeDef) -> str:
    """``MODEL, CONDITIONING -> LATENT``: the kinds of its sockets."""
    sockets = _distinct(d.type for d in node.inputs.values() if d.form in ("socket", "autogrow"))
    outputs = _distinct(o.type for o in node.outputs)
    return f"{', '.join(sockets) or '·'} -> {', '.join(outputs) or '·'}"


def _distinct(kinds: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(_kind(kind) for kind in kinds))


def _details(node: NodeDef) -> list[str]:
    from ...naming import output_name

    title = f" · {node.display_name}" if node.display_name and node.display_name != node.class_type else ""
    marks = [
        word
        for word, is_so in {
            "output node": node.output_node,
            "deprecated": node.deprecated,
            "experimental": node.experimental,
            "partner node: runs for credits of a Comfy account": node.api_node,
        }.items()
        if is_so
    ]
    lines = [f"{node.class_type}{title}", f"  {', '.join([node.category or 'no category', *marks])}", ""]
    lines.append("  inputs" if node.inputs else "  no inputs")
    lines += [f"    {line}" for line in _aligned([_input(d) for d in node.inputs.values()])]
    for d in node.inputs.values():
        for key, nested in (d.choices or {}).items():
            if nested:
                lines.append(f"    with {d.name} = {key}")
                lines += [f"      {line}" for line in _aligned([_input(each) for each in nested])]
    lines.append("  outputs" if node.outputs else "  no outputs")
    outputs = [(output_name(o.name), _kind(o.type), "a list" if o.is_list else "") for o in node.outputs]
    lines += [f"    {line}" for line in _aligned(outputs)]
    return [*lines, "", f"  {_import(node)}"]


def _aligned(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Rows in columns; in a terminal the last one is wrapped below itself."""
    import textwrap

    name = min(max((len(row[0]) for row in rows), default=0), 40)
    kind = min(max((len(row[1]) for row in rows), default=0), 24)
    width = shutil.get_terminal_size().columns - name - kind - 12 if is_terminal(sys.stdout) else 0
    lines: list[str] = []
    for a, b, c in rows:
        first, *rest = (textwrap.wrap(c, max(width, NARROW // 2)) or [""]) if width else [c]
        lines.append(f"{a:<{name}}  {b:<{kind}}  {first}".rstrip())
        lines += [" " * (name + kind + 4) + line for line in rest]
    return lines


def _kind(kind: str) -> str:
    words = {"COMFY_DYNAMICCOMBO_V3": "choice", "COMFY_AUTOGROW_V3": "list", "COMFY_MATCHTYPE_V3": "any", "*": "any"}
    return words.get(kind, kind)


def _input(d: InputDef) -> tuple[str, str, str]:
    facts: list[str] = []
    if d.min is not None and d.max is not None:
        facts.append(f"{d.min:g} to {d.max:g}" if isinstance(d.min, float) else f"{d.min} to {d.max}")
    if d.choices is not None:
        facts.append(_listed(list(d.choices)))
    elif d.options:
        facts.append(_listed(list(d.options)))
    elif d.folder is not None:
        facts.append(f"a file of {d.folder}")
    if d.grow is not None:
        facts.append(f"{d.grow.min} to {len(d.grow.slots)} of {d.grow.item.type}")
    if d.default is not MISSING and d.default not in ("", None) and d.form not in ("socket", "autogrow"):
        facts.append(f"default {one_line(json.dumps(d.default, ensure_ascii=False), NARROW)}")
    if not d.required:
        facts.append("optional")
    return d.name, _kind(d.type), ", ".join(facts)


def _listed(options: Sequence[Any]) -> str:
    shown = " | ".join(one_line(str(option), NARROW) for option in options[:MOST_OPTIONS])
    return f"{shown} | … ({len(options)} in all)" if len(options) > MOST_OPTIONS else shown


def _import(node: NodeDef) -> str:
    """How a program gets at the node."""
    from ...naming import class_name
    from ...nodes import definitions

    if node.class_type in definitions():
        return f"from comfygraph.nodes import {class_name(node.class_type)}"
    return "comfygraph generate --server URL --out my_nodes writes a typed class for it"


def _data(node: NodeDef) -> dict[str, Any]:
    return {
        "class_type": node.class_type,
        "display_name": node.display_name,
        "category": node.category,
        "output_node": node.output_node,
        "deprecated": node.deprecated,
        "experimental": node.experimental,
        "partner": node.api_node,
        "inputs": [_input_data(d) for d in node.inputs.values()],
        "outputs": [{"name": o.name, "type": o.type, "is_list": o.is_list} for o in node.outputs],
        "import": _import(node),
    }


def _input_data(d: InputDef) -> dict[str, Any]:
    data: dict[str, Any] = {"name": d.name, "type": d.type, "required": d.required}
    if d.default is not MISSING:
        data["default"] = d.default
    for name in ("min", "max", "step", "folder"):
        if getattr(d, name) is not None:
            data[name] = getattr(d, name)
    if d.options is not None:
        data["options"] = list(d.options)
    if d.choices is not None:
        data["choices"] = {key: [_input_data(nested) for nested in inputs] for key, inputs in d.choices.items()}
    if d.grow is not None:
        data["item"], data["slots"] = d.grow.item.type, list(d.grow.slots)
    return data
