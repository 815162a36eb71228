"""Hooks that do what they should not while something is pickled or loaded: never a crash, never an endless run.

Each scenario runs in a process of its own, first with `_pickle`. Where that crashes, all that is asked of us is not to;
where it does not and the scenario is in SAME, the outcome must be its outcome too.

    python test_stress.py --scenario NAME     runs one here
"""
import copyreg
import gc
import hashlib
import io
import os
import subprocess
import sys
import threading
import unittest

import under_test
from under_test import OURS, REFERENCE, ROUNDS, module

SCENARIOS = {}
SAME = set()
ENDLESS = set()
MEMORY = 2 << 30
# Less of what is slow where all is slow.
MANY = 3000 if ROUNDS >= 1 else 100


def scenario(same=True, endless=False):
    """Registers a function of a module with the functions of pickle. What it returns is its outcome.

    An endless one goes on until there is no memory left.
    """
    def register(function):
        SCENARIOS[function.__name__] = function
        if same:
            SAME.add(function.__name__)
        if endless:
            ENDLESS.add(function.__name__)
        return function
    return register


class Hook:
    """Calls a function when it is pickled, and is written as an empty list."""

    def __init__(self, function):
        self.function = function

    def __reduce__(self):
        self.function()
        return list, ()


class Load:
    """Calls `on_load` when it is loaded."""

    def __reduce__(self):
        return on_load, ()

    def __setstate__(self, state):
        on_load()


class Bag:
    pass


action = None


def on_load(*args):
    return action(*args) if action else []


def attempt(function):
    """The result, or the type of the exception; streams by hash."""
    try:
        result = function()
    except MemoryError:
        return 'MemoryError'
    except Exception as error:
        return type(error).__name__
    if isinstance(result, bytes):
        return hashlib.sha256(result).hexdigest()
    return repr(result)


def each_protocol(pickle, make):
    return [attempt(lambda: pickle.dumps(make(), protocol)) for protocol in range(6)]


def churn():
    """Takes the memory that was freed, so that reading it is noticed."""
    kept = [bytearray(size) for size in (16, 24, 32, 48, 56, 64, 72, 96, 128, 256, 512) for _ in range(200)]
    kept += [[None] * 8 for _ in range(200)] + [{'a': 1} for _ in range(200)]
    return len(kept)


@scenario()
def a_list_is_emptied_while_pickled(pickle):
    def make():
        value = []
        value.extend([1, Hook(lambda: (value.clear(), churn())), ['fresh', object], 'text' * 5, (1, 2)] * 3)
        return value
    return each_protocol(pickle, make)


@scenario()
def a_list_shrinks_by_one_at_each_item(pickle):
    def make():
        value = []
        value.extend(Hook(lambda: value and (value.pop(), churn())) for _ in range(MANY))
        return value
    return each_protocol(pickle, make)


@scenario()
def a_list_grows_while_pickled(pickle):
    def make():
        value = []
        value.extend(Hook(lambda: len(value) < 5000 and value.append('more')) for _ in range(1500))
        return value
    return each_protocol(pickle, make)


@scenario()
def items_of_a_list_are_replaced(pickle):
    def make():
        value = [None] * 2000
        def replace():
            value[:] = [[number] for number in range(len(value))]
            churn()
        value[0] = Hook(replace)
        value[500] = Hook(replace)
        return value
    return each_protocol(pickle, make)


@scenario()
def a_dict_is_emptied_while_pickled(pickle):
    def make():
        value = {}
        value.update({number: [number] for number in range(1500)})
        value[3] = Hook(lambda: (value.clear(), churn()))
        return value
    return each_protocol(pickle, make)


@scenario()
def a_dict_grows_while_pickled(pickle):
    def make():
        value = {number: 'text' for number in range(10)}
        value[3] = Hook(lambda: value.update((str(number), []) for number in range(1000)))
        return value
    return each_protocol(pickle, make)


