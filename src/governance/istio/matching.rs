//! Conditions of the entries of a VirtualService (`HTTPMatchRequest`).
//!
//! Source: istio.io/latest/docs/reference/config/networking/virtual-service (HTTPMatchRequest,
//! StringMatch); istio/istio, pilot/pkg/model/virtualservice.go (`hasConflict`).

use crate::yaml::{NodeRef, Value};

/// A condition of the baseline when a lane's tag is asked for besides.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tagged {
    /// What is to be asked for.
    Match(Value),
    /// No request of the lane fits.
    Never,
    /// The tag header is compared with a regular expression.
    Unknown,
}

/// A condition on the labels of callers, for the gray pods of one whose baseline pods fit it: isolation
/// gave those other values. `None` where they fit it as well, or neither does.
pub(super) fn from_gray(
    condition: &Value,
    namespace: &str,
    labels: &[(String, String)],
    gray: &[(String, String)],
) -> Option<Value> {
    let Some(Value::Mapping(asked)) = condition.get("sourceLabels") else { return None };
    let source = condition.get("sourceNamespace").and_then(Value::as_str);
    if source.is_some_and(|source| source != namespace) {
        return None;
    }
    let value = |labels: &[(String, String)], key: &str| {
        labels.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone())
    };
    let mut is_other = false;
    let mut renamed = Vec::with_capacity(asked.len());
    for (key, text) in asked {
        let text = text.as_str()?;
        if value(labels, key).as_deref() != Some(text) {
            return None;
        }
        let own = value(gray, key)?;
        is_other |= own != text;
        renamed.push((key.clone(), Value::string(own)));
    }
    let Value::Mapping(mut fields) = condition.clone() else { return None };
    let labels = fields.iter_mut().find(|(key, _)| key == "sourceLabels")?;
    labels.1 = Value::Mapping(renamed);
    is_other.then_some(Value::Mapping(fields))
}

/// How a condition on the tag header takes the tag.
enum Verdict {
    Fits,
    Misses,
    Unknown,
}

/// A condition with the tag added. Conditions that the entry has on the same header already are
/// settled: the value is known.
pub(super) fn with_tag(node: NodeRef<'_>, header: &str, tag: &str) -> Tagged {
    let on_header = |key: &str| {
        let mut entries = node.get(key).into_iter().flat_map(NodeRef::entries);
        entries.find(|(name, _)| name.eq_ignore_ascii_case(header)).map(|(_, value)| value)
    };
    for (key, wanted) in [("headers", true), ("withoutHeaders", false)] {
        let Some(condition) = on_header(key) else { continue };
        match (verdict(condition, tag), wanted) {
            (Verdict::Unknown, _) => return Tagged::Unknown,
            (Verdict::Fits, true) | (Verdict::Misses, false) => {}
            (Verdict::Misses, true) | (Verdict::Fits, false) => return Tagged::Never,
        }
    }
    let fields = node.entries().filter_map(|(key, value)| {
        let mut value = Value::from(value);
        if let ("headers" | "withoutHeaders", Value::Mapping(fields)) = (key, &mut value) {
            fields.retain(|(name, _)| !name.eq_ignore_ascii_case(header));
            if fields.is_empty() {
                return None;
            }
        }
        Some((key.to_owned(), value))
    });
    Tagged::Match(tagged(fields.collect(), header, tag))
}

/// A condition with these fields and the tag.
pub(super) fn tagged(mut fields: Vec<(String, Value)>, header: &str, tag: &str) -> Value {
    let exact = Value::Mapping(vec![("exact".to_owned(), Value::string(tag))]);
    let own = (header.to_owned(), exact);
    match fields.iter_mut().find(|(key, _)| key == "headers") {
        Some((_, Value::Mapping(headers))) => headers.push(own),
        _ => fields.push(("headers".to_owned(), Value::Mapping(vec![own]))),
    }
    Value::Mapping(fields)
}

/// Whether a tag fits a `StringMatch`; an empty one asks only that the header is there.
fn verdict(condition: NodeRef<'_>, tag: &str) -> Verdict {
    let text = |key: &str| condition.get(key).and_then(NodeRef::as_str);
    let fits = match (text("exact"), text("prefix"), text("regex")) {
        (Some(exact), ..) => exact == tag,
        (_, Some(prefix), _) => tag.starts_with(prefix),
        (_, _, Some("*")) | (None, None, None) => true,
        (_, _, Some(_)) => return Verdict::Unknown,
    };
    if fits { Verdict::Fits } else { Verdict::Misses }
}

/// Whether Istio refuses to join a condition of a root entry with one of its delegate's: the latter
/// has to ask for no less, and regular expressions are never compared. What Istio compares more
/// finely counts here as a conflict where it differs.
pub(super) fn conflict(root: &Value, leaf: &Value) -> bool {
    let texts = ["uri", "scheme", "method", "authority"];
    let maps = ["headers", "withoutHeaders", "queryParams"];
    let others = ["port", "sourceLabels", "sourceNamespace", "gateways", "ignoreUriCase"];
    let in_maps = |key: &&str| {
        let (Some(Value::Mapping(root)), Some(leaf)) = (root.get(key), leaf.get(key)) else {
            return false;
        };
        root.iter().any(|(name, value)| strings_conflict(Some(value), leaf.get(name)))
    };
    texts.iter().any(|key| strings_conflict(root.get(key), leaf.get(key)))
        || maps.iter().any(in_maps)
        || others.iter().any(|key| match (root.get(key), leaf.get(key)) {
            (Some(root), Some(leaf)) => root != leaf,
            _ => false,
        })
}

