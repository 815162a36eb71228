"""Arrays of the NumPy that runs this. `make FOLDER` writes each as `.npy` and in pickles; `check FOLDER` compares what oiji
made of these files with the arrays themselves, and prints what it compared and what is wrong, as JSON."""

import json
import os
import pickle
import sys

import numpy as np

PYTHON_2 = sys.version_info[0] == 2
HIGHEST = pickle.HIGHEST_PROTOCOL


def text(raw):
    return raw.decode("utf-8")


def cases():
    """Pairs of a name and an array. Names of files and fields are `str` of the Python that runs."""
    r = np.arange
    yield "bool", np.array([True, False, True])
    for code in "bBhHiIlLqQefdgFDG":
        yield "code_" + code + ("_big" if code.isupper() else ""), np.array([1, 2, 100], dtype=code)
        yield "swapped_" + code + ("_big" if code.isupper() else ""), np.array([[1, 2, 3], [4, 5, 6]], dtype=code).astype(np.dtype(code).newbyteorder(">"))
    yield "bytes", np.array([b"ab", b"", b"hello\x00x"])
    yield "text", np.array([text(b"a\xe2\x82\xac"), text(b""), text(b"\xf0\x9f\x98\x80xyz")])
    yield "text_big", np.array([text(b"a\xe2\x82\xac"), text(b"xyz")]).astype(">U3")
    yield "void", np.array([b"abcdefg", b"1234567"], dtype="V7")
    for unit in ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25s", "3M"]:
        yield "datetime_" + unit, np.array([0, 5, -3, -2 ** 63], dtype="M8[%s]" % unit)
        yield "timedelta_" + unit, np.array([0, 5, -3], dtype="m8[%s]" % unit)
    yield "datetime_generic", np.array(["NaT"], dtype="M8")
    yield "datetime_big", np.array([7, 8], dtype=">M8[us]")
    yield "zero_d", np.array(2.75)
    yield "empty", np.zeros((0, 3))
    yield "empty_middle", np.zeros((2, 0, 3), dtype="i4", order="F")
    yield "fortran", np.asfortranarray(r(24.0).reshape(2, 3, 4))
    yield "strided", r(20)[::3]
    yield "transposed", r(24.0).reshape(2, 3, 4).transpose(1, 0, 2)
    yield "flipped", r(6)[::-1]
    yield "broadcast", np.broadcast_to(np.array([1, 2, 3]), (4, 3))
    yield "axes_32", np.ones((1,) * 31 + (2,))
    simple = [("a", "<i4"), ("b", ">f8"), ("c", "S3")]
    yield "record", np.array([(1, 2.5, b"xy"), (3, -1.0, b"z")], dtype=simple)
    yield "record_nested", np.zeros(3, dtype=[("x", simple), ("y", [("z", "M8[ns]"), ("w", "U2")], (2, 2))])
    yield "record_sub", np.zeros(2, dtype=[("m", "<f4", (2, 3)), ("n", "u1", 4)])
    yield "record_aligned", np.zeros(2, dtype=np.dtype([("a", "i1"), ("m", "f4", (2, 2)), ("z", "c8"), ("e", "i1")], align=True))
    yield "record_padded", np.ones(2, dtype=np.dtype({"names": ["a", "b"], "formats": ["u1", "<i8"], "offsets": [3, 8], "itemsize": 20}))
    yield "record_titles", np.ones(2, dtype=[(("a title", "a"), "<i4"), (("another one", "b"), "<f8", (2,))])
    yield "record_fortran", np.asfortranarray(np.zeros((2, 2), dtype=simple))
    if not PYTHON_2:
        yield "record_unicode", np.ones(1, dtype=[(text(b"caf\xc3\xa9"), "<i4"), ("b", "<f8")])
        if np.lib.NumpyVersion(np.__version__) >= "1.17.0":
            yield "record_utf8", np.ones(1, dtype=[(text(b"\xe5\x90\x8d"), "<i4"), ("it's\n", "<f8")])
    yield "record_wide", np.zeros(1, dtype=[("a_rather_long_field_name_%04d" % i, "<f4") for i in range(2200)])
    yield "objects", np.array([1, "two", None, {"k": [1, 2]}, 2.5, (3,), b"\xff"], dtype=object)
    yield "objects_2d", np.array([[1, 2.5], ["x", None]], dtype=object, order="F")
    yield "objects_0d", np.array({"a": 1}, dtype=object)
    shared = [1]
    shared_twice = np.empty(2, dtype=object)
    shared_twice[:] = [shared, shared]
    yield "objects_shared", shared_twice
    yield "record_objects", np.array([(1, "a"), (2, None)], dtype=[("n", "<i4"), ("o", object)])
    yield "floats", np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e300])
    if hasattr(np, "dtypes") and hasattr(np.dtypes, "StringDType"):
        yield "strings", np.array(["a", "longer than fifteen bytes", text(b"\xf0\x9f\x98\x80")], dtype=np.dtypes.StringDType())