@scenario()
def a_dict_keeps_its_size_but_not_its_items(pickle):
    def make():
        value = {number: [number] for number in range(1200)}
        def change():
            del value[1]
            value['new'] = ['other']
            churn()
        value[0] = Hook(change)
        return value
    return each_protocol(pickle, make)


@scenario()
def values_of_a_dict_are_replaced(pickle):
    def make():
        value = {'key %d' % number: ['old', number] for number in range(1200)}
        def change():
            for key in value:
                value[key] = ('new', [key])
            churn()
        value['key 5'] = Hook(change)
        return value
    return each_protocol(pickle, make)


@scenario()
def attributes_change_while_pickled(pickle):
    def make():
        value = Bag()
        def change():
            value.__dict__.clear()
            churn()
        for number in range(20):
            setattr(value, 'name%d' % number, [number])
        value.name5 = Hook(change)
        return [value, value]
    return each_protocol(pickle, make)


@scenario(same=False)
def the_dict_of_an_instance_is_replaced(pickle):
    """`_pickle` goes on with the old one; ours never made one, and refuses."""
    def make():
        value = Bag()
        def change():
            value.__dict__ = {'other': 1}
            churn()
        value.first, value.hook, value.last = ['a'], Hook(change), ['b']
        return value
    return each_protocol(pickle, make)


@scenario()
def the_class_of_an_instance_changes(pickle):
    class Other:
        def __reduce__(self):
            return str, ('other',)
    def make():
        value = Bag()
        value.hook = Hook(lambda: setattr(value, '__class__', Other))
        value.after = [value]
        return [value, value]
    return each_protocol(pickle, make)


@scenario()
def a_set_changes_while_pickled(pickle):
    class Member:
        def __hash__(self):
            # The same place in the set whenever it is made.
            return 7

        def __reduce__(self):
            owner.clear()
            churn()
            return str, ('member',)
    owner = set()
    def make():
        owner.clear()
        owner.update([Member()])
        owner.update(range(5))
        return owner
    return each_protocol(pickle, make)


@scenario()
def the_last_reference_is_dropped(pickle):
    class Inner(list):
        def __reduce_ex__(self, protocol):
            holder.clear()
            gc.collect()
            churn()
            return list, (), {'state': [1, 2]}, iter([[3]])
    holder = []
    def make():
        holder[:] = [[Inner([['deep']]), 'after']]
        return holder
    return each_protocol(pickle, make)


@scenario()
def the_iterator_of_items_changes_its_list(pickle):
    class Items:
        def __reduce__(self):
            items = [[number] for number in range(2500)]
            def give():
                for number, item in enumerate(items):
                    if number == 1200:
                        items.clear()
                        churn()
                    yield item
            return list, (), None, give()
    return each_protocol(pickle, Items)


@scenario()
def items_that_are_no_pairs(pickle):
    class Items:
        def __init__(self, items):
            self.items = items
        def __reduce__(self):
            return dict, (), None, None, iter(self.items)
    return [each_protocol(pickle, lambda: Items(items)) for items in (
        [1], [(1,)], [(1, 2, 3)], [[1, 2]], [None], [(1, 2), 'ab'], ['ab'], [(1, 2), (1,)])]


@scenario()
def a_reduce_result_of_every_wrong_form(pickle):
    class Wrong:
        def __init__(self, result):
            self.result = result
        def __reduce__(self):
            return self.result
    results = [None, 5, (), (list,), (list, [], ), (list, None), (5, ()), (list, (), None, 5), (list, (), None, None, 5),
               (list, (), None, None, None, 5), (list, (), None, None, None, None, None), [list, ()], 'no_such_name',
               'a.b.c', '', b'list', (copyreg.__newobj__, ()), (copyreg.__newobj__, (5,)),
               (copyreg.__newobj__, (list,)), (copyreg.__newobj_ex__, ()), (copyreg.__newobj_ex__, (Wrong, (), 5)),
               (copyreg.__newobj_ex__, (Wrong, 5, {})), (copyreg.__newobj_ex__, (5, (), {})),
               (copyreg.__newobj__, (Wrong, 1)), (copyreg.__newobj_ex__, (Wrong, (), {}))]
    return [each_protocol(pickle, lambda: Wrong(result)) for result in results]


