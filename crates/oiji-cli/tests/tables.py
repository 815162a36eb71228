# Tables that pandas pickles into a folder, each with the CSV that its `to_csv` makes.
import datetime
import decimal
import io
import os
import pickle
import sys

import numpy
import pandas

out, protocol = sys.argv[1], int(sys.argv[2])
version = tuple(int(part) for part in pandas.__version__.split(".")[:2])
count = [0]
py3 = sys.version_info[0] == 3


def add(name, table, told=None):
    """`told` is the same table in types that pandas knows how to write."""
    try:
        table = table()
    except (TypeError, ValueError, AttributeError, ImportError, KeyError) as error:
        sys.stderr.write("skipped %s: %s\n" % (name, error))
        return
    with open(os.path.join(out, name + ".pkl"), "wb") as file:
        pickle.dump(table, file, protocol)
    table = table if told is None else told()
    is_index = isinstance(table, pandas.Index)
    if is_index:
        table = table.to_frame(index=False)
    elif isinstance(table, pandas.Series):
        # Series had no header before pandas 0.25.
        table = table.to_frame(0 if table.name is None else table.name)
    path = os.path.join(out, name + ".expected")
    table.to_csv(path, encoding="utf-8", index=not is_index)
    count[0] += 1


frame, series = pandas.DataFrame, pandas.Series
nan, nat = float("nan"), pandas.NaT
u = lambda text: text if py3 else text.decode("utf-8")

add("numbers", lambda: frame({
    "i": numpy.arange(5), "i1": numpy.arange(5, dtype="i1") - 3, "u8": numpy.array([2**64 - 1, 0, 1, 2, 3], dtype="u8"),
    "f": [0.1, nan, 1e300, -0.0, 1e16], "g": [1e-5, 1.0, 123456789.123456, float("inf"), 2.0 / 3],
    "b": [True, False, True, True, False]}))
add("float32", lambda: frame({"f4": numpy.array([0.1, 1.5, -1e-5, nan, -2.5, float("-inf")], dtype="f4")}))
add("float32_large", lambda: frame({"f4": numpy.array([1e10, 3.4e38], dtype="f4")}))
add("big_endian", lambda: frame(numpy.arange(6, dtype=">f8").reshape(3, 2)))
add("complex", lambda: frame({"c": [1 + 2j, -1.5j, 0j]}))
add("text", lambda: frame({"s": ["a,b", 'say "yes"', "two\nlines", "", None, u("b\xc3\xaata") if not py3 else "b\u00eata", " lead"]}))
add("mixed", lambda: frame({"o": [1, "x", None, 2.5, True, (1, 2), [3], nan, {1: 2}, decimal.Decimal("1.50")]}))
add("dates", lambda: frame({"o": [datetime.date(2020, 2, 29), datetime.datetime(2020, 1, 2, 3, 4, 5), datetime.datetime(1999, 12, 31, 0, 0, 0, 7)]}, dtype=object))
add("stamps", lambda: series([pandas.Timestamp("2015-04-01 12:00", tz="Europe/Paris"), pandas.Timestamp(5), pandas.NaT, pandas.Timedelta("1 days 00:00:01"), None], dtype=object))
for name, stamps in {
    "midnight": ["2015-04-01", "1969-12-31", None],
    "seconds": ["2015-04-01 10:20:30", "2015-04-02", None],
    "millis": ["2015-04-01 10:20:30.5", "2015-04-02"],
    "micros": ["2015-04-01 10:20:30.000001", "2015-04-02"],
    "nanos": ["2015-04-01 10:20:30.000000001", "2015-04-02"],
}.items():
    add("naive_" + name, lambda: frame({"t": pandas.to_datetime(stamps), "u": pandas.to_datetime(stamps)}))
    add("index_" + name, lambda: frame({"v": range(len(stamps))}, index=pandas.to_datetime(stamps)))
    add("paris_" + name, lambda: frame({"t": pandas.to_datetime(stamps).tz_localize("Europe/Paris")}))
add("zones", lambda: frame({
    "utc": pandas.date_range("2015-03-29", periods=4, freq="60min", tz="UTC"),
    "paris": pandas.date_range("2015-03-29", periods=4, freq="60min", tz="Europe/Paris"),
    "kolkata": pandas.date_range("1941-09-30 23:00", periods=4, freq="60min", tz="Asia/Kolkata"),
    "new_york": pandas.date_range("1918-03-31", periods=4, freq="60min", tz="America/New_York")}))
