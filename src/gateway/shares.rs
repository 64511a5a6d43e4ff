//! Weights that send a share of all requests to the gray backends.

use crate::spec::Match;

/// The share of a match that is nothing else, in percent.
pub fn weight_alone(route: &Match) -> Option<u8> {
    let is_alone = route.headers.is_empty() && route.query.is_empty() && route.cookie.is_none();
    route.weight.filter(|_| is_alone)
}

/// A backend of the baseline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backend {
    /// Its weight; what has no weight of its own has the dialect's default.
    pub weight: u64,
    /// Whether it has a gray copy.
    pub gray: bool,
}

/// What a backend of the baseline keeps, and what its gray copy gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// The baseline's weight.
    pub base: u64,
    /// The weight of the gray copy; `None` where there is none.
    pub gray: Option<u64>,
}

/// Weights by which `percent` of all requests go to gray copies, and the rest is shared among the
/// baseline's as before. `None` where no weight does that: the backends with a gray copy get no
/// requests, or the numbers are out of all bounds.
pub(super) fn split(backends: &[Backend], percent: u8) -> Option<Vec<Share>> {
    let percent = u64::from(percent);
    let rest = 100_u64.checked_sub(percent)?;
    if let [Backend { weight: 1.., gray: true }] = backends {
        return Some(vec![Share { base: rest, gray: Some(percent) }]);
    }
    let sum = |only_gray: bool| {
        let counted = backends.iter().filter(|backend| backend.gray || !only_gray);
        counted.map(|backend| backend.weight).try_fold(0_u64, u64::checked_add)
    };
    let (all, gray) = (sum(false)?, sum(true).filter(|sum| *sum > 0)?);
    let mut shares = Vec::new();
    for backend in backends {
        let base = backend.weight.checked_mul(rest)?.checked_mul(gray)?;
        let own = match backend.gray {
            true => Some(backend.weight.checked_mul(percent)?.checked_mul(all)?),
            false => None,
        };
        shares.push(Share { base, gray: own });
    }
    let weights = shares.iter().flat_map(|share| [share.base, share.gray.unwrap_or(0)]);
    let divisor = weights.fold(0, common_divisor).max(1);
    for share in &mut shares {
        share.base /= divisor;
        share.gray = share.gray.map(|weight| weight / divisor);
    }
    Some(shares)
}

fn common_divisor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(backends: &[(u64, bool)], percent: u8) -> Option<Vec<(u64, Option<u64>)>> {
        let backends: Vec<Backend> = backends
            .iter()
            .map(|(weight, gray)| Backend { weight: *weight, gray: *gray })
            .collect();
        let shares = split(&backends, percent)?;
        Some(shares.iter().map(|share| (share.base, share.gray)).collect())
    }

    #[test]
    fn a_share_of_all_requests_is_gray() {
        assert_eq!(shown(&[(1, true)], 10), Some(vec![(90, Some(10))]));
        assert_eq!(shown(&[(100, true)], 0), Some(vec![(100, Some(0))]));
        // 81 and 9 of 100 as nine to one, and 10 of 100.
        assert_eq!(shown(&[(90, true), (10, false)], 10), Some(vec![(81, Some(10)), (9, None)]));
        assert_eq!(shown(&[(1, true), (1, true)], 50), Some(vec![(1, Some(1)), (1, Some(1))]));
    }

    #[test]
    fn no_share_comes_of_nothing() {
        assert_eq!(shown(&[(0, true)], 10), None);
        assert_eq!(shown(&[(0, true), (5, false)], 10), None);
        assert_eq!(shown(&[(u64::MAX, true), (1, false)], 10), None);
        assert_eq!(shown(&[], 10), None);
    }
}
