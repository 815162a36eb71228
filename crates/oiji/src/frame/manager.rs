//! Managers: how pandas keeps columns of one dtype together in blocks, in the forms of all its versions; or, if it was told to,
//! each column for itself.

use crate::array::dtype::bad;
use crate::error::Result;
use crate::frame::grid::Grid;
use crate::graph::{Node, Object, Value};

/// The parts of a manager: labels of each axis, columns first, and blocks.
#[derive(Debug)]
pub(crate) struct Manager<'g> {
    pub(crate) axes: Vec<Value<'g>>,
    pub(crate) blocks: Vec<Block<'g>>,
    /// Whether it is that of a Series: one axis, one block.
    pub(crate) is_single: bool,
}

/// Data of some columns, and which these are.
#[derive(Debug)]
pub(crate) struct Block<'g> {
    pub(crate) values: Value<'g>,
    places: Places<'g>,
}

/// Which columns a block is.
#[derive(Debug)]
enum Places<'g> {
    /// A slice, a list or an array of numbers.
    Told(Value<'g>),
    /// This one alone.
    One(u64),
}

impl<'g> Manager<'g> {
    /// The manager in the state of a table, if that has one.
    pub(crate) fn of(table: Object<'g>) -> Option<Result<Manager<'g>>> {
        let manager = table.attribute("_mgr").or_else(|| table.attribute("_data"))?.as_object().ok()?;
        let class = manager.made_class().filter(|class| class.module().starts_with("pandas"))?;
        match class.name() {
            "BlockManager" => Some(Manager::of_blocks(manager, false)),
            "SingleBlockManager" => Some(Manager::of_blocks(manager, true)),
            "ArrayManager" => Some(Manager::of_arrays(manager, false)),
            "SingleArrayManager" => Some(Manager::of_arrays(manager, true)),
            _ => None,
        }
    }

    fn of_blocks(manager: Object<'g>, is_single: bool) -> Result<Manager<'g>> {
        let (axes, blocks) = match manager.state() {
            Some(state) => of_state(state)?,
            // From pandas 1.5 on: BlockManager(blocks, axes).
            None => (manager.args().at(1)?, of_calls(manager.args().at(0)?)?),
        };
        Manager::checked(axes.items()?.iter().collect(), blocks, is_single)
    }

    /// Of pandas 1.3 to 2 with `mode.data_manager = "array"`: a list of columns, and axes of which that of rows comes first.
    fn of_arrays(manager: Object<'g>, is_single: bool) -> Result<Manager<'g>> {
        let part = |name: &str, at: usize| {
            let told = manager.attribute(name).or_else(|| manager.state()?.at(at).ok());
            told.map_or_else(|| manager.args().at(at), Ok)
        };
        let (arrays, axes) = (part("arrays", 0)?, part("_axes", 1)?);
        let blocks = arrays.items()?.iter().zip(0..).map(|(values, at)| Block { values, places: Places::One(at) });
        Manager::checked(axes.items()?.iter().rev().collect(), blocks.collect(), is_single)
    }

    fn checked(axes: Vec<Value<'g>>, blocks: Vec<Block<'g>>, is_single: bool) -> Result<Manager<'g>> {
        let wanted = if is_single { 1 } else { 2 };
        if axes.len() != wanted {
            return Err(bad(format!("a block manager of {} axes, not {wanted}", axes.len())));
        }
        if is_single && blocks.len() != 1 {
            return Err(bad(format!("a Series of {} blocks", blocks.len())));
        }
        Ok(Manager { axes, blocks, is_single })
    }
}

/// `(axes, values, items, {'0.14.1': {axes, blocks}})`.
fn of_state(state: Value<'_>) -> Result<(Value<'_>, Vec<Block<'_>>)> {
    let parts = state.items()?.iter().rev().find_map(|part| part.pairs().ok()?.get("0.14.1"));
    let parts = parts.ok_or_else(|| bad("a block manager of pandas before 0.14.1, or of a form that is not known"))?;
    let blocks = parts
        .get("blocks")?
        .items()?
        .iter()
        .map(|block| Ok(Block { values: block.get("values")?, places: Places::Told(block.get("mgr_locs")?) }));
    Ok((parts.get("axes")?, blocks.collect::<Result<_>>()?))
}

/// `_unpickle_block(values, places, ndim)` each.
fn of_calls<'g>(blocks: Value<'g>) -> Result<Vec<Block<'g>>> {
    let block = |block: Value<'g>| {
        let args = block.as_object()?.args();
        Ok(Block { values: args.at(0)?, places: Places::Told(args.at(1)?) })
    };
    blocks.items()?.iter().map(block).collect()
}

