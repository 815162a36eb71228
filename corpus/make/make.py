"""Write a set of pickles like those in corpus/python with the Python that runs this: make.py OUT_FOLDER.

Works on Python 2.7 and 3. One file a case, protocol and writer (the C one, and pickle.py as `.py.pkl`), out-of-band
buffers in `.bufN` beside it, and an index.json that names each file with its group, size and SHA-256 and says what
Python shows of the value. The files are those of this Python: the bytes in corpus/python are older and are not made again.
"""
import hashlib
import io
import json
import os
import pickle
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, 'python'))
sys.dont_write_bytecode = True
import corpus_classes as classes  # noqa: E402

PY2 = sys.version_info[0] == 2
if PY2:
    import copy_reg as copyreg
    import cPickle
    WRITERS = [('', 'cPickle', cPickle.Pickler), ('.py', 'pickle.py', pickle.Pickler)]
else:
    import copyreg
    WRITERS = [('', '_pickle', pickle.Pickler), ('.py', 'pickle.py', pickle._Pickler)]


def core():
    """Name and value of the cases that are one plain dump."""
    yield 'none', None
    yield 'bools', [True, False]
    yield 'ints', [0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, -2**31, 2**31, 2**63, -2**63, 2**64, 10**100]
    yield 'int_2000_bits', 1 << 2000
    yield 'int_2040_bits', -(1 << 2040)  # past 255 bytes: LONG4
    yield 'floats', [0.0, -0.0, 1.5, 0.1, 1e300, 1e-300, 5e-324, float('inf'), float('-inf'), float('nan')]
    yield 'bytes', [b'', b'abc', bytes(bytearray(range(256)))]
    yield 'bytearray', bytearray(b'abc\x00\xff')
    yield 'text', [u'', u'abc', u'caf\xe9', u'\u20ac\n\\u', u'\U0001f952', u'\x85', u'x' * 300]
    yield 'lone_surrogate', u'a\ud800b'
    yield 'tuples', [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]
    yield 'lists', [[], [1], list(range(2500))]
    yield 'dicts', [{}, {u'a': 1}, dict((n, n) for n in range(1500))]
    yield 'sets', [set(), {1, 2}, frozenset(), frozenset([3])]
    for size in (255, 256, 65535, 65536):
        yield 'text_of_%d' % size, u'x' * size
        yield 'bytes_of_%d' % size, b'x' * size
    shared = [1]
    yield 'shared', [shared, shared]
    yield 'many_shared', [[n] for n in range(300)] * 2  # memo indexes past one byte
    cycle = []
    cycle.append(cycle)
    yield 'cycle_list', cycle
    inner = []
    through = (inner,)
    inner.append(through)
    yield 'cycle_tuple', through
    own = {}
    own[u'me'] = own
    yield 'cycle_dict', own
    first, second = classes.Node(u'first'), classes.Node(u'second')
    first.links.append(second)
    second.links.append(first)
    yield 'cycle_objects', first
    yield 'globals', [classes.plain_function, classes.Plain, classes.WithMeta, len, dict]
    point = classes.Point(1, 2)
    yield 'instances', [point, point, classes.Plain()]
    yield 'states', [classes.WithState(3, 4), classes.WithDictState(), classes.FalseState()]
    yield 'reduced', [classes.Reduce2(1, 2), classes.Reduce3(1, 2), classes.THE_ONE, classes.ReduceEx()]
    listed, mapped = classes.Reduce4(), classes.Reduce5()
    listed.items.extend([1, 2, 3])
    mapped[u'a'] = 1
    yield 'reduced_items', [listed, mapped]
    yield 'subclasses', [classes.ListSub([1]), classes.DictSub(a=1), classes.TupleSub((1,)), classes.IntSub(5),
                         classes.FloatSub(1.5), classes.StrSub('s'), classes.BytesSub(b'b'), classes.SetSub([1]),
                         classes.FrozenSetSub([1])]
    yield 'named_tuple', classes.Coord(1.5, -2)
    yield 'error', classes.CustomError('bad', 7)
    yield 'slots', [classes.Slots(), classes.SlotsAndDict(), classes.SlotsUnset()]
    yield 'new_args', classes.NewArgs(1, 2)
    if PY2:
        yield 'old_classes', [classes.OldStyle(), classes.OldInitArgs(1, 2), classes.OldState(), classes.OldEmpty()]
        yield 'py2_text', ['', 'abc', 'caf\xe9', "it's", 'x' * 300, int(1), long(1)]  # noqa: F821
    else:
        yield 'new_args_ex', classes.NewArgsEx(1, key=2)
        yield 'nested_class', [classes.Outer.Inner.Innermost, classes.Outer.static, classes.Outer.make]
        yield 'enums', [classes.Colour.RED, classes.Number.TWO, classes.Perm.R]
    if sys.version_info >= (3, 8):
        yield 'reduced_setter', classes.Reduce6()


