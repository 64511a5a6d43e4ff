//! In which order tables that lead to each other are created.

use std::collections::{BTreeSet, HashMap};

/// Tables by their position, so that what one needs comes before it where that is possible.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// All positions, each once: the given order, but for what has to come first.
    pub(super) positions: Vec<usize>,
    /// Whether some of them need each other in a circle.
    pub(super) circle: bool,
}

/// Orders tables; each has its name and the names it needs. Of itself a table needs nothing.
pub(super) fn order(tables: &[(&str, Vec<&str>)]) -> Order {
    let positions: HashMap<&str, usize> =
        tables.iter().enumerate().map(|(position, (name, _))| (*name, position)).collect();
    let mut waiting = vec![0_usize; tables.len()];
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); tables.len()];
    for (position, (_, needs)) in tables.iter().enumerate() {
        for need in needs.iter().filter_map(|need| positions.get(need)) {
            if *need != position {
                waiting[position] += 1;
                needed_by[*need].push(position);
            }
        }
    }
    let mut ready: BTreeSet<usize> = (0..tables.len()).filter(|at| waiting[*at] == 0).collect();
    let mut ordered = Vec::with_capacity(tables.len());
    while let Some(position) = ready.pop_first() {
        ordered.push(position);
        for next in &needed_by[position] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.insert(*next);
            }
        }
    }
    let circle = ordered.len() < tables.len();
    ordered.extend((0..tables.len()).filter(|position| waiting[*position] > 0));
    Order { positions: ordered, circle }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_first() {
        for (tables, positions, circle) in [
            (vec![], vec![], false),
            (vec![("b", vec![]), ("a", vec![])], vec![0, 1], false),
            (vec![("b", vec!["a", "a"]), ("a", vec!["c"]), ("c", vec![])], vec![2, 1, 0], false),
            (vec![("a", vec!["a", "elsewhere"])], vec![0], false),
            (vec![("a", vec!["b"]), ("b", vec!["a"]), ("c", vec![])], vec![2, 0, 1], true),
        ] {
            assert_eq!(order(&tables), Order { positions, circle }, "{tables:?}");
        }
    }
}
