# -*- coding: utf-8 -*-
"""The other side of the tutorial's files. Works on Python 2.7 and 3.

argv: "write FOLDER" writes the files of every chapter in every protocol; "check FOLDER" loads those that are there and
prints what is wrong, a line each; "serve" is the kitchen on a socket of its own, "order PORT" its customer.
"""
from __future__ import print_function

import os
import pickle
import socket
import sys
import types

try:
    import sqlite3
except ImportError:
    sqlite3 = None

PY2 = sys.version_info[0] == 2
FOLDER = sys.argv[2] if len(sys.argv) > 2 else None


def module(name, source):
    """A module with classes of its own, as if it were imported."""
    made = types.ModuleType(name)
    made.__dict__["__name__"] = name
    exec(compile(source, name, "exec"), made.__dict__)
    sys.modules[name] = made
    return made


kitchen = module("kitchen", '''
class Jar(object):
    def __init__(self, vegetables):
        self.vegetables = vegetables
        self.opened = 3
    def __getstate__(self):
        state = dict(self.__dict__)
        del state["opened"]
        return state
    def __setstate__(self, state):
        assert "opened" not in state
        self.__dict__.update(state)
        self.opened = 0

class Label(object):
    pass

class Order(object):
    pass

class Bill(object):
    pass

def price(dish):
    return 3.5
''')

model = module("model", '''
import pickle

class Trained(object):
    def __getstate__(self):
        state = dict(self.__dict__)
        del state["training_set"]
        return state
    def __setstate__(self, state):
        self.__dict__.update(state)
        with open(self.training_file, "rb") as file:
            self.training_set = pickle.load(file)

class Line(object):
    def __getstate__(self):
        return self.w, self.b
    def __setstate__(self, state):
        self.w, self.b = state
        self.answers = []

class Classifier(object):
    pass
''')

net = module("net", '''
class Perceptron(object):
    pass
''')

OldLine = model.Line

# Line once its attributes are renamed: it reads the old tuple.
NewLine = module("model_today", '''
class Line(object):
    def __getstate__(self):
        return self.weights, self.bias
    def __setstate__(self, state):
        self.weights, self.bias = state
''').Line
NewLine.__module__ = "model"


def filled(made, **attributes):
    made.__dict__.update(attributes)
    return made


def path(name, protocol):
    return os.path.join(FOLDER, "%s.%d.pkl" % (name, protocol))


def dump(name, protocol, *objects):
    with open(path(name, protocol), "wb") as file:
        for made in objects:
            pickle.dump(made, file, protocol)


def load(name, protocol):
    """All objects of a file, until the end."""
    objects = []
    with open(path(name, protocol), "rb") as file:
        while True:
            try:
                objects.append(pickle.load(file))
            except EOFError:
                return objects


RECIPE = {"name": u"오이지", "cucumbers": 50, "salt": 0.25, "days": [1, 3, 7], "note": None}
SEVERAL = [u"first", {u"second": 2}, [0, 1, 2, 3]]
EVERYTHING = {
    "none": None,
    "truth": True,
    "integer": -7,
    "long_integer": 2 ** 100,
    "float": 0.1,
    "byte_string": b"\x00\x80\xff",
    "unicode_string": u"오이지",
    "tuple": (1, u"one"),
    "list": [1, None],
    "dict": {u"salt": 0.25, u"water": 2.0},
    "function": kitchen.price,
    "builtin": len,
    "class": kitchen.Label,
}
VEGETABLES = [u"오이", u"무"]
TRAINING_SET = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]
WEIGHTS = {"w": [0.5, -1.5], "b": 2.0}
RENAMED = {"weights": [0.5, -1.5], "bias": 2.0}
LABELS = [(1, {"text": u"오이지", "year": 2026}), (2, {"text": u"장아찌", "year": 2026})]


