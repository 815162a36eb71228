"""Broken picklers: each must make some test fail that its unbroken base passes, or the tests are no judge.

`make(name)` gives a module. `plain_c` and `plain_python` are the bases: subclasses of the classes of `_pickle` and of
the pure Python ones, with no fault. `prove.py` runs them all.
"""
import codecs
import io
import pickle
import struct
import sys
import types
import _pickle

FAULTS = {}


class Function:
    """A function that is not bound as a method, like those of `_pickle`."""

    def __init__(self, function):
        self.function = function
        self.__doc__, self.__name__ = function.__doc__, function.__name__

    def __call__(self, *args, **options):
        return self.function(*args, **options)


def make(name):
    """The mutant of that name, as a module."""
    base, changes = FAULTS[name]
    pickler, unpickler = (_pickle.Pickler, _pickle.Unpickler) if base == 'plain_c' else (
        pickle._Pickler, pickle._Unpickler)
    made = changes(pickler, unpickler)
    pickler, unpickler = made.get('Pickler', pickler), made.get('Unpickler', unpickler)
    if 'Pickler' not in made:
        pickler = type('Pickler', (pickler,), {})
    if 'Unpickler' not in made:
        unpickler = type('Unpickler', (unpickler,), {})

    def dump(obj, file, protocol=None, *, fix_imports=True, buffer_callback=None):
        pickler(file, protocol, fix_imports=fix_imports, buffer_callback=buffer_callback).dump(obj)

    def dumps(obj, protocol=None, *, fix_imports=True, buffer_callback=None):
        file = io.BytesIO()
        pickler(file, protocol, fix_imports=fix_imports, buffer_callback=buffer_callback).dump(obj)
        return file.getvalue()

    def load(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=None):
        return unpickler(file, fix_imports=fix_imports, buffers=buffers, encoding=encoding, errors=errors).load()

    def loads(data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=None):
        if isinstance(data, str):
            raise TypeError("Can't load pickle from unicode string")
        file = io.BytesIO(data)
        return unpickler(file, fix_imports=fix_imports, buffers=buffers, encoding=encoding, errors=errors).load()

    module = types.ModuleType('mutants.' + name)
    vars(module).update({key: value for key, value in vars(pickle).items() if not key.startswith('__')})
    module.__all__ = list(pickle.__all__)
    for function in (dump, dumps, load, loads):
        setattr(module, function.__name__, Function(function))
    module.Pickler, module.Unpickler = pickler, unpickler
    return module


def fault(base):
    """Registers a function that gives the changed classes; `base` is whose classes it is given."""
    def register(function):
        FAULTS[function.__name__] = (base, function)
        return function
    return register


@fault('plain_c')
def plain_c(P, U):
    return {}


@fault('plain_python')
def plain_python(P, U):
    return {}


def hiding(P, *hidden):
    """A Pickler that never finds these attributes on itself."""
    class Pickler(P):
        def __getattribute__(self, name):
            if name in hidden:
                raise AttributeError(name)
            return P.__getattribute__(self, name)
    return {'Pickler': Pickler}


@fault('plain_python')
def no_memo(P, U):
    class Pickler(P):
        def memoize(self, obj):
            pass
    return {'Pickler': Pickler}


@fault('plain_python')
def memo_off_by_one(P, U):
    class Pickler(P):
        def get(self, i):
            return P.get(self, max(i - 1, 0))
    return {'Pickler': Pickler}


@fault('plain_python')
def memo_by_equality(P, U):
    class Pickler(P):
        def save(self, obj, save_persistent_id=True):
            if type(obj) in (str, bytes, tuple):
                try:
                    obj = self.__dict__.setdefault('same', {}).setdefault((type(obj), obj), obj)
                except TypeError:
                    pass
            return P.save(self, obj, save_persistent_id)
    return {'Pickler': Pickler}


@fault('plain_python')
def memo_lost_between_dumps(P, U):
    class Pickler(P):
        def dump(self, obj):
            self.clear_memo()
            P.dump(self, obj)
    return {'Pickler': Pickler}


