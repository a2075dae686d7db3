"""The reference of the API as a page, out of the OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Example:
    """A request body one may send."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API."""

    anchor: str
    method: str
    path: str
    description: str
    parameters: list[Mapping[str, Any]]
    examples: list[Example]
    fields: list[tuple[str, str, str]]
    """Of the body: name, type, meaning."""
    answers: list[tuple[str, str]]
    """Status and meaning."""


def calls_by_tag(document: Mapping[str, Any]) -> dict[str, list[Call]]:
    """Gives the calls of a document, in its order, under their headings."""
    found: dict[str, list[Call]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if operation := operations.get(method):
                tag = operation["tags"][0]
                found.setdefault(tag, []).append(_call(document, path, method, operation))
    return found


def _call(
    document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> Call:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Call(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        description=operation.get("description", ""),
        parameters=operation.get("parameters", []),
        examples=list(_examples(document, content)),
        fields=list(_fields(document, content.get("schema", {}))),
        answers=[
            (code, _behind(document, each)["description"])
            for code, each in sorted(operation["responses"].items())
        ],
    )


def _examples(document: Mapping[str, Any], content: Mapping[str, Any]) -> Iterator[Example]:
    for title, example in content.get("examples", {}).items():
        yield Example(title, _written(example["value"]))
    for body in _schema(document, content.get("schema", {})).get("examples", []):
        yield Example("", _written(body))


def _fields(
    document: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    for name, field in _schema(document, schema).get("properties", {}).items():
        yield name, _type(field), field.get("description", "")


def _schema(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives the schema itself: behind its reference, or the first that is not null."""
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return _schema(document, schema[choice][0])
    return _behind(document, schema)


def _behind(document: Mapping[str, Any], thing: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in thing:
        return thing
    _, _, kind, name = thing["$ref"].split("/")
    found: Mapping[str, Any] = document["components"][kind][name]
    return found


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " | ".join(field["enum"])
    if "anyOf" in field:
        return " | ".join(_type(each) for each in field["anyOf"])
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return str(field.get("format") or field.get("type") or "value")


def _written(body: object) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)