@scenario()
def hooks_raise_at_every_step(pickle):
    outcomes = []
    for attribute in ('__reduce_ex__', '__reduce__', '__getstate__', '__getnewargs__', '__getnewargs_ex__', '__class__',
                      '__dict__', '__slots__', '__module__', '__name__'):
        def fail(*args):
            raise ZeroDivisionError(attribute)
        class_ = type('Bag', (), {'__module__': __name__, attribute: property(fail)} if attribute != '__slots__'
                      else {'__module__': __name__, 'value': property(fail)})
        outcomes.append(each_protocol(pickle, class_))
        outcomes.append(each_protocol(pickle, lambda: [class_(), {'key': class_()}]))
    return outcomes


@scenario()
def a_metaclass_with_hooks(pickle):
    class Meta(type):
        def __getattribute__(cls, name):
            if name in ('__reduce_ex__', '__reduce__', '__qualname__'):
                raise ZeroDivisionError(name)
            return type.__getattribute__(cls, name)
        def __hash__(cls):
            raise ZeroDivisionError
        def __eq__(cls, other):
            raise ZeroDivisionError
    made = Meta('Bag', (), {})
    return [each_protocol(pickle, lambda: made), each_protocol(pickle, lambda: made())]


@scenario()
def getattribute_that_answers_all(pickle):
    class Any:
        def __getattr__(self, name):
            return Any()
        def __call__(self, *args):
            return Any()
    return each_protocol(pickle, Any)


@scenario(same=False)
def a_pickler_enters_itself(pickle):
    outcomes = []
    for protocol in range(6):
        file = io.BytesIO()
        pickler = pickle.Pickler(file, protocol)
        outcomes.append(attempt(lambda: pickler.dump([1, Hook(lambda: pickler.dump([2, 3] * 600)), 4])))
        if OURS and pickle is module:
            assert outcomes[-1] == 'RuntimeError', outcomes
    return outcomes


@scenario(same=False)
def a_pickler_is_cleared_from_within(pickle):
    outcomes = []
    for protocol in range(6):
        for act in ('pickler.clear_memo()', 'pickler.memo.clear()', 'setattr(pickler, "memo", {})',
                    'pickler.__init__(io.BytesIO(), 2)', 'pickler.memo.copy()', 'setattr(pickler, "fast", 1)',
                    'setattr(pickler, "dispatch_table", {})', 'setattr(pickler, "bin", 0)'):
            file = io.BytesIO()
            pickler = pickle.Pickler(file, protocol)
            shared = ['shared']
            value = [shared, Hook(lambda: eval(act, dict(globals(), pickler=pickler))), shared, 'x' * 100, shared]
            outcomes.append(attempt(lambda: pickler.dump(value)))
            churn()
    return outcomes


@scenario(same=False)
def an_unpickler_enters_itself(pickle):
    global action
    outcomes = []
    data = pickle.dumps([['a', 'b'] * 50, Load(), 'after' * 10])
    for act in ('unpickler.load()', 'unpickler.memo.clear()', 'setattr(unpickler, "memo", {})',
                'unpickler.__init__(io.BytesIO(b"N."))', 'unpickler.memo.copy()'):
        unpickler = pickle.Unpickler(io.BytesIO(data * 3))
        action = lambda *args: eval(act, dict(globals(), unpickler=unpickler))
        outcomes.append(attempt(unpickler.load))
        outcomes.append(attempt(unpickler.load))
        churn()
    return outcomes


@scenario()
def other_picklers_within_hooks(pickle):
    inner = []
    def make():
        return [1, Hook(lambda: inner.append(pickle.dumps([Hook(lambda: inner.append(pickle.dumps({1: 'x'} )))]))), 2]
    return each_protocol(pickle, make), len(inner)


