"""Old pickles: migrated while they are loaded, and placeholders for what is gone."""
import collections
import io
import os
import pickle
import sys
import tempfile
import types
import unittest

import graphs
from compare import difference
from under_test import CORPUS, module


def shop(**names):
    """A module of these names, as it stands now."""
    made = types.ModuleType('shop_now')
    for name, value in names.items():
        setattr(made, name, value)
        value.__module__ = 'shop_now'
    sys.modules['shop_now'] = made
    return made


class Basket:
    def __init__(self):
        self.items = []


class Point:
    __slots__ = ('x', 'y')


NAMES = '[modules]\nshop_then = "shop_now"\n[globals]\n"shop_then:Cart" = "shop_now:Basket"\n'
STATES = NAMES + '''
[[class]]
match = "shop_then:Cart"
rename = { itms = "items" }
add = { currency = "EUR" }
'''


def old(state, protocol=2):
    """The pickle of a Cart, of a module that is gone."""
    then = types.ModuleType('shop_then')
    kind = type('Cart', (), {'__module__': 'shop_then'})
    then.Cart = kind
    sys.modules['shop_then'] = then
    try:
        made = kind()
        made.__dict__.update(state)
        return pickle.dumps([made, made], protocol)
    finally:
        del sys.modules['shop_then']


class Migrate(unittest.TestCase):
    def setUp(self):
        self.now = shop(Basket=Basket, Point=Point)
        self.addCleanup(sys.modules.pop, 'shop_now')

    def ways(self, data, **options):
        """What each way to load gives."""
        yield module.loads(data, **options)
        yield module.load(io.BytesIO(data), **options)
        yield module.Unpickler(io.BytesIO(data), **options).load()
        policy = 'allow shop_now: Basket = new state'
        yield module.safe_loads(data, policy=policy, **options)
        yield module.safe_load(io.BytesIO(data), policy=policy, **options)

    def test_names_change_while_they_are_read(self):
        for protocol in range(2, 6):
            for first, second in self.ways(old({'items': [1]}, protocol), migrate=NAMES):
                self.assertIs(type(first), Basket)
                self.assertIs(first, second)
                self.assertEqual(first.items, [1])

    def test_states_change_before_they_are_read(self):
        for protocol in range(2, 6):
            for first, second in self.ways(old({'itms': [1]}, protocol), migrate=STATES):
                self.assertIs(first, second)
                self.assertEqual(vars(first), {'items': [1], 'currency': 'EUR'})

    def test_a_migration_is_an_object_a_file_or_text(self):
        data = old({'itms': [1]})
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'shop.toml')
            with open(path, 'w') as file:
                file.write(STATES)
            made = module.Migration.from_file(path)
            self.assertEqual(module.loads(data, migrate=made)[0].items, [1])
            with open(path, 'w') as file:
                file.write('[[class]]\nmach = "x:Y"\n')
            with self.assertRaisesRegex(ValueError, 'shop.toml'):
                module.Migration.from_file(path)
        new, report = made.migrate(data)
        self.assertEqual(pickle.loads(new)[0].items, [1])
        self.assertEqual(report['renamed'], {'shop_then.Cart -> shop_now.Basket': 1})
        again, report = made.migrate(pickle.dumps([1]))
        self.assertEqual((again, report['renamed']), (pickle.dumps([1]), {}))
        self.assertIn('numpy-1-to-2', module.Migration.packs())
        with self.assertRaisesRegex(ValueError, 'numpy-1-to-2'):
            module.Migration.pack('nothing')
        with self.assertRaises(TypeError):
            module.loads(data, migrate=5)

    def test_migrations_are_put_after_one_another(self):
        first = module.Migration('[modules]\nshop_then = "shop_between"\n')
        both = first.then('[globals]\n"shop_between:Cart" = "shop_now:Basket"\n')
        self.assertIs(type(module.loads(old({'items': []}), migrate=both)[0]), Basket)
        self.assertIs(type(module.loads(b'c__main__\nBasket\n.', migrate=module.Migration.main_to('shop_now'))), type)

    def test_pickles_after_one_another_are_migrated_each(self):
        data = old({'itms': [1]}) + pickle.dumps('between') + old({'itms': [2]}, 4)
        for make in (io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data), 64)):
            file = make(data + b'rest')
            self.assertEqual(module.load(file, migrate=STATES)[0].items, [1])
            self.assertEqual(module.load(file, migrate=STATES), 'between')
            unpickler = module.Unpickler(file, migrate=STATES)
            self.assertEqual(unpickler.load()[0].items, [2])
            self.assertEqual(file.read(), b'rest')

    def test_hooks_are_asked_by_the_new_names(self):
        asked = []

        class Unpickler(module.Unpickler):
            def find_class(self, module_name, name):
                asked.append(f'{module_name}.{name}')
                return super().find_class(module_name, name)

        for rules in (NAMES, STATES):
            Unpickler(io.BytesIO(old({'itms': []}, 4)), migrate=rules).load()
        self.assertEqual(asked, ['shop_now.Basket'] * 2)

    def test_safe_loading_judges_what_is_loaded(self):
        data = old({'itms': []})
        with self.assertRaises(module.ForbiddenError) as caught:
            module.safe_loads(data, migrate=STATES)
        self.assertIn('shop_now.Basket', caught.exception.what)
        to_harm = '[globals]\n"shop_then:Cart" = "os:system"\n'
        with self.assertRaises(module.ForbiddenError):
            module.safe_loads(data, migrate=to_harm, policy='allow shop_then: Cart = new state')

    def test_nothing_changes_without_rules_that_fit(self):
        with open(os.path.join(CORPUS, 'python', 'MANIFEST.json'), encoding='utf-8') as file:
            import json
            files = json.load(file)['files']
        checked = 0
        for case in files[::7]:
            with open(os.path.join(CORPUS, 'python', case['file']), 'rb') as file:
                data = file.read()
            try:
                pickle.loads(data)
            except Exception:
                continue
            checked += 1
            with self.subTest(case['file']):
                for rules in (NAMES, STATES):
                    # Loaded anew: to look at a value of pandas changes it.
                    self.assertIsNone(difference(module.loads(data, migrate=rules), pickle.loads(data)))
        self.assertGreater(checked, 100)


