//! Strategic merge on documents: mappings merge, lists with a merge key merge by it.
//!
//! Source: Kubernetes' `strategic-merge-patch.md` (sig-api-machinery) and the
//! `k8s.io/apimachinery/pkg/util/strategicpatch` package; the elements of a merged list have the
//! order that it gives them. As in kustomize, `$patch: delete` on a mapping removes its field.

use std::collections::HashSet;

use super::edit::EditError;
use super::node::Document;
use super::parse::MAX_DEPTH;
use super::patch::{PatchError, commit};
use super::path::{Path, Segment};
use super::scalar::{Resolved, ScalarStyle, resolve};
use super::value::Value;
use super::view::{NodeKind, NodeRef};

mod directive;
mod order;

use directive::{DELETE_FROM, DIRECTIVE, Directive, is_replace_marker};
use order::{Element, merged_order};

/// Which lists merge by a key of their elements.
pub trait MergeKeys {
    /// The key that identifies the elements of a list, or `None` for a list that is replaced.
    ///
    /// `list_path` holds the names of the fields from the root to the list, without indices:
    /// `["spec", "containers", "ports"]`.
    fn merge_key(&self, list_path: &[&str]) -> Option<&str>;
}

/// Applies a strategic merge patch, all or nothing, and returns whether the document holds
/// anything else than before.
///
/// Directives: `$patch: merge|replace|delete` in mappings and in elements of merged lists,
/// `$patch: replace` as an element of its own in any list, `$deleteFromPrimitiveList/<field>`.
///
/// # Errors
///
/// A patch or document that is no mapping, an element without its merge key, an unknown directive,
/// and the directives `$setElementOrder` and `$retainKeys`, which only a server's diff writes.
pub fn apply_merge(
    document: &mut Document,
    patch: &Value,
    merge_keys: &dyn MergeKeys,
) -> Result<bool> {
    let mut merge = Merge { document: document.clone(), merge_keys, path: Vec::new() };
    let Value::Mapping(entries) = patch else {
        return Err(merge.fault(format!("a merge patch is a mapping, not {}", patch.describe())));
    };
    if patch.measure().depth > MAX_DEPTH {
        return Err(merge.fault(format!("the patch is nested more than {MAX_DEPTH} levels deep")));
    }
    if !merge.document.root().is_mapping() {
        let found = merge.document.root().describe();
        return Err(merge.fault(format!("the document is {found}, not a mapping")));
    }
    merge.mapping(entries, &mut Vec::new())?;
    Ok(commit(document, merge.document))
}

type Result<T> = std::result::Result<T, PatchError>;
type Entries = [(String, Value)];

struct Merge<'k> {
    document: Document,
    merge_keys: &'k dyn MergeKeys,
    /// Where the merge is.
    path: Vec<Segment>,
}

