//! Keys that stand before a merge key that brings them too.
//!
//! YAML's merge keys never replace what is written out, wherever that stands, and so reads kustomize
//! (go-yaml v3). kubectl and Argo CD (sigs.k8s.io/yaml, on go-yaml v2) apply the entries of a mapping
//! one after the other, so that the last one counts.

use std::collections::HashMap;

use super::super::node::Collection;
use super::super::source::Source;
use super::super::value::Value;
use super::super::view::NodeRef;
use crate::diagnostic::Diagnostic;

/// Refuses a mapping that readers do not agree on.
///
/// # Errors
///
/// A key with another value in a merge that comes after it.
pub(super) fn check(mapping: &Collection, source: &Source) -> Result<(), Diagnostic> {
    let position = mapping.position("<<", source).unwrap_or(0);
    let Some((before, merge)) = mapping.items.get(..position).zip(mapping.items.get(position))
    else {
        return Ok(());
    };
    if before.is_empty() {
        return Ok(());
    }
    let merged = NodeRef::new(source, &merge.value, u32::MAX);
    let sources: Vec<NodeRef<'_>> =
        if merged.is_sequence() { merged.items().collect() } else { vec![merged] };
    let mut brought: HashMap<&str, NodeRef<'_>> = HashMap::new();
    for (key, value) in sources.into_iter().flat_map(NodeRef::entries) {
        brought.entry(key).or_insert(value);
    }
    for item in before {
        let Some(key) = &item.key else { continue };
        let Some(other) = brought.get(key.text(source)) else { continue };
        let own = NodeRef::new(source, &item.value, u32::MAX);
        if Value::from(own) == Value::from(*other) {
            continue;
        }
        let at = |span: u32| source.place(span as usize);
        let place = merge.key.as_ref().map(|merge| at(merge.span().start));
        let text = key.text(source);
        return Err(Diagnostic::error(format!(
            "`<<` brings `{text}`, which stands before it with another value: kubectl reads the merged value, kustomize the one written out"
        ))
        .at(place)
        .related(at(key.span().start), "written out here")
        .remedy("put `<<` first in its mapping: then all readers take what is written out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::{Source, parse};

    fn error(text: &str) -> Option<String> {
        parse(Source::new("a.yaml", text.to_owned())).err().map(|error| error.to_string())
    }

    #[test]
    fn what_readers_do_not_agree_on_is_refused() {
        let told = error("x: &x {app: shop}\nlabels:\n  app: web\n  <<: *x\n").unwrap();
        assert!(told.contains("`<<` brings `app`") && told.contains("a.yaml:4:3"), "{told}");
        let tagged = "x: &x {app: shop}\nlabels:\n  app: web\n  !!merge <<: *x\n";
        assert!(error(tagged).is_some_and(|told| told.contains("brings `app`")));
        assert!(error("labels: {app: web, <<: [{a: 1}, {app: shop}]}\n").is_some());
        assert!(error("y: &y {<<: {app: 1}}\nlabels: {app: 2, <<: *y}\n").is_some());
    }

    #[test]
    fn what_they_agree_on_is_read() {
        for text in [
            "x: &x {app: shop}\nlabels:\n  <<: *x\n  app: web\n",
            "labels: {tier: web, <<: {app: shop}}\n",
            "labels: {app: shop, <<: {app: shop}}\n",
            "labels: {app: shop, <<: [{app: shop}, {app: other}]}\n",
        ] {
            assert_eq!(error(text), None, "{text}");
        }
    }
}
