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
