"""Text from definitions comes out as inert source."""

from __future__ import annotations

import ast
import keyword
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfygraph.errors import DefinitionError
from comfygraph.generator.modules import slug
from comfygraph.generator.names import free, settle, usable
from comfygraph.generator.text import WIDTH, docstring, literal, prose, union, words
from comfygraph.naming import class_name, input_name, kind_name, option_names, output_name, output_names

ANY_TEXT = st.text(st.characters(codec=None), max_size=60) | st.sampled_from(
    ['"""', "'''", "\\", '\\"""', "\n", "{}", "\u202e", "\ud800", "a\r\n", "'\"", "\x00", "%s", "#", "\\N{DASH}"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_literal_is_the_value_and_nothing_else(value: Any) -> None:
    source = literal(value)
    assert ast.literal_eval(source) == value
    assert source.isprintable()


def test_numbers_that_json_has_no_literal_for() -> None:
    assert eval(literal(math.inf)) == math.inf
    assert math.isnan(eval(literal(math.nan)))


@given(st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_a_docstring_stays_one(texts: list[str]) -> None:
    source = "\n".join(["class A:", *docstring([["Summary."], [prose(text) for text in texts]], 4), "    x = 1"])
    tree = ast.parse(source)
    (cls,) = tree.body
    assert isinstance(cls, ast.ClassDef)
    assert len(cls.body) == 2
    assert (ast.get_docstring(cls) or "").startswith("Summary.")
    assert all(line.isprintable() for line in source.split("\n"))


@given(ANY_TEXT)
def test_words_for_a_docstring_are_one_line(text: str) -> None:
    assert words(text).isprintable()
    assert ast.literal_eval(f'"""{words(text)} """') is not None


@given(ANY_TEXT)
def test_every_rule_gives_an_identifier(text: str) -> None:
    for rule in (class_name, input_name, output_name, kind_name):
        name = rule(text)
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert not name.startswith("__")
    assert slug(text).isidentifier()
    assert not keyword.iskeyword(slug(text))


@given(st.lists(ANY_TEXT, max_size=6))
def test_outputs_never_share_a_name(wires: list[str]) -> None:
    names = output_names(wires)
    assert len(names) == len(wires) == len(set(names))


@given(st.dictionaries(ANY_TEXT, st.lists(ANY_TEXT, max_size=4, unique=True), max_size=3))
def test_every_option_gets_a_name(choices: dict[str, list[str]]) -> None:
    names = option_names("X", choices)
    assert list(names) == [(name, key) for name, keys in choices.items() for key in keys]
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names.values())


def test_options_are_called_as_a_person_would() -> None:
    names = option_names(
        "X", {"resize type": ["scale width", "off"], "ratio": ["16:9"], "blur": ["off"], "hdr": ["true"]}
    )
    assert list(names.values()) == ["ScaleWidth", "ResizeTypeOff", "Ratio169", "BlurOff", "HdrTrue"]


def test_strict_names_stop_with_one_line() -> None:
    for wires in (["a-b", "a_b"], ["self_", "self"]):
        with pytest.raises(DefinitionError) as caught:
            settle(wires, input_name, strict=True, scope="inputs of X", table="naming.INPUT_NAMES")
        assert str(caught.value).startswith("inputs of X: ")
        assert str(caught.value).endswith("add it to naming.INPUT_NAMES")
        assert "\n" not in str(caught.value)
        settled = settle(wires, input_name, strict=False, scope="inputs of X", table="naming.INPUT_NAMES")
        assert len(set(settled.values())) == 2
    with pytest.raises(DefinitionError, match="is taken there"):
        settle(["Any"], class_name, taken={"Any"}, strict=True, scope="node classes", table="naming.CLASS_NAMES")


def test_free_and_usable() -> None:
    assert free("a", {"a", "a_2"}) == "a_3"
    assert [usable(name) for name in ("a", "1", "class", "é", "")] == [True, False, False, False, False]


def test_long_unions_break_as_the_formatter_breaks_them() -> None:
    members = [f'Literal["{"a" * 50}", "{"b, c" * 12}", "d\\"e"]', "Link[k.Combo]"]
    lines = union("mode: ", members, ' = "d",', 8)
    assert lines[0] == "        mode: Literal["
    assert lines[-1] == '        | Link[k.Combo] = "d",'
    assert len(lines) == 6
    assert all(len(line) <= WIDTH for line in lines)
