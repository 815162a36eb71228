"""What a file would do if it were loaded, as objects: `oiji.scan`."""
import bz2
import html
import lzma
import os
import zlib
from typing import NamedTuple

from oiji._safe import policy_of


class Finding(NamedTuple):
    """Something that keeps a file from being clean."""

    verdict: str
    rule: str
    place: str
    offset: int
    what: str
    why: str
    count: int


class Effect(NamedTuple):
    """Something that a pickle does when it is loaded."""

    place: str
    offset: int
    what: str


class Global(NamedTuple):
    """A global that is named, and how often."""

    module: str
    name: str
    count: int


class Report:
    """What a file would do if it were loaded.

    verdict   'clean', 'incomplete', 'unknown' or 'dangerous'
    findings  what keeps it from being clean, the worst first
    effects   what it does, in the order in which it would: the first ten thousand
    globals   the globals that it names
    pickles   how many pickles were read to their end
    bytes     how many bytes were looked at, what was decompressed counted too
    """

    def __init__(self, source, data):
        order = ("dangerous", "unknown", "incomplete", "clean")
        self.source = source
        self.verdict, findings, effects, globals_, self.pickles, self.bytes = data
        self.findings = sorted((Finding(*one) for one in findings), key=lambda one: order.index(one.verdict))
        self.effects = [Effect(*one) for one in effects]
        self.globals = [Global(*one) for one in globals_]

    def __bool__(self):
        """Whether it is clean."""
        return self.verdict == "clean"

    def __repr__(self):
        return f"<Report {self.verdict}: {len(self.findings)} findings in {self.source}>"

    def __str__(self):
        lines = [f"{self.source}: {self.verdict}"]
        for one in self.findings:
            place = f"{one.place}, " if one.place else ""
            times = f" ({one.count} times)" if one.count > 1 else ""
            lines += [f"  {place}offset {one.offset}: {one.what}{times}", f"      {one.verdict}: {one.why}"]
        return "\n".join(lines)

    def tree(self):
        """The effects by the member they stand in, as {place: [effects]}."""
        found = {}
        for one in self.effects:
            found.setdefault(one.place, []).append(one)
        return found

    def _repr_html_(self):
        def row(cells, tag="td"):
            return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

        rows = [row([one.verdict, one.place, one.offset, one.what, one.why, one.count]) for one in self.findings]
        head = row(["verdict", "member", "offset", "what", "why", "times"], "th")
        table = f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>" if rows else ""
        parts = []
        for place, effects in self.tree().items():
            items = "".join(f"<li>{one.offset}: {html.escape(one.what)}</li>" for one in effects[:200])
            more = f"<li>and {len(effects) - 200} more</li>" if len(effects) > 200 else ""
            name = html.escape(place or str(self.source))
            parts.append(f"<details><summary>{name}: {len(effects)} effects</summary><ul>{items}{more}</ul></details>")
        return f"<p><b>{html.escape(str(self.source))}: {self.verdict}</b></p>{table}{''.join(parts)}"


def scan(source, *, policy=None):
    """What a file would do if it were loaded, without loading it: a Report.

    source is a path, a file that is open for reading bytes, or bytes; policy as for safe_load. Pickles are found by content,
    in ZIPs, tars and compressed files too."""
    policy = policy_of(policy)
    if isinstance(source, (bytes, bytearray, memoryview)):
        name, data = "bytes", source
    elif hasattr(source, "read"):
        name, data = getattr(source, "name", "file"), source.read()
    else:
        name = os.fspath(source)
        with open(source, "rb") as file:
            data = file.read()
    return Report(name, policy._rules.scan(data, _decompressed))


def _decompressed(data, most):
    """What compressed bytes hold, up to a length, and whether that is all; None where they are not known as compressed."""
    is_zlib = data[:1] == b"x" and int.from_bytes(data[:2], "big") % 31 == 0
    if data[:3] == b"\x1f\x8b\x08" or is_zlib:
        def make():
            return zlib.decompressobj(47)
    elif data[:3] == b"BZh" and data[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        make = bz2.BZ2Decompressor
    elif data[:6] == b"\xfd7zXZ\0" or data[:2] == b"]\0" and len(data) > 12:
        make = lzma.LZMADecompressor
    else:
        return None
    parts, length, rest = [], 0, bytes(data)
    while rest:
        one = make()
        while not one.eof:
            part = one.decompress(rest, most + 1 - length)
            rest = getattr(one, "unconsumed_tail", b"")
            parts.append(part)
            length += len(part)
            if length > most:
                raise ValueError(f"it holds more than {most} bytes")
            if not (part or one.eof):
                raise EOFError("the compressed bytes break off")
        rest = one.unused_data
        if not rest.startswith(data[:2]):
            break
    return b"".join(parts)


for _public in (Finding, Effect, Global, Report, scan):
    _public.__module__ = "oiji"
del _public
