//! Strongly connected components, by Tarjan's algorithm with an explicit stack: what lies on a cycle.

/// Of each node of a graph, the component it is in, if that has a cycle.
#[derive(Debug, Default)]
pub(super) struct Cycles {
    /// 0 for what is on no cycle, or was not reached.
    components: Vec<u32>,
}

impl Cycles {
    /// Of nodes `0..count`, from some of them on; `children` gives where a node leads, by number.
    pub(super) fn of<I: Iterator<Item = usize>>(
        count: usize,
        roots: impl IntoIterator<Item = usize>,
        mut children: impl FnMut(usize) -> I,
    ) -> Self {
        let mut components = vec![0_u32; count];
        // 0 for what is not met yet, `u32::MAX` for what is done with.
        let mut order = vec![0_u32; count];
        let (mut met, mut found) = (0, 0);
        let mut open: Vec<usize> = Vec::new();
        let mut frames: Vec<(usize, u32, I, bool)> = Vec::new();
        for root in roots {
            if order[root] != 0 {
                continue;
            }
            let mut next = Some(root);
            loop {
                if let Some(node) = next.take() {
                    met += 1;
                    order[node] = met;
                    open.push(node);
                    frames.push((node, met, children(node), false));
                }
                let Some((node, low, rest, has_loop)) = frames.last_mut() else { break };
                match rest.next() {
                    Some(child) if order[child] == 0 => next = Some(child),
                    Some(child) => {
                        *has_loop |= child == *node;
                        if order[child] != u32::MAX {
                            *low = (*low).min(order[child]);
                        }
                    }
                    None => {
                        let (node, low, has_loop) = (*node, *low, *has_loop);
                        frames.pop();
                        if let Some((_, above, ..)) = frames.last_mut() {
                            *above = (*above).min(low);
                        }
                        if low == order[node] {
                            let start = open.iter().rposition(|other| *other == node).unwrap_or_default();
                            let is_cycle = has_loop || open.len() - start > 1;
                            found += u32::from(is_cycle);
                            for member in open.drain(start..) {
                                order[member] = u32::MAX;
                                components[member] = if is_cycle { found } else { 0 };
                            }
                        }
                    }
                }
            }
        }
        if found == 0 {
            return Cycles::default();
        }
        Cycles { components }
    }

    /// Whether a node leads back to itself.
    pub(super) fn contains(&self, node: usize) -> bool {
        self.components.get(node).is_some_and(|component| *component != 0)
    }

    /// Whether two nodes lead to one another.
    pub(super) fn are_together(&self, one: usize, other: usize) -> bool {
        self.contains(one) && self.components.get(one) == self.components.get(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_back_to_itself_is_on_a_cycle() {
        // 0 → 1 → 2 → 1, 2 → 3, 4 → 4, 5
        let edges: [&[usize]; 6] = [&[1], &[2], &[1, 3], &[], &[4], &[]];
        let cycles = Cycles::of(6, 0..6, |node| edges[node].iter().copied());
        let found: Vec<bool> = (0..6).map(|node| cycles.contains(node)).collect();
        assert_eq!(found, [false, true, true, false, true, false]);
        assert!(cycles.are_together(1, 2) && !cycles.are_together(1, 4) && !cycles.are_together(0, 3));
    }

    #[test]
    fn a_long_way_needs_no_deep_stack() {
        let count = 1_000_000;
        let cycles = Cycles::of(count, [0], |node| std::iter::once((node + 1) % count));
        assert!(cycles.are_together(0, count - 1));
    }
}