add("summer_of_2061", lambda: frame({"t": pandas.date_range("2061-07-01", periods=2, freq="60min", tz="America/New_York")}))
add("offset", lambda: frame({"t": pandas.to_datetime(["2015-01-01 10:00", None]).tz_localize(datetime.timezone(datetime.timedelta(hours=5, minutes=30)))}))
add("days", lambda: frame({"d": pandas.to_timedelta(["1 days", "-2 days", None])}) if version >= (2, 0) else frame())
add("deltas", lambda: frame({"s": pandas.to_timedelta(["-1 days", "3 days 00:00:01", None]), "u": pandas.to_timedelta(["1 days", "0 days 00:00:00.5", None]), "n": pandas.to_timedelta(["1 days 00:00:01", "-1 days +23:59:59.5", "0 days 00:00:00.000000001"])}))
for name, freq in {"month": "M", "quarter": "Q", "year": "A-JUN" if version < (2, 2) else "Y-JUN", "day": "D", "hour": "H" if version < (2, 2) else "h", "week": "W", "week_tue": "W-TUE", "business": "B", "second": "S" if version < (2, 2) else "s"}.items():
    add("period_" + name, lambda: frame({"v": range(3)}, index=pandas.period_range("2015-12-30", periods=3, freq=freq)))
    if version >= (0, 24):
        add("period_column_" + name, lambda: frame({"p": pandas.period_range("1969-12-30", periods=3, freq=freq)}))
add("categories", lambda: frame({"c": pandas.Categorical(["lo", "hi", None, "lo"], ["lo", "mid", "hi"], ordered=True), "n": pandas.Categorical([3, 1, 3, 2]), "v": [1, 2, 3, 4]}))
add("categories_of_times", lambda: frame({"t": pandas.Categorical(pandas.to_datetime(["2015-01-01", "2015-01-02", None, "2015-01-01"]))}))
add("intervals", lambda: frame({"v": pandas.cut([1, 5, 8, 9], [0, 3, 6, 10]), "w": pandas.IntervalIndex.from_breaks([0.5, 1.5, 2.5, 3.5, 4.0], closed="left")}))
add("multi_rows", lambda: frame({"v": [1.5, 2.5, nan]}, index=pandas.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)], names=["k", None])))
add("multi_columns", lambda: frame(numpy.arange(6).reshape(2, 3), columns=pandas.MultiIndex.from_tuples([("A", "x"), ("A", "y"), ("B", "")])))
add("multi_names", lambda: frame(numpy.arange(4).reshape(2, 2), columns=pandas.MultiIndex.from_tuples([("A", 1), ("B", 2)], names=["up", "down"]), index=pandas.Index(["r", "s"], name="row")))
add("multi_both", lambda: frame(numpy.arange(4).reshape(2, 2), columns=pandas.MultiIndex.from_tuples([("A", 1), ("B", 2)], names=["up", "down"]), index=pandas.MultiIndex.from_tuples([("r", 1), ("s", 2)], names=["p", "q"])))
add("named_series", lambda: series([1, 2, 3], name="ser", index=["a", "b", "c"]))
add("nameless_series", lambda: series([1.5, nan]))
add("text_series", lambda: series(["x", None, "z"], name="t"))
add("categorical_index", lambda: frame({"v": [1, 2, 3]}, index=pandas.CategoricalIndex(["b", "a", "b"])))
add("empty", lambda: frame())
add("no_rows", lambda: frame({"a": numpy.array([], dtype="i8"), "b": numpy.array([], dtype=object)}))
add("no_columns", lambda: frame(index=[1, 2, 3]))
add("one_gap", lambda: frame({"a": [nan, 1.0]}, index=["", "x"]))
add("same_names", lambda: frame(numpy.arange(4).reshape(2, 2), columns=["a", "a"]))
add("int_labels", lambda: frame(numpy.arange(4).reshape(2, 2), columns=[7, 3], index=pandas.Index([2, 1], name="n")))
add("date_labels", lambda: frame(numpy.arange(4).reshape(2, 2), columns=pandas.to_datetime(["2020-01-01", "2020-01-02"])))
interleaved = lambda: frame([[i, i / 2.0, str(i), i * 2, i / 4.0] for i in range(3)], columns=list("abcde"))
add("interleaved", interleaved)
add("reversed", lambda: interleaved()[list("edcba")])
add("every_other", lambda: frame(numpy.arange(12).reshape(2, 6)).iloc[::-1, ::2])
add("range_down", lambda: frame({"v": [1, 2, 3]}).iloc[::-1])
add("fortran", lambda: frame(numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3))))
add("transposed", lambda: frame(numpy.arange(6.0).reshape(2, 3)).T)
add("strided", lambda: frame(numpy.arange(40.0).reshape(10, 4)).iloc[1:9:3, 1:3])