/// Columns that stand one after another in a block and in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// The first column in the table.
    pub(crate) start: u64,
    pub(crate) len: u64,
    pub(crate) block: usize,
    /// The row of the first in the block.
    pub(crate) row: u64,
    /// Whether rows go up with columns, or down.
    pub(crate) is_rising: bool,
}

impl Block<'_> {
    /// Which columns its rows are, of `columns` in all.
    pub(crate) fn runs(&self, block: usize, columns: u64, runs: &mut Vec<Run>) -> Result<u64> {
        let outside = |place: i64| bad(format!("a block with column {place} of {columns}"));
        let mut one = |row: u64, place: i64| -> Result<()> {
            let start = u64::try_from(place).ok().filter(|start| *start < columns).ok_or_else(|| outside(place))?;
            runs.push(Run { start, len: 1, block, row, is_rising: true });
            Ok(())
        };
        let places = match self.places {
            Places::Told(places) => places,
            Places::One(at) => return one(0, i64::try_from(at).unwrap_or(i64::MAX)).map(|()| 1),
        };
        if let Node::Object(object) = places.node()
            && object.made_class().is_some_and(|class| class.name() == "slice")
        {
            let (start, len, step) = slice(object, columns)?;
            if step == 1 || step == -1 {
                let first = if step == 1 { start } else { start.saturating_sub(len.saturating_sub(1)) };
                if len > 0 {
                    runs.push(Run { start: first, len, block, row: 0, is_rising: step == 1 });
                }
                return Ok(len);
            }
            /// Claims that cost nothing: columns without rows.
            const MOST: u64 = 1 << 20;
            if len > MOST {
                return Err(bad(format!("a block of {len} columns by steps of {step}")));
            }
            for row in 0..len {
                one(row, start as i64 + step * row as i64)?;
            }
            return Ok(len);
        }
        if let Ok(items) = places.items() {
            for (row, place) in items.iter().enumerate() {
                one(row as u64, place.as_i64()?)?;
            }
            return Ok(items.len() as u64);
        }
        let places = Grid::of_value(places)?;
        for row in 0..places.len() {
            one(row, places.int(0, row).ok_or_else(|| bad("a block with a column that is no int"))?)?;
        }
        Ok(places.len())
    }
}

/// First column, count and step of `slice(start, stop, step)`.
fn slice(object: Object<'_>, columns: u64) -> Result<(u64, u64, i64)> {
    let part = |at: usize| match object.args().at(at)?.node() {
        Node::None => Ok(None),
        Node::Int(int) => Ok(Some(i128::from(int))),
        _ => Err(bad("a block with a slice of no ints")),
    };
    let step = part(2)?.unwrap_or(1);
    let columns = i128::from(columns);
    let (start, stop) = match step {
        0 => return Err(bad("a block with a slice without a step")),
        1.. => (part(0)?.unwrap_or(0), part(1)?.unwrap_or(columns)),
        // Down to the first one, there is no other way to say it.
        _ => (part(0)?.unwrap_or(columns - 1), part(1)?.unwrap_or(-1)),
    };
    let count =
        if step > 0 { (stop - start + step - 1).div_euclid(step) } else { (start - stop - step - 1).div_euclid(-step) };
    let last = start + step * (count - 1);
    if count <= 0 {
        return Ok((0, 0, 1));
    }
    match (u64::try_from(start), u64::try_from(count), i64::try_from(step)) {
        (Ok(first), Ok(count), Ok(step)) if start.max(last) < columns && last >= 0 => Ok((first, count, step)),
        _ => Err(bad(format!("a block with columns {start} to {last} of {columns}"))),
    }
}
