//! The tag header, in the dialects that control headers by annotation: Higress and the Alibaba
//! Cloud gateways that are made of it.
//!
//! `…/request-header-control-{add,update}` hold one `name value` a line, `…-remove` names with commas
//! between. A canary does not inherit what the baseline's route controls. Sources: Alibaba Cloud,
//! "Annotations supported by MSE Ingress gateways", header control; alibaba/higress,
//! pkg/ingress/kube/annotations/header_control.go and `ApplyByHeader` of canary.go.

use super::CanaryRoute;
use super::ingress::{annotate, edit};
use crate::diagnostic::Diagnostic;
use crate::yaml::{Document, NodeRef, Path};

/// Lets a canary set the tag header by the annotations of this prefix, below the baseline's lines.
pub(super) fn set_tag_header(
    canary: &mut Document,
    prefix: &str,
    route: &CanaryRoute<'_>,
) -> Result<(), Diagnostic> {
    let control = format!("{prefix}/request-header-control-update");
    let own = format!("{} {}", route.tag_header, route.tag);
    let lines = canary.at(&["metadata", "annotations", &control]).and_then(NodeRef::text);
    let value = match lines {
        Some(lines) => with_line(lines, route.tag_header, &own),
        None => own,
    };
    without_tag_header(canary, prefix, route.tag_header)?;
    annotate(canary, &[(control, value)])
}

/// Takes the tag header out of the baseline's other header controls: with a second value, or
/// removed after all, it would not carry the tag.
fn without_tag_header(canary: &mut Document, prefix: &str, header: &str) -> Result<(), Diagnostic> {
    for (what, separator) in [("add", '\n'), ("remove", ',')] {
        let key = format!("{prefix}/request-header-control-{what}");
        let path = Path::keys(["metadata", "annotations"]).key(key);
        let Some(text) = canary.find(&path).and_then(NodeRef::text) else { continue };
        let is_tag = |part: &&str| names(part, header);
        if !text.split(separator).any(|part| is_tag(&part)) {
            continue;
        }
        let kept: Vec<&str> = text.split(separator).filter(|part| !is_tag(part)).collect();
        let kept = kept.join(&separator.to_string());
        let result = match kept.trim().is_empty() {
            true => canary.remove(&path).map(|_| ()),
            false => canary.set_str(&path, &kept),
        };
        edit(result)?;
    }
    Ok(())
}

/// Header control is one `name value` a line; a line for the tag header gives way.
fn with_line(lines: &str, header: &str, own: &str) -> String {
    let mut kept: Vec<&str> = lines
        .lines()
        .filter(|line| !line.trim().is_empty())
        .filter(|line| !names(line, header))
        .collect();
    kept.push(own);
    kept.join("\n") + "\n"
}

/// Whether a line or a part of a list is about a header. Its name may stand in quotes, which Higress
/// leaves out.
fn names(part: &str, header: &str) -> bool {
    let name = part.split_whitespace().next().unwrap_or_default();
    name.trim_matches(['"', '\'']).eq_ignore_ascii_case(header)
}