impl Merge<'_> {
    fn fault(&self, message: impl Into<String>) -> PatchError {
        PatchError { op: None, path: self.here().to_string(), message: message.into() }
    }

    fn edit_fault(&self, error: &EditError) -> PatchError {
        self.fault(error.to_string())
    }

    fn here(&self) -> Path {
        self.path.iter().cloned().collect()
    }

    fn found(&self) -> Option<NodeRef<'_>> {
        self.document.find(&self.here())
    }

    fn within<T>(
        &mut self,
        segment: Segment,
        run: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.path.push(segment);
        let result = run(self);
        self.path.pop();
        result
    }

    fn set(&mut self, value: Value) -> Result<()> {
        let here = self.here();
        self.document.set(&here, value).map_err(|error| self.edit_fault(&error))
    }

    fn remove(&mut self) -> Result<()> {
        let here = self.here();
        match self.document.remove(&here) {
            Ok(_) => Ok(()),
            Err(_) if self.path.is_empty() => {
                Err(self.fault("the whole document cannot be removed"))
            }
            Err(error) => Err(self.edit_fault(&error)),
        }
    }

    /// Merges a mapping into what is here. `fields` are the names of the fields down to here.
    fn mapping<'p>(&mut self, entries: &'p Entries, fields: &mut Vec<&'p str>) -> Result<()> {
        let is_mapping = self.found().is_some_and(NodeRef::is_mapping);
        match self.directive(entries)? {
            Directive::Delete => return self.remove(),
            Directive::Replace => {
                let value = self.cleaned_mapping(entries)?;
                return self.set(value);
            }
            Directive::Merge if is_mapping => {}
            Directive::Merge => {
                let value = self.cleaned_mapping(entries)?;
                return self.set(value);
            }
        }
        for (key, value) in entries.iter().filter(|(key, _)| key != DIRECTIVE) {
            self.check_refused(key)?;
            if let Some(field) = key.strip_prefix(DELETE_FROM) {
                self.within(Segment::Key(field.to_owned().into()), |merge| {
                    merge.delete_from(value)
                })?;
                continue;
            }
            fields.push(key);
            self.within(Segment::Key(key.clone().into()), |merge| match value {
                Value::Mapping(entries) => merge.mapping(entries, fields),
                Value::Sequence(values) => merge.list(values, fields),
                value if value.is_null() => merge.remove(),
                value => merge.set(value.without_styles()),
            })?;
            fields.pop();
        }
        Ok(())
    }

    fn list<'p>(&mut self, values: &'p [Value], fields: &mut Vec<&'p str>) -> Result<()> {
        let replaces = values.iter().any(is_replace_marker);
        let is_list = self.found().is_some_and(NodeRef::is_sequence);
        match self.merge_keys.merge_key(fields).map(str::to_owned) {
            Some(key) if is_list && !replaces => self.merged_list(values, &key, fields),
            key => {
                let mut new = Vec::with_capacity(values.len());
                for value in values.iter().filter(|value| !is_replace_marker(value)) {
                    if key.is_none() && self.element_directive(value)? == Directive::Delete {
                        return Err(self.fault(
                            "this list has no merge key: `$patch: delete` cannot find its element",
                        ));
                    }
                    new.extend(self.cleaned(value)?);
                }
                if is_list { self.replaced_list(new) } else { self.set(Value::Sequence(new)) }
            }
        }
    }

    /// Replaces the elements that differ; those at the start and at the end that do not, stay.
    fn replaced_list(&mut self, mut new: Vec<Value>) -> Result<()> {
        let old: Vec<Value> =
            self.found().into_iter().flat_map(NodeRef::items).map(Value::from).collect();
        let shorter = old.len().min(new.len());
        let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let same_end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new);
        let end = same_end.count().min(shorter - start);
        if start + end == 0 || new.is_empty() {
            return self.set(Value::Sequence(new));
        }
        for index in (start..old.len() - end).rev() {
            self.within(Segment::Index(index), Self::remove)?;
        }
        let middle = start..new.len() - end;
        for (index, value) in middle.clone().zip(new.drain(middle)) {
            self.insert(index, value)?;
        }
        Ok(())
    }

    fn insert(&mut self, index: usize, value: Value) -> Result<()> {
        let here = self.here();
        self.document.insert(&here, index, value).map_err(|error| self.edit_fault(&error))
    }

    fn merged_list<'p>(
        &mut self,
        values: &'p [Value],
        key: &str,
        fields: &mut Vec<&'p str>,
    ) -> Result<()> {
        let mut deleted = Vec::new();
        let mut merged: Vec<(String, &Entries)> = Vec::new();
        for value in values {
            let Value::Mapping(entries) = value else {
                return Err(self.fault(format!(
                    "this list merges by `{key}`: its elements are mappings, not {}",
                    value.describe()
                )));
            };
            let Some(identity) = value.get(key).and_then(identity) else {
                return Err(self.fault(format!(
                    "this list merges by `{key}`, which an element of the patch lacks"
                )));
            };
            match self.directive(entries)? {
                Directive::Delete => deleted.push(identity),
                _ => merged.push((identity, entries)),
            }
        }
        let identities = self.identities(key);
        let gone = identities.iter().enumerate().rev().filter(|(_, identity)| {
            identity.as_ref().is_some_and(|identity| deleted.contains(identity))
        });
        let gone: Vec<usize> = gone.map(|(index, _)| index).collect();
        for index in &gone {
            self.within(Segment::Index(*index), Self::remove)?;
        }
        let identities = if gone.is_empty() { identities } else { self.identities(key) };
        let names: Vec<&str> = merged.iter().map(|(identity, _)| identity.as_str()).collect();
        let (order, positions) = merged_order(&identities, &names);
        let mut now: Vec<Option<usize>> = (0..identities.len()).map(Some).collect();
        let mut made = HashSet::new();
        for (index, element) in order.into_iter().enumerate() {
            match element {
                Element::There(old) if now.get(index) == Some(&Some(old)) => {}
                Element::There(old) => {
                    let Some(at) = now.iter().position(|there| *there == Some(old)) else {
                        continue;
                    };
                    let value = self.found().and_then(|list| list.item(at)).map(Value::from);
                    self.within(Segment::Index(at), Self::remove)?;
                    self.insert(index, value.unwrap_or_else(Value::null))?;
                    now.remove(at);
                    now.insert(index, Some(old));
                }
                Element::New(of_patch) => {
                    let Some((_, entries)) = merged.get(of_patch) else { continue };
                    let value = self.cleaned_mapping(entries)?;
                    self.insert(index, value)?;
                    now.insert(index, None);
                    made.insert(of_patch);
                }
            }
        }
        for (of_patch, (identity, entries)) in merged.iter().enumerate() {
            let Some(index) = positions.get(identity.as_str()) else { continue };
            if !made.contains(&of_patch) {
                self.within(Segment::Index(*index), |merge| merge.mapping(entries, fields))?;
            }
        }
        Ok(())
    }

    /// The merge key's value in each element of the list here.
    fn identities(&self, key: &str) -> Vec<Option<String>> {
        let items = self.found().into_iter().flat_map(NodeRef::items);
        items.map(|item| item.get(key).and_then(|value| identity(&Value::from(value)))).collect()
    }

    fn delete_from(&mut self, values: &Value) -> Result<()> {
        let Value::Sequence(values) = values else {
            return Err(self.fault(format!(
                "`{DELETE_FROM}…` needs the list of values to delete, not {}",
                values.describe()
            )));
        };
        let Some(list) = self.found() else { return Ok(()) };
        if list.kind() != NodeKind::Sequence {
            let found = list.describe();
            return Err(self.fault(format!("this is {found}, not a list to delete from")));
        }
        let gone: Vec<usize> = list
            .items()
            .enumerate()
            .filter(|(_, item)| values.contains(&Value::from(*item)))
            .map(|(index, _)| index)
            .collect();
        for index in gone.into_iter().rev() {
            self.within(Segment::Index(index), Self::remove)?;
        }
        Ok(())
    }
}

