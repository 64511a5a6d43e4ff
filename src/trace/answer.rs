//! What a gateway does with a request.

use std::fmt;

use super::request::HeaderEdit;
use crate::diagnostic::Place;
use crate::kube::object::ObjectRef;

/// What a gateway does with a request: one or more outcomes whose parts sum up to all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// In the order in which the gateway comes to them; none has no part.
    pub shares: Vec<Share>,
    /// What the answer rests on beside the manifests, such as the age of objects.
    pub notes: Vec<String>,
}

/// One outcome and how probable it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// How many of all requests like this one.
    pub part: Part,
    /// What becomes of them.
    pub outcome: Outcome,
    /// Why, in one line.
    pub why: String,
    /// The position of the route in the list that was asked, where one answers.
    pub route: Option<usize>,
    /// Where in the route.
    pub place: Option<Place>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes to a Service.
    Backend(Backend),
    /// The gateway answers itself: no route, a redirect.
    Gateway,
    /// Manifests do not tell; the share's `why` says what is missing.
    Undecided,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// The Service.
    pub service: ObjectRef,
    /// The subset of its pods, where the route names one: the value of `service-subset`.
    pub subset: Option<String>,
    /// What the route does to the request's headers, in order.
    pub edits: Vec<HeaderEdit>,
}

/// A part of a whole, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// So many.
    pub of: u64,
    /// Of so many; never 0.
    pub out_of: u64,
}

impl Part {
    /// All of it.
    pub const ALL: Self = Self { of: 1, out_of: 1 };

    /// A part; all where there is nothing to take a part of.
    pub fn new(of: u64, out_of: u64) -> Self {
        let (mut a, mut b) = (of, out_of);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        match a {
            0 => Self::ALL,
            _ if out_of == 0 => Self::ALL,
            divisor => Self { of: of / divisor, out_of: out_of / divisor },
        }
    }

    /// The part in percent.
    pub fn percent(self) -> f64 {
        // Parts are made from weights, which are small.
        #[expect(clippy::cast_precision_loss, reason = "it is shown with two digits")]
        let (of, out_of) = (self.of as f64, self.out_of as f64);
        of * 100.0 / out_of
    }
}

impl fmt::Display for Part {
    /// In percent: `100%`, `33.33%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (u128::from(self.of) * 100).is_multiple_of(u128::from(self.out_of)) {
            return write!(f, "{}%", u128::from(self.of) * 100 / u128::from(self.out_of));
        }
        write!(f, "{:.2}%", self.percent())
    }
}

/// A route, or a path of one, that its gateway takes no notice of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The position of the route in the list that was asked.
    pub route: usize,
    /// Which host and path of it.
    pub what: String,
    /// Why, in one line, with the rule of the gateway.
    pub why: String,
    /// Where in the route.
    pub place: Option<Place>,
}

impl Answer {
    /// One outcome for all requests.
    pub(super) fn all(outcome: Outcome, why: String) -> Self {
        let share = Share { part: Part::ALL, outcome, why, route: None, place: None };
        Self { shares: vec![share], notes: Vec::new() }
    }

    /// No route is there for the request.
    pub(super) fn nothing(why: impl Into<String>) -> Self {
        Self::all(Outcome::Gateway, why.into())
    }

    /// Manifests do not tell.
    pub(super) fn undecided(why: impl Into<String>) -> Self {
        Self::all(Outcome::Undecided, why.into())
    }

    #[must_use]
    pub(super) fn note(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }
}

/// Outcomes by weight; those without one are left out. `None` where all weights are 0.
pub(super) fn by_weight(weighted: Vec<(u64, Share)>) -> Option<Vec<Share>> {
    let total: u64 = weighted.iter().map(|(weight, _)| weight).sum();
    let of = |(weight, share): (u64, Share)| Share { part: Part::new(weight, total), ..share };
    (total > 0).then(|| weighted.into_iter().filter(|(weight, _)| *weight > 0).map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_shown_in_percent() {
        for (of, out_of, shown) in
            [(10, 100, "10%"), (1, 3, "33.33%"), (5, 1000, "0.50%"), (7, 7, "100%"), (1, 0, "100%")]
        {
            assert_eq!(Part::new(of, out_of).to_string(), shown);
        }
    }

    #[test]
    fn shares_without_weight_are_left_out() {
        let share = || Answer::nothing("x").shares.remove(0);
        let shares = by_weight(vec![(90, share()), (0, share()), (10, share())]).unwrap();
        let parts: Vec<String> = shares.iter().map(|share| share.part.to_string()).collect();
        assert_eq!(parts, ["90%", "10%"]);
        assert_eq!(by_weight(vec![(0, share())]), None);
    }
}
