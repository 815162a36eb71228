"""What is never given back: all tests, each several times, and what the interpreter holds after each.

    python leaks.py MODULE [FILE]... [-k WORD]... [--timeout SECONDS]

run by the interpreter under test, best by a debug build (`python3.11-dbg`, or one configured `--with-pydebug`): that counts
all references, and ends at once when a count falls below zero or a dict is not as it should be. Every build counts blocks
of memory. MODULE is what `run.py` takes; FILE is a file of our tests, `beside`, or a file of CPython's, which runs with
the module standing as `pickle`; all if none is named. Ends with 1 if a test fails that expected_failures.txt does not name
and that passes with `_pickle`, or leaves more behind each time it is run than with `_pickle`.
"""
import argparse
import fnmatch
import os
import platform
import re
import sys

import run

TESTS = os.path.join(run.HERE, '..')
# Not those whose work is done by other processes: `apart` has what some of them do.
OURS = ['test_surface', 'test_unnoticed', 'test_same_bytes', 'test_lone', 'test_compact', 'test_state', 'test_again', 'test_calls',
        'test_notes', 'test_corpus', 'apart']


def main():
    options = arguments()
    if not hasattr(sys, 'gettotalrefcount'):
        print('this Python does not count references: only blocks of memory are looked at')
    failed, count = {}, 0
    listed = run.expectations(platform.python_version())
    for binding, file in jobs(options.files):
        outcomes = run.run_file(options, binding, file, None)
        suspects = {test: text for test, (event, text) in outcomes.items()
                    if event == 'fail' and not any(fnmatch.fnmatchcase(test, glob) for glob, _ in listed)}
        if suspects and options.module != 'reference':
            suspects = beyond(options, binding, file, suspects)
        failed.update(suspects)
        skipped = sum(event == 'skip' for event, _ in outcomes.values())
        count += len(outcomes) - skipped
        print('%-12s %-18s %4d tests, %d skipped, %d leak or fail' % (
            binding, file, len(outcomes), skipped, len(suspects)), flush=True)
        for test, text in sorted(suspects.items()):
            print('FAILED %s\n    %s' % (test, text.strip().replace('\n', '\n    ')), flush=True)
    print('%s on %s: %d tests, %d leak or fail' % (options.module, sys.version.split()[0], count, len(failed)))
    return 1 if failed else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('module')
    parser.add_argument('files', nargs='*', metavar='FILE')
    parser.add_argument('-k', dest='patterns', action='append', default=[], help='only tests with this in their id')
    parser.add_argument('--timeout', type=float, default=1800, help='seconds for one file (default: 1800)')
    parser.set_defaults(grows=True)
    return parser.parse_args()


def jobs(files):
    """What to run: binding, module of tests."""
    for file in files or OURS + ['beside'] + run.WHOLE:
        if file == 'beside':
            yield file, file
        elif os.path.exists(os.path.join(TESTS, file + '.py')):
            yield 'ours', file
        else:
            yield 'as-pickle', 'test.' + file


def beyond(options, binding, file, suspects):
    """Those that do better with `_pickle`."""
    judge = argparse.Namespace(**dict(vars(options), module='reference', patterns=list(suspects)))
    theirs = run.run_file(judge, binding, file, None)
    return {test: text for test, text in suspects.items() if is_beyond(text, theirs.get(test, ('', ''))[1])}


def is_beyond(ours, theirs):
    """Whether a test fails here only, or leaves more behind, each time, than ever with the other."""
    ours, theirs = bounds(ours), bounds(theirs)
    if ours is None:
        return theirs is not None
    return any(least > (theirs or {}).get(what, (0, 0))[1] for what, (least, _) in ours.items())


def bounds(text):
    """What a test leaves behind, at least and at most; None if it fails for another reason."""
    found = re.findall(r'(-?\d+) to (-?\d+) (references|blocks)', text)
    return {what: (max(int(least), 0), int(most)) for least, most, what in found} if found or not text else None


if __name__ == '__main__':
    sys.exit(main())
