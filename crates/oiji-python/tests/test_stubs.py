"""The stubs say what the module has: names, parameters, their kinds and defaults."""
import ast
import inspect
import os
import pickle
import sys
import types
import unittest

from under_test import HERE, OURS, module

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# A method that subclasses may define; the base has none, and libraries ask whether it has.
HOOKS = {'reducer_override'}


def stub_file():
    """The stubs that were installed beside the module, or else those of the repository."""
    beside = os.path.join(os.path.dirname(module.__file__), '__init__.pyi')
    return beside if os.path.exists(beside) else os.path.join(HERE, '..', 'python', 'oiji', '__init__.pyi')


def has_decorator(node, name):
    return any(isinstance(one, ast.Name) and one.id == name for one in node.decorator_list)


def parameters(node):
    """What `inspect.signature` would say of this `def`: name, kind and default of each parameter."""
    arguments, found = node.args, []
    empty = inspect.Parameter.empty
    placed = [(one, inspect.Parameter.POSITIONAL_ONLY) for one in arguments.posonlyargs]
    placed += [(one, inspect.Parameter.POSITIONAL_OR_KEYWORD) for one in arguments.args]
    defaults = [empty] * (len(placed) - len(arguments.defaults)) + [ast.literal_eval(one) for one in arguments.defaults]
    found += [(one.arg, kind, default) for (one, kind), default in zip(placed, defaults)]
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        default = empty if default is None else ast.literal_eval(default)
        found.append((one.arg, inspect.Parameter.KEYWORD_ONLY, default))
    return found


def signature(function):
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


def names(body):
    """The names that these statements give to those who import from here, each with its node."""
    found = {}
    for node in body:
        if isinstance(node, ast.ImportFrom):
            # Only `import x as x` passes a name on.
            found.update((one.asname, node) for one in node.names if one.asname == one.name)
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found.update((target.id, node) for target in node.targets)
        elif isinstance(node, FUNCTIONS + (ast.ClassDef,)):
            # The setter of a property follows the property, which says more.
            found.setdefault(node.name, node)
    return found


def exists(node):
    """Whether there is something at run time: not for what only types speak of."""
    if isinstance(node, ast.AnnAssign) and getattr(node.annotation, 'id', '') == 'TypeAlias':
        return False
    return not (isinstance(node, ast.ClassDef) and has_decorator(node, 'type_check_only'))


@unittest.skipUnless(OURS, 'the stubs are of oiji')
class Stubs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(stub_file(), encoding='utf-8') as file:
            cls.names = names(ast.parse(file.read()).body)

    def test_all_is_all(self):
        self.assertEqual(sorted(ast.literal_eval(self.names['__all__'].value)), sorted(module.__all__))
        self.assertLessEqual(set(module.__all__), set(self.names))

    def test_every_name_exists(self):
        missing = [name for name, node in self.names.items() if exists(node) and not hasattr(module, name)]
        self.assertEqual(missing, [])

    def test_every_public_name_is_there(self):
        """But for the modules and functions that `pickle` itself only imports."""
        for name, value in vars(module).items():
            of_others = isinstance(value, types.ModuleType) or getattr(value, '__module__', 'pickle') not in (
                'oiji', 'oiji._oiji', 'pickle', '_pickle')
            if not name.startswith('_') and not of_others and name not in ('maxsize', 'PyStringMap'):
                self.assertIn(name, self.names)

    def test_what_is_passed_on_is_of_pickle(self):
        for name, node in self.names.items():
            if isinstance(node, ast.ImportFrom):
                self.assertEqual(node.module, 'pickle')
                self.assertIs(getattr(module, name), getattr(pickle, name), name)

    def test_functions_have_these_parameters(self):
        found = {name: node for name, node in self.names.items() if isinstance(node, FUNCTIONS)}
        self.assertLessEqual({'dump', 'dumps', 'load', 'loads', 'patch', 'unpatch'}, set(found))
        for name, node in found.items():
            self.assertEqual(parameters(node), signature(getattr(module, name)), name)

    def test_classes_have_these_names(self):
        for name in ('Pickler', 'Unpickler'):
            said = {one for one in names(self.names[name].body) if not one.startswith('__')}
            real = {one for one in vars(getattr(module, name)) if not one.startswith('__')}
            self.assertEqual(said - HOOKS, real, name)

    def test_methods_have_these_parameters(self):
        for name in ('Pickler', 'Unpickler'):
            real = getattr(module, name)
            for method, node in names(self.names[name].body).items():
                if not isinstance(node, FUNCTIONS) or method in HOOKS:
                    continue
                if has_decorator(node, 'property'):
                    self.assertIsInstance(getattr(real, method), types.GetSetDescriptorType, method)
                elif method == '__init__':
                    # CPython 3.9 takes the signature from such classes.
                    if sys.version_info >= (3, 10):
                        self.assertEqual(parameters(node)[1:], signature(real), name)
                else:
                    # Builtin methods take `self` by its place alone.
                    said, found = parameters(node), signature(getattr(real, method))
                    self.assertEqual(said, found, '%s.%s' % (name, method))

    def test_memos_have_these_names(self):
        import io
        for name, made in (('_PicklerMemo', module.Pickler(io.BytesIO())),
                           ('_UnpicklerMemo', module.Unpickler(io.BytesIO()))):
            said = set(names(self.names[name].body))
            self.assertEqual(said, {one for one in vars(type(made.memo)) if not one.startswith('_')})

    def test_they_are_marked_as_types_for_checkers(self):
        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(stub_file()), 'py.typed')))


if __name__ == '__main__':
    unittest.main()