/// What two values of a merge key are compared by; `None` for what identifies nothing.
fn identity(value: &Value) -> Option<String> {
    match value {
        Value::String(text, _) => Some(format!("\"{text}")),
        Value::Plain(text) => match resolve(text, ScalarStyle::Plain, None) {
            Resolved::Null => None,
            Resolved::Int(number) => Some(number.to_string()),
            Resolved::Bool(value) => Some(value.to_string()),
            Resolved::Float(number) => Some(number.to_string()),
            Resolved::String => Some(format!("\"{text}")),
        },
        Value::Sequence(_) | Value::Mapping(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    struct Keys;

    impl MergeKeys for Keys {
        fn merge_key(&self, list_path: &[&str]) -> Option<&str> {
            match list_path {
                ["spec", "containers"] | ["spec", "containers", "env"] => Some("name"),
                ["spec", "containers", "ports"] => Some("containerPort"),
                _ => None,
            }
        }
    }

    fn document(text: &str) -> Document {
        parse(Source::new("t.yaml", text.to_owned())).unwrap().documents.remove(0)
    }

    fn merge(before: &str, patch: &str) -> std::result::Result<(bool, String), PatchError> {
        let mut patched = document(before);
        let patch = Value::from(document(patch).root());
        let changed = apply_merge(&mut patched, &patch, &Keys)?;
        let text = patched.to_text();
        assert_eq!(Value::from(document(&text).root()), Value::from(patched.root()), "{text}");
        Ok((changed, text))
    }

    fn merged(before: &str, patch: &str) -> String {
        let (changed, text) = merge(before, patch).unwrap();
        assert_eq!(changed, text != before);
        text
    }

    const POD: &str = "\
spec:
  # the pod
  containers:
  - name: app # main
    image: a:1
    ports:
    - containerPort: 80 # web
    env:
    - name: A
      value: x
    # about B
    - {name: B, value: y}
  - name: side
    args: [a, b]
";

    #[test]
    fn mappings_merge_and_null_deletes() {
        assert_eq!(
            merged("a: {b: 1, c: 2}\nd: 3 # d\n", "{a: {b: null, e: 4}}"),
            "a: {c: 2, e: 4}\nd: 3 # d\n"
        );
        assert_eq!(
            merged("a: 1\n", "{b: {c: null, d: 1, e: {$patch: delete}}}"),
            "a: 1\nb:\n  d: 1\n"
        );
        assert_eq!(merged("a: x\n", "{a: {b: 1}}"), "a:\n  b: 1\n");
        assert_eq!(merged("a: x # y\n", "{a: x, b: null}"), "a: x # y\n");
        assert_eq!(merged("a: {b: 1}\n", "{a: {$patch: replace, c: 1}}"), "a:\n  c: 1\n");
        assert_eq!(merged("a: {b: 1}\nc: 1\n", "{a: {$patch: delete}}"), "c: 1\n");
        assert_eq!(merged("a: {b: 1}\n", "{a: {$patch: merge, c: 1}}"), "a: {b: 1, c: 1}\n");
    }

    #[test]
    fn lists_merge_by_their_key() {
        let patch = "{spec: {containers: [{name: app, image: 'a:2', env: [{name: B, value: z}, {name: C, value: w}], ports: [{containerPort: 81}]}]}}";
        assert_eq!(
            merged(POD, patch),
            POD.replace("a:1", "a:2")
                .replace(
                    "- {name: B, value: y}\n",
                    "- {name: B, value: z}\n    - name: C\n      value: w\n"
                )
                .replace(
                    "    - containerPort: 80",
                    "    - containerPort: 81\n    - containerPort: 80"
                )
        );
        let delete = "{spec: {containers: [{name: side, $patch: delete}, {name: new}]}}";
        assert_eq!(
            merged(POD, delete),
            POD.replace("  - name: side\n    args: [a, b]\n", "")
                .replace("  - name: app", "  - name: new\n  - name: app")
        );
        let again = "{spec: {containers: [{name: side, $patch: delete}, {name: side, image: s}]}}";
        assert_eq!(
            merged(POD, again),
            POD.replace("  - name: side\n    args: [a, b]\n", "")
                .replace("  - name: app", "  - name: side\n    image: s\n  - name: app")
        );
        let replace = "{spec: {containers: [{$patch: replace}, {name: only}]}}";
        assert_eq!(merged(POD, replace), "spec:\n  # the pod\n  containers:\n  - name: only\n");
        let nothing = "{spec: {containers: [{name: app, ports: [{containerPort: 0x50}]}]}}";
        assert_eq!(merged(POD, nothing), POD);
    }

    #[test]
    fn other_lists_are_replaced_where_they_differ() {
        assert_eq!(
            merged("l:\n- a # 1\n- b # 2\n- c # 3\n", "{l: [a, x, y, c]}"),
            "l:\n- a # 1\n- x\n- y\n- c # 3\n"
        );
        assert_eq!(merged("l:\n- a # 1\n- a\n", "{l: [a]}"), "l:\n- a # 1\n");
        assert_eq!(merged("l: [a]\n", "{l: []}"), "l: []\n");
        assert_eq!(merged("l: [a]\n", "{l: [{$patch: replace}, {b: 1, c: null}]}"), "l:\n- b: 1\n");
        assert_eq!(
            merged("l:\n- a\n- b\n- a\n", "{$deleteFromPrimitiveList/l: [a], m: 1}"),
            "l:\n- b\nm: 1\n"
        );
    }

    #[test]
    fn what_cannot_be_merged_is_refused() {
        for (patch, message) in [
            ("[]", "a merge patch is a mapping, not a list"),
            ("{$patch: delete}", "whole document"),
            ("{$patch: destroy}", "is one of"),
            ("{spec: {$setElementOrder/containers: [{name: app}]}}", "not supported"),
            ("{x: {$retainKeys: [a]}}", "not supported"),
            ("{spec: {containers: [{image: x}]}}", "`spec.containers`: this list merges by `name`"),
            ("{spec: {containers: [app]}}", "not a string"),
            ("{spec: {containers: [{name: side, args: [{$patch: delete}]}]}}", "no merge key"),
            ("{$deleteFromPrimitiveList/spec: [a]}", "not a list"),
        ] {
            let error = merge(POD, patch).unwrap_err().to_string();
            assert!(error.contains(message), "{error} lacks {message}");
        }
    }
}