class Plain:
    pass


class Slotted:
    __slots__ = ('a', 'b', '__dict__')


class Telling:
    """Keeps the state that it is given."""

    def __setstate__(self, state):
        self.given = state


class Many(list):
    pass


def made_by_factory(*arguments):
    return Plain()


#: Rules by what they do, and whether they are followed while a pickle is read.
KINDS = {
    'rename = { a = "z" }': True,
    'rename = { a = "b" }': True,
    'rename = { none = "z" }': True,
    'drop = ["a", "tm*"]': True,
    'add = { c = [1, {}], d = { none = true }, e = { tuple = [1.5, "x"] }, f = { global = "shop_now:Plain" } }': True,
    'set = { a = 7, n = { dict = { k = 1 } } }': True,
    'copy = { c = "a", b = "a" }': True,
    'nest = { box = ["a", "b"] }': True,
    'nest = { a = ["a"] }\nrename = { b = "c" }': True,
    'tuple-to-dict = ["p", "q"]': True,
    'list-to-dict = ["p", "q"]': True,
    'list-to-dict = ["p"]': True,
    'dict-to-tuple = ["b", "a", "tmp"]': True,
    'dict-to-list = ["tmp", "b", "a"]': True,
    'slots-to-dict = true': True,
    'dict-to-slots = ["b"]': True,
    'dict-to-slots = ["a", "b", "tmp"]': True,
    'if = { has = "a", lacks = "q", state = "dict" }\ndrop = ["b"]': True,
    'if = { state = "slots" }\nrename = { a = "z" }\nadd = { c = 1 }': True,
    'nest = { box = ["a"] }\ncopy = { c = "box" }': False,
    'add = { c = [1] }\ncopy = { d = "c" }': False,
    'if = { equals = { a = 1 } }\nset = { a = 2 }': False,
    'replace = { a = { from = 1, to = 5 } }': False,
    'flatten = "a"': False,
    'state-item = 0': False,
    'to-dict = true': False,
    'to = "shop_now:Telling"': False,
    'call = { to = "shop_now:made_by_factory", args = [1] }': False,
}


