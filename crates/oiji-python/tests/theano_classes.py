"""Classes that stand where Theano's would, as plain attributes, so that its files are read and written without it.

Within `installed()` each of Theano's classes that a pickle names can be imported.
"""
import contextlib
import sys
import types


@contextlib.contextmanager
def installed():
    """Gives the function that makes a class, or finds it: a `find_class` for `archive.load`."""
    before = {name: module for name, module in sys.modules.items() if is_theanos(name)}
    for name in before:
        del sys.modules[name]

    def find_class(module, name):
        if not is_theanos(module):
            return NotImplemented
        # An import asks for all the packages on the way.
        for end in range(len(module)):
            if module[end] == '.':
                sys.modules.setdefault(module[:end], types.ModuleType(module[:end]))
        place = sys.modules.setdefault(module, types.ModuleType(module))
        if not hasattr(place, name):
            setattr(place, name, type(name, (), {'__module__': module}))
        return getattr(place, name)

    try:
        yield find_class
    finally:
        for name in [name for name in sys.modules if is_theanos(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def is_theanos(module):
    return module == 'theano' or module.startswith('theano.')


def shared(find_class, name, value):
    """A shared variable, with the trace that Theano keeps of the line that made it."""
    def made(module, kind, **attributes):
        instance = find_class(module, kind)()
        vars(instance).update(attributes)
        return instance

    trace = [[('/home/someone/secret.py', 5, '<module>', 'x = theano.shared(secret)')]]
    return made('theano.tensor.sharedvar', 'TensorSharedVariable', name=name, auto_name='auto_0', owner=None, index=None,
                tag=made('theano.gof.utils', 'scratchpad', trace=trace),
                container=made('theano.gof.link', 'Container', name=name, storage=[value], readonly=False, strict=False))
