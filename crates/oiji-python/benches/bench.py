"""`oiji` beside `_pickle`, and beside others that can do the job: `cargo xtask bench python`, or by hand with oiji installed
`python bench.py [--only NAME,…] [--rounds N]`; `--sweep` is another thing, in sweep.py.

Every row has processes of its own. In one, all contenders take turns, and medians are compared (warm); in fresh ones each
makes its first call (cold), where peak memory is seen too. Protocol 5, the cyclic collector on, but where said.
"""
import argparse
import functools
import gc
import importlib
import json
import marshal
import os
import pickle
import platform
import statistics
import subprocess
import sys
import time
import timeit
import _pickle

import data

try:
    import resource
except ImportError:
    resource = None

COLD_RUNS = 3


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def peers():
    """Others by name: how they dump and how they load."""
    found = {'marshal': (marshal.dumps, marshal.loads)}
    orjson, msgspec, cloudpickle = optional('orjson'), optional('msgspec'), optional('cloudpickle')
    if orjson:
        found['orjson'] = (orjson.dumps, orjson.loads)
    if msgspec:
        found['msgspec'] = (msgspec.msgpack.encode, msgspec.msgpack.decode)
    if cloudpickle:
        found['cloudpickle'] = (lambda obj: cloudpickle.dumps(obj, 5), cloudpickle.loads)
    found['pure Python'] = (lambda obj: pickle._dumps(obj, 5), pickle._loads)
    return found


def timer(call, collect=True, **names):
    """Takes the time of a call given as text: a function around it would cost as much as a small pickle.

    What it gives is freed after the time is taken, but for rows whose calls are counted.
    """
    # `timeit` turns the collector off before the setup. All begin with nothing for it to do: else what came before decides in
    # whose time a full collection falls.
    names = dict(names, gc=gc)
    setup = 'gc.collect(); ' + ('gc.enable()' if collect else 'gc.disable()')
    return timeit.Timer('result = ' + call, setup, time.thread_time, globals=names)


def alternate(contenders, calls, rounds):
    """The median time of each contender, all taking turns, each at each place: what runs before leaves the caches as it does."""
    times = {name: [] for name in contenders}
    order = list(contenders.items())
    for turn in range(rounds + 1):
        order.append(order.pop(0))
        for name, contender in order:
            took = contender.timeit(calls) / calls
            # The first round is to warm up.
            if turn or not rounds:
                times[name].append(took)
    return {name: statistics.median(taken) for name, taken in times.items()}


def alike(one, other):
    """Equal, in types too: an OrderedDict that comes back as a dict is not what was dumped."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(alike, one.values(), other.values()))
    return bool(one == other)


def warm(name, rounds):
    """All that one process can say of a row."""
    import oiji
    row, obj = data.ROWS[name], data.make(name)
    calls = row.calls
    made, buffers = row.dump(_pickle.dumps, obj)
    mine = row.dump(oiji.dumps, obj)[0]
    compact = row.dump(functools.partial(oiji.dumps, compact=True), obj)[0]
    found = {'same': mine == made, 'size': len(made), 'compact size': len(compact)}
    del mine, compact
    gc.collect()
    apart = ', buffer_callback=[].append' if row.apart else ''
    found['dumps'] = alternate({
        '_pickle': timer('dumps(obj, 5%s)' % apart, dumps=_pickle.dumps, obj=obj),
        'oiji': timer('dumps(obj, 5%s)' % apart, dumps=oiji.dumps, obj=obj),
        'compact': timer('dumps(obj, 5, compact=True%s)' % apart, dumps=oiji.dumps, obj=obj),
    }, calls, rounds)
    apart = ', buffers=buffers' if row.apart else ''
    for what, collect in (('loads', True), ('loads, gc off', False)):
        found[what] = alternate({
            name: timer('loads(made%s)' % apart, collect, loads=module.loads, made=made, buffers=buffers)
            for name, module in (('_pickle', _pickle), ('oiji', oiji))
        }, calls, rounds)
    found['peers'] = {}
    for peer, (dumps, load) in peers().items() if not row.apart else ():
        try:
            done = dumps(obj)
            again = load(done)
            does_it = alike(again, obj)
        except Exception:
            does_it = False
        if does_it:
            few, turns = max(calls // 20, 1), 0 if peer == 'pure Python' else 3
            again = None
            dumped = alternate({'_pickle': timer('dumps(obj, 5)', dumps=_pickle.dumps, obj=obj),
                                peer: timer('dumps(obj)', dumps=dumps, obj=obj)}, few, turns)
            loaded = alternate({'_pickle': timer('loads(made)', loads=_pickle.loads, made=made),
                                peer: timer('loads(made)', loads=load, made=done)}, few, turns)
            found['peers'][peer] = [dumped['_pickle'] / dumped[peer], loaded['_pickle'] / loaded[peer]]
    return found


def memory():
    """Bytes in memory now."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def cold(name, module, action):
    """A first call: its time, and for `dumps` how far the peak of memory rose, in parts of the result."""
    import oiji
    module = {'oiji': oiji, '_pickle': _pickle}[module]
    row = data.ROWS[name]
    if action == 'loads':
        made, buffers = row.dump(pickle._dumps if row.calls > 1 else _pickle.dumps, data.make(name))
        gc.collect()
        start = time.thread_time()
        result = module.loads(made, buffers=buffers or ())
        return {'time': time.thread_time() - start}
    obj = data.make(name)
    gc.collect()
    before = None
    if resource and os.path.exists('/proc/self/clear_refs'):
        with open('/proc/self/clear_refs', 'w') as file:
            # Forgets the peak that making the data left.
            file.write('5')
        before = memory()
    start = time.thread_time()
    result = row.dump(module.dumps, obj)
    found = {'time': time.thread_time() - start}
    if before is not None and len(result[0]) >= 1 << 20:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        found['peak'] = (peak - before) / len(result[0])
    return found