class Live(unittest.TestCase):
    """Rules that are followed while a pickle is read do what they do to its bytes."""

    def setUp(self):
        names = {'Plain': Plain, 'Slotted': Slotted, 'Telling': Telling, 'Many': Many, 'made_by_factory': made_by_factory}
        shop(**names)
        self.addCleanup(sys.modules.pop, 'shop_now')

    def pickles(self):
        """Instances with states of every kind, also shared and in cycles, by the old names of their classes."""
        states = [{'a': 1, 'b': [2], 'tmp': 3}, {'a': {'x': 1}, 'b': None}, {'b': 2}, {}, (1, [2]), [1, 2], [1], (1, 2, 3),
                  (None, {'a': 1, 'b': 2}), ({'q': 0}, {'a': [1]}), ({}, {}), (1, {'a': 2}), None, 'text', 5]

        # Written by hand: what __reduce_ex__ of real classes gives, for every state.
        for protocol in (2, 4):
            for name in ('Plain', 'Slotted', 'Telling', 'Many', 'made_by_factory'):
                for state in states:
                    yield protocol, name, by_hand(name, [state], protocol)
            yield protocol, 'Plain', by_hand('Plain', states, protocol)

    def test_each_rule_gives_what_the_migrated_bytes_give(self):
        for actions in KINDS:
            for match in ('shop_then:*', '*:Plain', '*'):
                rules = f'[modules]\nshop_then = "shop_now"\n[[class]]\nmatch = "{match}"\n{actions}\n'
                migration = module.Migration(rules)
                for protocol, name, data in self.pickles():
                    with self.subTest(actions=actions, name=name, data=data):
                        self.agree(migration, data)

    def agree(self, migration, data):
        try:
            wanted = module.loads(migration.migrate(data)[0])
        except Exception as error:
            with self.assertRaises(type(error)):
                module.loads(data, migrate=migration)
            return
        for loaded in (module.loads(data, migrate=migration), module.load(io.BytesIO(data), migrate=migration),
                       module.Unpickler(io.BytesIO(data), migrate=migration).load()):
            self.assertIsNone(difference(loaded, wanted))
            self.assertEqual(pickle.dumps(seen(loaded)), pickle.dumps(seen(wanted)))

    def test_a_pickle_is_not_read_whole_before_it_is_loaded(self):
        """Rules that can be followed while it is read are: the first state is given before the last bytes are asked for."""
        for actions, live in KINDS.items():
            if actions.startswith('call'):
                # NEWOBJ takes no function.
                continue
            order = []

            class Watched(Plain):
                def __setstate__(self, state):
                    order.append('state')

            class Slow:
                def __init__(self, data):
                    self.file = io.BytesIO(data)

                def read(self, count):
                    order.append('read')
                    return self.file.read(count)

                def readline(self):
                    order.append('read')
                    return self.file.readline()

            sys.modules['shop_now'].Plain = Watched
            rules = f'[modules]\nshop_then = "shop_now"\n[[class]]\nmatch = "shop_then:Plain"\n{actions}\n'
            file = Slow(by_hand('Plain', [{'a': 1}, {'a': 2}], 2))
            with self.subTest(actions):
                module.load(file, migrate=rules)
                follows = 'state' in order and 'read' in order[order.index('state'):]
                self.assertEqual(follows, live)

    def test_one_class_by_two_names_is_told_apart(self):
        data = b'\x80\x02cshop_then\nPlain\n)\x81}X\x01\x00\x00\x00aK\x01sbcshop_now\nPlain\n)\x81}X\x01\x00\x00\x00aK\x01sb\x86.'
        rules = '[modules]\nshop_then = "shop_now"\n[[class]]\nmatch = "shop_then:Plain"\nrename = { a = "z" }\n'
        first, second = module.loads(data, migrate=rules)
        self.assertEqual((vars(first), vars(second)), ({'z': 1}, {'a': 1}))
        with self.assertRaisesRegex(pickle.UnpicklingError, 'two names'):
            module.load(io.BytesIO(data), migrate=rules)

    def test_a_state_in_two_places_is_one(self):
        data = b'\x80\x02cshop_then\nTelling\n)\x81}q\x00X\x01\x00\x00\x00aK\x01sbh\x00\x86.'
        rules = '[modules]\nshop_then = "shop_now"\n[[class]]\nmatch = "*:Telling"\nrename = { a = "z" }\n'
        first, state = module.loads(data, migrate=rules)
        self.assertIs(first.given, state)
        self.assertEqual(state, {'z': 1})


