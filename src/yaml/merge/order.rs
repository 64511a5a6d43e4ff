//! The order of the elements of a list that merges by a key.

use std::collections::HashMap;

/// An element of a list that merges.
#[derive(Clone, Copy)]
pub(super) enum Element {
    /// The element at this position of the list that was there.
    There(usize),
    /// The element at this position of the patch.
    New(usize),
}

/// The elements of a merged list in order, and where each one is that the patch names; both lists
/// are given by what identifies their elements.
///
/// The patch's elements stand in the patch's order, and the others in theirs. Of two that are next,
/// the other one goes first only where the patch's was there too, and behind it.
///
/// Source: k8s.io/apimachinery pkg/util/strategicpatch, `normalizeElementOrder` and
/// `mergeSortedSlice`.
pub(super) fn merged_order<'p>(
    there: &[Option<String>],
    patch: &[&'p str],
) -> (Vec<Element>, HashMap<&'p str, usize>) {
    let mut known = HashMap::with_capacity(there.len());
    for (index, identity) in there.iter().enumerate() {
        if let Some(identity) = identity {
            known.entry(identity.as_str()).or_insert(index);
        }
    }
    let mut is_named = vec![false; there.len()];
    let mut positions = HashMap::with_capacity(there.len() + patch.len());
    let mut named = Vec::with_capacity(patch.len());
    for (index, identity) in patch.iter().enumerate() {
        if positions.insert(*identity, 0).is_some() {
            continue;
        }
        let old = known.get(*identity).copied();
        if let Some(is_named) = old.and_then(|old| is_named.get_mut(old)) {
            *is_named = true;
        }
        named.push(old.map_or(Element::New(index), Element::There));
    }
    let mut others =
        (0..there.len()).filter(|index| is_named.get(*index) == Some(&false)).peekable();
    let mut order = Vec::with_capacity(there.len() + named.len());
    for element in named {
        if let Element::There(old) = element {
            while let Some(other) = others.next_if(|other| *other < old) {
                order.push(Element::There(other));
            }
        }
        order.push(element);
    }
    order.extend(others.map(Element::There));
    for (index, element) in order.iter().enumerate() {
        let identity = match *element {
            Element::There(old) if is_named.get(old) == Some(&true) => {
                there.get(old).and_then(Option::as_deref)
            }
            Element::There(_) => None,
            Element::New(of_patch) => patch.get(of_patch).copied(),
        };
        if let Some(position) = identity.and_then(|identity| positions.get_mut(identity)) {
            *position = index;
        }
    }
    (order, positions)
}

#[cfg(test)]
mod tests {
    use crate::yaml::{Document, MergeKeys, Source, Value, apply_merge, parse};

    struct ByName;

    impl MergeKeys for ByName {
        fn merge_key(&self, _: &[&str]) -> Option<&str> {
            Some("name")
        }
    }

    fn document(text: &str) -> Document {
        parse(Source::new("t.yaml", text.to_owned())).unwrap().documents.remove(0)
    }

    fn merged(before: &str, patch: &str) -> String {
        let mut patched = document(before);
        apply_merge(&mut patched, &Value::from(document(patch).root()), &ByName).unwrap();
        let text = patched.to_text();
        assert_eq!(Value::from(document(&text).root()), Value::from(patched.root()), "{text}");
        text
    }

    fn names(text: &str) -> String {
        let document = document(text);
        let list = document.at(&["l"]).unwrap();
        list.items().filter_map(|item| item.get("name")?.text()).collect()
    }

    #[test]
    fn merged_lists_have_the_order_that_kubectl_gives_them() {
        // As `kubectl patch --local --type strategic` answers; a capital letter is deleted.
        for (there, patch, expected) in [
            ("abc", "x", "xabc"),
            ("abc", "xy", "xyabc"),
            ("abc", "yx", "yxabc"),
            ("abc", "bx", "abxc"),
            ("abc", "xb", "xabc"),
            ("abc", "ax", "axbc"),
            ("abc", "cx", "abcx"),
            ("abc", "xcya", "xbcya"),
            ("abc", "cba", "cba"),
            ("abc", "ca", "bca"),
            ("abc", "xbya", "xbyac"),
            ("abc", "b", "abc"),
            ("abc", "bxcy", "abxcy"),
            ("a", "xay", "xay"),
            ("abc", "xx", "xabc"),
            ("abc", "xbx", "xabc"),
            ("", "xy", "xy"),
            ("abc", "Ax", "xbc"),
            ("abc", "xBc", "xac"),
            ("abc", "Bb", "bac"),
            ("abc", "ABCx", "x"),
            ("abcd", "dxb", "acdxb"),
            ("abcd", "xdyb", "xacdyb"),
        ] {
            let element = |name: char| match name.to_ascii_lowercase() {
                lower if lower == name => format!("{{name: {name}, p: 1}}"),
                lower => format!("{{name: {lower}, $patch: delete}}"),
            };
            let patch: Vec<String> = patch.chars().map(element).collect();
            let patch = format!("{{l: [{}]}}", patch.join(", "));
            let lines = there.chars().map(|name| format!("- name: {name} # {name}\n"));
            let list = if there.is_empty() { "l: []\n".to_owned() } else { "l:\n".to_owned() };
            let before = list + &lines.collect::<String>();
            let after = merged(&before, &patch);
            assert_eq!(names(&after), expected, "{before}{patch}");
            if !patch.contains("delete") {
                assert_eq!(merged(&after, &patch), after, "{patch}");
            }
        }
    }

    #[test]
    fn what_stays_in_its_place_keeps_its_comments() {
        assert_eq!(
            merged("l:\n# about a\n- name: a # A\n", "{l: [{name: x}]}"),
            "l:\n- name: x\n# about a\n- name: a # A\n"
        );
    }
}
