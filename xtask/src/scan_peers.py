"""A scanner of others on one file or more: `PEER PATH...` prints for each file what it makes of it, and the seconds.

Verdicts are `clean`, `flagged` (anything at all against the file) and `error` (it did not come to an end).
"""
import logging
import os
import sys
import time

logging.disable(logging.CRITICAL)
real, sys.stdout = sys.stdout, open(os.devnull, 'w')
sys.stderr = sys.stdout


def picklescan(path):
    from picklescan.scanner import scan_file_path
    result = scan_file_path(path)
    return 'flagged' if result.issues_count or result.suspicious_count else 'error' if result.scan_err else 'clean'


def fickling(path):
    from fickling.analysis import Severity
    from fickling.loader import scan_file
    result = scan_file(path, graceful=True)
    return 'clean' if result.severity == Severity.LIKELY_SAFE else 'flagged'


def modelscan(path):
    from modelscan.modelscan import ModelScan
    result = ModelScan().scan(path)
    summary = result['summary']
    if summary['total_issues']:
        return 'flagged'
    return 'error' if result['errors'] or summary['skipped']['total_skipped'] else 'clean'


def modelaudit(path):
    import modelaudit_picklescan
    report = modelaudit_picklescan.scan_file(path)
    return {'clean': 'clean', 'unknown': 'error'}.get(report.verdict.value, 'flagged')


peer = {'picklescan': picklescan, 'fickling': fickling, 'modelscan': modelscan, 'modelaudit-picklescan': modelaudit}[sys.argv[1]]
try:
    # What is imported counts for no file.
    peer(os.devnull)
except Exception:
    pass
paths = []
for path in sys.argv[2:]:
    if os.path.isdir(path):
        paths += [os.path.join(path, name) for name in sorted(os.listdir(path))]
    else:
        paths.append(path)
for path in paths:
    start = time.perf_counter()
    try:
        verdict = peer(path)
    except BaseException:
        verdict = 'error'
    real.write('%s\t%.6f\t%s\n' % (verdict, time.perf_counter() - start, path))
    real.flush()