@fault('plain_python')
def text_not_memoized(P, U):
    class Pickler(P):
        def memoize(self, obj):
            if type(obj) is not str:
                P.memoize(self, obj)
    return {'Pickler': Pickler}


@fault('plain_python')
def ignored_persistent_id(P, U):
    class Pickler(P):
        def save(self, obj, save_persistent_id=True):
            return P.save(self, obj, False)
    return {'Pickler': Pickler}


@fault('plain_python')
def persistent_id_of_instances_only(P, U):
    class Pickler(P):
        def save(self, obj, save_persistent_id=True):
            return P.save(self, obj, save_persistent_id and type(obj) not in (int, str, tuple, type(None)))
    return {'Pickler': Pickler}


@fault('plain_python')
def ignored_persistent_load(P, U):
    class Unpickler(U):
        dispatch = dict(U.dispatch)

        def load_binpersid(self):
            pass
        dispatch[pickle.BINPERSID[0]] = load_binpersid
    return {'Unpickler': Unpickler}


@fault('plain_python')
def wrong_protocol_0_text(P, U):
    class Pickler(P):
        dispatch = dict(P.dispatch)

        def save_str(self, obj):
            if self.bin:
                return P.save_str(self, obj)
            # Backslashes are not escaped.
            text = obj.replace('\n', '\\u000a').replace('\0', '\\u0000').replace('\r', '\\u000d').replace(
                '\x1a', '\\u001a')
            self.write(pickle.UNICODE + text.encode('raw-unicode-escape') + b'\n')
            self.memoize(obj)
        dispatch[str] = save_str
    return {'Pickler': Pickler}


@fault('plain_python')
def reads_ahead(P, U):
    class Unpickler(U):
        def __init__(self, file, **options):
            U.__init__(self, io.BytesIO(file.read() if not isinstance(file, io.BytesIO) else file.read(-1)), **options)
    return {'Unpickler': Unpickler}


@fault('plain_python')
def wrong_batch_size(P, U):
    class Pickler(P):
        _BATCHSIZE = 999
    return {'Pickler': Pickler}


@fault('plain_python')
def wrong_frame_size(P, U):
    class Pickler(P):
        def __init__(self, *args, **options):
            P.__init__(self, *args, **options)
            self.framer._FRAME_SIZE_TARGET = 64 * 1024 - 1
    return {'Pickler': Pickler}


