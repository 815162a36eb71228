"""Runs the tests of one file in one binding, and writes down each as it begins and ends.

argv: JSON, {binding, file, words, patterns, grows, out}, and a file with a JSON list of the tests not to run again.
`run.py` starts it, and knows from the file `out` what was running if this process dies. It must not import what imports `pickle` before `pickle` is what it shall be.
"""
import faulthandler
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))


def main():
    faulthandler.enable()
    work = json.loads(sys.argv[1])
    with open(sys.argv[2], encoding='utf-8') as file:
        work['done'] = json.load(file)
    with open(work['out'], 'a', encoding='utf-8', errors='backslashreplace') as out:
        def tell(event, test, text=''):
            out.write(json.dumps([event, test, text]) + '\n')
            out.flush()

        judge = run
        try:
            tests, test_main = collect(work)
            if work['grows']:
                from growth import watch as judge
        except BaseException as error:
            tell('start', work['binding'] + ':' + work['file'])
            tell(*outcome_of_import(work, error))
            return
        if test_main:
            # Older files set up there what their tests need, and give them to run_unittest.
            from test import support
            support.run_unittest = lambda *given: judge(choose(work, classes(given)), tell, work['binding'])
            support.run_doctest = lambda *given: (0, 0)
            test_main()
        else:
            judge(choose(work, tests), tell, work['binding'])
        tell('end', '')


def outcome_of_import(work, error):
    test = work['binding'] + ':' + work['file']
    if type(error).__name__ in ('SkipTest', 'ResourceDenied'):
        return 'skip', test, str(error)
    import traceback
    return 'fail', test, 'cannot be loaded: ' + ''.join(traceback.format_exception(type(error), error,
                                                                                   error.__traceback__))[-2000:]


def collect(work):
    """The tests of the file, and the function that runs them if it has one of its own."""
    from under_test import module as ours
    if work['binding'] == 'as-pickle':
        stand_as_pickle(ours)
    import unittest
    from test import support
    support.use_resources = []
    if work['binding'] == 'beside':
        import beside
        tests = beside.suite(ours)
    else:
        loader = unittest.TestLoader()
        tests = loader.loadTestsFromName(work['file'])
        if loader.errors:
            raise ImportError(loader.errors[0])
        file = vars(sys.modules[work['file']])
        if 'test_main' in file and not {'setUpModule', 'load_tests'} & set(file):
            return None, file['test_main']
    return tests, None


def classes(given):
    """What was given to run_unittest, as a suite."""
    import unittest
    loader = unittest.TestLoader()
    suite = unittest.TestSuite()
    for item in given:
        if isinstance(item, str):
            suite.addTest(loader.loadTestsFromModule(sys.modules[item]))
        elif isinstance(item, (unittest.TestSuite, unittest.TestCase)):
            suite.addTest(item)
        else:
            suite.addTest(loader.loadTestsFromTestCase(item))
    return suite


def choose(work, tests):
    """The tests that are wanted and not done, in order, as one flat suite."""
    import unittest
    done = set(work['done'])
    suite = unittest.TestSuite()
    for test in flatten(tests):
        name = identity(work['binding'], test)
        if name in done or not wanted(work, name, test):
            continue
        suite.addTest(test)
    return suite


def stand_as_pickle(ours):
    """Puts `ours` in the place of `pickle` and of its C part."""
    real = sys.modules['pickle']
    for name, module in list(sys.modules.items()):
        if getattr(module, 'pickle', None) is real and name.split('.')[0] not in ('oiji', 'reference', 'mutants'):
            del sys.modules[name]
    sys.modules['pickle'] = sys.modules['_pickle'] = ours


def wanted(work, name, test):
    if work['patterns'] and not any(pattern in name for pattern in work['patterns']):
        return False
    if not work['words']:
        return True
    method = getattr(test, '_testMethodName', '')
    return bool(re.search(work['words'], method, re.I) or re.search('pickl', type(test).__name__, re.I))


def flatten(tests):
    import unittest
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            for inner in flatten(test):
                yield inner
        else:
            yield test


def identity(binding, test):
    return binding + ':' + test.id()


def run(suite, tell, binding):
    import unittest

    class Result(unittest.TestResult):
        def startTest(self, test):
            self.told = False
            tell('start', identity(binding, test))

        def stopTest(self, test):
            if not self.told:
                tell('ok', identity(binding, test))

        def told_of(self, event, test, text):
            self.told = True
            tell(event, identity(binding, test), text)

        def addError(self, test, error):
            self.told_of('fail', test, self._exc_info_to_string(error, test)[-2000:])

        addFailure = addError

        def addSkip(self, test, reason):
            self.told_of('skip', test, str(reason))

        def addSubTest(self, test, subtest, error):
            if error is not None:
                self.told_of('fail', test, subtest._subDescription() + '\n' + self._exc_info_to_string(
                    error, test)[-2000:])

        def addExpectedFailure(self, test, error):
            self.told_of('ok', test, '')

        def addUnexpectedSuccess(self, test):
            self.told_of('fail', test, 'passes, but CPython says it fails')

    suite.run(Result())


if __name__ == '__main__':
    main()