def grown(name, module):
    """Bytes by which each object grew through being pickled. What Rust holds is not in this; what Python holds is."""
    import oiji
    import tracemalloc
    row, obj = data.ROWS[name], data.make(name)
    dumps = {'oiji': oiji, '_pickle': _pickle}[module].dumps
    # What stays from a first call, whatever it pickles.
    dumps(type(obj[0])(*range(3 if name == 'slots' else 1)), 5)
    gc.collect()
    tracemalloc.start()
    dumps(obj, 5)
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / row.count


def child(*arguments):
    output = subprocess.run([sys.executable, __file__, '--child', *map(str, arguments)], stdout=subprocess.PIPE, check=True)
    return json.loads(output.stdout)


def measure(name, rounds):
    found = child('warm', name, rounds)
    for action in ('dumps', 'loads'):
        times = {'oiji': [], '_pickle': []}
        for _ in range(COLD_RUNS):
            for module, taken in times.items():
                once = child('cold', name, module, action)
                taken.append(once['time'])
                if 'peak' in once:
                    found['peak', module] = once['peak']
        found['cold', action] = statistics.median(times['_pickle']) / statistics.median(times['oiji'])
    if data.ROWS[name].count:
        for module in ('oiji', '_pickle'):
            found['grown', module] = child('grown', name, module)
    return found


def against(ratio, goal):
    return '%5.2f of %-4g%s' % (ratio, goal, ' short' if round(ratio, 2) < goal else '      ')


def table(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths)]
        print('  '.join(cells).rstrip())


def main(only, rounds):
    names = [name for name in data.ROWS if not only or name in only]
    found = {}
    for name in names:
        if sys.stderr.isatty():
            print('\r%-40s' % data.ROWS[name].title, end='', file=sys.stderr, flush=True)
        found[name] = measure(name, rounds)
    if sys.stderr.isatty():
        print('\r%40s\r' % '', end='', file=sys.stderr)
    load = os.getloadavg()[0] if hasattr(os, 'getloadavg') else float('nan')
    print('oiji beside _pickle, CPython %s, %s, %s processors, load %.1f' % (
        platform.python_version(), platform.machine(), os.cpu_count(), load))
    print('Times as fast as _pickle, of the goal. Medians of %d, taking turns, of the thread\'s own time; cold: first calls, medians of %d.' % (
        rounds, COLD_RUNS))
    print('Peak: memory that dumps took at its height, in parts of the result, oiji | _pickle. Grew: bytes an object.\n')
    lines = [('data', 'dumps, ms', 'dumps, same bytes', 'dumps, compact', 'loads, ms', 'loads', 'loads, gc off', 'cold dumps',
              'cold loads', 'size', 'peak', 'grew')]
    for name in names:
        one, row = found[name], data.ROWS[name]
        dumps, loads, off = one['dumps'], one['loads'], one['loads, gc off']
        pair = lambda what, form: ' | '.join(form % one[what, module] for module in ('oiji', '_pickle')) \
            if (what, 'oiji') in one else '-'
        lines.append((
            row.title,
            '%.4g' % (dumps['oiji'] * 1e3),
            against(dumps['_pickle'] / dumps['oiji'], row.goals[0]) + ('' if one['same'] else ' OTHER BYTES'),
            against(dumps['_pickle'] / dumps['compact'], row.goals[1]),
            '%.4g' % (loads['oiji'] * 1e3),
            against(loads['_pickle'] / loads['oiji'], row.goals[2]),
            '%.2f' % (off['_pickle'] / off['oiji']),
            '%.2f' % one['cold', 'dumps'],
            '%.2f' % one['cold', 'loads'],
            '%.2f' % (one['compact size'] / one['size']),
            pair('peak', '%.2f'),
            pair('grown', '%.0f'),
        ))
    table(lines)
    print('\nOthers, where what they load is what they dumped: times as fast as _pickle, dumps | loads.\n')
    others = list(peers())
    lines = [('data', 'oiji', 'compact', *others)]
    for name in names:
        one = found[name]
        dumps, loads = one['dumps'], one['loads']
        cell = lambda peer: '%.2f | %.2f' % tuple(one['peers'][peer]) if peer in one['peers'] else '-'
        lines.append((data.ROWS[name].title, '%.2f | %.2f' % (
            dumps['_pickle'] / dumps['oiji'], loads['_pickle'] / loads['oiji']),
            '%.2f' % (dumps['_pickle'] / dumps['compact']), *map(cell, others)))
    table(lines)
    absent = [name for name in ('orjson', 'msgspec', 'cloudpickle', 'numpy') if optional(name) is None]
    if absent:
        print('\nskipped: %s: not installed' % ', '.join(absent))


if __name__ == '__main__':
    if sys.argv[1:2] == ['--child']:
        task, name, *rest = sys.argv[2:]
        task = {'warm': lambda name, rounds: warm(name, int(rounds)), 'cold': cold, 'grown': grown}[task]
        print(json.dumps(task(name, *rest)))
    else:
        parser = argparse.ArgumentParser(description='oiji beside _pickle')
        parser.add_argument('--only', type=lambda text: text.split(','), help='rows, of: ' + ', '.join(data.ROWS))
        parser.add_argument('--rounds', type=int, default=7)
        parser.add_argument('--sweep', action='store_true', help='instead: where it is slower than _pickle, of many kinds of data')
        given = parser.parse_args()
        if given.sweep:
            import sweep
            sweep.main()
        else:
            main(given.only, given.rounds)
