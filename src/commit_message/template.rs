//! A team's own form for commit messages.

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, UndefinedBehavior, Value};

/// Bytes that a template, and the text it gives, may have.
const LONGEST: usize = 64 * 1024;
/// Steps that rendering may take.
const FUEL: u64 = 100_000;
/// Statements that a template may have. Those that give names to values are left out: a few lines
/// of them double a text until memory is full.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];
/// Characters that a separator of `join` may have, so that joins inside of joins stay small.
const LONGEST_SEPARATOR: usize = 16;

/// A template for commit messages, in the syntax of Jinja.
///
/// It is syntactically right, and rendering it takes little time and memory whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTemplate(String);

impl MessageTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        for tag in tags(text) {
            tag.check()?;
        }
        let template = Self(text.to_owned());
        template.environment()?.template_from_str(text).map_err(|error| said(&error))?;
        Ok(template)
    }

    /// The text of a message; `values` are the names that the template may use.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence: an unknown name, a text that is no message.
    pub fn render(&self, values: &Value) -> Result<String, String> {
        let mut written = Bounded(Vec::new());
        let environment = self.environment()?;
        let text = self.0.as_str();
        let template = environment.template_from_str(text).map_err(|error| said(&error))?;
        template.render_captured_to(values, &mut written).map_err(|error| said(&error))?;
        let text = String::from_utf8_lossy(&written.0);
        let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
        let text = lines.join("\n");
        if text.is_empty() {
            return Err("it gives an empty message".to_owned());
        }
        if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(format!("it gives a message with a control character ({c:?})"));
        }
        if lines.get(1).is_some_and(|second| !second.is_empty()) {
            return Err("it gives a message whose second line is not empty".to_owned());
        }
        Ok(text)
    }

    fn environment(&self) -> Result<Environment<'_>, String> {
        let mut environment = Environment::empty();
        let whitespace = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(whitespace.map_err(|error| error.to_string())?);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(16);
        environment.add_filter("join", join);
        environment.add_filter("length", minijinja::filters::length);
        environment.add_filter("first", minijinja::filters::first);
        environment.add_filter("lower", minijinja::filters::lower);
        environment.add_filter("upper", minijinja::filters::upper);
        environment.add_filter("trim", minijinja::filters::trim);
        Ok(environment)
    }
}

/// Joins the texts of a list.
fn join(list: Vec<String>, separator: Option<&str>) -> Result<String, Error> {
    let separator = separator.unwrap_or_default();
    if separator.chars().count() > LONGEST_SEPARATOR {
        let message = format!("a separator has at most {LONGEST_SEPARATOR} characters");
        return Err(Error::new(minijinja::ErrorKind::InvalidOperation, message));
    }
    Ok(list.join(separator))
}

/// What an error of the template engine says.
fn said(error: &Error) -> String {
    let detail = error.detail().map(str::to_owned).unwrap_or_else(|| error.kind().to_string());
    match error.line() {
        Some(line) => format!("{detail} (in line {line} of it)"),
        None => detail,
    }
}

/// A tag of a template: what is between `{{` and `}}`, or `{%` and `%}`.
struct Tag<'t> {
    is_statement: bool,
    /// Without what is in quotes.
    bare: String,
    line: usize,
    text: &'t str,
}

impl Tag<'_> {
    fn check(&self) -> Result<(), String> {
        let line = self.line;
        if self.is_statement {
            let inner = self.text.trim_start_matches(['-', '+']).trim_start();
            let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let word = inner.get(..end.unwrap_or(inner.len())).unwrap_or(inner);
            if !STATEMENTS.contains(&word) {
                let known = STATEMENTS.join(", ");
                return Err(format!(
                    "`{word}` is no statement it may have: {known} (in line {line} of it)"
                ));
            }
        }
        // Repeated texts, and mappings.
        match self.bare.chars().find(|c| matches!(c, '*' | '{')) {
            Some(c) => Err(format!("`{c}` is not for these templates (in line {line} of it)")),
            None => Ok(()),
        }
    }
}