@scenario()
def persistent_ids_that_misbehave(pickle):
    outcomes = []
    for protocol in range(6):
        for act in (lambda self, value: 1 / 0, lambda self, value: gc.collect() and None, lambda self: None,
                    lambda self, value: 'line\nbreak', lambda self, value: value if type(value) is str else None,
                    lambda self, value: '\u20ac' if value == 1 else None):
            class Pickler(pickle.Pickler):
                persistent_id = act
            outcomes.append(attempt(lambda: Pickler(io.BytesIO(), protocol).dump([1, 'a', {'b': 'c'}])))
    return outcomes


@scenario()
def overrides_that_misbehave(pickle):
    outcomes = []
    value = [1, Bag(), len, Bag, {'key': Bag()}]
    for protocol in range(6):
        for act in (lambda self, value: 1 / 0, lambda self, value: 5, lambda self, value: (list, (), None, 5),
                    lambda self, value: 'name', lambda self: None, lambda self, value: value[:] and (churn(), None)[1],
                    lambda self, value: (list, (value,))):
            class Pickler(pickle.Pickler):
                reducer_override = act
            outcomes.append(attempt(lambda: Pickler(io.BytesIO(), protocol).dump(value)))
    return outcomes


@scenario()
def dispatch_tables_that_misbehave(pickle):
    class Table:
        def __init__(self, act):
            self.act = act
        def __getitem__(self, key):
            return self.act(key)
    outcomes = []
    for act in (lambda key: 1 / 0, lambda key: 5, lambda key: {}[key], lambda key: [][5], lambda key: lambda value: 5,
                lambda key: lambda value: (list, ()), lambda key: lambda: None):
        pickler = pickle.Pickler(io.BytesIO())
        pickler.dispatch_table = Table(act)
        outcomes.append(attempt(lambda: pickler.dump([Bag(), Bag()])))
    for table in (5, None, 'text', []):
        pickler = pickle.Pickler(io.BytesIO())
        outcomes.append(attempt(lambda: setattr(pickler, 'dispatch_table', table)))
        outcomes.append(attempt(lambda: pickler.dump([Bag()])))
    return outcomes


@scenario()
def a_reducer_that_needs_itself_without_end(pickle):
    """Its own arguments hold it: nobody can write that, and it must be said soon."""
    class Endless:
        def __reduce__(self):
            return list, (self,)
    class New:
        def __getnewargs__(self):
            return (self,)
    for class_ in (Endless, New):
        class_.__module__, class_.__qualname__ = __name__, class_.__name__
        globals()[class_.__name__] = class_
    return [[outcome in ('RecursionError', 'PicklingError', 'MemoryError') for outcome in each_protocol(pickle, class_)]
            for class_ in (Endless,)], [outcome in ('RecursionError', 'PicklingError', 'MemoryError')
                                         for outcome in each_protocol(pickle, New)[2:]]


@scenario(endless=True)
def a_reducer_that_makes_new_objects_without_end(pickle):
    class Fresh:
        def __reduce__(self):
            return list, ([Fresh()],)
    return [outcome in ('RecursionError', 'MemoryError', 'PicklingError') for outcome in each_protocol(pickle, Fresh)]


class BagOfSlots:
    __slots__ = ('a', 'b')


@scenario(same=False)
def a_file_takes_away_what_is_being_written(pickle):
    """Between any two parts of an instance, or while long text is on its way."""
    class File:
        def write(self, data):
            for bag in bags:
                take(bag)
            texts.clear()
            kept.append(['z' * 70000] + ['y%d' % number * 9 for number in range(500)])

    def empty(bag):
        for name in 'ab':
            if hasattr(bag, name):
                delattr(bag, name)

    kept = []
    for kind in (Bag, BagOfSlots):
        for shown in (False, True):
            for take in (empty, lambda bag: bag.__dict__.clear(), lambda bag: setattr(bag, '__dict__', {'b': 1}),
                         lambda bag: (bag.__dict__.update(new=1), empty(bag))):
                for pad in range(0, 80, 3 if ROUNDS >= 1 else 40):
                    bags, texts, kept = [], ['t' * (70000 + number) for number in range(20)], []
                    for number in range(1200 if ROUNDS >= 1 else 300):
                        bag = kind()
                        bag.a, bag.b = 'q%d' % number * 9, ['w%d' % number * 9]
                        bags.append(bag)
                        if shown and kind is Bag:
                            bag.__dict__
                    attempt(lambda: pickle.dump(['p' * pad] + bags[:], File(), 5))
                    attempt(lambda: pickle.dump([texts, {text: [text] for text in texts[::3]}], File(), 5))
    return 'alive'


