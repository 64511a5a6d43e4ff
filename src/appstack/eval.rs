//! From the tree of a template and its data to text, with the origin of each piece.
//!
//! Source: `text/template/exec.go` of Go, with `missingkey=error`.

use super::Trouble;
use super::parse::{Expression, Function, Node};
use super::value::Datum;
use crate::diagnostic::nearest;
use crate::yaml::{MAX_FILE_BYTES, Run};

/// A rendered text.
#[derive(Debug, Default)]
pub(super) struct Rendering {
    /// The text.
    pub(super) text: String,
    /// What each part of it comes from, in order.
    pub(super) runs: Vec<Run>,
}

/// Renders a tree, and reports everything that keeps it from being rendered.
pub(super) fn render(
    template: &str,
    nodes: &[Node],
    data: &Datum,
    troubles: &mut Vec<Trouble>,
) -> Rendering {
    let mut writer = Writer { template, data, out: Rendering::default(), troubles, searches: 0 };
    writer.nodes(nodes);
    writer.out
}

struct Writer<'a> {
    template: &'a str,
    data: &'a Datum,
    out: Rendering,
    troubles: &'a mut Vec<Trouble>,
    /// Names that others were compared with, for a suggestion.
    searches: usize,
}

/// Errors for which the name that may be meant is looked for. Each search goes through all names.
const SUGGESTIONS: usize = 20;

/// No value: why not has been reported.
struct Reported;

