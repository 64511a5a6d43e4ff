//! What a patch says beside the values: `$patch`, `$deleteFromPrimitiveList`, and nulls.

use super::{Entries, Merge, Result};
use crate::yaml::value::Value;

pub(super) const DIRECTIVE: &str = "$patch";
pub(super) const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const REFUSED: [&str; 2] = ["$setElementOrder/", "$retainKeys"];

/// What a mapping of a patch says of itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Merge<'_> {
    pub(super) fn check_refused(&self, key: &str) -> Result<()> {
        match REFUSED.iter().find(|refused| key.starts_with(**refused)) {
            Some(_) => Err(self.fault(format!(
                "the directive `{key}` is not supported: leave it out of the patch"
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn directive(&self, entries: &Entries) -> Result<Directive> {
        let Some((_, value)) = entries.iter().find(|(key, _)| key == DIRECTIVE) else {
            return Ok(Directive::Merge);
        };
        match value.as_str() {
            Some("merge") => Ok(Directive::Merge),
            Some("replace") => Ok(Directive::Replace),
            Some("delete") => Ok(Directive::Delete),
            _ => Err(self.fault("`$patch` is one of `merge`, `replace` and `delete`")),
        }
    }

    pub(super) fn element_directive(&self, value: &Value) -> Result<Directive> {
        match value {
            Value::Mapping(entries) => self.directive(entries),
            _ => Ok(Directive::Merge),
        }
    }

    /// A value that nothing is there to merge with: without nulls in mappings and directives.
    pub(super) fn cleaned(&self, value: &Value) -> Result<Option<Value>> {
        Ok(match value {
            Value::Mapping(entries) => match self.directive(entries)? {
                Directive::Delete => None,
                _ => Some(self.cleaned_mapping(entries)?),
            },
            Value::Sequence(values) => {
                let mut new = Vec::with_capacity(values.len());
                for value in values.iter().filter(|value| !is_replace_marker(value)) {
                    new.extend(self.cleaned(value)?);
                }
                Some(Value::Sequence(new))
            }
            value => Some(value.without_styles()),
        })
    }

    pub(super) fn cleaned_mapping(&self, entries: &Entries) -> Result<Value> {
        let mut new = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            self.check_refused(key)?;
            if key == DIRECTIVE || key.starts_with(DELETE_FROM) || value.is_null() {
                continue;
            }
            new.extend(self.cleaned(value)?.map(|value| (key.clone(), value)));
        }
        Ok(Value::Mapping(new))
    }
}

/// `{$patch: replace}`: the list of the patch takes the place of the whole list.
pub(super) fn is_replace_marker(value: &Value) -> bool {
    match value {
        Value::Mapping(entries) => {
            matches!(&entries[..], [(key, value)] if key == DIRECTIVE && value.as_str() == Some("replace"))
        }
        _ => false,
    }
}