@scenario()
def files_that_misbehave(pickle):
    class File:
        def __init__(self, act):
            self.act = act
        def write(self, data):
            return self.act(data)
        def read(self, size):
            return self.act(size)
        def readline(self):
            return self.act(5)
    def keep(data):
        kept.append(data)
        churn()
    kept = []
    outcomes = []
    for act in (lambda data: 1 / 0, lambda data: None, lambda data: 'text', keep, lambda data: 10**30):
        for value in (1, ['text'] * 100, [b'x' * 100000, 'y' * 100000, bytearray(100000)] * 3):
            outcomes.append(attempt(lambda: pickle.Pickler(File(act)).dump(value)))
            outcomes.append(attempt(lambda: pickle.dump(value, File(act), 2)))
    outcomes.append(hashlib.sha256(b''.join(map(bytes, kept))).hexdigest())
    for act in (lambda size: 1 / 0, lambda size: b'', lambda size: 'text', lambda size: None, lambda size: b'x',
                lambda size: b'N.' * 5000, lambda size: bytearray(b'N.'), lambda size: 5):
        outcomes.append(attempt(lambda: pickle.Unpickler(File(act)).load()))
    return outcomes


@scenario(same=False)
def files_whose_parts_misbehave(pickle):
    data = pickle.dumps(['text' * 100, b'x' * 100000, bytearray(200000), list(range(1000))], 5)
    for readinto in (lambda b: 0, lambda b: None, lambda b: -1, lambda b: len(b) + 1, lambda b: 'a', lambda b: 1 / 0,
                     lambda b: b.release()):
        for peek in (None, lambda n: b'', lambda n: data[:3], lambda n: 'text', lambda n: data + data, lambda n: 1 / 0,
                     lambda n: memoryview(data)):
            class File:
                pass
            file, base = File(), io.BytesIO(data)
            file.read, file.readline, file.readinto = base.read, base.readline, readinto
            if peek:
                file.peek = peek
            attempt(lambda: pickle.load(file))
    return 'through'


@scenario()
def a_buffer_that_changes_while_it_is_loaded(pickle):
    global action
    data = bytearray(pickle.dumps([Load(), 'text' * 500, b'x' * 100000]))
    def change(*args):
        try:
            data.clear()
        except BufferError:
            return 'held'
    action = change
    return attempt(lambda: pickle.loads(data)[0])


@scenario()
def setstate_and_setattr_that_misbehave(pickle):
    global action
    outcomes = []
    for act in (lambda *args: 1 / 0, lambda *args: gc.collect() and None, lambda *args: churn() and None):
        action = act
        for protocol in range(6):
            value = Bag()
            value.inner = Load()
            value.other = [value, {'key': value}]
            outcomes.append(attempt(lambda: type(pickle.loads(pickle.dumps([value, value], protocol)))))
    return outcomes


@scenario()
def a_loaded_class_with_odd_setattr(pickle):
    class Odd:
        __slots__ = ('a', 'b')
        def __setattr__(self, name, value):
            gc.collect()
            churn()
            object.__setattr__(self, name, [value])
    Odd.__module__, Odd.__qualname__ = __name__, 'Odd'
    globals()['Odd'] = Odd
    value = Odd()
    value.a, value.b = 1, 2
    loaded = pickle.loads(pickle.dumps(value, 4))
    return loaded.a, loaded.b


