"""Catalogues as servers with custom nodes have them: a friendly one, and one made to break out of the generated source."""

from __future__ import annotations

from typing import Any

from comfygraph.catalogue import Catalogue


def record(
    required: dict[str, Any] | None = None, optional: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """An ``object_info`` record of a custom node."""
    base: dict[str, Any] = {
        "input": {"required": required or {}, "optional": optional or {}},
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
        "output_is_list": [False],
        "category": "custom",
        "python_module": "custom_nodes.ComfyUI-Some Pack",
        "description": "",
    }
    return {**base, **more}


FRIENDLY: dict[str, dict[str, Any]] = {
    "Sharpen+": record(
        {
            "image": ["IMAGE", {"tooltip": "The picture to sharpen."}],
            "amount": ["FLOAT", {"default": "0.5", "min": 0, "max": 2, "tooltip": 'How "much".\nTwo lines.'}],
            "mode": [["soft", "hard", "none"], {"default": "soft"}],
            "class": ["INT", {"default": 3.0}],
        },
        {"mask": ["MASK"], "model": [["a.safetensors", "b.safetensors"]], "preset": ["FANCY_PRESET", {}]},
        description="Sharpens a picture.",
        display_name="Sharpen (plus)",
    ),
    "PresetMaker": record(
        {"size": [[256, 512, "auto"], {"default": 512}], "ratio": [[0.5, 1.0]], "wild": ["*"]},
        output=["FANCY_PRESET", "IMAGE", "IMAGE", "FLOAT,INT"],
        output_name=["FANCY_PRESET", "IMAGE", "IMAGE", "number"],
    ),
    "Chooser": record(
        {
            "how": [
                "COMFY_DYNAMICCOMBO_V3",
                {
                    "options": [
                        {
                            "key": "by size",
                            "inputs": {"required": {"size": ["INT", {"default": 1, "tooltip": "Pixels."}]}},
                        },
                        {"key": "off", "inputs": {}},
                    ]
                },
            ],
            "also": ["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "off", "inputs": {}}]}],
            "images": [
                "COMFY_AUTOGROW_V3",
                {"template": {"input": {"required": {"i": ["IMAGE"]}}, "prefix": "i", "min": 1, "max": 3}},
            ],
        }
    ),
    "Same": record(
        {"a": ["COMFY_MATCHTYPE_V3", {"template": {"template_id": "T", "allowed_types": "FANCY_PRESET,LATENT"}}]},
        output=["COMFY_MATCHTYPE_V3"],
        output_name=["out"],
        output_matchtypes=["T"],
    ),
    "KSampler": {**Catalogue.bundled().record("KSampler"), "description": "Samples."},
}

EVIL = [
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    '\\"""',
    "\n",
    "\r\n    import os",
    '"""\n    __import__("builtins").PWNED = True\n    """',
    "'; __import__('builtins').PWNED = True; '",
    '")\n__import__("builtins").PWNED = True\n#',
    "{__import__('builtins')}",
    "x: __import__('builtins').__setattr__('PWNED', True)",
    "]; __import__('builtins'); [",
    "\u202e\u2066 reversed",
    "\x00",
    "\x0c",
    "\u2028",
    "class",
    "None",
    "True",
    "import",
    "self",
    "def",
    "__init__",
    "__import__",
    "_bind",
    "_output",
    "inputs",
    "class_type",
    "_definition",
    "Node",
    "Node1",
    "Option",
    "Link",
    "Output",
    "Any",
    "K",
    "k",
    "Literal",
    "Mapping",
    "Generic",
    "TypeVar",
    "TYPE_CHECKING",
    "Uploadable",
    "definitions",
    "annotations",
    "__all__",
    "__getattr__",
    "options",
    "kinds",
    "int",
    "str",
    "property",
    "object",
    "sampling",
    "nodes_custom",
    "模型",
    "ﬁ",
    "Ａ",
    "ß",
    "",
    " ",
    "1",
    "a-b",
    "a_b",
    "a b",
    "con",
    "../../evil",
    "/etc/passwd",
]


def hostile() -> Catalogue:
    """Every text that a definition holds is one of `EVIL`: class names, inputs, kinds, options, defaults, outputs, prose."""
    nodes: dict[str, Any] = {}
    for i, text in enumerate(EVIL):
        other = EVIL[(i + 7) % len(EVIL)]
        options = [*dict.fromkeys([text, other, "plain"])]
        dynamic = {
            "options": [
                {"key": key, "inputs": {"required": {key: ["STRING", {"default": key, "tooltip": text}]}}}
                for key in options
            ]
        }
        required: dict[str, Any] = {
            text: ["STRING", {"default": text, "tooltip": text}],
            f"{text} kind": [f"{text} KIND" if text.strip() else "KIND", {"tooltip": other}],
            f"{text}_mode": [options, {"default": text}],
            f"{text}.open": ["COMBO", {"options": options * 9, "default": other}],
            "every": [EVIL, {"default": text}],
            f"{text}-dynamic": ["COMFY_DYNAMICCOMBO_V3", dynamic],
            other: ["COMFY_MATCHTYPE_V3", {"template": {"template_id": text, "allowed_types": "IMAGE,MASK"}}],
            f"{text}grow": [
                "COMFY_AUTOGROW_V3",
                {"template": {"input": {"required": {text: ["IMAGE"]}}, "names": options, "min": 0}},
            ],
        }
        optional = {
            f"{text}?": ["INT", {"default": 1, "min": 0}],
            f"{text}!": ["DATA_OF_MINE", {"default": {text: [text]}}],
        }
        nodes[text] = record(
            required,
            optional,
            output=["COMFY_MATCHTYPE_V3", text or "X", text or "X"],
            output_name=[text, other, text],
            output_matchtypes=[text, None, None],
            category=f"{text}/{other}",
            display_name=text,
            description=text,
            python_module=f"custom_nodes.{text}",
        )
    return Catalogue.from_object_info(nodes)