fn strings_conflict(root: Option<&Value>, leaf: Option<&Value>) -> bool {
    let (Some(root), Some(leaf)) = (root, leaf) else { return false };
    if root.get("regex").is_some() || leaf.get("regex").is_some() {
        return true;
    }
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let narrower = text(leaf, "exact").or_else(|| text(leaf, "prefix"));
    match (text(root, "exact"), text(root, "prefix")) {
        (Some(exact), _) => text(leaf, "exact").is_none_or(|leaf| leaf != exact),
        (_, Some(prefix)) => narrower.is_none_or(|leaf| !leaf.starts_with(&prefix)),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Document, Source, parse};

    fn document(text: &str) -> Document {
        parse(Source::new("m.yaml", text.to_owned())).unwrap().documents.remove(0)
    }

    fn value(text: &str) -> Value {
        Value::from(document(text).root())
    }

    #[test]
    fn a_condition_gets_the_tag_besides() {
        let tag = "headers: {x-mse-tag: {exact: gray}}";
        for (there, expected) in [
            (
                "{uri: {prefix: /api}}",
                Some("{uri: {prefix: /api}, headers: {x-mse-tag: {exact: gray}}}"),
            ),
            (
                "{headers: {a: {exact: b}}}",
                Some("{headers: {a: {exact: b}, x-mse-tag: {exact: gray}}}"),
            ),
            ("{headers: {X-MSE-Tag: {exact: gray}}}", Some(tag)),
            ("{headers: {x-mse-tag: {prefix: gr}}}", Some(tag)),
            ("{headers: {x-mse-tag: {}}}", Some(tag)),
            ("{headers: {x-mse-tag: {exact: blue}}}", None),
            ("{headers: {x-mse-tag: {prefix: b}}}", None),
            ("{withoutHeaders: {x-mse-tag: {}}}", None),
            ("{withoutHeaders: {x-mse-tag: {exact: gray}}}", None),
            ("{withoutHeaders: {x-mse-tag: {exact: blue}}}", Some(tag)),
        ] {
            let found = with_tag(document(there).root(), "x-mse-tag", "gray");
            let expected = expected.map_or(Tagged::Never, |text| Tagged::Match(value(text)));
            assert_eq!(found, expected, "{there}");
        }
        let regex = document("{headers: {x-mse-tag: {regex: 'g.*'}}}");
        assert_eq!(with_tag(regex.root(), "x-mse-tag", "gray"), Tagged::Unknown);
    }

    #[test]
    fn gray_callers_fit_what_their_baseline_fits() {
        let labels = |text: &str| -> Vec<(String, String)> {
            let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        let (baseline, gray) = (labels("app=web tier=front"), labels("app=web-gray tier=front"));
        for (asked, expected) in [
            ("{sourceLabels: {app: web}}", Some("{sourceLabels: {app: web-gray}}")),
            (
                "{sourceLabels: {tier: front, app: web}, sourceNamespace: prod}",
                Some("{sourceLabels: {tier: front, app: web-gray}, sourceNamespace: prod}"),
            ),
            ("{sourceLabels: {tier: front}}", None),
            ("{sourceLabels: {app: other}}", None),
            ("{sourceLabels: {app: web, track: stable}}", None),
            ("{sourceLabels: {app: web}, sourceNamespace: other}", None),
            ("{uri: {exact: /}}", None),
        ] {
            let found = from_gray(&value(asked), "prod", &baseline, &gray);
            assert_eq!(found, expected.map(value), "{asked}");
        }
    }

    #[test]
    fn a_delegate_may_ask_for_no_less_than_its_root() {
        for (root, leaf, expected) in [
            ("{}", "{uri: {prefix: /a}}", false),
            ("{uri: {prefix: /a}}", "{}", false),
            ("{uri: {prefix: /a}}", "{uri: {prefix: /a/b}}", false),
            ("{uri: {prefix: /a}}", "{uri: {exact: /a/b}}", false),
            ("{uri: {prefix: /a}}", "{uri: {prefix: /}}", true),
            ("{uri: {exact: /a}}", "{uri: {exact: /a}}", false),
            ("{uri: {exact: /a}}", "{uri: {prefix: /a}}", true),
            ("{uri: {regex: '/a'}}", "{uri: {exact: /a}}", true),
            ("{uri: {exact: /a}}", "{uri: {regex: '/a'}}", true),
            (
                "{headers: {t: {exact: gray}}}",
                "{headers: {t: {exact: gray}, u: {regex: x}}}",
                false,
            ),
            ("{headers: {t: {regex: gray}}}", "{headers: {t: {exact: gray}}}", true),
            ("{headers: {t: {}}}", "{headers: {t: {exact: gray}}}", false),
            ("{port: 80}", "{port: 81}", true),
            ("{port: 80}", "{}", false),
        ] {
            assert_eq!(conflict(&value(root), &value(leaf)), expected, "{root} {leaf}");
        }
    }
}
