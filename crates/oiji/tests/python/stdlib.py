"""Make values of the standard library, pickle them, and load what another wrote in their place. Works on Python 2.7 and 3.

Standard input: JSON, a list of {name, source, written: [[protocol, hex], ...]}. Standard output: JSON, {lacks: {name:
reason}, pickles: [[name, protocol, hex], ...], loaded: count, wrong: [text, ...]}.
"""
import binascii
import json
import pickle
import sys

PY2 = sys.version_info[0] == 2


def names():
    """What sources are evaluated in: the modules that this Python has."""
    found = {}
    for module in ('array', 'collections', 'datetime', 'decimal', 'fractions', 'functools', 'ipaddress', 'os', 'pathlib',
                   'uuid', 'zoneinfo'):
        try:
            found[module] = __import__(module)
        except ImportError:
            pass
    found['a_range'] = xrange if PY2 else range  # noqa: F821
    found['of_python_2'] = lambda value: only(PY2, value)
    found['of_python_3'] = lambda value: only(not PY2, value)
    return found


def only(here, value):
    """A value that means something else in the other Python."""
    if not here:
        raise TypeError('not here')
    return value


def same(left, right):
    """The same type, and the same in every way that shows."""
    if type(left) is not type(right) or repr(left) != repr(right):
        return False
    by_identity = type(left).__name__ == 'xrange' or left != left
    return by_identity or left == right


def main():
    lacks = {}
    pickles = []
    wrong = []
    loaded = 0
    space = names()
    for case in json.loads(sys.stdin.read()):
        name = case['name']
        try:
            value = eval(case['source'], dict(space))
        except Exception as error:
            lacks[name] = type(error).__name__
            continue
        own = {}
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            try:
                data = pickle.dumps(value, protocol)
            except Exception:
                continue
            own[protocol] = pickle.loads(data)
            pickles.append([name, protocol, binascii.hexlify(data).decode('ascii')])
        for protocol, data in case['written']:
            if protocol > pickle.HIGHEST_PROTOCOL:
                continue
            try:
                found = pickle.loads(binascii.unhexlify(data))
            except Exception as error:
                wrong.append('%s in protocol %d: %s: %s' % (name, protocol, type(error).__name__, error))
                continue
            loaded += 1
            # What this Python itself makes of the value in that protocol; some lose a little.
            wanted = own.get(protocol, value)
            if not same(found, wanted):
                wrong.append('%s in protocol %d: %.300r is not %.300r' % (name, protocol, found, wanted))
    sys.stdout.write(json.dumps({'lacks': lacks, 'pickles': pickles, 'loaded': loaded, 'wrong': wrong}))


main()
