//! Custom forwarding rules of ALB: their conditions and actions as JSON, and what texts they take.
//!
//! Sources: Alibaba Cloud, "Customize forwarding rules for an ALB Ingress"; for the limits of texts
//! the API's `CreateRule`, as in aliyun/terraform-provider-alicloud, website/docs/r/alb_rule.html.markdown.

use serde_json::{Value as Json, json};

use super::alb::ALB;
use super::{CanaryRoute, at};
use crate::diagnostic::{Diagnostic, Place};
use crate::spec::{Match, NameMatch, ValueMatch};
use crate::yaml::NodeRef;

/// Conditions of one rule, at most; its host and its path are two of them.
///
/// Source: Alibaba Cloud, "Customize forwarding rules for an ALB Ingress" (forwarding conditions).
const MOST_CONDITIONS: usize = 10;

/// Actions that end a rule; there can be one, and forwarding to the Service of the path is it.
///
/// Source: aliyun/terraform-provider-alicloud, website/docs/r/alb_rule.html.markdown (`rule_actions`,
/// `FinalType`).
const TERMINAL: [&str; 3] = ["ForwardGroup", "Redirect", "FixedResponse"];

/// The conditions of a match, one block each: blocks are ANDed.
pub(super) fn conditions(route: &Match) -> Vec<Json> {
    let text = |value: &ValueMatch| match value {
        ValueMatch::Exact(text) | ValueMatch::Regex(text) => text.clone(),
    };
    let pair = |key: &str, value: &str| json!({"values": [{"key": key, "value": value}]});
    let header = |each: &NameMatch| {
        let config = json!({"key": each.name, "values": [text(&each.value)]});
        json!({"type": "Header", "headerConfig": config})
    };
    let mut blocks: Vec<Json> = route.headers.iter().map(header).collect();
    if let Some(cookie) = &route.cookie {
        let value = cookie.value.as_deref().unwrap_or("always");
        blocks.push(json!({"type": "Cookie", "cookieConfig": pair(&cookie.name, value)}));
    }
    for query in &route.query {
        let config = pair(&query.name, &text(&query.value));
        blocks.push(json!({"type": "QueryString", "queryStringConfig": config}));
    }
    blocks
}

/// The custom rule of a Service of the baseline's Ingress; empty where it has none.
pub(super) struct Rule {
    conditions: Vec<Json>,
    actions: Vec<Json>,
}

impl Rule {
    /// Reads the rule of a Service.
    ///
    /// # Errors
    ///
    /// When nothing can be added to it.
    pub(super) fn of(ingress: NodeRef<'_>, service: &str) -> Result<Self, Vec<Diagnostic>> {
        let annotation =
            |key: &str| ingress.at(&["metadata", "annotations", &format!("{ALB}/{key}.{service}")]);
        let mut errors = Vec::new();
        let mut blocks = |key: &str| {
            let Some(node) = annotation(key) else { return Vec::new() };
            match serde_json::from_str(node.text().unwrap_or_default()) {
                Ok(Json::Array(blocks)) if blocks.iter().all(Json::is_object) => return blocks,
                _ => {
                    let error = format!("the {key} of `{service}` are no JSON array of objects");
                    errors.push(refused(node, error));
                }
            }
            Vec::new()
        };
        let (conditions, actions) = (blocks("conditions"), blocks("actions"));
        let kinds = actions.iter().filter_map(|action| action.get("type").and_then(Json::as_str));
        for kind in kinds.filter(|kind| TERMINAL.contains(kind)) {
            if let Some(node) = annotation("actions") {
                let error =
                    format!("requests to `{service}` end in the action `{kind}`, not in its copy");
                errors.push(refused(node, error));
            }
        }
        if let Some(node) = annotation("rule-direction")
            && node.text() != Some("Request")
        {
            let error = format!("the rule of `{service}` has another direction than requests");
            errors.push(refused(node, error));
        }
        if errors.is_empty() { Ok(Self { conditions, actions }) } else { Err(errors) }
    }

    /// Conditions and actions as JSON, with those of a lane added.
    ///
    /// # Errors
    ///
    /// When there are too many conditions.
    pub(super) fn with(
        self,
        own: Vec<Json>,
        route: &CanaryRoute<'_>,
    ) -> Result<(String, String), Diagnostic> {
        let Self { mut conditions, mut actions } = self;
        conditions.extend(own);
        if conditions.len() + 2 > MOST_CONDITIONS {
            let error = format!(
                "the rule would have {} conditions with its host and path, and ALB takes {MOST_CONDITIONS}",
                conditions.len() + 2
            );
            return Err(Diagnostic::error(error)
                .at(route.route.place.clone())
                .remedy("match by fewer headers, cookies and query parameters"));
        }
        // With two values the header would not carry the tag.
        actions.retain(|action| {
            let config = ["InsertHeaderConfig", "RemoveHeaderConfig"];
            let key = config.iter().find_map(|config| action.get(config)?.get("key")?.as_str());
            !key.is_some_and(|key| key.eq_ignore_ascii_case(route.tag_header))
        });
        actions.push(json!({
            "type": "InsertHeader",
            "InsertHeaderConfig": {"key": route.tag_header, "value": route.tag, "valueType": "UserDefined"},
        }));
        Ok((Json::Array(conditions).to_string(), Json::Array(actions).to_string()))
    }
}

