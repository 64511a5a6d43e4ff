//! Requests that fit the match of an entry, and requests that do not.

use super::condition::{Engine, Truth, matches};
use super::request::Request;
use super::route::{Route, ingress_paths};
use crate::spec::{Match, NameMatch, ValueMatch};
use crate::yaml::NodeRef;

/// The first host and path of a route, with an example in the place of wildcards.
pub(super) fn place_of(route: &Route) -> (String, String) {
    let (host, path) = match route.id.kind.as_str() {
        "Ingress" => match ingress_paths(&[route]).first() {
            Some(first) => (first.host.to_owned(), first.path.to_owned()),
            None => (String::new(), "/".to_owned()),
        },
        "HTTPRoute" => {
            let path = first(route, &["spec", "rules"], |rule| {
                rule.get("matches")?.item(0)?.at(&["path", "value"])?.as_str()
            });
            (first(route, &["spec", "hostnames"], NodeRef::as_str), path)
        }
        _ => {
            let of = |list: &'static str| {
                first(route, &["spec", "http"], move |rule| {
                    rule.at(&["match", list])?.item(0)?.as_str()
                })
            };
            (of("hosts"), of("paths"))
        }
    };
    let host = match host.strip_prefix("*.") {
        Some(domain) => format!("www.{domain}"),
        None if host.is_empty() || host == "*" => "localhost".to_owned(),
        None => host,
    };
    // What follows a wildcard or an expression is any text.
    let end = path.find(['*', '?', '(', '[', '\\', '$']).unwrap_or(path.len());
    let path = path.get(..end).unwrap_or("/");
    (host, if path.is_empty() { "/".to_owned() } else { path.to_owned() })
}

fn first<'a>(
    route: &'a Route,
    keys: &[&str],
    of: impl Fn(NodeRef<'a>) -> Option<&'a str>,
) -> String {
    let item = route.document.at(keys).and_then(|list| list.item(0));
    item.and_then(of).unwrap_or_default().to_owned()
}

/// A request that fits a match; what the user says of a header counts where the match has an
/// expression.
///
/// # Errors
///
/// The name and the expression that no value could be derived for.
pub(super) fn matching(route: &Match, bare: &Request, said: &Request) -> Result<Request, String> {
    let mut request = bare.clone();
    let value = |each: &NameMatch, said: Option<String>| {
        match &each.value {
        ValueMatch::Exact(text) => Ok(text.clone()),
        ValueMatch::Regex(pattern) => said
            .filter(|value| fits(pattern, value))
            .or_else(|| example(pattern))
            .ok_or_else(|| format!("no value could be derived that `{pattern}` matches: give one by `--header {}=…`", each.name)),
    }
    };
    for header in &route.headers {
        let value = value(header, said.header(&header.name))?;
        request = request.with_header(&header.name, &value);
    }
    for query in &route.query {
        let value = value(query, said.query(&query.name).map(str::to_owned))?;
        request = request.with_query(&query.name, &value);
    }
    if let Some(cookie) = &route.cookie {
        request = request.with_cookie(&cookie.name, cookie.value.as_deref().unwrap_or("always"));
    }
    Ok(request)
}

/// A request that has all that a match asks for, with other values; `None` where it asks for
/// nothing, or no other value is known.
pub(super) fn not_matching(route: &Match, bare: &Request) -> Option<Request> {
    let other = |value: &ValueMatch| match value {
        ValueMatch::Exact(text) => Some(format!("not-{text}")),
        ValueMatch::Regex(pattern) => {
            let tries = ["other", "0", "~", "not gray"];
            let none = |text: &&str| matches(pattern, text, Engine::Search) == Truth::No;
            tries.iter().copied().find(none).map(str::to_owned)
        }
    };
    let mut request = bare.clone();
    for header in &route.headers {
        request = request.with_header(&header.name, &other(&header.value)?);
    }
    for query in &route.query {
        request = request.with_query(&query.name, &other(&query.value)?);
    }
    if let Some(cookie) = &route.cookie {
        request = request.with_cookie(&cookie.name, "other");
    }
    (request != *bare).then_some(request)
}

