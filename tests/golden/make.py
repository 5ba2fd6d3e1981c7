#!/usr/bin/env python3
"""Writes golden records from their description: docs/format.md once more, independent of the library."""

import json
import pathlib
import struct
import sys

KINDS = {"null": 0, "boolean": 1, "integer": 2, "float": 3, "text": 4, "bytes": 5, "list": 6, "map": 7}


def number(n):
    """A variable-width number: 1, 3, 5 or 9 bytes."""
    if n <= 250:
        return struct.pack("<B", n)
    if n < 1 << 16:
        return struct.pack("<BH", 251, n)
    if n < 1 << 32:
        return struct.pack("<BI", 252, n)
    return struct.pack("<BQ", 253, n)


def run(data):
    return number(len(data)) + data


def with_nul(text):
    return text.encode() + b"\0"


def value(node):
    ((kind, content),) = node.items()
    if kind == "nested":
        levels, inner = int(content[0]), content[1]
        for level in reversed(range(levels)):
            inner = {"list": [inner]} if level % 2 == 0 else {"map": [["k", inner]]}
        return value(inner)
    if kind == "repeated_text":
        return value({"text": content[1] * int(content[0])})
    if kind == "repeated_list":
        return value({"list": [content[1]] * int(content[0])})
    tag = bytes([KINDS[kind]])
    if kind == "null":
        return tag
    if kind == "boolean":
        return tag + (b"\1" if content else b"\0")
    if kind == "integer":
        n = int(content)
        return tag + number(2 * n if n >= 0 else -2 * n - 1)
    if kind == "float":
        return tag + struct.pack("<Q", int(content, 16))
    if kind == "text":
        return tag + run(with_nul(content))
    if kind == "bytes":
        return tag + run(bytes.fromhex(content))
    if kind == "list":
        return tag + number(len(content)) + b"".join(map(value, content))
    entries = sorted((key.encode(), item) for key, item in content)
    return tag + number(len(entries)) + b"".join(run(key + b"\0") + value(item) for key, item in entries)


def table(entries):
    entries = sorted((name.encode() + b"\0", item) for name, item in entries)
    ends, names, items = b"", b"", b""
    for name, item in entries:
        names, items = names + name, items + item
        ends += struct.pack("<II", len(names), len(items))
    return struct.pack("<I", len(entries)) + ends + names + items


def option(code, text):
    return b"\0" if text is None else b"\1" + struct.pack(code, int(text))


def record(golden):
    if golden["kind"] == "tombstone":
        return b"\xc1LSR\1\2\0\0" + struct.pack("<Qq", int(golden["writer"]), int(golden["destroyed_ms"]))
    head = golden["header"]
    fields = "incarnation sequence writer successor_of created_ms accessed_ms timeout_ms max_timeout_ms".split()
    fixed = struct.pack("<QQQQqqQQ", *(int(head[field]) for field in fields))
    options = option("<Q", head["own_timeout_ms"]) + option("<q", head["deadline_ms"])
    packages = ((name, table((key, value(item)) for key, item in keys)) for name, keys in golden["packages"])
    return b"\xc1LSR\1\1\0\0" + fixed + options + table(packages)


def main():
    check = sys.argv[1:] == ["--check"]
    wrong = []
    for source in sorted(pathlib.Path(__file__).parent.glob("*.json")):
        data = record(json.loads(source.read_text()))
        target = source.with_suffix(".bin")
        if not target.exists() and not check:
            target.write_bytes(data)
            print(f"{target.name}: {len(data)} bytes written")
        elif not target.exists() or target.read_bytes() != data:
            wrong.append(target.name)
    if wrong:
        sys.exit("differ from their description: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
