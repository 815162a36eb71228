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


def add(name, table):
    try:
        table = table()
    except (TypeError, ValueError, AttributeError, ImportError, KeyError) as error:
        sys.stderr.write("skipped %s: %s\n" % (name, error))
        return
    with open(os.path.join(out, name + ".pkl"), "wb") as file:
        pickle.dump(table, file, protocol)
    # Series had no header before pandas 0.25.
    frame = table.to_frame(0 if table.name is None else table.name) if isinstance(table, pandas.Series) else table
    path = os.path.join(out, name + ".expected")
    frame.to_csv(path, encoding="utf-8")
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
    add("arrow_slice", lambda: frame({"s": arrow([str(at) * at for at in range(20)], pyarrow.string()), "b": arrow([bool(at % 3) for at in range(20)], pyarrow.bool_())}).iloc[3:17])
    add("arrow_chunks", lambda: pandas.concat([frame({"s": arrow(["a", None], pyarrow.string())}), frame({"s": arrow(["b", "c"], pyarrow.string())})]))
    add("arrow_dictionary", lambda: frame({"d": pandas.arrays.ArrowExtensionArray(pyarrow.array(["x", "y", None, "x"]).dictionary_encode())}))
    add("pyarrow_strings", lambda: frame({"s": pandas.array(["x", None, "z"], dtype="string[pyarrow]")}))
sys.stdout.write("%d" % count[0])
