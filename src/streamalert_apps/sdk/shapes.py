"""JSON decoded into a shape; what is null and need not be there is as if it were not there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")

_NULL = b"null"


def decode(body: bytes | msgspec.Raw, shape: type[T]) -> T:
    """Decode; raise ValidationError where it is something else, DecodeError where it is not JSON.

    Some services leave out what they have nothing to say of, and some write null: both mean the same. So
    the null of a field that has a default is left out, in the shape and in the shapes inside of it.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError:
        if _NULL not in bytes(body):
            raise
        return msgspec.json.decode(_without_nulls(bytes(body), shape), type=shape)


def _without_nulls(body: bytes, shape: Any) -> bytes:
    """Return an object, or an array of them, without such nulls; all else stays as it is, byte for byte."""
    try:
        if get_origin(shape) is list:
            items = msgspec.json.decode(body, type=list[msgspec.Raw])
            mended = [msgspec.Raw(_without_nulls(bytes(item), *get_args(shape))) for item in items]
            return msgspec.json.encode(mended)
        inner = next(_structs(shape), None)
        if inner is None:
            return body
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return body
    for field in msgspec.structs.fields(inner):
        value = bytes(fields.get(field.encode_name, b""))
        if value == _NULL and not field.required:
            del fields[field.encode_name]
        elif value:
            fields[field.encode_name] = msgspec.Raw(_without_nulls(value, _types(inner)[field.name]))
    return msgspec.json.encode(fields)


def _structs(shape: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield the shape if it is a struct, or what is one of the types that it may be."""
    for one in get_args(shape) if get_origin(shape) in {Union, UnionType} else (shape,):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            yield one


@cache
def _types(shape: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(shape)
