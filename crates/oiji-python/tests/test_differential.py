"""Hostile and odd streams: the module agrees with `_pickle` of the running interpreter in value or in refusal.

The probes of corpus/differential, and corpus files with bytes changed at random, are given to both in a process of
limited memory. Where `_pickle` runs out of that memory, any answer of ours will do.
"""
import io
import json
import os
import random
import subprocess
import sys
import unittest
import _pickle

import graphs
from compare import difference
from under_test import CORPUS, OURS, ROUNDS, module

MEMORY = 1 << 30
MUTATIONS = int(20000 * ROUNDS)
SAFE_MODULES = {'corpus_classes', 'collections', 'datetime', 'decimal', 'fractions', 'copyreg', 'copy_reg', '_codecs',
                'uuid', 'array'}
SAFE_BUILTINS = {'int', 'list', 'dict', 'set', 'frozenset', 'object', 'tuple', 'str', 'bytes', 'bytearray', 'complex',
                 'range', 'slice', 'float', 'bool', 'len', 'getattr', 'Exception', 'ValueError', 'KeyError', 'OSError',
                 'xrange', 'long', 'unicode', 'type'}


class PlainFile:
    """Only `read` and `readline`."""

    def __init__(self, data):
        self.file = io.BytesIO(data)
        self.read, self.readline = self.file.read, self.file.readline

    def tell(self):
        return self.file.tell()


class PeekFile(PlainFile):
    """`peek` and `readinto` as well; what was peeked is not taken."""

    def __init__(self, data):
        PlainFile.__init__(self, data)
        self.readinto = self.file.readinto

    def peek(self, size):
        place = self.file.tell()
        data = self.file.read(size)
        self.file.seek(place)
        return data


# `_pickle` forgets what is left of a frame, or of what was peeked, when an op goes on after its end (gh-154848).
STRADDLES = ('FRAME:straddle', 'FRAME:gh154848')


def outcome(implementation, way, data, hooks, encoding):
    """(kind, value, position, calls) of one load."""
    calls = []

    class Unpickler(implementation.Unpickler):
        def find_class(self, owner, name):
            calls.append((owner, name))
            if owner in SAFE_MODULES or owner in ('builtins', '__builtin__') and name in SAFE_BUILTINS:
                return implementation.Unpickler.find_class(self, owner, name)
            raise _pickle.UnpicklingError('not allowed')

        def persistent_load(self, pid):
            calls.append(pid)
            return [pid]

    place = None
    try:
        if way == 'loads':
            value = implementation.loads(data, encoding=encoding)
        else:
            file = {'file': PlainFile, 'peek': PeekFile}[way](data)
            value = (Unpickler if hooks else implementation.Unpickler)(file, encoding=encoding).load()
            place = file.tell()
    except MemoryError:
        return 'no memory', None, None, calls
    except Exception as error:
        return 'refused', type(error), None, calls
    return 'value', value, place, calls


def compared(theirs, ours, way):
    """How two outcomes differ, in words, or None."""
    if theirs[0] != ours[0] or theirs[0] == 'refused' and theirs[1] is not ours[1]:
        return '%s: %.200r, not %.200r' % (way, ours[:2], theirs[:2])
    if theirs[2] != ours[2]:
        return '%s: stopped at byte %r, not %r' % (way, ours[2], theirs[2])
    if difference(theirs[3], ours[3]):
        return '%s: hooks were called with %.200r, not %.200r' % (way, ours[3], theirs[3])
    if theirs[0] == 'value':
        found = difference(theirs[1], ours[1])
        if found:
            return '%s: %s' % (way, found)
    return None