def by_hand(name, states, protocol):
    """A list of instances of a class of shop_then with these states, made as protocol 2 makes them."""
    out = b'\x80%c]' % protocol
    for state in states:
        out += b'cshop_then\n%s\n)' % name.encode() + (b'R' if name == 'made_by_factory' else b'\x81')
        out += plain_without_memo(state) + b'ba'
    return out + b'.'


def plain_without_memo(value):
    import pickletools
    return pickletools.optimize(pickle.dumps(value, 2))[2:-1]


def seen(value):
    """Instances as what can be compared: their class and all that they hold."""
    if isinstance(value, (Plain, Slotted, Telling, Many)):
        slots = [(name, seen(getattr(value, name))) for name in ('a', 'b') if isinstance(value, Slotted) and hasattr(value, name)]
        return (type(value).__name__, seen(dict(vars(value))), slots)
    if isinstance(value, dict):
        return [(key, seen(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [seen(item) for item in value]
    return repr(value)


class Missing(unittest.TestCase):
    def test_what_is_gone_keeps_its_name_arguments_and_state(self):
        data = old({'items': [1, 2]})
        with self.assertRaises(ModuleNotFoundError):
            module.loads(data)
        for loaded in (module.loads(data, missing='placeholder'),
                       module.load(io.BytesIO(data), missing='placeholder'),
                       module.Unpickler(io.BytesIO(data), missing='placeholder').load(),
                       module.safe_loads(data, missing='placeholder', policy='allow shop_then: Cart = new state')):
            first, second = loaded
            self.assertIs(first, second)
            self.assertIsInstance(first, module.Placeholder)
            self.assertEqual((type(first).__module__, type(first).__qualname__), ('shop_then', 'Cart'))
            self.assertEqual((first.args, first.state, first.items), ((), {'items': [1, 2]}, [1, 2])[:2] + ([],))
            self.assertIn("shop_then.Cart(state: {'items': [1, 2]})", repr(first))

    def test_attributes_of_the_state_can_be_read(self):
        first = module.loads(old({'name': 'saw'}), missing='placeholder')[0]
        self.assertEqual(first.name, 'saw')
        with self.assertRaises(AttributeError):
            first.price

    def test_they_are_pickled_as_what_they_stand_for(self):
        """The corpus, with its classes gone: what is loaded and dumped again is what is dumped of the real objects."""
        checked = 0
        for name, value in graphs.classes.__dict__.items():
            if not isinstance(value, type) or value.__module__ != 'corpus_classes':
                continue
            if name == 'Reduce6':
                # A function that is gone is called for what it does to the instance, and what it gives is dropped.
                continue
            for protocol in range(2, 6):
                try:
                    made = value.__new__(value)
                    made_again = pickle.dumps([made, made], protocol)
                    pickle.loads(made_again)
                except Exception:
                    continue
                if protocol >= 4:
                    gone = made_again.replace(b'\x0ecorpus_classes', b'\x0ecorpus_clasgon')
                else:
                    gone = made_again.replace(b'corpus_classes', b'corpus_clasgon')
                with self.subTest(name=name, protocol=protocol):
                    loaded = module.loads(gone, missing='placeholder')
                    self.assertEqual(module.dumps(loaded, protocol), gone)
                checked += 1
        self.assertGreater(checked, 40)

    def test_every_way_to_make_one_is_kept(self):
        data = [
            b'\x80\x02cgone\nThing\nK\x01K\x02\x86\x81.',
            b'\x80\x02cgone\nThing\nK\x01K\x02\x86R.',
            b'\x80\x02cgone\nThing\n)\x81K\x05b.',
            b'\x80\x02cgone\nThing\n)\x81(K\x01K\x02e.',
            b'\x80\x02cgone\nThing\n)\x81(K\x01K\x02K\x03K\x04u.',
            b'\x80\x02cgone\nThing\n.',
            b'\x80\x02cgone\nthing\nK\x01\x85RN\x86.',
            b'\x80\x04\x8c\x04gone\x8c\x0bThing.Inner\x93)\x81.',
        ]
        for one in data:
            with self.subTest(one):
                loaded = module.loads(one, missing='placeholder')
                again = module.dumps(loaded, one[1], compact=True)
                wanted = module.loads(again, missing='placeholder')
                self.assertEqual(repr(loaded), repr(wanted))
                # Only frames and the memo may be other than by hand.
                self.assertEqual(ops(again), ops(one))

    def test_cycles_and_names_that_are_there_but_for_an_attribute(self):
        data = b'\x80\x02cgone\nThing\n)\x81q\x00}X\x04\x00\x00\x00selfh\x00sb.'
        loaded = module.loads(data, missing='placeholder')
        self.assertIs(loaded.self, loaded)
        self.assertIn('...', repr(loaded))
        self.assertEqual(module.dumps(module.loads(b'ccollections\nNoSuch\n.', missing='placeholder'), 0),
                         b'ccollections\nNoSuch\np0\n.')

    def test_what_is_there_is_itself(self):
        value = collections.OrderedDict(a=1)
        self.assertEqual(module.loads(pickle.dumps(value), missing='placeholder'), value)
        with self.assertRaises(ValueError):
            module.loads(b'N.', missing='anything')


def ops(data):
    import pickletools
    skipped = {'FRAME', 'MEMOIZE', 'BINPUT', 'PROTO'}
    return [(op.name, argument) for op, argument, _ in pickletools.genops(data) if op.name not in skipped]


class Signed(unittest.TestCase):
    KEY = b'0123456789abcdef'

    def test_what_was_signed_is_read_and_nothing_else(self):
        value = {'a': [1, 2]}
        data = module.dumps(value, key=self.KEY)
        self.assertTrue(data.startswith(b'OIJI-SIGNED-1 hmac-sha256 '))
        file = io.BytesIO()
        module.dump(value, file, key=self.KEY)
        self.assertEqual(file.getvalue(), data)
        for load in (module.loads, module.safe_loads):
            self.assertEqual(load(data, key=self.KEY), value)
            self.assertEqual(load(data, key=[b'another key, of yore', self.KEY]), value)
        for load in (module.load, module.safe_load):
            self.assertEqual(load(io.BytesIO(data), key=self.KEY), value)
        for place in range(0, len(data), 7):
            changed = bytearray(data)
            changed[place] ^= 1
            with self.assertRaises(pickle.UnpicklingError):
                module.loads(bytes(changed), key=self.KEY)
        for wrong in (data[:-1], pickle.dumps(value), b''):
            with self.assertRaises(pickle.UnpicklingError):
                module.loads(wrong, key=self.KEY)
        with self.assertRaises(pickle.UnpicklingError):
            module.loads(data, key=b'another key, of yore')
        with self.assertRaisesRegex(ValueError, 'guessed'):
            module.dumps(value, key=b'short')

    def test_nothing_runs_before_the_signature_is_checked(self):
        ran = []
        Signed.ran = lambda *args: ran.append(args)
        data = b'c' + __name__.encode() + b'\nSigned\n.'
        with self.assertRaises(pickle.UnpicklingError):
            module.loads(data, key=self.KEY)
        self.assertEqual(ran, [])

    def test_other_tools_can_check_it(self):
        import hashlib
        import hmac
        line, _, content = module.dumps([1], key=self.KEY).partition(b'\n')
        digest = hmac.new(self.KEY, content, hashlib.sha256).hexdigest()
        self.assertEqual(line, b'OIJI-SIGNED-1 hmac-sha256 ' + digest.encode())
        self.assertEqual(pickle.loads(content), [1])


if __name__ == '__main__':
    unittest.main()