def pickled_cases():
    """What only pickles hold."""
    yield "matrix", np.matrix([[1, 2], [3, 4]])
    yield "recarray", np.rec.array([(1, 2.5), (3, 4.5)], dtype=[("a", "<i4"), ("b", "<f8")])
    yield "masked", np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False], fill_value=-9)
    yield "masked_plain", np.ma.array([[1, 2], [3, 4]])
    yield "masked_fortran", np.ma.array(np.asfortranarray(np.arange(6).reshape(2, 3)), mask=np.asfortranarray(np.eye(2, 3, dtype=bool)))
    yield "masked_record", np.ma.array([(1, 2.5), (3, 4.5)], mask=[(0, 1), (1, 0)], dtype=[("a", "<i4"), ("b", "<f8")])
    if hasattr(np, "dtypes") and hasattr(np.dtypes, "StringDType"):
        yield "strings_missing", np.array(["a", None, "b"], dtype=np.dtypes.StringDType(na_object=None))


def path(folder, name, ending):
    return os.path.join(folder, name + ending)


def make(folder):
    for name, array in cases():
        np.save(path(folder, name, ".npy"), array)
    for name, array in list(cases()) + list(pickled_cases()):
        for protocol in range(HIGHEST + 1):
            with open(path(folder, name, ".p%d.pkl" % protocol), "wb") as file:
                pickle.dump(array, file, protocol)


def shown(dtype):
    """Titles of ours are `unicode` in Python 2, where NumPy takes any object for one."""
    return repr(dtype).replace("(u'", "('")


def same(ours, array):
    """What is wrong with ours, or nothing. That a record is aligned no header tells, and NumPy 2 does not take it from the
    flags that NumPy 1 wrote and reads; its layout is the same."""
    if type(ours) is not type(array):
        return "%s, not %s" % (type(ours), type(array))
    is_same = shown(ours.dtype) == shown(array.dtype) or "align=" in repr(array.dtype)
    if not is_same or (ours.dtype != array.dtype and not PYTHON_2):
        return "dtype %r, not %r" % (ours.dtype, array.dtype)
    if ours.shape != array.shape:
        return "shape %r, not %r" % (ours.shape, array.shape)
    if isinstance(array, np.ma.MaskedArray):
        if repr(ours) != repr(array) or repr(ours.mask) != repr(array.mask) or repr(ours.fill_value) != repr(array.fill_value):
            return "%r, not %r" % (ours, array)
        return None
    if array.dtype.hasobject:
        if repr(ours.tolist()) != repr(array.tolist()):
            return "%r, not %r" % (ours.tolist(), array.tolist())
        return None
    if ours.tobytes() != array.tobytes():
        return "other bytes"
    return None


def load(file):
    if file.endswith(".npy"):
        return np.load(file, allow_pickle=True)
    with open(file, "rb") as stream:
        return pickle.load(stream)


def native(array):
    """NumPy keeps the order of bytes in files, and turns that of numbers to its own when it loads a pickle, but for
    protocol 5."""
    return array if array.dtype.kind in "OVT" else array.astype(array.dtype.newbyteorder("="))


def check_npz(folder, file):
    """Compares all arrays of an archive with the `.npy` files of the same names."""
    npz = np.load(os.path.join(folder, file), allow_pickle=True)
    wrong = []
    for name in npz.files:
        ours = npz[name]
        problem = same(ours, load(path(folder, name, ".npy")))
        # What lies between fields NumPy does not read from a ZIP.
        if problem == "other bytes" and ours.tolist() == load(path(folder, name, ".npy")).tolist():
            problem = None
        if problem:
            wrong.append("%s: %s: %s" % (file, name, problem))
    return len(npz.files), wrong


def check(folder):
    """Compares `ours.NAME.SOURCE.npy` and `ours.NAME.SOURCE.qN.pkl` with what this NumPy reads from `NAME.SOURCE` itself."""
    compared, wrong = 0, []
    for entry in sorted(os.listdir(folder)):
        if not entry.startswith("ours."):
            continue
        _, name, source = entry.split(".")[:3]
        try:
            ours = load(os.path.join(folder, entry))
            theirs = load(path(folder, name, ".npy" if source == "npy" else ".%s.pkl" % source))
            if source != "npy" or not entry.endswith(".npy"):
                ours, theirs = native(ours), native(theirs)
            problem = same(ours, theirs)
        except Exception as error:
            problem = "%s: %s" % (type(error).__name__, error)
        compared += 1
        if problem:
            wrong.append("%s: %s" % (entry, problem))
    for file in ["stored.npz", "deflated.npz"]:
        if os.path.exists(os.path.join(folder, file)):
            count, problems = check_npz(folder, file)
            compared += count
            wrong += problems
    print(json.dumps({"compared": compared, "wrong": wrong, "numpy": np.__version__}))


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    check(sys.argv[2])
