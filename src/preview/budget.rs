//! What fits into a text of bounded size: whole things, the most important first.

use std::cmp::Reverse;

/// Some of many parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The positions of the parts that fit, in order.
    pub(super) positions: Vec<usize>,
    /// How many do not.
    pub(super) left_out: usize,
}

/// The parts that fit into a number of bytes. `parts` has the importance and the bytes of each: of
/// those that are equally important the first come first, and what does not fit keeps nothing
/// smaller from fitting.
pub(super) fn fit<I: Ord>(parts: &[(I, usize)], bytes: usize) -> Kept {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| parts.get(*at).map(|(importance, _)| Reverse(importance)));
    let mut left = bytes;
    let mut positions = Vec::new();
    for at in order {
        let Some((_, size)) = parts.get(at) else { continue };
        if let Some(rest) = left.checked_sub(*size) {
            left = rest;
            positions.push(at);
        }
    }
    positions.sort_unstable();
    Kept { left_out: parts.len() - positions.len(), positions }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_important_fit_first_and_stay_in_order() {
        let parts = [(0, 4), (2, 4), (1, 4)];
        assert_eq!(fit(&parts, 8), Kept { positions: vec![1, 2], left_out: 1 });
        assert_eq!(fit(&parts, 12), Kept { positions: vec![0, 1, 2], left_out: 0 });
    }

    #[test]
    fn what_is_too_large_keeps_nothing_else_out() {
        let parts = [(1, 9), (1, 3), (0, 3)];
        assert_eq!(fit(&parts, 6), Kept { positions: vec![1, 2], left_out: 1 });
        assert_eq!(fit::<u8>(&[], 0), Kept { positions: Vec::new(), left_out: 0 });
    }
}