@fault('plain_c')
def many_writes(P, U):
    class Pickler(P):
        def __init__(self, file, *args, **options):
            class Halves:
                def write(self, data):
                    data = bytes(data)
                    for piece in (data[:len(data) // 2], data[len(data) // 2:]):
                        file.write(piece)
            file.write
            P.__init__(self, Halves(), *args, **options)
    return {'Pickler': Pickler}


@fault('plain_c')
def ignored_errors(P, U):
    class Unpickler(U):
        def __init__(self, file, *, errors='strict', **options):
            U.__init__(self, file, **options)
    return {'Unpickler': Unpickler}


@fault('plain_c')
def ignored_encoding(P, U):
    class Unpickler(U):
        def __init__(self, file, *, encoding='ASCII', **options):
            U.__init__(self, file, encoding='latin1', **options)
    return {'Unpickler': Unpickler}


@fault('plain_c')
def ignored_fast(P, U):
    class Pickler(P):
        fast = 0
    return {'Pickler': Pickler}


@fault('plain_c')
def protocol_6_accepted(P, U):
    class Pickler(P):
        def __init__(self, file, protocol=None, *args, **options):
            P.__init__(self, file, protocol if protocol is None or type(protocol) is not int else min(protocol, 5),
                       *args, **options)
    return {'Pickler': Pickler}


@fault('plain_python')
def protocol_6_loaded(P, U):
    class Unpickler(U):
        dispatch = dict(U.dispatch)

        def load_proto(self):
            self.proto = self.read(1)[0]
        dispatch[pickle.PROTO[0]] = load_proto
    return {'Unpickler': Unpickler}


@fault('plain_python')
def ignored_reducer_override(P, U):
    return hiding(P, 'reducer_override')


@fault('plain_python')
def ignored_dispatch_table(P, U):
    return hiding(P, 'dispatch_table')


@fault('plain_python')
def frozen_dispatch_table(P, U):
    class Pickler(P):
        def __setattr__(self, name, value):
            object.__setattr__(self, name, dict(value) if name == 'dispatch_table' and hasattr(value, 'keys')
                               else value)
    return {'Pickler': Pickler}


@fault('plain_python')
def names_not_interned(P, U):
    class Unpickler(U):
        dispatch = dict(U.dispatch)

        def load_build(self):
            state = self.stack[-1]
            if type(state) is dict and not hasattr(self.stack[-2], '__setstate__'):
                vars(self.stack[-2]).update(self.stack.pop())
            else:
                U.load_build(self)
        dispatch[pickle.BUILD[0]] = load_build
    return {'Unpickler': Unpickler}


@fault('plain_python')
def truncation_accepted(P, U):
    class Unpickler(U):
        def load(self):
            try:
                return U.load(self)
            except EOFError:
                if getattr(self, 'stack', None):
                    return self.stack[-1]
                raise
    return {'Unpickler': Unpickler}


@fault('plain_c')
def ignored_buffer_callback(P, U):
    class Pickler(P):
        def __init__(self, file, protocol=None, fix_imports=True, buffer_callback=None):
            P.__init__(self, file, protocol, fix_imports)
    return {'Pickler': Pickler}


@fault('plain_python')
def buffers_always_writable(P, U):
    class Pickler(P):
        dispatch = dict(P.dispatch)

        def save_picklebuffer(self, obj):
            if self._buffer_callback is None or bool(self._buffer_callback(obj)):
                return P.save_bytearray(self, bytearray(obj.raw()))
            self.write(pickle.NEXT_BUFFER)
        if hasattr(P, 'save_picklebuffer'):
            dispatch[pickle.PickleBuffer] = save_picklebuffer
    return {'Pickler': Pickler}


@fault('plain_python')
def ignored_getinitargs(P, U):
    class Unpickler(U):
        def _instantiate(self, class_, args):
            if not args and isinstance(class_, type):
                self.append(class_.__new__(class_))
            else:
                U._instantiate(self, class_, args)
    return {'Unpickler': Unpickler}


@fault('plain_python')
def large_bytearrays_as_bytes(P, U):
    class Pickler(P):
        dispatch = dict(P.dispatch)

        def save_bytearray(self, obj):
            if self.proto < 5 or len(obj) < 64 * 1024:
                return P.save_bytearray(self, obj)
            self._write_large_bytes(pickle.BINBYTES8 + struct.pack('<Q', len(obj)), bytes(obj))
            self.memoize(obj)
        dispatch[bytearray] = save_bytearray
    return {'Pickler': Pickler}


@fault('plain_python')
def large_bytearrays_within_a_frame(P, U):
    class Pickler(P):
        dispatch = dict(P.dispatch)

        def save_bytearray(self, obj):
            if self.proto < 5:
                return P.save_bytearray(self, obj)
            self.write(pickle.BYTEARRAY8 + struct.pack('<Q', len(obj)) + obj)
            self.memoize(obj)
        dispatch[bytearray] = save_bytearray
    return {'Pickler': Pickler}


@fault('plain_c')
def ignored_find_class(P, U):
    class Unpickler(U):
        def __getattribute__(self, name):
            if name == 'find_class':
                return lambda owner, name: U.find_class(self, owner, name)
            return U.__getattribute__(self, name)

        def load(self):
            class_ = type(self)
            hook = class_.__dict__.get('find_class')
            if hook is None:
                return U.load(self)
            del class_.find_class
            try:
                return U.load(self)
            finally:
                class_.find_class = hook
    return {'Unpickler': Unpickler}


@fault('plain_c')
def ignored_fix_imports(P, U):
    class Pickler(P):
        def __init__(self, file, protocol=None, fix_imports=True, buffer_callback=None):
            P.__init__(self, file, protocol, False, buffer_callback)
    return {'Pickler': Pickler}


@fault('plain_python')
def ignored_extensions(P, U):
    class Pickler(P):
        def save_global(self, obj, name=None):
            kept = dict(pickle._extension_registry)
            pickle._extension_registry.clear()
            try:
                P.save_global(self, obj, name)
            finally:
                pickle._extension_registry.update(kept)
        dispatch = dict(P.dispatch)

        def save_type(self, obj):
            if obj in (type(None), type(NotImplemented), type(...)):
                return P.save_type(self, obj)
            return self.save_global(obj)
        dispatch[type] = save_type
        dispatch[types.FunctionType] = save_global
    return {'Pickler': Pickler}


@fault('plain_python')
def ignored_state_setter(P, U):
    class Pickler(P):
        def save_reduce(self, func, args, state=None, listitems=None, dictitems=None, state_setter=None, *, obj=None):
            P.save_reduce(self, func, args, state, listitems, dictitems, None, obj=obj)
    return {'Pickler': Pickler}


@fault('plain_python')
def recursive_tuples_twice(P, U):
    class Pickler(P):
        dispatch = dict(P.dispatch)

        def save_tuple(self, obj):
            if not obj:
                return P.save_tuple(self, obj)
            # Without the look whether an item has put the tuple in the memo.
            self.write(pickle.MARK)
            for item in obj:
                self.save(item)
            self.write(pickle.TUPLE)
            self.memo.pop(id(obj), None)
            if self.proto >= 4 or self.proto < 4:
                self.memoize(obj)
        dispatch[tuple] = save_tuple
    return {'Pickler': Pickler}


@fault('plain_python')
def floats_shortened(P, U):
    class Pickler(P):
        dispatch = dict(P.dispatch)

        def save_float(self, obj):
            if self.bin:
                self.write(pickle.BINFLOAT + struct.pack('>d', obj))
            else:
                self.write(b'F%.15g\n' % obj)
        dispatch[float] = save_float
    return {'Pickler': Pickler}


@fault('plain_python')
def surrogates_refused(P, U):
    class Pickler(P):
        dispatch = dict(P.dispatch)

        def save_str(self, obj):
            codecs.encode(obj, 'utf-8')
            return P.save_str(self, obj)
        dispatch[str] = save_str
    return {'Pickler': Pickler}


@fault('plain_python')
def sets_in_order(P, U):
    class Pickler(P):
        dispatch = dict(P.dispatch)

        def save_set(self, obj):
            if self.proto < 4:
                return self.save_reduce(set, (sorted(obj, key=repr),), obj=obj)
            self.write(pickle.EMPTY_SET)
            self.memoize(obj)
            if obj:
                self.write(pickle.MARK)
                for item in sorted(obj, key=repr):
                    self.save(item)
                self.write(pickle.ADDITEMS)
        dispatch[set] = save_set
    return {'Pickler': Pickler}


@fault('plain_python')
def setitem_of_subclasses_ignored(P, U):
    class Unpickler(U):
        dispatch = dict(U.dispatch)

        def load_setitems(self):
            items = self.pop_mark()
            target = self.stack[-1]
            for place in range(0, len(items), 2):
                (dict.__setitem__ if isinstance(target, dict) else type(target).__setitem__)(
                    target, items[place], items[place + 1])
        dispatch[pickle.SETITEMS[0]] = load_setitems
    return {'Unpickler': Unpickler}


@fault('plain_c')
def other_exceptions(P, U):
    class Pickler(P):
        def dump(self, obj):
            try:
                P.dump(self, obj)
            except pickle.PicklingError as error:
                raise ValueError(str(error)) from None
    return {'Pickler': Pickler}


@fault('plain_c')
def crashes(P, U):
    class Pickler(P):
        def dump(self, obj):
            if type(obj) is complex:
                import os
                import signal
                os.kill(os.getpid(), signal.SIGSEGV)
            P.dump(self, obj)
    return {'Pickler': Pickler}


@fault('plain_c')
def hangs(P, U):
    class Pickler(P):
        def dump(self, obj):
            while type(obj) is complex:
                pass
            P.dump(self, obj)
    return {'Pickler': Pickler}
