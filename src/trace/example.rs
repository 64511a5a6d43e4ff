//! Values that simple expressions match.

use super::condition::{Engine, Truth, matches};

/// Whether a value matches an expression, whole.
pub(super) fn fits(pattern: &str, value: &str) -> bool {
    matches(pattern, value, Engine::Whole) == Truth::Yes
}

/// A value that a simple expression matches, whole.
pub(super) fn example(pattern: &str) -> Option<String> {
    let mut chars: Vec<char> = pattern.chars().collect();
    chars.truncate(MOST_CHARS);
    let mut reader = Reader { chars: &chars, at: 0 };
    let value = reader.alternatives(0)?;
    fits(pattern, &value).then_some(value)
}

/// Expressions longer than this are not read.
const MOST_CHARS: usize = 500;

/// Bytes of the longest value that is written: repetitions of repetitions multiply.
const LONGEST: usize = 1000;

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
                    if current.len() + atom.len() * times > LONGEST {
                        return None;
                    }
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
    fn an_example_matches_its_expression_or_there_is_none() {
        assert_eq!(example("^v[12]\\.(x|y)+$").as_deref(), Some("v1.x"));
        assert_eq!(example("(a{2}){3}").as_deref(), Some("aaaaaa"));
        assert_eq!(example("(?i)a"), None);
        // Repetitions of repetitions would fill the memory.
        assert_eq!(example("((((((a{99}){99}){99}){99}){99}){99})"), None);
    }
}
