"""Shows that the tests judge: every mutant makes some test fail that its base passes.

    python prove.py [MUTANT...]

Prints for each how many tests notice it, CPython's first and then ours until some do; ends with 1 if one goes unnoticed.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import mutants

HERE = os.path.dirname(os.path.abspath(__file__))
# What is run, in order, until something notices the fault.
STAGES = ['CPython', 'test_unnoticed', 'test_same_bytes']
# Without a memo, what is shared is written again and again: that it takes long is a sign too.
SECONDS = 300


def failures(stage, name, known={}):
    """Names of the tests of a stage that fail for a mutant."""
    if (stage, name) not in known:
        known[stage, name] = (of_cpython if stage == 'CPython' else of_ours)(stage, 'mutants:' + name)
    return known[stage, name]


def of_cpython(_, module):
    with tempfile.TemporaryDirectory() as folder:
        summary = os.path.join(folder, 'summary')
        subprocess.run([sys.executable, os.path.join(HERE, 'run.py'), module, '--beside', '--timeout', str(SECONDS),
                        '--json', summary], stdout=subprocess.DEVNULL, check=False)
        with open(summary, encoding='utf-8') as file:
            return set(json.load(file)['failed'])


def of_ours(stage, module):
    found = set()
    with tempfile.TemporaryFile() as output:
        run = subprocess.Popen([sys.executable, '-W', 'ignore', '-m', 'unittest', stage],
                               cwd=os.path.join(HERE, '..'), stdout=output, stderr=subprocess.STDOUT,
                               env=dict(os.environ, OIJI_TEST_MODULE=module, OIJI_TEST_ROUNDS='0.2',
                                        PYTHONHASHSEED='0'))
        try:
            if run.wait(SECONDS) < 0:
                found.add(stage + ' crashed')
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            found.add(stage + ' took too long')
        output.seek(0)
        text = re.sub('0x[0-9a-f]+', '0x', output.read().decode('utf-8', 'replace'))
    # Each part of a test counts: the base fails some parts of some.
    found.update(re.findall(r'^(?:FAIL|ERROR): (.+)', text, re.M))
    return found


def main():
    names = sys.argv[1:] or [name for name in mutants.FAULTS if not name.startswith('plain_')]
    unnoticed = []
    for name in names:
        base = mutants.FAULTS[name][0]
        counts = []
        for stage in STAGES:
            found = failures(stage, name) - failures(stage, base)
            counts.append('%s: %d' % (stage, len(found)))
            if found:
                counts.append('(%s)' % sorted(found)[0][:100])
                break
        else:
            unnoticed.append(name)
        print('%-34s %s' % (name, ', '.join(counts)), flush=True)
    print('%s: %d mutants, %d unnoticed %s' % (sys.version.split()[0], len(names), len(unnoticed), unnoticed or ''))
    return 1 if unnoticed else 0


if __name__ == '__main__':
    sys.exit(main())
