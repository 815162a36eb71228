//! Block managers: how pandas keeps columns of one dtype together, in the forms of all its versions.

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
    places: Value<'g>,
}

impl<'g> Manager<'g> {
    /// The manager in the state of a table, if that has one.
    pub(crate) fn of(table: Object<'g>) -> Option<Result<Manager<'g>>> {
        let manager = table.attribute("_mgr").or_else(|| table.attribute("_data"))?.as_object().ok()?;
        let class = manager.made_class().filter(|class| class.module().starts_with("pandas"))?;
        let is_single = match class.name() {
            "BlockManager" => false,
            "SingleBlockManager" => true,
            "ArrayManager" | "SingleArrayManager" => {
                return Some(Err(bad(format!("tables kept by {class} are not read"))));
            }
            _ => return None,
        };
        Some(Manager::read(manager, is_single))
    }

    fn read(manager: Object<'g>, is_single: bool) -> Result<Manager<'g>> {
        let (axes, blocks) = match manager.state() {
            Some(state) => of_state(state)?,
            // From pandas 1.5 on: BlockManager(blocks, axes).
            None => (manager.args().at(1)?, of_calls(manager.args().at(0)?)?),
        };
        let axes: Vec<_> = axes.items()?.iter().collect();
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
        .map(|block| Ok(Block { values: block.get("values")?, places: block.get("mgr_locs")? }));
    Ok((parts.get("axes")?, blocks.collect::<Result<_>>()?))
}

/// `_unpickle_block(values, places, ndim)` each.
fn of_calls<'g>(blocks: Value<'g>) -> Result<Vec<Block<'g>>> {
    let block = |block: Value<'g>| {
        let args = block.as_object()?.args();
        Ok(Block { values: args.at(0)?, places: args.at(1)? })
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
        if let Node::Object(object) = self.places.node()
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
        if let Ok(items) = self.places.items() {
            for (row, place) in items.iter().enumerate() {
                one(row as u64, place.as_i64()?)?;
            }
            return Ok(items.len() as u64);
        }
        let places = Grid::of_value(self.places)?;
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
