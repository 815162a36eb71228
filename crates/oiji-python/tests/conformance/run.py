"""CPython's own tests, bound to a module that says it is `pickle`.

    python run.py MODULE [--beside | --as-pickle] [-k WORD]... [--quick] [--timeout SECONDS]

run by the interpreter under test. MODULE is `oiji`, `reference` (the standard library's `_pickle`) or `mutants:NAME`.
Prints a JSON summary and a closing line; ends with 1 if a test failed that expected_failures.txt does not name. Each
file of tests runs in a process of its own: that it crashes or hangs is a failure of the test that was running. After a
crash the tests left still run; after a hang those of the next file do.
"""
import argparse
import fnmatch
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# Run whole while the module stands as `pickle`.
WHOLE = ['test_pickle', 'test_pickletools', 'test_picklebuffer', 'test_copyreg', 'test_copy', 'test_shelve']

# Of these, the tests whose names have one of WORDS. Where a file moved, all its places.
WORDS = 'pickl|copy|copie|reduce|getstate|setstate|getnewargs|round_?trip|dump|persist'
PARTLY = '''
    test_array test_ast test_ast.test_ast test_asyncio.test_futures test_bool test_buffer test_builtin test_bytes
    test_codecs test_collections test_concurrent_futures test_concurrent_futures.test_future test_context
    test_coroutines test_csv test_ctypes.test_pickling ctypes.test.test_pickling test_dataclasses test_datetime
    test_decimal test_defaultdict test_deque test_descr test_dict test_dictviews test_email.test_policy
    test_email.test_pickleable test_enum test_enumerate test_exception_group test_exceptions test_fileio test_float
    test_fractions test_frame test_funcattrs test_functools test_generators test_genericalias test_hmac
    test_http_cookies test_importlib.test_main test_importlib.metadata.test_main test_inspect test_io test_ipaddress
    test_iter test_itertools test_json.test_fail test_list test_logging test_lzma test_memoryio test_memoryview
    test_minidom test_multibytecodec test_multiprocessing_fork test_multiprocessing_fork.test_misc test_operator
    test_ordered_dict test_os test_pathlib test_pathlib.test_pathlib test_platform test_plistlib
    test_positional_only_arg test_property test_queue test_random test_range test_re test_set test_slice test_socket
    test_sqlite3.test_dbapi test_statistics test_str test_structseq test_time test_tokenize test_tuple test_type_params
    test_types test_typing test_unicode test_unittest.testmock.testmock unittest.test.testmock.testmock test_urllib
    test_userdict test_userlist test_uuid test_weakref test_weakset test_xml_dom_minicompat test_xml_etree
    test_xml_etree_c test_zipfile._path.test_path test_zlib test_zoneinfo.test_zoneinfo
    test_zoneinfo.test_zoneinfo_property
'''.split()


def main():
    options = arguments()
    bindings = ['beside', 'as-pickle']
    if options.beside != options.as_pickle:
        bindings = ['beside'] if options.beside else ['as-pickle']
    began = time.time()
    summary = {'module': options.module, 'python': platform.python_version(), 'run': 0, 'files': 0, 'failed': {},
               'expected': {}, 'skipped': {}, 'passed_but_listed': []}
    passed = set()
    for binding, file, words in jobs(bindings, options.quick):
        for test, (event, text) in run_file(options, binding, file, words).items():
            summary['run'] += 1
            if event == 'ok':
                passed.add(test)
            elif event == 'skip':
                summary['skipped'][test] = text
            else:
                summary['failed'][test] = text
        summary['files'] += 1
    listed = expectations(summary['python'])
    for test in list(summary['failed']):
        reasons = [reason for glob, reason in listed if fnmatch.fnmatchcase(test, glob)]
        if reasons:
            del summary['failed'][test]
            summary['expected'][test] = reasons[0]
    if not options.patterns:
        summary['passed_but_listed'] = sorted(
            test for test in passed if any(fnmatch.fnmatchcase(test, glob) for glob, _ in listed))
    report(summary, options, time.time() - began)
    return 1 if summary['failed'] else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('module')
    parser.add_argument('--beside', action='store_true', help='only beside pickle')
    parser.add_argument('--as-pickle', action='store_true', help='only standing as pickle')
    parser.add_argument('-k', dest='patterns', action='append', default=[], help='only tests with this in their id')
    parser.add_argument('--quick', action='store_true', help='without the other files of the standard library')
    parser.set_defaults(grows=False)
    parser.add_argument('--timeout', type=float, default=300, help='seconds for one file (default: 300)')
    parser.add_argument('--json', help='write the summary here too, and print only the closing lines')
    return parser.parse_args()


