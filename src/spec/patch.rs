//! Whether the patches of a service mean something.

use super::check::{Check, items};
use super::choice::JsonOpKind;
use super::model::{JsonOp, Patch, PatchBody};
use super::raw;
use crate::diagnostic::Place;
use crate::yaml::{NodeRef, Path, Value};

/// A patch, unless something is missing.
pub(super) fn read(check: &mut Check, raw: &raw::Patch, node: NodeRef<'_>) -> Option<Patch> {
    let place = check.place(node.get("target").or(Some(node)));
    let target = raw.target.as_ref().and_then(|text| {
        let place = check.value_place(node.get("target"));
        check.object(text, &place)
    });
    // The nodes are asked, not the raw patch: what is there but wrong has been reported.
    let body = match (node.get("merge"), node.get("json")) {
        (Some(merge), None) => merge_body(check, raw, merge),
        (None, Some(list)) => json_body(check, raw, list),
        (Some(_), Some(json)) => {
            let at = check.place(Some(json));
            check.error("a patch has both `merge` and `json`", &at, "make two patches of it");
            None
        }
        // An unknown field, which has been reported, was meant to be one of the two.
        (None, None) if node.entries().any(|(field, _)| field != "target") => None,
        (None, None) => {
            check.error(
                "a patch has neither `merge` nor `json`",
                &place,
                "add `merge:` with the fields to change, or `json:` with RFC 6902 operations",
            );
            None
        }
    };
    Some(Patch { target: target?, place, body: body? })
}

fn merge_body(check: &mut Check, raw: &raw::Patch, merge: NodeRef<'_>) -> Option<PatchBody> {
    if raw.merge.as_ref()?.is_empty() {
        let place = check.value_place(Some(merge));
        check.error("the patch changes nothing", &place, "add the fields to change, or remove it");
        return None;
    }
    // The node, not the raw patch: plain scalars keep their text.
    Some(PatchBody::Merge(Value::from(merge)))
}

fn json_body(check: &mut Check, raw: &raw::Patch, list: NodeRef<'_>) -> Option<PatchBody> {
    let operations = raw.json.as_ref()?;
    if operations.is_empty() {
        let place = check.value_place(Some(list));
        check.error("the patch changes nothing", &place, "add an operation, or remove it");
    }
    let operations: Vec<Option<JsonOp>> =
        items(operations, Some(list)).map(|(raw, node)| operation(check, raw, node)).collect();
    operations.into_iter().collect::<Option<_>>().map(PatchBody::Json)
}

fn operation(check: &mut Check, raw: &raw::Operation, node: NodeRef<'_>) -> Option<JsonOp> {
    let path = raw.path.as_ref().filter(|path| is_pointer(check, path, node.get("path")));
    let from = raw.from.as_ref().filter(|from| is_pointer(check, from, node.get("from")));
    let op = raw.op?;
    let place = check.place(node.get("op").or(Some(node)));
    let (takes_value, takes_from) = match op {
        JsonOpKind::Add | JsonOpKind::Replace | JsonOpKind::Test => (true, false),
        JsonOpKind::Move | JsonOpKind::Copy => (false, true),
        JsonOpKind::Remove => (false, false),
    };
    takes(check, op, "value", takes_value, node, &place);
    takes(check, op, "from", takes_from, node, &place);
    if let (JsonOpKind::Move, Some(from), Some(path)) = (op, from, path)
        && path.strip_prefix(from.as_str()).is_some_and(|rest| rest.starts_with('/'))
    {
        let message = format!("`{from}` cannot be moved into itself");
        check.error(message, &place, "move it out of what it holds, or use `copy`");
    }
    Some(JsonOp {
        op,
        path: path?.clone(),
        from: from.cloned(),
        value: node.get("value").map(Value::from),
        place,
    })
}

/// Reports a field that an operation needs and has not, or has and does not take.
fn takes(
    check: &mut Check,
    op: JsonOpKind,
    field: &str,
    needed: bool,
    node: NodeRef<'_>,
    place: &Place,
) {
    match (needed, node.get(field)) {
        (true, None) => {
            check.error(format!("`{op}` needs `{field}`"), place, format!("add `{field}:`"));
        }
        (false, Some(extra)) => {
            let place = check.place(Some(extra));
            check.error(format!("`{op}` takes no `{field}`"), &place, "remove it");
        }
        _ => {}
    }
}

fn is_pointer(check: &mut Check, text: &str, node: Option<NodeRef<'_>>) -> bool {
    let message = match Path::from_json_pointer(text) {
        Ok(path) if !path.segments().is_empty() => return true,
        Ok(_) => "the empty JSON pointer means the whole object".to_owned(),
        Err(message) => message,
    };
    let place = check.value_place(node);
    check.error(message, &place, "point to a field: `/spec/template/spec/hostNetwork`");
    false
}
