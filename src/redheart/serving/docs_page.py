"""The page at /docs: what the server can be asked, written from its OpenAPI schema.

Notable: HTML and one style sheet, without any script, so that it works offline and under a policy that allows nothing
else; Swagger UI needs inline styles and 1.5 MB of scripts.
"""

import json
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any

# Nothing but the style sheet of this server is loaded or run, and no other site may frame the page.
POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PREFIX = "#/components/schemas/"
_EXAMPLE = {"text": "I told her secret.", "outputs": ["verdict"]}
# Limits of JSON schema -> how they are said.
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


def style_sheet() -> str:
    """Return the style sheet of the page."""
    return files(__package__).joinpath("docs.css").read_text(encoding="utf-8")


def docs_page(api: Mapping[str, Any], address: str) -> str:
    """Write the page.

    Args:
        api: The OpenAPI schema of the server.
        address: Of the server, for the examples; it ends without a slash.

    Returns:
        The page, as HTML.
    """
    info, schemas = api["info"], api["components"]["schemas"]
    keyed = "securitySchemes" in api["components"]
    operations = [
        (path, method, operation) for path, methods in api["paths"].items() for method, operation in methods.items()
    ]
    menu = "".join(f'<a href="#{_anchor(path)}">{escape(path)}</a> ' for path, _, _ in operations)
    about = "" if not keyed else "<p>Send your key as the header <code>Authorization: Bearer KEY</code>.</p>"
    body = "".join(_operation(path, method, operation, address) for path, method, operation in operations)
    types = "".join(_schema(name, schema) for name, schema in sorted(schemas.items()))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(info["title"])}</title><link rel="stylesheet" href="docs.css"></head><body>'
        f"<header><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f'<p>{escape(info["description"])} For programs: <a href="openapi.json">openapi.json</a>.</p>{about}'
        f'<nav>{menu}<a href="#types">Types</a></nav></header>'
        f'<main>{body}<h2 id="types">Types</h2>{types}</main></body></html>'
    )


def _operation(path: str, method: str, operation: Mapping[str, Any], address: str) -> str:
    asked = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    request = "" if asked is None else f"<p>Body: {_kind(asked)}, as JSON in UTF-8.</p>"
    words = ["curl"]
    if operation.get("security"):
        words.append('-H "Authorization: Bearer $REDHEART_KEY"')
    words.append(f"{address}{path}")
    if asked is not None:
        words.append(f"--json '{json.dumps(_EXAMPLE)}'")
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(answer['description'])}</td><td>{_content(answer)}</td></tr>"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f'<section id="{_anchor(path)}"><h2><b>{escape(method.upper())}</b> {escape(path)}</h2>'
        f"<p>{escape(operation.get('description', ''))}</p>{request}<pre>{escape(' '.join(words))}</pre>"
        "<table><thead><tr><th>status</th><th>meaning</th><th>answer</th></tr></thead>"
        f"<tbody>{answers}</tbody></table></section>"
    )


def _content(answer: Mapping[str, Any]) -> str:
    return ", ".join(
        _kind(content["schema"]) if content.get("schema") else escape(kind)
        for kind, content in answer.get("content", {}).items()
    )


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{' *' if field in required else ''}</td><td>{_kind(value)}</td>"
        f"<td>{escape(value.get('description') or '')}</td></tr>"
        for field, value in schema.get("properties", {}).items()
    )
    about = "".join(f"<p>{escape(part)}</p>" for part in schema.get("description", "").split("\n\n")[:1] if part)
    heads = "<thead><tr><th>field (* always there)</th><th>type</th><th>meaning</th></tr></thead>"
    table = f"<table>{heads}<tbody>{rows}</tbody></table>" if rows else ""
    return f'<section id="{_anchor(name)}"><h3>{escape(name)}</h3>{about}{table}</section>'


def _kind(schema: Mapping[str, Any]) -> str:
    """The type of a value in words, with links, as HTML."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        return f'<a href="#{_anchor(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return _values([json.dumps(value) for value in schema.get("enum", [schema.get("const")])])
    kind = escape(str(schema.get("type", "any value")))
    if kind == "array" and schema.get("items"):
        kind = f"array of {_kind(schema['items'])}"
    elif kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        kind = f"object of {_kind(schema['additionalProperties'])}"
    return ", ".join([kind, *_limits(schema)])


def _values(values: list[str]) -> str:
    return " | ".join(f"<code>{escape(value)}</code>" for value in values)


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    for limit, words in _LIMITS.items():
        if limit in schema:
            yield escape(words.format(f"{schema[limit]:,}"))
    if schema.get("default") is not None:
        yield f"default <code>{escape(json.dumps(schema['default']))}</code>"


def _anchor(name: str) -> str:
    return escape(name.strip("/").replace("/", "-"), quote=True)


__all__ = ["POLICY", "docs_page", "style_sheet"]
