"""Values, switches, lists and arithmetic, really run."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..context import Context, Function, LazyCheck

MAX_EXPRESSION: Final = 2000  # characters
MAX_BITS: Final = 100_000  # of a whole number that an expression may make


def primitive(context: Context, /, *, value: Any) -> tuple[Any, ...]:
    """PrimitiveInt and its kin."""
    return (value,)


def seed(context: Context, /, *, seed: int) -> tuple[Any, ...]:
    """SeedNode."""
    return (seed,)


def bounding_box(context: Context, /, *, x: int, y: int, width: int, height: int) -> tuple[Any, ...]:
    """PrimitiveBoundingBox."""
    return ({"x": x, "y": y, "width": width, "height": height},)


def custom_combo(context: Context, /, *, choice: str, index: int = 0, **options: Any) -> tuple[Any, ...]:
    """CustomCombo."""
    return choice, index


def switch(context: Context, /, *, switch: bool, on_false: Any, on_true: Any) -> tuple[Any, ...]:
    """ComfySwitchNode."""
    return (on_true if switch else on_false,)


def wanted_of_switch(inputs: Mapping[str, Any]) -> list[str]:
    """The side that the switch stands on, if it is not there yet."""
    side = "on_true" if inputs.get("switch") else "on_false"
    return [side] if inputs.get(side) is None else []


def create_list(context: Context, /, *, inputs: dict[str, list[Any]]) -> tuple[Any, ...]:
    """CreateList: gets whole lists, and gives one of all their items."""
    return ([item for items in inputs.values() if items for item in items],)


def logical_not(context: Context, /, *, value: Any) -> tuple[Any, ...]:
    """ComfyNotNode."""
    return (not value,)


def logical_and(context: Context, /, *, values: dict[str, Any]) -> tuple[Any, ...]:
    """ComfyAndNode."""
    return (all(values.values()),)


def logical_or(context: Context, /, *, values: dict[str, Any]) -> tuple[Any, ...]:
    """ComfyOrNode."""
    return (any(values.values()),)


def number_convert(context: Context, /, *, value: Any) -> tuple[Any, ...]:
    """ComfyNumberConvert."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"cannot convert {value!r} to a finite number")
    return number, int(number)


def expression(context: Context, /, *, expression: str, values: dict[str, Any]) -> tuple[Any, ...]:
    """ComfyMathExpression: numbers, operators, comparisons and a few functions; nothing else is evaluated."""
    if not expression.strip():
        raise ValueError("the expression is empty")
    result = evaluate(expression, {**values, "values": list(values.values())})
    if not isinstance(result, (int, float)):
        raise ValueError(f"the expression {expression!r} gives no number but {result!r}")
    number = float(result)
    if not math.isfinite(number):
        raise ValueError(f"the expression {expression!r} gives {result}")
    return number, int(result), bool(result)


def resolution(context: Context, /, *, aspect_ratio: str, megapixels: float, multiple: int = 8) -> tuple[Any, ...]:
    """ResolutionSelector: ``"3:2 (Photo)"`` and a number of megapixels."""
    across, down = (float(part) for part in aspect_ratio.split(" ", 1)[0].split(":"))
    unit = math.sqrt(megapixels * 1024 * 1024 / (across * down))
    width, height = (max(multiple, round(side * unit / multiple) * multiple) for side in (across, down))
    return width, height


_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_COMPARE: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_CALLS: Final[dict[str, Callable[..., Any]]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "float": float,
    "floor": math.floor,
    "int": int,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "pow": lambda a, b: _checked(ast.Pow, a, b),
    "round": round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "sum": sum,
    "tan": math.tan,
}


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The value of an arithmetic expression.

    Args:
        text: at most `MAX_EXPRESSION` characters.
        names: what its variables stand for.

    Raises:
        ValueError: it holds anything but arithmetic, or makes too large a number.
    """
    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"an expression of {len(text)} characters; at most {MAX_EXPRESSION}")
    try:
        return _value(ast.parse(text.strip(), mode="eval").body, names)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"no arithmetic expression: {text[:80]!r}: {type(error).__name__}") from None


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return value
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Name(id=name):
            raise ValueError(f"{name!r} is not defined in the expression")
        case ast.BinOp():
            return _checked(type(node.op), _value(node.left, names), _value(node.right, names))
        case ast.UnaryOp() if type(node.op) in _UNARY:
            return _UNARY[type(node.op)](_value(node.operand, names))
        case ast.BoolOp():
            values = [_value(each, names) for each in node.values]
            return all(values) if isinstance(node.op, ast.And) else any(values)
        case ast.Compare() if all(type(op) in _COMPARE for op in node.ops):
            parts = [_value(each, names) for each in (node.left, *node.comparators)]
            return all(_COMPARE[type(op)](parts[i], parts[i + 1]) for i, op in enumerate(node.ops))
        case ast.IfExp():
            return _value(node.body if _value(node.test, names) else node.orelse, names)
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _CALLS:
            return _CALLS[name](*(_value(each, names) for each in node.args))
        case _:
            raise ValueError(f"the expression holds something that is no arithmetic: {ast.unparse(node)[:80]}")


def _checked(kind: type[ast.operator], left: Any, right: Any) -> Any:
    """An operation, if its result cannot be enormous."""
    if kind not in _BINARY or not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        raise TypeError("the expression computes with something that is no number")
    if (
        kind is ast.Pow
        and isinstance(left, int)
        and isinstance(right, int)
        and left.bit_length() * abs(right) > MAX_BITS
    ):
        raise ValueError("the expression makes too large a number")
    if (
        kind is ast.Mult
        and isinstance(left, int)
        and isinstance(right, int)
        and left.bit_length() + right.bit_length() > MAX_BITS
    ):
        raise ValueError("the expression makes too large a number")
    return _BINARY[kind](left, right)


LAZY: Final[dict[str, LazyCheck]] = {"ComfySwitchNode": wanted_of_switch}

TABLE: Final[dict[str, Function]] = {
    "ComfyAndNode": logical_and,
    "ComfyMathExpression": expression,
    "ComfyNotNode": logical_not,
    "ComfyNumberConvert": number_convert,
    "ComfyOrNode": logical_or,
    "ComfySwitchNode": switch,
    "CreateList": create_list,
    "CustomCombo": custom_combo,
    "PrimitiveBoolean": primitive,
    "PrimitiveBoundingBox": bounding_box,
    "PrimitiveFloat": primitive,
    "PrimitiveInt": primitive,
    "PrimitiveString": primitive,
    "PrimitiveStringMultiline": primitive,
    "ResolutionSelector": resolution,
    "SeedNode": seed,
}
