"""Load pairs of pickles and say where they differ. Works on Python 2.7 and 3.

argv: the folder of corpus_classes. Standard input: JSON, a list of {name, original, written: [[protocol, file], ...],
buffers: [file, ...], group}. Standard output: JSON, {skipped: {reason: count}, compared: count, wrong: [text, ...]}.
"""
import json
import os
import pickle
import sys

PY2 = sys.version_info[0] == 2
sys.path.insert(0, sys.argv[1])
sys.setrecursionlimit(20000)

import corpus_classes  # noqa: E402

if PY2:
    import copy_reg as copyreg
else:
    import copyreg
for module, name, code in corpus_classes.EXTENSIONS:
    copyreg.add_extension(module, name, code)

ATOMS = (type(None), bool, int, float, complex, type(b''), type(u''), type, type(len), type(os.path.join))
if PY2:
    ATOMS += (long,)  # noqa: F821


class Unpickler(pickle.Unpickler):
    def persistent_load(self, pid):
        return corpus_classes.Persistent(pid)


def load(data, count, buffers):
    """All pickles of a file, by one Unpickler."""
    import io
    stream = io.BytesIO(data)
    if PY2:
        unpickler = pickle.Unpickler(stream)
        unpickler.persistent_load = corpus_classes.Persistent
    elif buffers is not None:
        unpickler = Unpickler(stream, encoding='latin1', buffers=buffers)
    else:
        unpickler = Unpickler(stream, encoding='latin1')
    values = []
    while stream.tell() < len(data):
        values.append(unpickler.load())
    return values


def canonical(root):
    """A value as nested tuples, with numbers for what was met before."""
    seen = {}
    keep = []

    def walk(value):
        kind = type(value)
        if isinstance(value, float):
            return (kind.__name__, repr(value))
        if kind is bytearray or kind.__name__ in ('PickleBuffer', 'memoryview'):
            return ('bytes-like', bytes(value))
        if isinstance(value, ATOMS):
            # Python 2 has two types of int, one of which a pickle of protocol 0 may turn into the other.
            name = 'int' if kind.__name__ in ('int', 'long') else kind.__name__
            if name == 'int':
                return (name, str(value))
            return (name, value if name in ('int', 'bool', 'bytes', 'str', 'unicode', 'NoneType') else repr(value))
        if kind is tuple and not value:
            return ('tuple',)
        if id(value) in seen:
            return ('again', seen[id(value)])
        seen[id(value)] = len(seen)
        keep.append(value)
        if kind in (list, tuple):
            return (kind.__name__,) + tuple(walk(item) for item in value)
        if kind is dict:
            return ('dict',) + tuple((walk(key), walk(item)) for key, item in value.items()) if not PY2 else (
                'dict',) + tuple(sorted(((repr(walk(key)), walk(item)) for key, item in value.items()), key=repr))
        if kind in (set, frozenset):
            return (kind.__name__,) + tuple(sorted((walk(item) for item in sorted(value, key=repr)), key=repr))
        name = kind.__module__ + '.' + kind.__name__
        if name.startswith('numpy') and hasattr(value, 'tobytes'):
            if getattr(value, 'dtype', None) is not None and value.dtype.hasobject:
                return (name, str(value.dtype), walk(value.tolist()))
            return (name, str(value.dtype), value.shape, bytes(value.tobytes()))
        if name.startswith(('pandas', 'numpy')):
            return (name, repr(value))
        parts = [name]
        for attribute in ('__dict__',):
            if hasattr(value, attribute):
                parts.append(walk(dict(getattr(value, attribute))))
        for slot in sorted(slot for cls in kind.__mro__ if hasattr(kind, '__mro__')
                           for slot in getattr(cls, '__slots__', ()) if isinstance(slot, str)):
            if hasattr(value, slot) and slot not in ('__dict__', '__weakref__'):
                parts.append((slot, walk(getattr(value, slot))))
        if isinstance(value, (list, tuple)) or name in ('collections.deque', '_collections.deque'):
            parts.append(tuple(walk(item) for item in value))
        elif isinstance(value, dict):
            parts.append(tuple((walk(key), walk(item)) for key, item in (value.items() if not PY2 else sorted(value.items()))))
        elif isinstance(value, (set, frozenset)):
            parts.append(tuple(sorted((walk(item) for item in value), key=repr)))
        elif isinstance(value, BaseException):
            parts.append(walk(value.args))
        elif len(parts) == 1:
            text = repr(value)
            parts.append(text if ' at 0x' not in text else 'no text')
        return tuple(parts)

    return walk(root)


def main():
    skipped = {}
    wrong = []
    compared = 0

    def skip(reason, count):
        skipped[reason] = skipped.get(reason, 0) + count

    for case in json.loads(sys.stdin.read()):
        written = [pair for pair in case['written'] if pair[0] <= pickle.HIGHEST_PROTOCOL]
        skip('protocols it does not know', len(case['written']) - len(written))
        buffers = None
        if case['buffers']:
            buffers = [open(file, 'rb').read() for file in case['buffers']]
        try:
            with open(case['original'], 'rb') as file:
                original = canonical(load(file.read(), None, buffers))
        except Exception as error:
            skip('originals it cannot load (%s)' % type(error).__name__, len(written))
            continue
        for protocol, path in written:
            try:
                with open(path, 'rb') as file:
                    value = canonical(load(file.read(), None, buffers))
            except Exception as error:
                wrong.append('%s in protocol %d: %s: %s' % (case['name'], protocol, type(error).__name__, error))
                continue
            compared += 1
            if value != original:
                wrong.append('%s in protocol %d: %.300r is not %.300r' % (case['name'], protocol, value, original))
    sys.stdout.write(json.dumps({'skipped': skipped, 'wrong': wrong, 'compared': compared}))


main()
