"""What an interpreter holds: whether it grows each time that a function is called.

A debug build of Python (`sys.gettotalrefcount`) counts references; every build counts blocks of memory.
"""
import array
import gc
import linecache
import re
import sys
import time
import typing
import unittest

import child

# The first rounds fill caches.
WARM, ROUNDS, LONG = 1, 3, 25
SLOW = 10
references = getattr(sys, 'gettotalrefcount', lambda: 0)


def growth(function):
    """How many references and blocks more there are after each call: the least and the most of each, by name."""
    began = time.monotonic()
    function()
    # What takes long is run less often.
    slow = time.monotonic() - began > SLOW
    for _ in range(0 if slow else WARM):
        function()
    found = measured(function, ROUNDS - slow)
    # What grows for some time only is a cache, or where memory happened to be free; few tests come here.
    if not grows(found):
        return found
    for _ in range(0 if slow else LONG):
        function()
    return measured(function, LONG)


def grows(found):
    return any(least > 0 for least, _ in found.values())


def measured(function, rounds):
    of_references, of_blocks = (array.array('q', bytes(8 * (rounds + 1))) for _ in range(2))
    for at in range(rounds + 1):
        if at:
            function()
        settle()
        of_references[at], of_blocks[at] = references(), sys.getallocatedblocks()
    found = {}
    for name, counts in ('references', of_references), ('blocks', of_blocks):
        steps = [after - before for before, after in zip(counts, counts[1:])]
        found[name] = min(steps), max(steps)
    return found


def settle():
    """Empties what the standard library keeps for later."""
    re.purge()
    linecache.clearcache()
    for clear in typing._cleanups:
        clear()
    for _ in range(3):
        gc.collect()


def watch(suite, tell, binding):
    """Runs each test several times, and tells of those that fail and of those that leave something behind."""
    for test in suite:
        name = child.identity(binding, test)
        tell('start', name)
        # Kept as text: an exception would hold what the test had.
        wrong = []

        def once():
            result = unittest.TestResult()
            unittest.TestSuite([test]).run(result)
            wrong[:] = [('fail', text[-2000:]) for _, text in result.errors + result.failures][:1]
            wrong.extend([('skip', str(reason)) for _, reason in result.skipped][:1])

        once()
        found = wrong or growth(once)
        if wrong:
            tell(wrong[0][0], name, wrong[0][1])
        else:
            tell('fail' if grows(found) else 'ok', name, 'each time it is run, it leaves behind ' + ' and '.join(
                '%d to %d %s' % (*bounds, what) for what, bounds in found.items()))
