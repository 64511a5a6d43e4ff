//! The conditions of a lane in the matches of a route.

use super::super::patterns::{cookie_header, whole};
use super::super::{CanaryRoute, at, edited};
use super::{MOST_HEADERS, matches, write_matches};
use crate::diagnostic::{Diagnostic, Place};
use crate::spec::{Match, NameMatch, ValueMatch};
use crate::yaml::{Document, NodeRef, Path, Value};

/// Longest names and values (maxLength in the types).
const LONGEST_NAME: usize = 256;
const LONGEST_HEADER: usize = 4096;
const LONGEST_QUERY: usize = 1024;

/// The header that carries cookies.
const COOKIE: &str = "cookie";

/// What a request must have to be gray: all of these.
pub(super) struct Conditions {
    headers: Vec<Condition>,
    query: Vec<Condition>,
}

struct Condition {
    name: String,
    value: String,
    is_regex: bool,
    place: Place,
}

impl Condition {
    fn of(each: &NameMatch) -> Self {
        let (value, is_regex) = match &each.value {
            ValueMatch::Exact(text) => (text.clone(), false),
            ValueMatch::Regex(text) => (whole(text).unwrap_or_else(|| text.clone()), true),
        };
        Self { name: each.name.clone(), value, is_regex, place: each.place.clone() }
    }

    fn value(&self) -> Value {
        let text = Value::string;
        let mut fields = vec![
            ("name".to_owned(), text(self.name.as_str())),
            ("value".to_owned(), text(self.value.as_str())),
        ];
        if self.is_regex {
            fields.insert(0, ("type".to_owned(), text("RegularExpression")));
        }
        Value::Mapping(fields)
    }
}

impl Conditions {
    /// The conditions of a match.
    pub(super) fn new(route: &Match) -> Self {
        let mut headers: Vec<Condition> = route.headers.iter().map(Condition::of).collect();
        headers.extend(route.cookie.iter().map(|cookie| Condition {
            name: COOKIE.to_owned(),
            value: cookie_header(cookie),
            is_regex: true,
            place: cookie.place.clone(),
        }));
        Self { headers, query: route.query.iter().map(Condition::of).collect() }
    }

    /// How many header matches and query matches these are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.headers.len(), self.query.len())
    }

    /// What not every implementation supports, each with its place in the spec.
    pub(super) fn notes(&self, route: &CanaryRoute<'_>) -> Vec<Diagnostic> {
        let mut notes = Vec::new();
        if let Some(cookie) = &route.route.cookie {
            notes.push(
                Diagnostic::warning(format!(
                    "an HTTPRoute has no match for cookies: `{}` is found by a regular expression on the header `cookie`, which not every implementation supports",
                    cookie.name
                ))
                .at(cookie.place.clone())
                .remedy("look up what yours does with `type: RegularExpression`: some let every request pass. An `exact` header works everywhere"),
            );
        }
        let regex = self
            .headers
            .iter()
            .chain(&self.query)
            .find(|each| each.is_regex && each.name != COOKIE);
        if let Some(regex) = regex {
            notes.push(
                Diagnostic::warning(format!(
                    "`{}` is matched by a regular expression, which in an HTTPRoute is implementation-specific: its syntax, and whether it is supported at all",
                    regex.name
                ))
                .at(regex.place.clone())
                .remedy("look up what yours does with `type: RegularExpression`: some let every request pass. An `exact` header works everywhere"),
            );
        }
        if let Some(query) = self.query.first() {
            notes.push(
                Diagnostic::note(format!(
                    "`{}` is matched as a query parameter, which is Extended support (HTTPRouteQueryParamMatching)",
                    query.name
                ))
                .at(query.place.clone()),
            );
        }
        notes
    }

    /// Adds the conditions to each match of a rule, so that it outranks the baseline's.
    pub(super) fn add(
        &self,
        rule: NodeRef<'_>,
        path: &Path,
        document: &mut Document,
    ) -> Vec<Diagnostic> {
        let mut errors: Vec<Diagnostic> = Vec::new();
        for each in matches(rule).into_iter().flatten() {
            errors.extend(self.clashes(each));
        }
        if !errors.is_empty() {
            return errors;
        }
        if let Err(error) = write_matches(rule, path, document) {
            return vec![error];
        }
        let list = path.key("matches");
        for number in 0..matches(rule).len() {
            let each = list.index(number);
            for (key, conditions) in [("headers", &self.headers), ("queryParams", &self.query)] {
                errors.extend(append(document, &each.key(key), conditions).err());
            }
        }
        errors
    }

    /// Why a match of the baseline cannot be outranked.
    fn clashes(&self, there: NodeRef<'_>) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let both = [
            ("headers", "header", &self.headers, true),
            ("queryParams", "query parameter", &self.query, false),
        ];
        for (key, what, conditions, fold_case) in both {
            let list = there.get(key);
            let named = |condition: &Condition| {
                list.into_iter().flat_map(NodeRef::items).find(|each| {
                    each.get("name").and_then(NodeRef::text).is_some_and(|name| match fold_case {
                        true => name.eq_ignore_ascii_case(&condition.name),
                        false => name == condition.name,
                    })
                })
            };
            for condition in conditions {
                let Some(taken) = named(condition) else { continue };
                errors.push(
                    at(
                        Diagnostic::error(format!(
                            "the baseline matches the {what} `{}` already, and a match counts a name once: the lane's would not go first",
                            condition.name
                        )),
                        Some(taken),
                    )
                    .related(condition.place.clone(), "the lane's match")
                    .remedy(format!("let the lane match another {what}")),
                );
            }
            let count = list.map_or(0, NodeRef::len).saturating_add(conditions.len());
            if count > MOST_HEADERS && !conditions.is_empty() {
                errors.push(
                    at(
                        Diagnostic::error(format!(
                            "this match would have {count} {what}s with the lane's, and {MOST_HEADERS} are allowed"
                        )),
                        list,
                    )
                    .remedy(format!("match fewer {what}s")),
                );
            }
        }
        errors
    }
}