/// A request whose headers, cookie or query parameters all have a word that gateways know; `None`
/// where the match asks for none.
pub(super) fn with_word(route: &Match, bare: &Request, word: &str) -> Option<Request> {
    let headers = route.headers.iter();
    let mut request = headers.fold(bare.clone(), |it, header| it.with_header(&header.name, word));
    request = route.query.iter().fold(request, |it, query| it.with_query(&query.name, word));
    if let Some(cookie) = &route.cookie {
        request = request.with_cookie(&cookie.name, word);
    }
    (request != *bare).then_some(request)
}

fn fits(pattern: &str, value: &str) -> bool {
    matches(pattern, value, Engine::Whole) == Truth::Yes
}

/// A value that a simple expression matches, whole.
fn example(pattern: &str) -> Option<String> {
    let mut chars: Vec<char> = pattern.chars().collect();
    chars.truncate(MOST_CHARS);
    let mut reader = Reader { chars: &chars, at: 0 };
    let value = reader.alternatives(0)?;
    fits(pattern, &value).then_some(value)
}

/// Expressions longer than this are not read.
const MOST_CHARS: usize = 500;

/// Groups within groups that are read.
const DEEPEST: usize = 20;

/// Reads an expression and writes the first value that comes to mind. What it misreads is found out
/// afterwards: the value is held against the expression.
struct Reader<'a> {
    chars: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.get(self.at).copied();
        self.at += usize::from(next.is_some());
        next
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// The first of some alternatives, up to the end of their group.
    fn alternatives(&mut self, depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        let mut first = None;
        let mut current = String::new();
        loop {
            match self.next() {
                None | Some(')') => return Some(first.unwrap_or(current)),
                Some('|') => {
                    let done = std::mem::take(&mut current);
                    first.get_or_insert(done);
                }
                Some('^' | '$') => {}
                Some(c) => {
                    let atom = self.atom(c, depth)?;
                    let times = self.times();
                    (0..times).for_each(|_| current.push_str(&atom));
                }
            }
        }
    }

    fn atom(&mut self, c: char, depth: usize) -> Option<String> {
        Some(match c {
            '(' => {
                if self.peek() == Some('?') {
                    self.at += 1;
                    // `?:` groups, the rest is more than simple.
                    if self.next() != Some(':') {
                        return None;
                    }
                }
                self.alternatives(depth + 1)?
            }
            '[' => {
                let first = self.next().filter(|c| *c != '^')?;
                let first = if first == '\\' { self.next()? } else { first };
                while self.next()? != ']' {}
                class(first)
            }
            '.' => "a".to_owned(),
            '\\' => class(self.next()?),
            c => c.to_string(),
        })
    }

    /// How often what was read last is written.
    fn times(&mut self) -> usize {
        let times = match self.peek() {
            Some('?' | '*' | '+') => 1,
            Some('{') => {
                let rest = self.chars.get(self.at + 1..).unwrap_or(&[]);
                let digits: String = rest.iter().take_while(|c| c.is_ascii_digit()).collect();
                let Ok(times) = digits.parse::<usize>() else { return 1 };
                while self.peek().is_some_and(|c| c != '}') {
                    self.at += 1;
                }
                times.min(100)
            }
            _ => return 1,
        };
        self.at += 1;
        if self.peek() == Some('?') {
            self.at += 1;
        }
        times
    }
}

/// A character of a class by its letter; the character itself where it is none.
fn class(c: char) -> String {
    match c {
        'd' => '1',
        'w' => 'a',
        's' => ' ',
        c => c,
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_expressions_have_an_example() {
        for (pattern, expected) in [
            ("^100$", Some("100")),
            ("^(?:alice|bob)$", Some("alice")),
            ("1|2", Some("1")),
            (r"^v\d+\.\d{2}$", Some("v1.11")),
            ("[a-f0-9]{4}", Some("aaaa")),
            (r"^\w+@example\.com$", Some("a@example.com")),
            ("^x.*$", Some("xa")),
            ("(a(b|c)?)+", Some("ab")),
            ("(?!a)b", None),
            ("[^a]", None),
            ("(", None),
        ] {
            assert_eq!(example(pattern).as_deref(), expected, "{pattern}");
        }
        assert!(example(&"(".repeat(400)).is_none());
    }
}