def disagreement(data, hooks, encoding='latin1'):
    """How the two differ, in words, or None."""
    ways = ('file', 'peek') if hooks else ('loads', 'file', 'peek')
    for way in ways:
        theirs = outcome(_pickle, way, data, hooks, encoding)
        ours = outcome(module, way, data, hooks, encoding)
        if theirs[0] == 'no memory':
            continue
        # A stream that recurses without end for `_pickle` may have one for us.
        if OURS and theirs[:2] == ('refused', RecursionError):
            continue
        found = compared(theirs, ours, way)
        if found and OURS and way != 'loads' and data[2:3] == b'\x95':
            # A frame that ends within an op: of a file, `_pickle` drops what is left of it. We read on, as if no frame
            # were there, which is what its own `loads` does.
            unframed = outcome(_pickle, way, data[:2] + data[11:], hooks, encoding)
            place = unframed[2] and unframed[2] + 9
            if unframed[0] == ours[0] == 'refused' or not compared(unframed[:2] + (place,) + unframed[3:], ours, way):
                continue
        if found:
            return found
    return None


def probes():
    with open(os.path.join(CORPUS, 'differential', 'probes.json'), encoding='utf-8') as file:
        for name, data in json.load(file):
            yield name, bytes.fromhex(data), False
            yield name + ' with hooks', bytes.fromhex(data), True


def mutations(begin, end):
    """Corpus files, each with some bytes changed, left out, put in, or with a piece of another file."""
    with open(os.path.join(CORPUS, 'python', 'MANIFEST.json'), encoding='utf-8') as file:
        cases = [case for case in json.load(file)['files'] if case['size'] < 600 and case['group'] != 'numpy']
    streams = []
    for case in cases:
        with open(os.path.join(CORPUS, 'python', case['file']), 'rb') as file:
            streams.append((case['file'], file.read()))
    import pickletools
    codes = [ord(op.code) for op in pickletools.opcodes]
    for seed in range(begin, end):
        choose = random.Random(seed)
        name, data = choose.choice(streams)
        data = bytearray(data)
        for _ in range(choose.choice((1, 1, 2, 5))):
            place = choose.randrange(len(data) or 1)
            kind = choose.randrange(6)
            if kind == 0:
                data[place:place + 1] = bytes([choose.choice(codes)])
            elif kind == 1:
                data[place:place] = bytes([choose.choice(codes)])
            elif kind == 2:
                del data[place:place + choose.choice((1, 1, 2, 8))]
            elif kind == 3:
                data[place:place + 1] = bytes([choose.randrange(256)])
            elif kind == 4:
                other = choose.choice(streams)[1]
                start = choose.randrange(len(other))
                data[place:place] = other[start:start + choose.randrange(1, 20)]
            else:
                data[place:place] = data[choose.randrange(len(data) or 1):][:choose.randrange(1, 12)]
        yield '%s, seed %d' % (name, seed), bytes(data), True


def child(kind, begin, end):
    """Prints each name before it is tried, and then what differs."""
    import warnings
    import resource
    warnings.simplefilter('ignore')
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for owner, name, code in graphs.classes.EXTENSIONS:
        graphs.copyreg.add_extension(owner, name, code)
    for name, data, hooks in probes() if kind == 'probes' else mutations(begin, end):
        if OURS and name.startswith(STRADDLES):
            continue
        print(json.dumps(['try', name]), flush=True)
        for encoding in ('latin1', 'bytes', 'ASCII') if kind == 'probes' else ('latin1',):
            found = disagreement(data, hooks, encoding)
            if found:
                print(json.dumps(['differs', '%s (%s, %s): %s' % (name, encoding, data.hex()[:200], found)]))
    print(json.dumps(['end', '']))


class Differential(unittest.TestCase):
    def check(self, kind, begin=0, end=0):
        run = subprocess.run([sys.executable, '-X', 'faulthandler', os.path.abspath(__file__), '--child', kind,
                              str(begin), str(end)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=1200)
        events = [json.loads(line) for line in run.stdout.decode().splitlines() if line.startswith('[')]
        wrong = [text for event, text in events if event == 'differs']
        if not events or events[-1][0] != 'end':
            last = events[-1][1] if events else 'the start'
            wrong.append('died (%d) at %s: %s' % (run.returncode, last, run.stderr.decode()[-2000:]))
        self.assertEqual(wrong[:20], [], '%d in all' % len(wrong))

    def test_probes(self):
        self.check('probes')

    def test_corpus_files_changed_at_random(self):
        self.check('mutations', 0, MUTATIONS)


if __name__ == '__main__':
    if sys.argv[1:2] == ['--child']:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        unittest.main()