def write():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        dump("dump_and_load", protocol, RECIPE)
        dump("several", protocol, *SEVERAL)
        label = filled(kitchen.Label(), text=u"cucumbers", year=2026)
        dump("what_can_be_pickled", protocol, dict(EVERYTHING, instance=label))
        dump("state_hooks", protocol, kitchen.Jar(VEGETABLES))
        training_file = path("training_set", protocol) + ".training"
        with open(training_file, "wb") as file:
            pickle.dump(TRAINING_SET, file, protocol)
        trained = filled(model.Trained(), w=2.0, b=1.0, training_file=training_file, training_set=TRAINING_SET)
        dump("training_set", protocol, trained)
        dump("weights", protocol, filled(model.Line(), **WEIGHTS))
        dump("old_classifier", protocol, filled(net.Perceptron(), **WEIGHTS))
        model.Line = NewLine
        dump("line", protocol, filled(NewLine(), **RENAMED))
        model.Line = OldLine
        dump("classifier", protocol, filled(model.Classifier(), **RENAMED))
        if sqlite3:
            database = sqlite3.connect(path("database", protocol))
            database.execute("CREATE TABLE labels (jar INTEGER PRIMARY KEY, label BLOB)")
            for jar, label in LABELS:
                data = pickle.dumps(filled(kitchen.Label(), **label), protocol)
                database.execute("INSERT INTO labels VALUES (?, ?)", (jar, sqlite3.Binary(data)))
            database.commit()
            database.close()
    print("files in %d protocols%s" % (pickle.HIGHEST_PROTOCOL + 1, "" if sqlite3 else ", but no sqlite3"))


def expect(what, found, wanted):
    """Types count too: b"a" == u"a" and 1 == True in Python 2."""
    if found != wanted or type(found) is not type(wanted):
        print("%s: %r, not %r" % (what, found, wanted))


def check():
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        def one(name):
            found = load(name, protocol)
            expect("objects in %s" % name, len(found), 1)
            return found[0]

        def instance(what, found, kind, attributes):
            expect("class of %s" % what, type(found).__module__ + "." + type(found).__name__, kind)
            for name in attributes:
                expect("%s.%s" % (what, name), found.__dict__.get(name), attributes[name])
            expect("attributes of %s" % what, sorted(found.__dict__), sorted(attributes))

        expect("dump_and_load", one("dump_and_load"), RECIPE)
        expect("several", load("several", protocol), SEVERAL)
        everything = one("what_can_be_pickled")
        instance("instance", everything.pop("instance"), "kitchen.Label", {"text": u"cucumbers", "year": 2026})
        expect("names", sorted(everything), sorted(EVERYTHING))
        for name in EVERYTHING:
            expect(name, everything[name], EVERYTHING[name])
        instance("jar", one("state_hooks"), "kitchen.Jar", {"vegetables": VEGETABLES, "opened": 0})
        training_file = path("training_set", protocol) + ".training"
        instance("trained", one("training_set"), "model.Trained", {
            "w": 2.0, "b": 1.0, "training_file": u"" + training_file, "training_set": TRAINING_SET,
        })
        instance("line", one("weights"), "model.Line", dict(WEIGHTS, answers=[]))
        model.Line = NewLine
        instance("line today", one("line"), "model.Line", RENAMED)
        instance("the old line today", one("weights"), "model.Line", RENAMED)
        model.Line = OldLine
        instance("classifier", one("classifier"), "model.Classifier", RENAMED)
        if sqlite3:
            database = sqlite3.connect(path("database", protocol))
            rows = database.execute("SELECT jar, label FROM labels ORDER BY jar").fetchall()
            database.close()
            expect("rows", len(rows), len(LABELS))
            for (jar, data), (number, label) in zip(rows, LABELS):
                expect("jar", jar, number)
                instance("label", pickle.loads(bytes(data)), "kitchen.Label", label)


def talk(connection):
    """Something to write to, something to read from."""
    connection.settimeout(60)
    return connection.makefile("wb", 0) if not PY2 else connection.makefile("wb"), connection.makefile("rb")


def say(to, made):
    pickle.dump(made, to, pickle.HIGHEST_PROTOCOL)
    to.flush()


def serve():
    listener = socket.socket()
    listener.settimeout(60)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    print(listener.getsockname()[1])
    sys.stdout.flush()
    to, orders = talk(listener.accept()[0])
    count = 0
    while True:
        try:
            order = pickle.load(orders)
        except EOFError:
            break
        assert type(order) is kitchen.Order and type(order.dish) is type(u""), order
        say(to, filled(kitchen.Bill(), dish=order.dish, total=kitchen.price(order.dish) * order.count))
        count += 1
    print("%d orders" % count)


def order():
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[2])), 60)
    to, bills = talk(connection)
    for dish, count in [(u"오이지", 2), (u"깍두기", 1), (u"동치미", 4)]:
        say(to, filled(kitchen.Order(), dish=dish, count=count))
        bill = pickle.load(bills)
        assert type(bill) is kitchen.Bill, bill
        expect("bill", (bill.dish, bill.total), (dish, 3.5 * count))
    print("paid")


{"write": write, "check": check, "serve": serve, "order": order}[sys.argv[1]]()