def dump(writer, protocol, *values, **options):
    """The bytes of all values by one Pickler, so with one memo."""
    target = io.BytesIO()
    pickler = writer(target, protocol, **options)
    for value in values:
        pickler.dump(value)
    return target.getvalue()


def several(writer, protocol):
    """Several pickles in one file: each for itself, and with one memo."""
    values = [1, u'two', [3], None, {u'five': 5}]
    yield 'multi_dumps', 'multi', b''.join(dump(writer, protocol, value) for value in values), values
    shared = [u'shared']
    values = [shared, {u'again': shared}, (shared, shared)]
    yield 'multi_onepickler', 'multi', dump(writer, protocol, *values), values


def persistent(writer, protocol):
    """Objects that are stored elsewhere; protocol 0 takes text alone for their ids."""
    def persistent_id(value):
        return value.pid if isinstance(value, classes.Persistent) else None

    for name, pid in [('text', 'a-1'), ('tuple', ('table', 7))]:
        if protocol == 0 and name != 'text':
            continue
        target = io.BytesIO()
        if PY2:
            pickler = writer(target, protocol)
            pickler.persistent_id = persistent_id
        else:
            pickler = type('Pickler', (writer,), {'persistent_id': lambda self, v: persistent_id(v)})(target, protocol)
        value = [classes.Persistent(pid), 1, classes.Persistent(pid)]
        pickler.dump(value)
        yield 'persid_' + name, 'persid', target.getvalue(), [pid, 1, pid]


def extensions(writer, protocol):
    """Classes that are known by number, of one, two and four bytes."""
    if protocol < 2:
        return
    for extension in classes.EXTENSIONS:
        copyreg.add_extension(*extension)
    try:
        value = [classes.Ext1, classes.Ext2, classes.Ext4, classes.Ext1()]
        yield 'extensions', 'ext', dump(writer, protocol, value), value
    finally:
        for extension in classes.EXTENSIONS:
            copyreg.remove_extension(*extension)


def main(folder):
    if not os.path.isdir(folder):
        os.makedirs(folder)
    index = {'python': sys.version.split()[0], 'files': []}

    def keep(name, data, **about):
        with open(os.path.join(folder, name), 'wb') as target:
            target.write(data)
        return dict(about, file=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())

    for suffix, writer_name, writer in WRITERS:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            cases = [(name, 'core', value) for name, value in core()]
            made = []
            for name, group, value in cases:
                if name == 'slots' and protocol < 2:
                    continue  # classes with __slots__ have no state before protocol 2
                made.append((name, group, dump(writer, protocol, value), value))
            for more in (several, persistent, extensions):
                made.extend(more(writer, protocol))
            for name, group, data, value in made:
                file = '%s.p%d%s.pkl' % (name, protocol, suffix)
                index['files'].append(keep(file, data, case=name, group=group, protocol=protocol,
                                           writer=writer_name, shown=repr(value)[:400]))
            if protocol >= 5:
                buffers = []
                value = [pickle.PickleBuffer(b'read-only'), pickle.PickleBuffer(bytearray(b'writable')), b'in band']
                data = dump(writer, protocol, value, buffer_callback=buffers.append)
                file = 'oob_mixed.p%d%s' % (protocol, suffix)
                beside = [keep('%s.buf%d' % (file, n), buffer.raw().tobytes(), readonly=buffer.raw().readonly)
                          for n, buffer in enumerate(buffers)]
                index['files'].append(keep(file + '.pkl', data, case='oob_mixed', group='oob', protocol=protocol,
                                           writer=writer_name, shown='buffers 0 and 1, and bytes', buffers=beside))
    with open(os.path.join(folder, 'index.json'), 'w') as target:
        json.dump(index, target, indent=1, sort_keys=True)


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