@scenario()
def the_state_that_is_loaded_is_seen_by_hooks(pickle):
    """A state that need not be a dict must be one before anyone can see it."""
    global action
    import pickletools
    seen = []
    class Other:
        def __setstate__(self, state):
            seen.append(state)
    Other.__module__, Other.__qualname__ = __name__, 'Other'
    globals()['Other'] = Other
    state = {'name': 1, 'more': [2]}
    first, second = Bag(), Other()
    first.__dict__ = state
    def getstate(self):
        return state
    Other.__getstate__ = getstate
    data = pickle.dumps([first, second, state], 4)
    loaded = pickle.loads(data)
    loaded[2]['added'] = 1
    return seen[0] is loaded[2], vars(loaded[0]), sorted(loaded[2])


@scenario()
def garbage_collection_at_every_allocation(pickle):
    gc.set_threshold(1)
    value = [{'key %d' % number: (number, [number], Bag()) for number in range(300)} for _ in range(3)]
    value.append(value)
    return each_protocol(pickle, lambda: value), [len(pickle.loads(pickle.dumps(value, protocol)))
                                                  for protocol in range(6)]


@scenario()
def the_collector_is_left_as_it_was(pickle):
    global action
    states = []
    action = lambda *args: states.append(gc.isenabled())
    value = [[number] for number in range(1000)] + [Load()]
    data = pickle.dumps(value)
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        pickle.loads(data)
        states.append(gc.isenabled())
        attempt(lambda: pickle.loads(data[:-3]))
        states.append(gc.isenabled())
        threshold = gc.get_threshold()
        action = lambda *args: 1 / 0
        attempt(lambda: pickle.loads(data))
        states.append(gc.isenabled())
        states.append(threshold == gc.get_threshold())
        action = lambda *args: states.append(gc.isenabled())
    # A hook may turn it off for good.
    gc.enable()
    action = lambda *args: gc.disable()
    pickle.loads(data)
    states.append(gc.isenabled())
    return states


@scenario()
def loaded_containers_are_tracked_by_the_collector(pickle):
    value = [[1, []], {'a': []}, ([],), Bag()]
    value[0].append(value[0])
    value[3].me = value[3]
    loaded = pickle.loads(pickle.dumps(value, 4))
    tracked = [gc.is_tracked(item) for item in loaded]
    import weakref
    reference = weakref.ref(loaded[3])
    del loaded
    gc.collect()
    return tracked, reference() is None


@scenario()
def references_are_given_back(pickle):
    """No leak and none too few, over many calls and errors."""
    class Marker:
        pass
    Marker.__module__, Marker.__qualname__ = __name__, 'Marker'
    globals()['Marker'] = Marker
    text, marker, pair = 'a text %d' % id(pickle), Marker(), (1.5, 'x')
    marker.text = text
    value = [text, marker, pair, {text: pair}, (pair, [text]), {pair}, b'x' * 100, 10**40]
    lock = threading.Lock()
    for warm in range(3):
        before = [sys.getrefcount(item) for item in (text, marker, pair, lock, Marker)]
        for _ in range(200):
            for protocol in range(6):
                data = pickle.dumps(value, protocol)
                pickle.loads(data)
                attempt(lambda: pickle.dumps([value, lock], protocol))
                attempt(lambda: pickle.loads(data[:-2]))
                attempt(lambda: pickle.loads(data[:20]))
        gc.collect()
        after = [sys.getrefcount(item) for item in (text, marker, pair, lock, Marker)]
    # Where attributes are shared or cached a few may stay.
    return all(abs(new - old) < 5 for new, old in zip(after, before)) or (before, after)


@scenario()
def a_million_calls_do_not_grow(pickle):
    import resource
    value = {'key': [1, 'text', (2.5, None)], 'other': Bag()}
    data = pickle.dumps(value)
    for _ in range(2000):
        pickle.loads(pickle.dumps(value))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(60000 if ROUNDS >= 1 else 6000):
        pickle.loads(data)
        pickle.dumps(value)
        pickle.Pickler(io.BytesIO()).dump(value)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return grown < 8000 or grown


