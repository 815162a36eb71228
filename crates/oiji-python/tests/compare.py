"""Whether two loaded graphs are the same: types, values, order, and which objects are one object.

Two graphs, made by two readers of one stream in one process, are walked side by side.
"""
import array
import collections
import io
import types

ATOMS = (type(None), bool, type(...), type(NotImplemented), type, types.FunctionType, types.BuiltinFunctionType,
         types.MethodType, types.ModuleType)
# Compared by value; where the one graph shares them, the other must too.
VALUES = (int, float, complex, str, bytes, range, slice)


def difference(theirs, ours):
    """Where `ours` differs from `theirs`, in words; None if nowhere."""
    counterpart = {}
    back = {}
    keep = []
    todo = [(theirs, ours, 'root')]
    while todo:
        a, b, path = todo.pop()
        kind = type(a)
        if kind is not type(b):
            return '%s: a %s, not a %s' % (path, type(b).__name__, kind.__name__)
        if isinstance(a, ATOMS) and not (isinstance(a, types.MethodType) or isinstance(a, types.BuiltinFunctionType)):
            if a is not b and a != b:
                return '%s: %r, not %r' % (path, b, a)
            continue
        if kind in VALUES:
            # Floats by text: NaN is like NaN, and 0.0 not like -0.0. Long ints have none.
            if a != b if kind is int else repr(a) != repr(b):
                return '%s: another %s' % (path, kind.__name__) if kind is int else (
                    '%s: %.100r, not %.100r' % (path, b, a))
            if kind in (str, bytes) and counterpart.setdefault(id(a), b) is not b:
                return '%s: %.100r is not shared' % (path, a)
            keep.append((a, b))
            continue
        if kind is tuple and not a:
            if b:
                return '%s: %r, not empty' % (path, b)
            continue
        if id(a) in counterpart or id(b) in back:
            if counterpart.get(id(a)) is not b or back.get(id(b)) is not a:
                return '%s: shared in one graph only' % path
            continue
        counterpart[id(a)] = b
        back[id(b)] = a
        keep.append((a, b))
        parts = contents(a), contents(b)
        if [name for name, _ in parts[0]] != [name for name, _ in parts[1]]:
            return '%s: parts %.200r, not %.200r' % (
                path, [name for name, _ in parts[1]], [name for name, _ in parts[0]])
        for (name, inner), (_, other) in zip(*parts):
            todo.append((inner, other, path[-200:] + name))
    return None


def contents(value):
    """The parts of an object as (name, part)."""
    kind = type(value)
    parts = []
    if isinstance(value, dict):
        for number, (key, item) in enumerate(dict.items(value)):
            parts.append(('<key %d>' % number, key))
            parts.append(('[%.30r]' % (key,) if isinstance(key, (str, int, bytes)) else '<value %d>' % number, item))
        if isinstance(value, collections.OrderedDict):
            parts.append(('<order>', tuple(map(label, collections.OrderedDict.keys(value)))))
    elif isinstance(value, (list, tuple)):
        base = list if isinstance(value, list) else tuple
        parts.extend(('[%d]' % number, item) for number, item in enumerate(base.__iter__(value)))
    elif isinstance(value, collections.deque):
        parts.extend(('[%d]' % number, item) for number, item in enumerate(value))
        parts.append(('.maxlen', value.maxlen))
    elif isinstance(value, (set, frozenset)):
        base = set if isinstance(value, set) else frozenset
        parts.extend(('<%s>' % label(item), item) for item in sorted(base.__iter__(value), key=label))
    elif isinstance(value, bytearray):
        parts.append(('<bytes>', bytes(value)))
    elif isinstance(value, array.array):
        parts.append(('<%s>' % value.typecode, value.tolist()))
    elif isinstance(value, (memoryview,)) or kind.__name__ == 'PickleBuffer':
        parts.append(('<bytes>', bytes(value)))
    elif isinstance(value, (io.BytesIO, io.StringIO)):
        parts.append(('<text>', value.getvalue()))
        parts.append(('<position>', value.tell()))
    elif isinstance(value, BaseException):
        parts.append(('.args', value.args))
    elif isinstance(value, (types.MethodType, types.BuiltinFunctionType)):
        parts.append(('.__self__', getattr(value, '__self__', None)))
        parts.append(('.__name__', value.__name__))
    elif hasattr(value, 'dtype') and hasattr(value, 'tobytes'):
        parts.append(('<%s>' % value.dtype, value.tolist() if value.dtype.hasobject else value.tobytes()))
        parts.append(('.shape', getattr(value, 'shape', None)))
    elif isinstance(value, VALUES):
        base = [base for base in VALUES if isinstance(value, base)][0]
        parts.append(('<value>', int(value) if base is int else base.__repr__(value)))
    attributes = getattr(value, '__dict__', None)
    if isinstance(attributes, dict):
        for name, item in attributes.items():
            text = name if isinstance(name, str) else label(name)
            # The keys too: state is interned.
            parts += [('<name %s>' % text, name), ('.' + text, item)]
    for base in kind.__mro__:
        slots = base.__dict__.get('__slots__', ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ('__dict__', '__weakref__') and hasattr(value, slot):
                parts.append(('.' + slot, getattr(value, slot)))
    if not parts and not isinstance(value, (list, tuple, dict, set, frozenset)):
        text = repr(value)
        parts.append(('<repr>', text if ' at 0x' not in text else 'no text'))
    return parts


def label(value):
    """A text to order members of a set by that two graphs agree on."""
    if isinstance(value, (tuple, frozenset)):
        inner = [label(item) for item in value]
        return '%s(%s)' % (type(value).__name__, ', '.join(sorted(inner) if isinstance(value, frozenset) else inner))
    name = getattr(value, 'name', None)
    text = name if isinstance(name, str) else repr(value)
    return type(value).__name__ + ' ' + (text if ' at 0x' not in text else '')
