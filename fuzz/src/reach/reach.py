"""What real unpicklers reach in each line of hex: names, uses, states and items, one line of JSON for each.

Nothing that a pickle names is looked up: `find_class` gives stand-ins, which take note of what is done with them and do nothing.
"""
import io
import json
import sys

try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
except (ImportError, ValueError, OSError):
    pass
sys.setrecursionlimit(300)

seen = set()


class Both(object):
    """A method that is the same for a class and for its instances, and tells which stand-in it is of."""

    def __init__(self, verb, result=None):
        self.verb, self.result = verb, result

    def __get__(self, instance, owner):
        def method(*args, **kwargs):
            seen.add((self.verb, owner.told))
        return method


class Kind(type):
    def __call__(cls, *args, **kwargs):
        seen.add(('use', cls.told))
        return object.__new__(cls)


def make(cls, *args, **kwargs):
    if not isinstance(cls, type):
        return call(cls)
    seen.add(('use', cls.told))
    return object.__new__(cls)


def call(self, *args, **kwargs):
    seen.add(('use', self.told))
    return object.__new__(value)


members = {'__new__': staticmethod(make), '__call__': call, '__setstate__': Both('state'), 'told': '?'}
for verb, names in (('items', 'append extend add update __setitem__'.split()),):
    members.update((name, Both(verb)) for name in names)
Base = Kind('Base', (object,), members)
Base.__setitem__ = lambda self, key, item: seen.add(('items', self.told))
# The class itself is given items too.
Kind.__setitem__ = lambda cls, key, item: seen.add(('items', cls.told))


def stand_in(told):
    return Kind('S', (Base,), {'told': told})


value, outside = stand_in('a value'), stand_in('outside')
known = {}


def find_class(self, module, name):
    seen.add(('name', module + '\n' + name))
    told = module + '.' + name
    if told not in known:
        known[told] = stand_in(told)
    return known[told]


def persistent_load(self, pid):
    return object.__new__(outside)


if sys.version_info[0] == 2:
    import cPickle
    import pickle

    def c_reader(file):
        unpickler = cPickle.Unpickler(file)
        unpickler.find_global = lambda module, name: find_class(None, module, name)
        unpickler.persistent_load = lambda pid: persistent_load(None, pid)
        return unpickler

    class Slow(pickle.Unpickler):
        find_class = find_class
        persistent_load = persistent_load

        def __init__(self, file):
            pickle.Unpickler.__init__(self, file)
            self.persistent_load = lambda pid: persistent_load(None, pid)

    readers = [(c_reader, io.BytesIO), (Slow, io.BytesIO)]

    def unhex(text):
        return text.strip().decode('hex')
else:
    import _pickle
    import pickle

    class Fast(_pickle.Unpickler):
        find_class = find_class
        persistent_load = persistent_load

    class Slow(pickle._Unpickler):
        find_class = find_class
        persistent_load = persistent_load

    readers = [(Fast, io.BytesIO), (Fast, lambda data: io.BufferedReader(io.BytesIO(data), 16)), (Slow, io.BytesIO)]
    unhex = bytes.fromhex

for line in sys.stdin:
    data = unhex(line.strip())
    seen = set()
    for reader, source in readers:
        file = source(data)
        try:
            for _ in range(4):
                reader(file).load()
        except BaseException:
            pass
    if sys.version_info[0] == 2:
        seen = set((verb, told.decode('latin-1')) for verb, told in seen)
    sys.stdout.write(json.dumps(sorted(seen)) + '\n')
sys.stdout.flush()
