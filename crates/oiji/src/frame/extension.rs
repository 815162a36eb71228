//! The arrays of pandas by their classes: categories, times, masked numbers, text, intervals, sparse arrays, Arrow's. Modules
//! moved from version to version, so the name of a class is what tells.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::array::Array;
use crate::array::dtype::{Dtype, bad};
use crate::error::{ErrorKind, Result};
use crate::frame::arrow::Chunks;
use crate::frame::cell::Cell;
use crate::frame::grid::Grid;
use crate::frame::index::{closed_bounds, index_parts};
use crate::frame::period::Frequency;
use crate::frame::values::{ArrowName, Places, Values, Visits};
use crate::frame::zone::Zone;
use crate::graph::{Id, Node, Object, Value};

/// Reads data of columns; what stands in several places is read once.
#[derive(Debug)]
pub(crate) struct Reader<'g> {
    known: FxHashMap<Id, Arc<Values<'g>>>,
    pub(crate) visits: Visits,
}

/// Data in one another: categories that are intervals that are times.
const DEPTH: u32 = 4;

impl<'g> Reader<'g> {
    pub(crate) fn new(visits: u64) -> Reader<'g> {
        Reader { known: FxHashMap::default(), visits: Visits::new(visits) }
    }

    /// The data that a value is, or that it is not understood.
    pub(crate) fn values(&mut self, value: Value<'g>) -> Arc<Values<'g>> {
        self.inner(value, DEPTH)
    }

    fn inner(&mut self, value: Value<'g>, depth: u32) -> Arc<Values<'g>> {
        if let Some(known) = self.known.get(&value.id()) {
            return Arc::clone(known);
        }
        let read = match depth.checked_sub(1) {
            Some(depth) => self.read(value, depth),
            None => Err(bad("data in one another, too deep")),
        };
        let read = read.unwrap_or_else(|error| {
            let problem = match error.kind() {
                ErrorKind::InvalidArray { problem } => problem.clone(),
                _ => error.to_string(),
            };
            Values::Unknown { value, problem }
        });
        let read = Arc::new(read);
        self.known.insert(value.id(), Arc::clone(&read));
        read
    }

    fn read(&mut self, value: Value<'g>, depth: u32) -> Result<Values<'g>> {
        if let Ok(array) = value.as_array() {
            return plain(array);
        }
        let object = value.as_object()?;
        if let Some((class, parts)) = index_parts(object) {
            return self.index(class, parts, depth);
        }
        let Some(class) = object.made_class().filter(|class| class.module().starts_with("pandas")) else {
            return Err(bad("not read as data of a table"));
        };
        match class.name() {
            "Categorical" => self.categorical(object, depth),
            "DatetimeArray" => times(object),
            "TimedeltaArray" | "PandasArray" | "NumpyExtensionArray" => plain(data(object)?.as_array()?),
            "PeriodArray" => {
                let dtype = parts(object).into_iter().find_map(Frequency::of);
                let freq = || Frequency::of(part(object, "_freq")?);
                let frequency = dtype.or_else(freq).ok_or_else(|| bad("periods of a frequency that is not known"))?;
                Ok(Values::Periods { ordinals: Grid::of_value(data(object)?)?, frequency })
            }
            "IntegerArray" | "BooleanArray" | "FloatingArray" => {
                let (data, mask) =
                    (Grid::of_value(wanted(object, "_data")?)?, Grid::of_value(wanted(object, "_mask")?)?);
                if data.len() != mask.len() || *mask.dtype() != Dtype::Bool {
                    return Err(bad(format!("{} values with a mask of {}", data.len(), mask.len())));
                }
                Ok(Values::Masked { data, mask })
            }
            "StringArray" | "StringArrayNumpySemantics" => {
                let objects = Grid::of_value(data(object)?)?;
                if !objects.is_objects() {
                    return Err(bad(format!("text in an array of {}", objects.dtype())));
                }
                Ok(Values::Texts { objects, dtype: string_name(object) })
            }
            "ArrowStringArray" | "ArrowStringArrayNumpySemantics" => {
                let chunks = Chunks::of(data(object)?, &mut self.visits)?;
                let is_new = class.name() == "ArrowStringArrayNumpySemantics";
                let name = if is_new { "string" } else { string_name(object) };
                Ok(Values::Arrow { chunks, dtype: ArrowName::Named(name) })
            }
            "ArrowExtensionArray" => {
                let chunks = Chunks::of(data(object)?, &mut self.visits)?;
                Ok(Values::Arrow { chunks, dtype: ArrowName::OfType })
            }
            "IntervalArray" => {
                let (left, right) = (wanted(object, "_left")?, wanted(object, "_right")?);
                let closed = part(object, "_closed").or_else(|| {
                    let dtype = part(object, "_dtype")?.as_object().ok()?;
                    dtype.own_arg(1).or_else(|| dtype.attribute("_closed")).or_else(|| dtype.attribute("closed"))
                });
                self.intervals(left, right, closed, depth)
            }
            "SparseArray" => sparse(object),
            name => Err(bad(format!("arrays of class {name} are not read"))),
        }
    }

    /// The data of an index of one level.
    fn index(&mut self, class: &str, parts: Value<'g>, depth: u32) -> Result<Values<'g>> {
        if class == "RangeIndex" {
            let part = |name: &str, or: i64| match parts.get(name) {
                Ok(value) if !value.is_none() => value.as_i64().map(i128::from),
                _ => Ok(i128::from(or)),
            };
            let (start, stop, step) = (part("start", 0)?, part("stop", 0)?, part("step", 1)?);
            let len = range_len(start, stop, step).ok_or_else(|| bad("a range that cannot be"))?;
            return Ok(Values::Range { start, step, len });
        }
        if class == "IntervalIndex"
            && let (Ok(left), Ok(right)) = (parts.get("left"), parts.get("right"))
        {
            return self.intervals(left, right, parts.get("closed").ok(), depth);
        }
        let data = parts.get("data")?;
        let zone = parts.get("tz").ok().filter(|zone| !zone.is_none());
        if class == "DatetimeIndex"
            && let (Some(zone), Ok(array)) = (zone, data.as_array())
        {
            return in_zone(Grid::of(array)?, zone);
        }
        if class == "PeriodIndex"
            && let (Ok(array), Ok(frequency)) = (data.as_array(), parts.get("freq"))
        {
            let frequency = Frequency::of(frequency).ok_or_else(|| bad("periods of a frequency that is not known"))?;
            return Ok(Values::Periods { ordinals: Grid::of(array)?, frequency });
        }
        let values = self.inner(data, depth);
        match &*values {
            // It is the index that is not understood.
            Values::Unknown { problem, .. } => Err(bad(problem.clone())),
            values => Ok(values.clone()),
        }
    }

    fn categorical(&mut self, object: Object<'g>, depth: u32) -> Result<Values<'g>> {
        let dtype = |value: Value<'g>| {
            let object = value.as_object().ok()?;
            object.made_class().filter(|class| class.name() == "CategoricalDtype")?;
            object.attribute("categories").or_else(|| object.own_arg(0))
        };
        let categories = parts(object).into_iter().find_map(dtype).or_else(|| part(object, "_categories"));
        let categories = categories.ok_or_else(|| bad("categories that are nowhere"))?;
        let of_parts = || parts(object).into_iter().find(|part| Array::of(*part).is_some());
        let codes = part(object, "_codes").or_else(|| part(object, "_ndarray")).or_else(of_parts);
        let codes = Grid::of_value(codes.ok_or_else(|| bad("a categorical without codes"))?)?;
        let labels = self.inner(categories, depth);
        coded(codes, labels, false)
    }

    fn intervals(
        &mut self,
        left: Value<'g>,
        right: Value<'g>,
        closed: Option<Value<'g>>,
        depth: u32,
    ) -> Result<Values<'g>> {
        let closed = closed.and_then(|closed| closed_bounds(closed.as_str().ok()?));
        let (has_left, has_right) = closed.unwrap_or((false, true));
        let (left, right) = (self.inner(left, depth), self.inner(right, depth));
        match (left.len(), right.len()) {
            (Some(one), Some(other)) if one == other => {}
            (one, other) => {
                return Err(bad(format!("intervals of {} lower and {} upper bounds", told(one), told(other))));
            }
        }
        Ok(Values::Intervals { left, right, has_left, has_right, has_closed: closed.is_some() })
    }
}

fn told(len: Option<u64>) -> String {
    len.map_or_else(|| "unknown".to_owned(), |len| len.to_string())
}

/// Codes with what they stand for; each is a number of one of these or none.
pub(crate) fn coded<'g>(codes: Grid<'g>, labels: Arc<Values<'g>>, is_level: bool) -> Result<Values<'g>> {
    if codes.is_objects() || !matches!(codes.dtype(), Dtype::Int(..) | Dtype::UInt(..)) {
        return Err(bad(format!("codes that are {}", codes.dtype())));
    }
    let count = labels.len().ok_or_else(|| match &*labels {
        Values::Unknown { problem, .. } => bad(format!("what codes stand for is not understood: {problem}")),
        _ => bad("what codes stand for is not understood"),
    })?;
    for at in 0..codes.len() {
        if let Some(code) = codes.int(0, at).and_then(|code| u64::try_from(code).ok()).filter(|code| *code >= count) {
            return Err(bad(format!("code {code} of {count} categories")));
        }
    }
    Ok(Values::Coded { codes, labels, is_level })
}

/// An array of NumPy.
fn plain(array: Array<'_>) -> Result<Values<'_>> {
    let grid = Grid::of(array)?;
    match grid.is_plain() {
        true => Ok(Values::Plain(grid)),
        false => Err(bad(format!("elements of {}", grid.dtype()))),
    }
}

/// Times with the zone of their dtype, if they have one.
fn times(object: Object<'_>) -> Result<Values<'_>> {
    let steps = Grid::of_value(data(object)?)?;
    let zone = |value: Value<'_>| {
        let dtype = value.as_object().ok()?;
        dtype.made_class().filter(|class| class.name() == "DatetimeTZDtype")?;
        // Called with the unit and the zone, or given them as a state.
        dtype.attribute("tz").or_else(|| dtype.attribute("_tz")).map(|zone| zone.id())
    };
    match parts(object).into_iter().find_map(zone) {
        Some(zone) => in_zone(steps, object.class().graph().value(zone)),
        None => Ok(Values::Plain(steps)),
    }
}

fn in_zone<'g>(steps: Grid<'g>, zone: Value<'g>) -> Result<Values<'g>> {
    let zone = Zone::of(zone).ok_or_else(|| bad(format!("a time zone that is not known: {zone}")))?;
    match steps.dtype() {
        Dtype::DateTime(..) => Ok(Values::Moments { steps, zone }),
        dtype => Err(bad(format!("times of {dtype}"))),
    }
}

/// A few values among many that are the same.
fn sparse(object: Object<'_>) -> Result<Values<'_>> {
    let values = Grid::of_value(wanted(object, "_sparse_values").or_else(|error| {
        // Of pandas before 0.24 the array itself is in the state.
        parts(object).into_iter().find(|part| Array::of(*part).is_some()).ok_or(error)
    })?)?;
    let index = wanted(object, "_sparse_index")?.as_object()?;
    let dtype = wanted(object, "_dtype")?.as_object()?;
    let fill = dtype.attribute("_fill_value").or_else(|| dtype.own_arg(1)).map_or(Cell::Missing, Cell::of);
    let args = index.args();
    let len = args
        .at(0)?
        .as_i64()
        .ok()
        .and_then(|len| u64::try_from(len).ok())
        .ok_or_else(|| bad("a sparse array of no length"))?;
    let class = index.made_class().ok_or_else(|| bad("a sparse array without places"))?;
    let starts = Grid::of_value(args.at(1)?)?;
    let lens = if class.name() == "BlockIndex" { Some(Grid::of_value(args.at(2)?)?) } else { None };
    let (mut next, mut total, mut before) = (0_u64, 0_u64, Vec::new());
    for at in 0..starts.len() {
        let size = lens.as_ref().map_or(Some(1), |lens| lens.int(0, at));
        let (start, size) = match (starts.int(0, at), size) {
            (Some(start), Some(size)) if start >= 0 && size >= 0 => (start as u64, size as u64),
            _ => return Err(bad("a sparse array with a place that is none")),
        };
        if start < next || start.saturating_add(size) > len {
            return Err(bad(format!("place {start} in a sparse array of {len}")));
        }
        if lens.is_some() {
            before.push(total);
        }
        (next, total) = (start + size, total + size);
    }
    if total != values.len() {
        return Err(bad(format!("{total} places of {} values in a sparse array", values.len())));
    }
    let places = match lens {
        Some(lens) => Places::Runs { starts, lens, before },
        None => Places::Each(starts),
    };
    Ok(Values::Sparse { values, places, len, fill })
}

/// `str` where missing text is NaN, as pandas 3 has it; else `string`.
fn string_name(object: Object<'_>) -> &'static str {
    let is_str = parts(object).into_iter().any(|part| {
        let Ok(dtype) = part.as_object() else { return false };
        dtype.made_class().is_some_and(|class| class.name() == "StringDtype")
            && matches!(dtype.own_arg(1).map(Value::node), Some(Node::Float(float)) if float.is_nan())
    });
    if is_str { "str" } else { "string" }
}

/// The array in an extension array, under its names through time.
fn data<'g>(object: Object<'g>) -> Result<Value<'g>> {
    let named = ["_ndarray", "_data", "_pa_array"].into_iter().find_map(|name| part(object, name));
    let found = named.or_else(|| parts(object).into_iter().find(|part| Array::of(*part).is_some()));
    found.ok_or_else(|| bad("an array without data"))
}

/// An attribute, wherever in the state it is.
fn part<'g>(object: Object<'g>, name: &str) -> Option<Value<'g>> {
    let state = object.state()?;
    let of_dict = |value: Value<'g>| value.pairs().ok()?.get(name);
    match state.node() {
        Node::Tuple(items) => items.iter().rev().find_map(of_dict),
        _ => of_dict(state),
    }
}

fn wanted<'g>(object: Object<'g>, name: &str) -> Result<Value<'g>> {
    part(object, name).ok_or_else(|| bad(format!("an array without {name}")))
}

/// What the state is made of: the items of a tuple, and the values of dicts.
fn parts<'g>(object: Object<'g>) -> Vec<Value<'g>> {
    /// A state has a handful.
    const MOST: usize = 32;
    let mut found = Vec::new();
    let mut add = |value: Value<'g>| match value.node() {
        Node::Dict(pairs) => found.extend(pairs.iter().take(MOST).map(|(_, value)| value)),
        _ => found.push(value),
    };
    match object.state().map(Value::node) {
        Some(Node::Tuple(items)) => items.iter().take(MOST).for_each(&mut add),
        Some(_) => object.state().into_iter().for_each(&mut add),
        None => {}
    }
    found
}

/// How many numbers a range has.
fn range_len(start: i128, stop: i128, step: i128) -> Option<u64> {
    let len = match step {
        0 => return None,
        1.. => (stop - start + step - 1).div_euclid(step),
        _ => (start - stop - step - 1).div_euclid(-step),
    };
    u64::try_from(len.max(0)).ok()
}