def jobs(bindings, quick):
    """What to run: binding, module of tests, the words to choose by or None for all."""
    if 'beside' in bindings:
        yield 'beside', 'beside', None
    if 'as-pickle' in bindings:
        import test
        folders = list(test.__path__) + [os.path.dirname(os.__file__)]
        for name in WHOLE + ([] if quick else PARTLY):
            found = [folder for folder in folders if exists(os.path.join(folder, *name.split('.')))]
            if found:
                file = name if found[0] == folders[-1] else 'test.' + name
                yield 'as-pickle', file, None if name in WHOLE else WORDS


def exists(path):
    # A package that only loads other files has nothing of its own: those are named one by one.
    if os.path.isfile(path + '.py'):
        return True
    try:
        with open(os.path.join(path, '__init__.py'), encoding='utf-8') as file:
            return 'def test' in file.read()
    except OSError:
        return False


def run_file(options, binding, file, words):
    """Outcomes of one file's tests, by test: (event, text)."""
    outcomes = {}
    deadline = time.time() + options.timeout
    for _ in range(50):
        events, death, output = run_child(options, binding, file, words, list(outcomes), deadline)
        running = None
        ended = False
        for event, test, text in events:
            if event == 'start':
                running = test
            elif event == 'end':
                ended = True
            else:
                # One test may fail in several parts; the first says most.
                if outcomes.get(test, ('ok',))[0] != 'fail':
                    outcomes[test] = (event, text)
                running = None if running == test else running
        if ended:
            break
        if death is None and running is None and events:
            break
        outcomes[running or binding + ':' + file] = (
            'fail', (death or 'the process ended early') + '\n' + output[-1500:])
        if running is None or time.time() > deadline:
            break
    return outcomes


def run_child(options, binding, file, words, done, deadline):
    """Events, how the process died or None, the end of what it printed."""
    with tempfile.TemporaryDirectory(prefix='conformance-') as folder:
        out = os.path.join(folder, 'events')
        cwd = os.path.join(folder, 'cwd')
        os.mkdir(cwd)
        work = json.dumps({'binding': binding, 'file': file, 'words': words,
                           'patterns': options.patterns, 'grows': options.grows, 'out': out})
        # Names of tests already done can be more than a command line holds.
        done_file = os.path.join(folder, 'done')
        with open(done_file, 'w', encoding='utf-8') as stream:
            json.dump(done, stream)
        with open(os.path.join(folder, 'output'), 'w+b') as output:
            child = subprocess.Popen(
                [sys.executable, '-W', 'ignore', os.path.join(HERE, 'child.py'), work, done_file], cwd=cwd,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env=dict(os.environ, OIJI_TEST_MODULE=options.module, PYTHONHASHSEED='0',
                         PYTHONDONTWRITEBYTECODE='1'))
            death = None
            try:
                code = child.wait(max(deadline - time.time(), 1))
                if code < 0:
                    death = 'crashed: ' + signal.Signals(-code).name
                elif code:
                    death = 'ended with %d' % code
            except subprocess.TimeoutExpired:
                death = 'timed out: the file has %g seconds' % options.timeout
            finally:
                # Also what it started and left behind.
                try:
                    os.killpg(child.pid, signal.SIGKILL)
                except OSError:
                    pass
                child.wait()
            output.seek(0)
            text = output.read().decode('utf-8', 'replace')
        events = []
        if os.path.exists(out):
            with open(out, encoding='utf-8') as stream:
                for line in stream:
                    try:
                        events.append(json.loads(line))
                    except ValueError:
                        pass
    return events, death, text


def expectations(version):
    """(glob of tests, reason) of what may fail on this version."""
    listed = []
    with open(os.path.join(HERE, 'expected_failures.txt'), encoding='utf-8') as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                versions, test, reason = line.split(None, 2)
                if fnmatch.fnmatchcase(version, versions):
                    listed.append((test, reason.strip()))
    return listed


def report(summary, options, seconds):
    if options.json:
        with open(options.json, 'w', encoding='utf-8') as file:
            json.dump(summary, file, indent=1)
        for test, text in sorted(summary['failed'].items()):
            print('FAILED %s\n    %s' % (test, text.strip().splitlines()[-1] if text.strip() else ''))
    else:
        print(json.dumps(summary, indent=1))
    for test in summary['passed_but_listed']:
        print('passes, though expected_failures.txt lists it: ' + test)
    print('%s on %s: %d tests in %d files, %d failed, %d expected to fail, %d skipped, %.0f s' % (
        summary['module'], summary['python'], summary['run'], summary['files'], len(summary['failed']),
        len(summary['expected']), len(summary['skipped']), seconds))


if __name__ == '__main__':
    sys.exit(main())
