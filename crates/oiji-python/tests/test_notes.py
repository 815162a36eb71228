"""What cannot be pickled says where it is: `at root.model.client._lock`, as a note where Python has notes. Ours only."""
import io
import sys
import threading
import unittest

from under_test import OURS, module


class Holder:
    def __init__(self, **attributes):
        vars(self).update(attributes)


class Slotted:
    __slots__ = ('inner',)

    def __init__(self, inner):
        self.inner = inner


class Refuses:
    def __reduce__(self):
        raise ZeroDivisionError('no')


def where(value, protocol=4):
    """The words added to the exception."""
    try:
        module.dumps(value, protocol)
    except Exception as error:
        if sys.version_info >= (3, 11):
            return '\n'.join(getattr(error, '__notes__', ()))
        return str(error)
    raise AssertionError('it was pickled')


@unittest.skipUnless(OURS, '_pickle has no notes')
class Notes(unittest.TestCase):
    def test_attributes_by_name(self):
        value = Holder(model=Holder(client=Holder(_lock=threading.Lock())))
        for protocol in range(6):
            self.assertIn('at root.model.client._lock', where(value, protocol))

    def test_items_by_index_and_key(self):
        lock = threading.Lock()
        self.assertIn("at root['a'][2]", where({'a': [1, 2, lock]}))
        self.assertIn('at root[1][0]', where([0, (lock,)]))
        self.assertIn('at root[1500]', where([0] * 1500 + [lock]))
        self.assertIn('at root[7]', where({7: lock}))
        self.assertIn('at root.inner', where(Slotted(lock)))

    def test_the_root_itself(self):
        self.assertIn('root', where(threading.Lock()))

    def test_what_a_hook_raises_has_it_too(self):
        self.assertIn('at root.inner[0]', where(Holder(inner=[Refuses()])))
        self.assertRaises(ZeroDivisionError, module.dumps, Refuses())

    def test_functions_that_cannot_be_found(self):
        self.assertIn("at root['handler']", where({'handler': lambda: None}))

    def test_picklers_and_files_too(self):
        with self.assertRaises(TypeError) as raised:
            module.Pickler(io.BytesIO()).dump(Holder(lock=threading.Lock()))
        self.assertIn('root.lock', '\n'.join(getattr(raised.exception, '__notes__', [str(raised.exception)])))

    def test_the_exception_and_its_words_are_those_of_pickle(self):
        import _pickle
        for value in (threading.Lock(), lambda: None, sys, Refuses(), [iter(lambda: 1, 2), (x for x in ())]):
            for protocol in range(6):
                with self.assertRaises(Exception) as theirs:
                    _pickle.dumps(value, protocol)
                with self.assertRaises(Exception) as ours:
                    module.dumps(value, protocol)
                self.assertIs(type(ours.exception), type(theirs.exception))
                self.assertIn(str(theirs.exception).split(' at 0x')[0], str(ours.exception))
                if sys.version_info >= (3, 11):
                    self.assertEqual(ours.exception.args, theirs.exception.args)

    def test_an_exception_is_noted_once(self):
        def count():
            try:
                module.dumps([[[threading.Lock()]]])
            except TypeError as error:
                return len(getattr(error, '__notes__', ['one']))
        self.assertEqual(count(), 1)


if __name__ == '__main__':
    unittest.main()