def many():
    table = frame({"a": [1, 2]})
    for at in range(40):
        table["c%d" % at] = [at, at + 0.5] if at % 3 else ["x", at]
    return table


add("many_blocks", many)
add("deleted", lambda: many().drop(columns=["c3", "c7"]) if version >= (0, 21) else many())
index, multi = pandas.Index, pandas.MultiIndex
add("alone_text", lambda: index(["a", "b", None], name="k"))
add("alone_nameless", lambda: index([3, 1, 2]))
add("alone_floats", lambda: index([0.5, nan, 2.0], name="f"))
add("alone_range", lambda: pandas.RangeIndex(3, 30, 9, name="r"))
add("alone_times", lambda: pandas.DatetimeIndex(["2015-04-01 10:00", None], name="t").tz_localize("Europe/Paris"))
add("alone_dates", lambda: pandas.date_range("2015-04-01", periods=3))
add("alone_deltas", lambda: pandas.to_timedelta([1, 2], unit="D"))
add("alone_periods", lambda: pandas.period_range("2015-01", periods=3, freq="M", name="p"))
add("alone_categories", lambda: pandas.CategoricalIndex(["b", "a", "b"], name="c"))
add("alone_intervals", lambda: pandas.IntervalIndex.from_breaks([0, 1, 2], name="i"))
add("alone_multi", lambda: multi.from_product([["a", "b"], [1, 2]], names=["k", "n"]))
add("alone_multi_nameless", lambda: multi.from_tuples([("a", 1.5), ("b", nan)]))
if (1, 3) <= version < (3, 0):
    with pandas.option_context("mode.data_manager", "array"):
        add("arrays_mixed", lambda: frame({"i": [1, 2, 3], "f": [0.5, nan, 1.5], "s": ["x", None, "z"], "t": pandas.to_datetime(["2015-04-01", None, "2015-04-02"]), "c": pandas.Categorical(["u", "v", "u"]), "n": pandas.array([1, None, 3], dtype="Int64"), "z": pandas.date_range("2015-03-29", periods=3, tz="Europe/Paris")}, index=["a", "b", "c"]))
        add("arrays_series", lambda: series([1.5, nan], name="x", index=["p", "q"]))
        add("arrays_empty", lambda: frame({"a": [], "b": []}))
        add("arrays_slice", lambda: frame({"a": range(10), "b": [float(at) for at in range(10)]}).iloc[2:9:3, ::-1])
        managers = [type(frame({"a": [1]})._mgr).__name__, type(series([1])._mgr).__name__]
        assert managers == ["ArrayManager", "SingleArrayManager"], managers
if version >= (0, 24):
    add("nullable", lambda: frame({"i": pandas.array([1, None, 3], dtype="Int64"), "u": pandas.array([1, 2, None], dtype="UInt8")}))
    sparse = pandas.SparseArray if version < (1, 0) else pandas.arrays.SparseArray
    add("sparse", lambda: frame({"s": sparse([0, 0, 1, 2, 0]), "f": sparse([nan, nan, 1.5, nan, 2.5])}))
    add("sparse_blocks", lambda: frame({"s": sparse([0, 3, 1, 0, 0, 7], kind="block")}))
if version >= (1, 0):
    add("strings", lambda: frame({"s": pandas.array(["x", None, "z"], dtype="string"), "b": pandas.array([True, None, False], dtype="boolean")}))
if version >= (1, 2):
    add("floats", lambda: frame({"f": pandas.array([0.5, None, 1.5], dtype="Float64"), "g": pandas.array([0.25, None, 1.5], dtype="Float32")}))
try:
    import pyarrow
except ImportError:
    pyarrow = None
