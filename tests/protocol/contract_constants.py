"""Constants of the contracts, read from the sources they are compiled from."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from functools import cache

from simulator.chain.deploy.artifacts import CONTRACTS

_CONSTANT = re.compile(r"^(\w+): (?:public\()?constant\(\w+\)\)? = ([^#\n]+)", re.MULTILINE)
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


@cache
def constant(source: str, name: str) -> int:
    """A constant of ``contracts/<source>.vy``, what it refers to included."""
    text = (CONTRACTS / f"{source}.vy").read_text(encoding="utf-8")
    (expression,) = [value for found, value in _CONSTANT.findall(text) if found == name]
    return _value(source, ast.parse(expression.strip(), mode="eval").body)


def _value(source: str, node: ast.expr) -> int:
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.Name(id=name):
            return constant(source, name)
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return constant(f"modules/{module}", name)
        case ast.BinOp(left=left, op=operation, right=right):
            return _OPERATORS[type(operation)](_value(source, left), _value(source, right))
    raise ValueError(f"{source}: {ast.unparse(node)} is no number")