impl<'a> Writer<'a> {
    /// Writes nodes. Their depth is bounded by the parser.
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(range) => {
                    let text = self.template.get(range.clone()).unwrap_or("");
                    self.write(text, range.start, true);
                }
                Node::Print { at, value } => {
                    let Ok(found) = self.value(value) else { continue };
                    match found.printed() {
                        Some(text) => self.write(&text, *at, false),
                        None => self.unprintable(value, *at, &found),
                    }
                }
                Node::If { branches, otherwise } => self.branch(branches, otherwise),
            }
        }
    }

    fn branch(&mut self, branches: &[(Expression, Vec<Node>)], otherwise: &[Node]) {
        for (condition, nodes) in branches {
            match self.value(condition) {
                Ok(value) if value.is_true() => return self.nodes(nodes),
                Ok(_) => {}
                // Which branch is meant is not known.
                Err(Reported) => return,
            }
        }
        self.nodes(otherwise);
    }

    fn write(&mut self, text: &str, from: usize, is_copied: bool) {
        if self.out.text.len() + text.len() > MAX_FILE_BYTES {
            if self.out.text.len() <= MAX_FILE_BYTES {
                let message = format!("more than {MAX_FILE_BYTES} bytes come of the template");
                self.trouble(from, message, "make its values shorter");
                // Nothing more is written.
                self.out.text = " ".repeat(MAX_FILE_BYTES + 1);
            }
            return;
        }
        self.out.runs.push(Run { start: self.out.text.len(), from, is_copied });
        self.out.text.push_str(text);
    }

    fn trouble(&mut self, at: usize, what: impl Into<String>, remedy: impl Into<String>) {
        self.troubles.push(Trouble::new(at, what, remedy));
    }

    fn unprintable(&mut self, value: &Expression, at: usize, found: &Datum) {
        let name = match value {
            Expression::Field(names) => format!("`{}`", dotted(names)),
            _ => "the value".to_owned(),
        };
        let message = format!("{name} is {}, which has no text in a manifest", found.describe());
        let remedy = match found {
            Datum::Map(entries) => match entries.keys().next() {
                Some(key) => format!("name what is wanted of it, such as `.{key}`"),
                None => "give it a value".to_owned(),
            },
            _ => "give it a value that is a string, a number or a boolean".to_owned(),
        };
        self.trouble(at, message, remedy);
    }

    /// The value of an expression. Its depth is bounded by the parser.
    fn value(&mut self, expression: &Expression) -> Result<Datum, Reported> {
        match expression {
            Expression::Constant(value) => Ok(value.clone()),
            Expression::Field(names) => self.field(names).cloned(),
            Expression::Call { at, function, arguments } => self.call(*at, *function, arguments),
        }
    }

    fn call(
        &mut self,
        at: usize,
        function: Function,
        arguments: &[Expression],
    ) -> Result<Datum, Reported> {
        match function {
            // Arguments behind the one that decides are not looked at.
            Function::And | Function::Or => {
                let mut value = Datum::Null;
                for argument in arguments {
                    value = self.value(argument)?;
                    if value.is_true() == (function == Function::Or) {
                        break;
                    }
                }
                Ok(value)
            }
            Function::Not => {
                let mut value = false;
                for argument in arguments {
                    value = !self.value(argument)?.is_true();
                }
                Ok(Datum::Bool(value))
            }
            Function::Eq | Function::Ne => {
                let values: Vec<_> =
                    arguments.iter().map(|argument| self.value(argument)).collect();
                let values: Vec<Datum> = values.into_iter().collect::<Result<_, _>>()?;
                let Some((first, others)) = values.split_first() else { return Err(Reported) };
                let mut is_equal = false;
                for other in others {
                    is_equal = first.equals(other).map_err(|types| {
                        let message = format!("`{}` cannot compare {types}", function.name());
                        self.trouble(at, message, "compare values of one type: quote a value that is a string, and no other");
                        Reported
                    })?;
                    if is_equal {
                        break;
                    }
                }
                Ok(Datum::Bool(is_equal == (function == Function::Eq)))
            }
        }
    }

    fn field(&mut self, names: &[(String, usize)]) -> Result<&'a Datum, Reported> {
        let mut value = self.data;
        for (position, (name, at)) in names.iter().enumerate() {
            let above = names.get(..position).map(dotted).unwrap_or_default();
            let Datum::Map(entries) = value else {
                let message = format!("`{above}` is {} and has no `{name}`", value.describe());
                self.trouble(*at, message, "only mappings have keys");
                return Err(Reported);
            };
            value = match entries.get(name) {
                Some(value) => value,
                None => {
                    self.searches += 1;
                    let keys = || entries.keys().map(String::as_str);
                    let near =
                        if self.searches > SUGGESTIONS { None } else { nearest(name, keys()) };
                    let remedy = match near {
                        Some(near) => format!("did you mean `{above}.{near}`?"),
                        None => format!("{}; {}", there(&above, keys()), where_to_add(names)),
                    };
                    self.trouble(*at, format!("`{above}.{name}` is not there"), remedy);
                    return Err(Reported);
                }
            };
        }
        Ok(value)
    }
}

/// What keys there are.
fn there<'k>(above: &str, keys: impl Iterator<Item = &'k str>) -> String {
    const SHOWN: usize = 10;
    let mut names: Vec<String> =
        keys.take(SHOWN + 1).map(|key| format!("`{above}.{key}`")).collect();
    if names.len() > SHOWN {
        names.truncate(SHOWN);
        names.push("…".to_owned());
    }
    if names.is_empty() {
        "nothing is there".to_owned()
    } else {
        format!("there is {}", names.join(", "))
    }
}

/// Where the spec says what a name stands for.
fn where_to_add(names: &[(String, usize)]) -> &'static str {
    let name = |position: usize| names.get(position).map(|(name, _)| name.as_str());
    match (name(0), name(1)) {
        (Some("Values"), _) => {
            "add it to `spec.appstack.values`, or to the file `spec.appstack.valuesFile`"
        }
        (Some("AppStack"), Some("image")) => "add it to `spec.appstack.images`",
        _ => "no other data is known to graylane",
    }
}

fn dotted(names: &[(String, usize)]) -> String {
    names.iter().map(|(name, _)| format!(".{name}")).collect()
}