if pyarrow and version >= (2, 0):
    arrow = lambda values, type: pandas.array(values, dtype=pandas.ArrowDtype(type))
    zoned = [datetime.datetime(2015, 7, 1, 12, tzinfo=datetime.timezone.utc), None]
    add("arrow", lambda: frame({
        "s": arrow(["x", None], pyarrow.string()), "l": arrow(["", "y"], pyarrow.large_string()),
        "b": arrow([True, None], pyarrow.bool_()), "i": arrow([-1, None], pyarrow.int16()),
        "f": arrow([0.5, None], pyarrow.float64()), "g": arrow([1.5, None], pyarrow.float32()),
        "d": arrow([datetime.date(2020, 2, 29), None], pyarrow.date32()),
        "n": arrow([decimal.Decimal("-0.05"), None], pyarrow.decimal128(8, 2)),
        }))
    add("arrow_lists", lambda: frame({"v": arrow([[1, 2], [], None], pyarrow.list_(pyarrow.int64()))}))
    add("arrow_times", lambda: frame({
        "t": arrow([datetime.datetime(2015, 1, 2, 3, 4, 5), None], pyarrow.timestamp("us")),
        "z": arrow(zoned, pyarrow.timestamp("ms", tz="Europe/Paris")),
        "u": arrow([datetime.timedelta(days=1, seconds=1), None], pyarrow.duration("ns"))}))
    points = pyarrow.struct([("a", pyarrow.int64()), ("b", pyarrow.string()), ("c", pyarrow.list_(pyarrow.float32()))])
    # What is nested pandas makes arrays of NumPy of, and ints that may be missing floats.
    nested = lambda name, values, type, part=slice(None): add(
        name, lambda: frame({"v": arrow(values, type)}).iloc[part], lambda: frame({"v": series(values, dtype=object)}).iloc[part])
    nested("arrow_structs", [{"a": 1, "b": "x", "c": [0.5]}, None, {"a": None, "b": "it's", "c": None}], points)
    nested("arrow_structs_slice", [{"a": at, "b": str(at), "c": [float(at)] * at} for at in range(9)], points, slice(4, 8))
    nested("arrow_structs_inner", [[{"a": 1}, None], [], None, [{"a": 2}]], pyarrow.list_(pyarrow.struct([("a", pyarrow.int8())])))
    views = lambda text, raw: frame({
        "v": arrow(["short", None, "longer than twelve bytes", "", "twelve bytes", "another one that is longer"], text),
        "b": arrow([b"x", b"longer than twelve bytes", None, b"", b"\xff", b"y"], raw)})
    add("arrow_views", lambda: views(pyarrow.string_view(), pyarrow.binary_view()), lambda: views(pyarrow.string(), pyarrow.binary()))
    sliced = lambda text: frame({"v": arrow(["%d: %s" % (at, "x" * at) for at in range(20)], text)}).iloc[7:15]
    add("arrow_views_slice", lambda: sliced(pyarrow.string_view()), lambda: sliced(pyarrow.string()))
    nested("arrow_maps", [[("x", 1), ("y", None)], None, []], pyarrow.map_(pyarrow.string(), pyarrow.int64()))
    nested("arrow_fixed_lists", [[1, 2], [3, None], [5, 6], [7, 8]], pyarrow.list_(pyarrow.int32(), 2), slice(1, 4))
    add("arrow_fixed", lambda: frame({"b": arrow([b"abc", None, b"def"], pyarrow.binary(3))}))
    add("arrow_times_of_day", lambda: frame({
        "s": arrow([datetime.time(1, 2, 3), None], pyarrow.time32("s")), "m": arrow([datetime.time(1, 2, 3, 4000), None], pyarrow.time32("ms")),
        "u": arrow([datetime.time(23, 59, 59, 1), None], pyarrow.time64("us")), "n": arrow([datetime.time(0, 0), None], pyarrow.time64("ns"))}))
    add("arrow_slice", lambda: frame({"s": arrow([str(at) * at for at in range(20)], pyarrow.string()), "b": arrow([bool(at % 3) for at in range(20)], pyarrow.bool_())}).iloc[3:17])
    add("arrow_chunks", lambda: pandas.concat([frame({"s": arrow(["a", None], pyarrow.string())}), frame({"s": arrow(["b", "c"], pyarrow.string())})]))
    add("arrow_dictionary", lambda: frame({"d": pandas.arrays.ArrowExtensionArray(pyarrow.array(["x", "y", None, "x"]).dictionary_encode())}))
    add("pyarrow_strings", lambda: frame({"s": pandas.array(["x", None, "z"], dtype="string[pyarrow]")}))
sys.stdout.write("%d" % count[0])
