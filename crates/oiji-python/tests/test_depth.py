"""Nesting far past the recursion limit: a million deep, written and read without recursion. Ours only."""
import subprocess
import sys
import os
import unittest

from under_test import HERE, OURS

DEPTH = 1000000

LISTS = '''
value = leaf = []
for _ in range(DEPTH):
    value = [value]
'''
TUPLES = LISTS.replace('[value]', '(value,)')
DICTS = LISTS.replace('[value]', '{"key": value}')
CHAIN = '''
value = leaf = Node()
for _ in range(DEPTH):
    made = Node()
    made.next = value
    value = made
'''
SLOTS = CHAIN.replace('Node()', 'Slotted()')
REDUCED = CHAIN.replace('Node()', 'Reduced()')

PROGRAM = '''
import gc, io, sys
sys.path.insert(0, {here!r})
from under_test import module
DEPTH = {depth}

class Node: pass
class Slotted: __slots__ = ('next',)
class Reduced:
    def __reduce__(self):
        return Reduced, (), vars(self)

def step(value):
    if isinstance(value, (list, tuple)): return value[0] if value else None
    if isinstance(value, dict): return value.get('key')
    return getattr(value, 'next', None)

def depth(value):
    count = 0
    while True:
        value = step(value)
        if value is None: return count
        count += 1

def unwind(value):
    # Without this the interpreter itself would recurse to free it.
    while value is not None:
        value, last = step(value), value
        if isinstance(last, (list, dict)): last.clear()
        elif not isinstance(last, tuple):
            try: del last.next
            except AttributeError: pass

{make}
del leaf
if {file}:
    stream = io.BytesIO()
    module.Pickler(stream, {protocol}).dump(value)
    data = stream.getvalue()
else:
    data = module.dumps(value, {protocol})
unwind(value); value = None
value = module.load(io.BytesIO(data)) if {file} else module.loads(data)
assert depth(value) == DEPTH, depth(value)
unwind(value); value = None
print('deep enough')
'''


@unittest.skipUnless(OURS, '_pickle recurses')
class Depth(unittest.TestCase):
    def check(self, make, protocols=(5, 2, 0)):
        for protocol in protocols:
            for file in (False, True):
                with self.subTest(protocol=protocol, file=file):
                    program = PROGRAM.format(here=HERE, depth=DEPTH, make=make, protocol=protocol, file=file)
                    run = subprocess.run([sys.executable, '-X', 'faulthandler', '-c', program], timeout=300,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ))
                    self.assertEqual((run.returncode, run.stdout.decode()[-1500:].strip()), (0, 'deep enough'))

    def test_lists(self):
        self.check(LISTS)

    def test_tuples(self):
        self.check(TUPLES)

    def test_dicts(self):
        self.check(DICTS)

    def test_objects(self):
        self.check(CHAIN)

    def test_objects_with_slots(self):
        self.check(SLOTS, (5, 2))

    def test_objects_with_reduce(self):
        self.check(REDUCED)


if __name__ == '__main__':
    unittest.main()