fn append(
    document: &mut Document,
    list: &Path,
    conditions: &[Condition],
) -> Result<(), Diagnostic> {
    if conditions.is_empty() {
        return Ok(());
    }
    match document.find(list).filter(|list| list.is_sequence()).map(NodeRef::len) {
        Some(count) => conditions.iter().enumerate().try_for_each(|(offset, condition)| {
            edited(document.insert(list, count.saturating_add(offset), condition.value()))
        }),
        None => {
            let all = conditions.iter().map(Condition::value).collect();
            edited(document.set(list, Value::Sequence(all)))
        }
    }
}

/// What an HTTPRoute cannot hold: names and values of other lengths and letters.
pub(super) fn illegal(route: &Match) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut refuse = |what: &str, name: &str, place: &Place, why: String| {
        errors.push(
            Diagnostic::error(format!("an HTTPRoute cannot match the {what} `{name}`: {why}"))
                .at(place.clone())
                .remedy("match something shorter and simpler"),
        );
    };
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let all = [
        ("header", &route.headers, LONGEST_HEADER),
        ("query parameter", &route.query, LONGEST_QUERY),
    ];
    for (what, list, longest) in all {
        for each in list {
            if each.name.chars().count() > LONGEST_NAME {
                refuse(
                    what,
                    &each.name,
                    &each.place,
                    format!("a name has at most {LONGEST_NAME} characters"),
                );
            } else if !each.name.chars().all(token) {
                refuse(
                    what,
                    &each.name,
                    &each.place,
                    "a name has letters, digits and !#$%&'*+-.^_`|~".to_owned(),
                );
            }
            if Condition::of(each).value.chars().count() > longest {
                refuse(
                    what,
                    &each.name,
                    &each.place,
                    format!("a value has at most {longest} characters"),
                );
            }
        }
    }
    if let Some(cookie) = &route.cookie {
        if cookie_header(cookie).chars().count() > LONGEST_HEADER {
            refuse(
                "cookie",
                &cookie.name,
                &cookie.place,
                format!("a value has at most {LONGEST_HEADER} characters"),
            );
        }
        let header = route.headers.iter().find(|each| each.name.eq_ignore_ascii_case(COOKIE));
        if let Some(header) = header {
            refuse(
                "cookie",
                &cookie.name,
                &header.place,
                "the header `cookie` is matched already".to_owned(),
            );
        }
    }
    errors
}
