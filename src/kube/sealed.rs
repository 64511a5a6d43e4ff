//! Secrets in git that are encrypted for one name: under another one nobody can decrypt them.

use crate::yaml::NodeRef;

/// Why a copy of an object under another name in the same namespace could not be decrypted, if it
/// could not.
///
/// Sources: bitnami-labs/sealed-secrets README (scopes: `strict` is the default); getsops/sops
/// README (`mac_only_encrypted`: else the MAC is over all values, `metadata.name` among them).
pub fn bound_to_name(root: NodeRef<'_>) -> Option<&'static str> {
    let text = |path: &[&str]| root.at(path).and_then(NodeRef::text).unwrap_or_default();
    let is_sealed = text(&["kind"]) == "SealedSecret" && text(&["apiVersion"]).starts_with(GROUP);
    if is_sealed {
        let is_wide = |scope| text(&["metadata", "annotations", scope]) == "true";
        return (!WIDE.into_iter().any(is_wide))
            .then_some("it is sealed for its name, so the controller cannot decrypt a copy");
    }
    let sops = root.get("sops")?;
    let covers_all = sops.get("mac_only_encrypted").and_then(NodeRef::as_bool) != Some(true);
    (sops.get("mac").is_some() && covers_all)
        .then_some("the MAC of SOPS covers its name, so a copy is refused when it is decrypted")
}

const GROUP: &str = "bitnami.com/";

/// The annotations that allow other names.
const WIDE: [&str; 2] =
    ["sealedsecrets.bitnami.com/cluster-wide", "sealedsecrets.bitnami.com/namespace-wide"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Source, parse};

    fn is_bound(text: &str) -> bool {
        let stream = parse(Source::new("secret.yaml", text.to_owned())).unwrap();
        bound_to_name(stream.documents[0].root()).is_some()
    }

    #[test]
    fn sealed_secrets_are_bound_unless_their_scope_is_wider() {
        let sealed = |annotations: &str| {
            is_bound(&format!(
                "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: a, annotations: {{{annotations}}}}}\n"
            ))
        };
        assert!(sealed(""));
        assert!(!sealed("sealedsecrets.bitnami.com/cluster-wide: 'true'"));
        assert!(!sealed("sealedsecrets.bitnami.com/namespace-wide: 'true'"));
        assert!(sealed("sealedsecrets.bitnami.com/namespace-wide: 'false'"));
        assert!(!is_bound("apiVersion: example.com/v1\nkind: SealedSecret\n"));
    }

    #[test]
    fn what_sops_encrypts_is_bound_unless_its_mac_is_over_what_is_encrypted_alone() {
        let secret = |sops: &str| is_bound(&format!("apiVersion: v1\nkind: Secret\n{sops}\n"));
        assert!(!secret(""));
        assert!(secret("sops: {mac: 'ENC[x]'}"));
        assert!(secret("sops: {mac: 'ENC[x]', mac_only_encrypted: false}"));
        assert!(!secret("sops: {mac: 'ENC[x]', mac_only_encrypted: true}"));
        assert!(!secret("sops: {version: 3.9.0}"));
    }
}