@scenario()
def threads_with_picklers_of_their_own(pickle):
    value = [{'name': 'n%d' % number, 'items': [number, str(number), (number, 1.5)], 'bag': Bag()}
             for number in range(300)]
    expected = pickle.dumps(value)
    wrong = []
    def work():
        try:
            for _ in range(40):
                data = pickle.dumps(value)
                if data != expected or len(pickle.loads(data)) != 300:
                    wrong.append(len(data))
        except Exception as error:
            wrong.append(repr(error))
    threads = [threading.Thread(target=work) for _ in range(8)]
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


@scenario(same=False)
def threads_that_change_what_is_pickled(pickle):
    value = [{'a': [1] * 50}] * 3 + [[number] for number in range(500)] + [Hook(lambda: None) for _ in range(50)]
    stop = []
    def change():
        number = 0
        while not stop:
            number += 1
            value[number % len(value)] = [number, {'b': str(number)}]
            if number % 100 == 0:
                value.append({})
            if number % 130 == 0 and len(value) > 300:
                del value[-1]
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=change)
    thread.start()
    for _ in range(300):
        attempt(lambda: pickle.loads(pickle.dumps(value)))
    stop.append(1)
    thread.join()
    return 'through'


@scenario(same=False)
def one_pickler_from_two_threads(pickle):
    started, go = threading.Event(), threading.Event()
    pickler = pickle.Pickler(io.BytesIO())
    def wait():
        started.set()
        go.wait(10)
    thread = threading.Thread(target=lambda: pickler.dump([Hook(wait), 'a' * 50]))
    thread.start()
    started.wait(10)
    result = attempt(lambda: pickler.dump([1, 2, ['x'] * 100]))
    go.set()
    thread.join()
    if OURS and pickle is module:
        assert result == 'RuntimeError', result
    return 'through'


@scenario(same=False)
def one_unpickler_from_two_threads(pickle):
    global action
    started, go = threading.Event(), threading.Event()
    def wait(*args):
        started.set()
        go.wait(10)
    action = wait
    data = pickle.dumps([Load(), 'text'])
    unpickler = pickle.Unpickler(io.BytesIO(data * 2))
    thread = threading.Thread(target=lambda: attempt(unpickler.load))
    thread.start()
    started.wait(10)
    action = None
    result = attempt(unpickler.load)
    go.set()
    thread.join()
    if OURS and pickle is module:
        assert result == 'RuntimeError', result
    return 'through'


@scenario()
def memo_proxies_outlive_their_owner(pickle):
    pickler = pickle.Pickler(io.BytesIO())
    pickler.dump(['a', ('b',)])
    unpickler = pickle.Unpickler(io.BytesIO(pickle.dumps(['a', ('b',)])))
    unpickler.load()
    proxies = pickler.memo, unpickler.memo
    del pickler, unpickler
    gc.collect()
    churn()
    sizes = [len(proxy.copy()) for proxy in proxies]
    for proxy in proxies:
        proxy.clear()
    return sizes, [proxy.copy() for proxy in proxies]


@scenario()
def memos_with_odd_contents(pickle):
    outcomes = []
    for memo in ({}, {1: 2}, {1: (2,)}, {1: (2, 3, 4)}, {'a': (0, 'x')}, {1: ('a', 'b')}, {1: (5, 'x')},
                 {-1: (0, 'x')}, {1: (2**70, 'x')}, {2**70: (1, 'x')}):
        pickler = pickle.Pickler(io.BytesIO())
        outcomes.append(attempt(lambda: setattr(pickler, 'memo', memo)))
        outcomes.append(attempt(lambda: pickler.dump(['x', 'x'])))
    for memo in ({}, {1: 2}, {-1: 2}, {'a': 1}, {2**70: 1}):
        unpickler = pickle.Unpickler(io.BytesIO(b'N.'))
        outcomes.append(attempt(lambda: setattr(unpickler, 'memo', memo)))
        outcomes.append(attempt(unpickler.load))
    return outcomes


