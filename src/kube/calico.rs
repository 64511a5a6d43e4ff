//! Selectors of Calico, which are expressions in text: `app == 'web' && has(tier)`.
//!
//! Source: docs.tigera.io/calico/latest/reference/resources/networkpolicy (selectors);
//! projectcalico/calico libcalico-go/lib/selector.

/// How deep expressions may be nested.
const DEPTH: usize = 64;

/// An expression over labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `all()`, `global()`, or nothing: everything.
    All,
    /// `has(key)`.
    Has(String),
    /// `key == 'value'` and `key in {'a', 'b'}`: the label is there with one of these values.
    In(String, Vec<String>),
    /// `key contains 'part'`, `key starts with 'part'`, `key ends with 'part'`.
    Part(String, Side, String),
    /// `!`; `!=` and `not in` are that of `==` and `in`, so that labels that are not there match.
    Not(Box<Self>),
    /// `&&`.
    And(Vec<Self>),
    /// `||`.
    Or(Vec<Self>),
}

/// Which part of a value is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Any.
    Within,
    /// Its beginning.
    Start,
    /// Its end.
    End,
}

impl Expression {
    /// Reads an expression; `None` for what is none, or nested too deep.
    pub fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader { rest: text.trim() };
        if reader.rest.is_empty() {
            return Some(Self::All);
        }
        let found = reader.either(DEPTH)?;
        reader.rest.is_empty().then_some(found)
    }

    /// Whether labels, looked up by their keys, fulfil it.
    pub fn matches<'a>(&self, value: &impl Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            Self::All => true,
            Self::Has(key) => value(key).is_some(),
            Self::In(key, values) => {
                value(key).is_some_and(|found| values.iter().any(|wanted| wanted == found))
            }
            Self::Part(key, side, part) => value(key).is_some_and(|found| match side {
                Side::Within => found.contains(part.as_str()),
                Side::Start => found.starts_with(part.as_str()),
                Side::End => found.ends_with(part.as_str()),
            }),
            Self::Not(inner) => !inner.matches(value),
            Self::And(all) => all.iter().all(|each| each.matches(value)),
            Self::Or(all) => all.iter().any(|each| each.matches(value)),
        }
    }

    /// The keys that it asks about.
    pub fn keys(&self) -> Vec<&str> {
        match self {
            Self::All => Vec::new(),
            Self::Has(key) | Self::In(key, _) | Self::Part(key, _, _) => vec![key],
            Self::Not(inner) => inner.keys(),
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::keys).collect(),
        }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// Takes a sign or a word, and blanks behind it.
    fn take(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        if let Some(rest) = rest {
            self.rest = rest.trim_start();
        }
        rest.is_some()
    }

    fn must(&mut self, sign: &str) -> Option<()> {
        self.take(sign).then_some(())
    }

    fn either(&mut self, depth: usize) -> Option<Expression> {
        let mut all = vec![self.both(depth)?];
        while self.take("||") {
            all.push(self.both(depth)?);
        }
        Some(if all.len() == 1 { all.remove(0) } else { Expression::Or(all) })
    }

    fn both(&mut self, depth: usize) -> Option<Expression> {
        let mut all = vec![self.one(depth)?];
        while self.take("&&") {
            all.push(self.one(depth)?);
        }
        Some(if all.len() == 1 { all.remove(0) } else { Expression::And(all) })
    }

    fn one(&mut self, depth: usize) -> Option<Expression> {
        let depth = depth.checked_sub(1)?;
        if self.take("!") {
            return Some(Expression::Not(Box::new(self.one(depth)?)));
        }
        if self.take("(") {
            let inner = self.either(depth)?;
            self.must(")")?;
            return Some(inner);
        }
        let key = self.key()?;
        if self.take("(") {
            let found = match key {
                "all" | "global" => Expression::All,
                "has" => Expression::Has(self.key()?.to_owned()),
                _ => return None,
            };
            self.must(")")?;
            return Some(found);
        }
        let key = key.to_owned();
        let not = |inner| Expression::Not(Box::new(inner));
        if self.take("==") {
            return Some(Expression::In(key, vec![self.value()?]));
        }
        if self.take("!=") {
            return Some(not(Expression::In(key, vec![self.value()?])));
        }
        if self.take("not") {
            self.must("in")?;
            return Some(not(Expression::In(key, self.values()?)));
        }
        if self.take("in") {
            return Some(Expression::In(key, self.values()?));
        }
        let side = if self.take("contains") {
            Side::Within
        } else if self.take("starts") {
            self.must("with")?;
            Side::Start
        } else {
            self.must("ends")?;
            self.must("with")?;
            Side::End
        };
        Some(Expression::Part(key, side, self.value()?))
    }

    fn key(&mut self) -> Option<&'a str> {
        let is_of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
        let end = self.rest.find(|c| !is_of_key(c)).unwrap_or(self.rest.len());
        let (key, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.trim_start();
        (!key.is_empty()).then_some(key)
    }

    fn value(&mut self) -> Option<String> {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (value, rest) = self.rest.get(1..)?.split_once(quote)?;
        self.rest = rest.trim_start();
        Some(value.to_owned())
    }

    fn values(&mut self) -> Option<Vec<String>> {
        self.must("{")?;
        let mut all = Vec::new();
        while !self.take("}") {
            all.push(self.value()?);
            if !self.take(",") {
                self.must("}")?;
                break;
            }
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, labels: &[(&str, &str)]) -> Option<bool> {
        let found =
            |key: &str| labels.iter().find(|(other, _)| *other == key).map(|(_, value)| *value);
        Expression::parse(text).map(|expression| expression.matches(&found))
    }

    #[test]
    fn expressions_ask_for_labels() {
        let labels = [("app", "web"), ("k8s.io/tier", "front-end")];
        for (text, expected) in [
            ("", true),
            ("all()", true),
            ("global()", true),
            ("app == 'web'", true),
            ("app==\"web\"", true),
            ("app == 'api'", false),
            ("app != 'api'", true),
            ("gone != 'api'", true),
            ("has(app)", true),
            ("!has(app)", false),
            ("! has( gone )", true),
            ("app in {'api', 'web'}", true),
            ("app in { }", false),
            ("app not in {'web'}", false),
            ("gone not in {'web'}", true),
            ("k8s.io/tier contains 't-e'", true),
            ("k8s.io/tier starts with 'front'", true),
            ("k8s.io/tier ends with 'front'", false),
            ("app == 'web' && has(gone)", false),
            ("app == 'api' || app == 'web' && has(app)", true),
            ("(app == 'api' || app == 'web') && !(has(gone))", true),
        ] {
            assert_eq!(matches(text, &labels), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "app",
            "app = 'web'",
            "app == web",
            "app == 'web",
            "app in 'web'",
            "has(app",
            "one()",
            "app == 'a' &&",
            "&& all()",
            "(all()",
            "all() all()",
            "app starts 'a'",
            "'a' == app",
            "é",
        ] {
            assert_eq!(Expression::parse(text), None, "{text}");
        }
        for (count, is_read) in [(DEPTH - 1, true), (DEPTH, false), (100_000, false)] {
            let text = format!("{}all(){}", "(".repeat(count), ")".repeat(count));
            assert_eq!(Expression::parse(&text).is_some(), is_read, "{count}");
            let text = format!("{}all()", "!".repeat(count));
            assert_eq!(Expression::parse(&text).is_some(), is_read, "{count}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-c(){}!=&|'\", é]{0,40}") {
            let _ = matches(&text, &[("a", "b")]);
        }
    }
}
