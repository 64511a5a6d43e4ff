//! What controllers make for an object.

use super::{Effect, references};
use crate::kube::object::ObjectRef;
use crate::yaml::NodeRef;

/// A kind whose controller makes a Secret of the object's own name.
struct Namesake {
    group: &'static str,
    kind: &'static str,
    /// Whether it makes that one even where the object names another.
    always: bool,
    /// Where this is documented.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

const NAMESAKES: &[Namesake] = &[
    Namesake {
        group: "external-secrets.io",
        kind: "ExternalSecret",
        always: false,
        source: "external-secrets.io/latest/api/externalsecret (target.name defaults to the name of the ExternalSecret)",
    },
    Namesake {
        group: "bitnami.com",
        kind: "SealedSecret",
        always: true,
        source: "bitnami-labs/sealed-secrets pkg/apis/sealedsecrets/v1alpha1, `SealedSecret.Unseal`: it does not go by the name in the template",
    },
];

/// The objects that a controller makes for an object; `own` is its identity.
pub fn made(root: NodeRef<'_>, own: &ObjectRef) -> Vec<ObjectRef> {
    let mut made: Vec<ObjectRef> = references(root, own)
        .into_iter()
        .filter(|reference| reference.effect == Effect::Creates)
        .map(|reference| reference.target)
        .collect();
    let row = NAMESAKES.iter().find(|row| own.group == row.group && own.kind == row.kind);
    if row.is_some_and(|row| row.always || made.is_empty()) {
        made.push(ObjectRef::new("", "Secret", &own.namespace, &own.name));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    #[test]
    fn a_secret_of_the_own_name_is_made_where_no_other_is_named() {
        assert!(NAMESAKES.iter().all(|row| !row.source.is_empty()));
        let made = |group, kind, spec: &str| {
            let text = format!("apiVersion: {group}/v1\nkind: {kind}\nspec: {spec}\n");
            let stream = parse(Source::new("m.yaml", text)).unwrap();
            let own = ObjectRef::new(group, kind, "shop", "db");
            let made = made(stream.documents[0].root(), &own);
            made.into_iter().map(|id| id.name).collect::<Vec<_>>()
        };
        assert_eq!(made("external-secrets.io", "ExternalSecret", "{}"), ["db"]);
        assert_eq!(
            made("external-secrets.io", "ExternalSecret", "{target: {name: other}}"),
            ["other"]
        );
        let other = "{template: {metadata: {name: other}}}";
        assert_eq!(made("bitnami.com", "SealedSecret", other), ["db"]);
        assert!(made("apps", "Deployment", "{}").is_empty());
    }
}