@scenario()
def an_error_leaves_a_pickler_usable(pickle):
    outcomes = []
    for protocol in range(6):
        file = io.BytesIO()
        pickler = pickle.Pickler(file, protocol)
        shared = ['shared']
        outcomes.append(attempt(lambda: pickler.dump([shared, threading.Lock()])))
        outcomes.append(hashlib.sha256(file.getvalue()).hexdigest())
        outcomes.append(attempt(lambda: pickler.dump('next')))
        outcomes.append(attempt(lambda: pickle.Unpickler(io.BytesIO(pickle.dumps(1)[:-1])).load()))
    return outcomes


@scenario(same=False)
def a_written_child_is_fished_out_and_handed_back(pickle):
    """Something met once can be met again if a hook finds it: identity must hold."""
    class Fisher:
        def __reduce__(self):
            return list, ([self.found()],)
    outer = []
    fisher = Fisher()
    fisher.found = lambda: [item for item in gc.get_referents(outer) if item is not fisher][0]
    outer.extend([['child', {'grand': 1}], fisher])
    for protocol in range(6):
        for options in ({}, {'compact': True}) if OURS and pickle is module else ({},):
            loaded = pickle.loads(pickle.dumps(outer, protocol, **options))
            assert loaded[1][0] is loaded[0], (protocol, options)
    return 'through'


@scenario()
def interrupts_pass_through(pickle):
    def interrupt():
        raise KeyboardInterrupt
    outcomes = []
    for protocol in range(6):
        try:
            pickle.dumps([1, [2, Hook(interrupt)]], protocol)
        except KeyboardInterrupt:
            outcomes.append('interrupted')
    return outcomes


@scenario(same=False)
def deep_and_odd_reductions(pickle):
    """Deep, with hooks all the way: an answer or RecursionError."""
    value = None
    class Deep:
        def __init__(self, inner):
            self.inner = inner
        def __reduce__(self):
            return Deep, (self.inner,)
    Deep.__module__, Deep.__qualname__ = __name__, 'Deep'
    globals()['Deep'] = Deep
    for _ in range(3000):
        value = Deep(value)
    for protocol in range(6):
        attempt(lambda: pickle.loads(pickle.dumps(value, protocol)))
    return 'through'


def run_here(name):
    """Runs one scenario and prints its outcome."""
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print('outcome ' + repr(SCENARIOS[name](module)))


def run_apart(name, module_name):
    """(return code, outcome or the end of what it said) in a process of its own."""
    run = subprocess.Popen([sys.executable, '-X', 'faulthandler', '-W', 'ignore', os.path.abspath(__file__), '--scenario',
                            name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env=dict(os.environ, OIJI_TEST_MODULE=module_name, PYTHONHASHSEED='0'))
    try:
        output = run.communicate(timeout=180)[0].decode('utf-8', 'replace')
    except subprocess.TimeoutExpired:
        run.kill()
        run.communicate()
        return 'hangs', ''
    lines = [line for line in output.splitlines() if line.startswith('outcome ')]
    return run.returncode, lines[-1] if lines else output[-1500:]


class Stress(unittest.TestCase):
    pass


def add(name):
    def test(self):
        theirs = run_apart(name, 'reference')
        if REFERENCE:
            if theirs[0] == 1:
                self.fail(theirs[1])
            if theirs[0] != 0:
                self.skipTest('_pickle itself: %s %s' % (theirs[0], theirs[1][:100]))
            return
        ours = run_apart(name, under_test.NAME)
        self.assertEqual(ours[0], 0, ours[1])
        if theirs[0] == 0 and name in SAME:
            self.assertEqual(ours[1], theirs[1])

    test.__doc__ = SCENARIOS[name].__doc__ or name.replace('_', ' ')
    setattr(Stress, 'test_' + name, test)


for _name in SCENARIOS:
    add(_name)

if __name__ == '__main__':
    if sys.argv[1:2] == ['--scenario']:
        run_here(sys.argv[2])
    else:
        unittest.main()
