//! Tables of pandas and sparse matrices inside a pickle of any bytes.

use oiji::array::Sparse;
use oiji::frame::{Column, Frame, Index};
use oiji::{Graph, Limits};

/// What is a table, an index or a matrix fits together: columns are as many and as long as is said, and nothing takes more
/// than allowed.
pub(crate) fn tables(graph: &Graph<'_>) {
    const ALLOWED: u64 = 1 << 16;
    let limits = Limits { visits: ALLOWED, allocation: ALLOWED, ..Limits::default() };
    for value in graph.values() {
        if let Ok(Some(frame)) = Frame::with_limits(value, &limits) {
            assert_eq!(frame.columns().count() as u64, frame.column_count());
            frame.columns().for_each(|column| look(&column, frame.row_count()));
            frame.index().levels().for_each(|level| look(&level, frame.row_count()));
        }
        if let Ok(Some(index)) = Index::of(value) {
            assert_eq!(index.levels().count(), index.level_count());
            let _ = index.label(index.len().wrapping_sub(1));
        }
        if let Ok(Some(matrix)) = Sparse::of(value)
            && let Ok(dense) = matrix.to_dense(&limits)
        {
            assert!(dense.shape() == matrix.shape() && dense.size() <= ALLOWED);
        }
    }
}

fn look(column: &Column<'_>, rows: u64) {
    /// A fuzzer need not wait for more.
    const FEW: u64 = 1 << 12;
    let _ = (column.name(), column.dtype());
    assert_eq!(column.len(), rows);
    if rows <= FEW {
        assert_eq!(column.cells().map(|cell| cell.to_string()).collect::<Vec<_>>().len() as u64, rows);
        assert_eq!(column.texts(&|_, _| Some(3600)).count() as u64, rows);
    }
}