/// The tags of a template; the last may have no end.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some((start, kind)) = next_tag(text, at) {
        let from = start + 2;
        let end = match kind {
            b'{' => "}}",
            b'%' => "%}",
            _ => "#}",
        };
        let rest = text.get(from..).unwrap_or_default();
        let (length, bare) = if kind == b'#' {
            (rest.find(end).unwrap_or(rest.len()), String::new())
        } else {
            inside(rest, end)
        };
        if kind != b'#' {
            let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
            let text = rest.get(..length).unwrap_or(rest);
            tags.push(Tag { is_statement: kind == b'%', bare, line, text });
        }
        at = from + length;
    }
    tags
}

fn next_tag(text: &str, at: usize) -> Option<(usize, u8)> {
    let bytes = text.as_bytes();
    (at..bytes.len().saturating_sub(1)).find_map(|index| match (bytes[index], bytes[index + 1]) {
        (b'{', kind @ (b'{' | b'%' | b'#')) => Some((index, kind)),
        _ => None,
    })
}

/// The length of a tag up to its end, and what of it is not in quotes.
fn inside(text: &str, end: &str) -> (usize, String) {
    let mut bare = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            Some(_) if c == '\\' => {
                chars.next();
            }
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if text.get(at..).is_some_and(|rest| rest.starts_with(end)) => return (at, bare),
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None => bare.push(c),
        }
    }
    (text.len(), bare)
}

/// Takes as many bytes as a message may have.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::Error::other(format!("the message is longer than {LONGEST} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Value {
        minijinja::context! { tag => "gray", added => vec!["a", "b"], removed => Vec::<String>::new() }
    }

    fn rendered(text: &str) -> Result<String, String> {
        MessageTemplate::parse(text)?.render(&values())
    }

    #[test]
    fn values_statements_and_filters_are_rendered() {
        let text = "chore({{ tag }}): lane\n\n{% for name in added %}\n* {{ name | upper }}\n{% endfor %}\n{% if removed %}gone{% endif %}";
        assert_eq!(rendered(text).unwrap(), "chore(gray): lane\n\n* A\n* B");
        assert_eq!(rendered("{{ added | join(', ') }}: {{ tag ~ '}}' }}").unwrap(), "a, b: gray}}");
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for (text, why) in [
            ("", "empty message"),
            ("{# nothing #} \n", "empty message"),
            ("a\nb", "second line is not empty"),
            ("a\u{7}b", "control character"),
            ("{{ tga }}", "undefined value (in line 1 of it)"),
            ("{{ removed | first ~ 'x' }}", "undefined"),
            ("{{ tag", "(in line 1 of it)"),
            ("a\n\n{% endif %}", "(in line 3 of it)"),
            ("{{ tag | shout }}", "shout"),
        ] {
            let error = rendered(text).unwrap_err();
            assert!(error.contains(why), "{text:?}: {error}");
        }
    }

    #[test]
    fn what_grows_without_bounds_is_refused() {
        let nested = (0..40).fold("''".to_owned(), |inner, _| format!("added|join({inner})"));
        let joined = format!("{{{{ {nested} }}}}");
        let loops = "{% for a in added %}".repeat(17) + &"{% endfor %}".repeat(17);
        let many = "{{ tag }}".repeat(20_000);
        for text in [
            "{% set x = 'aa' %}{{ x }}",
            "{%- set x = 'aa' %}",
            "{% with x = tag ~ tag %}{{ x }}{% endwith %}",
            "{% raw %}{{{% endraw %}",
            "{{ 'a' * 100000000 }}",
            "{{ '}}' * 100000000 }}",
            "{{ {'a': {'b': 1}}['x'] ~ 'a' * 9 }}",
            &joined,
            &loops,
            &many,
        ] {
            assert!(rendered(text).is_err(), "{text}");
        }
    }
}