fn refused(node: NodeRef<'_>, error: String) -> Diagnostic {
    at(Diagnostic::error(error), Some(node))
        .remedy("give the paths of the entry an Ingress of their own, without this annotation")
}

/// What a text of a condition may be.
struct Limits {
    most: usize,
    allowed: &'static str,
    fits: fn(char) -> bool,
}

const HEADER_NAME: Limits = Limits {
    most: 40,
    allowed: "letters, digits, `-` and `_`",
    fits: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
};
/// `*` and `?` stand for other characters in every value.
const HEADER_VALUE: Limits = Limits {
    most: 128,
    allowed: "printable ASCII characters but `*` and `?`",
    fits: |c| matches!(c, ' '..='~') && !matches!(c, '*' | '?'),
};
const PARAMETER: Limits = Limits {
    most: 100,
    allowed: "printable ASCII characters but spaces and `*?#[]{}\\|<>&`",
    fits: |c| c.is_ascii_graphic() && !r"*?#[]{}\|<>&".contains(c),
};

/// Names and values that ALB does not take, or would take for patterns.
pub(super) fn refused_texts(route: &Match, tag_header: &str) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let mut check = |what: String, text: &str, limits: &Limits, place: &Place| {
        let count = text.chars().count();
        let why = if let Some(c) = text.chars().find(|c| !(limits.fits)(*c)) {
            format!("{c:?} is in it; it may have {}", limits.allowed)
        } else if count == 0 || count > limits.most {
            format!("it has {count} characters; 1 to {} are allowed", limits.most)
        } else {
            return;
        };
        let error = format!("ALB cannot match the {what} `{text}`: {why}");
        errors.push(Diagnostic::error(error).at(place.clone()).remedy("choose another one"));
    };
    // Regular expressions are refused by the table of capabilities.
    for each in &route.headers {
        check("header".to_owned(), &each.name, &HEADER_NAME, &each.place);
        if let ValueMatch::Exact(text) = &each.value {
            check(format!("value of the header `{}`", each.name), text, &HEADER_VALUE, &each.place);
        }
    }
    if let Some(cookie) = &route.cookie {
        check("cookie".to_owned(), &cookie.name, &PARAMETER, &cookie.place);
        if let Some(text) = &cookie.value {
            check(
                format!("value of the cookie `{}`", cookie.name),
                text,
                &PARAMETER,
                &cookie.place,
            );
        }
    }
    for each in &route.query {
        check("query parameter".to_owned(), &each.name, &PARAMETER, &each.place);
        if let ValueMatch::Exact(text) = &each.value {
            let what = format!("value of the query parameter `{}`", each.name);
            check(what, text, &PARAMETER, &each.place);
        }
    }
    for each in &route.headers {
        if ["cookie", "host"].iter().any(|name| each.name.eq_ignore_ascii_case(name)) {
            let error = format!("ALB matches no header `{}`", each.name);
            errors.push(
                Diagnostic::error(error)
                    .at(each.place.clone())
                    .remedy("match a cookie by `cookie`; the host is that of the baseline's rule"),
            );
        }
    }
    let settable = tag_header.len() <= HEADER_NAME.most && tag_header.chars().all(HEADER_NAME.fits);
    if !settable {
        let error = format!("ALB cannot set the header `{tag_header}`");
        errors.push(Diagnostic::error(error).at(route.place.clone()).remedy(format!(
            "use a `gateway.tagHeader` of 1 to {} characters: {}",
            HEADER_NAME.most, HEADER_NAME.allowed
        )));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::super::alb::Alb;
    use super::super::fixture::{INGRESS, cookie, exact, nothing, written};
    use super::*;

    #[test]
    fn wildcards_and_what_alb_does_not_take_are_refused() {
        let header =
            |name: &str, value: &str| Match { headers: vec![exact(name, value)], ..nothing() };
        let query =
            |name: &str, value: &str| Match { query: vec![exact(name, value)], ..nothing() };
        for (route, why) in [
            (header("x", "10*"), "'*' is in it"),
            (header("x", "1?"), "'?' is in it"),
            (header("x", "ü"), "'ü' is in it"),
            (header("x", &"a".repeat(129)), "it has 129 characters"),
            (header("x.y", "1"), "cannot match the header `x.y`"),
            (header(&"x".repeat(41), "1"), "it has 41 characters"),
            (header("Host", "a"), "matches no header `Host`"),
            (query("q", "a b"), "' ' is in it"),
            (query("q", "a|b"), "'|' is in it"),
            (query("q[]", "a"), "'[' is in it"),
            (query("q", &"a".repeat(101)), "it has 101 characters"),
            (Match { cookie: Some(cookie("c", Some("a&b"))), ..nothing() }, "'&' is in it"),
        ] {
            let error = written(&Alb, INGRESS, &route).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_rule_has_ten_conditions() {
        let headers = |count: usize| Match {
            headers: (0..count).map(|at| exact(&format!("x-{at}"), "1")).collect(),
            ..nothing()
        };
        assert!(written(&Alb, INGRESS, &headers(8)).is_ok());
        let both = Match { query: vec![exact("q", "1")], ..headers(8) };
        let error = written(&Alb, INGRESS, &both).unwrap_err();
        assert!(error.contains("11 conditions with its host and path"), "{error}");
    }
}
