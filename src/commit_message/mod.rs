//! What commits say: subject, a line for each change, and trailers that say where they come from.

mod template;

pub use template::MessageTemplate;

use minijinja::{Value, context};

/// Services that a subject names; of more it gives the number.
const NAMED: usize = 3;

/// The trailers that are taken over from the commit that a lane is made from.
///
/// Source: argoproj/argo-cd, docs/user-guide/source-hydrator.md ("Commit Tracing"): they say which
/// commit of the code a commit of manifests is for.
pub const PASSED_ON: &str = "argocd-reference-commit-";

/// The command that commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The overlay is written.
    Generate,
    /// The overlay is removed, or a part of it.
    Cleanup,
    /// The lane becomes the baseline.
    Promote,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Cleanup => "cleanup",
            Self::Promote => "promote",
        }
    }
}

/// What happens to the services of a lane. Names are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceChanges {
    /// Services that are new.
    pub added: Vec<String>,
    /// Services that were there and stay.
    pub updated: Vec<String>,
    /// Services that go.
    pub removed: Vec<String>,
}

/// What a commit does.
#[derive(Clone, Debug)]
pub struct CommitMessage<'a> {
    /// The command.
    pub action: Action,
    /// The lane.
    pub lane: &'a str,
    /// Its tag.
    pub tag: &'a str,
    /// What happens, in the imperative: `add spring-a, update spring-c`.
    pub summary: String,
    /// The services to which it happens.
    pub services: ServiceChanges,
    /// A line for each object.
    pub objects: Vec<String>,
}

/// Where a commit comes from, for its trailers.
#[derive(Clone, Debug)]
pub struct Provenance {
    /// The spec's digest.
    pub spec_digest: String,
    /// The commit that spec and baseline were read from, where there is one.
    pub source_commit: Option<String>,
    /// More trailers, each `Key: value`.
    pub others: Vec<String>,
}

impl CommitMessage<'_> {
    /// The whole message; `template` says what stands before the trailers.
    ///
    /// # Errors
    /// What is wrong with the template, as the end of a sentence.
    pub fn text(
        &self,
        template: Option<&MessageTemplate>,
        provenance: &Provenance,
    ) -> Result<String, String> {
        let text = match template {
            Some(template) => template.render(&self.values())?,
            None => self.default_text(),
        };
        let gap = if ends_in_trailers(&text) { "\n" } else { "\n\n" };
        Ok(format!("{text}{gap}{}", self.trailers(provenance)))
    }

    fn subject(&self) -> String {
        format!("gray({}): {}", self.tag, self.summary)
    }

    fn default_text(&self) -> String {
        let mut paragraphs = vec![self.subject()];
        if !self.objects.is_empty() {
            paragraphs.push(self.objects.join("\n"));
        }
        paragraphs.join("\n\n")
    }

    /// What a template can name.
    fn values(&self) -> Value {
        context! {
            action => self.action.as_str(),
            lane => self.lane,
            tag => self.tag,
            subject => self.subject(),
            summary => &self.summary,
            added => &self.services.added,
            updated => &self.services.updated,
            removed => &self.services.removed,
            objects => &self.objects,
        }
    }

    fn trailers(&self, provenance: &Provenance) -> String {
        let Provenance { spec_digest, source_commit, others } = provenance;
        let (lane, tag) = (self.lane, self.tag);
        let mut text =
            format!("Gray-Lane: {lane}\nGray-Tag: {tag}\nGray-Spec-Digest: sha256:{spec_digest}\n");
        if let Some(commit) = source_commit {
            text.push_str(&format!("Gray-Source-Commit: {commit}\n"));
        }
        for other in others {
            text.push_str(other);
            text.push('\n');
        }
        text
    }
}

/// Tries a template on commits of every kind, with and without services and objects.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn try_template(template: &MessageTemplate) -> Result<(), String> {
    let one = || vec!["web".to_owned()];
    let none = Vec::new;
    let changes = [
        (Action::Generate, ServiceChanges { added: one(), updated: none(), removed: none() }),
        (Action::Generate, ServiceChanges { added: none(), updated: one(), removed: one() }),
        (Action::Promote, ServiceChanges { added: none(), updated: one(), removed: none() }),
        (Action::Cleanup, ServiceChanges { added: none(), updated: none(), removed: one() }),
        (Action::Cleanup, ServiceChanges::default()),
    ];
    for (action, services) in changes {
        for objects in [vec!["+ Service/web-mse-gray".to_owned()], Vec::new()] {
            let services = services.clone();
            let summary = "update web".to_owned();
            let message =
                CommitMessage { action, lane: "lane", tag: "gray", summary, services, objects };
            template.render(&message.values())?;
        }
    }
    Ok(())
}

/// What happens to services, as a subject has it; of many only the number.
pub fn phrase(verb: &str, services: &[String]) -> String {
    match services.len() {
        0..=NAMED => services
            .iter()
            .map(|service| format!("{verb} {service}"))
            .collect::<Vec<_>>()
            .join(", "),
        many => format!("{verb} {many} services"),
    }
}

/// A trailer that a user gives, `Key: value` or `Key=value` as for `git commit`.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn trailer(text: &str) -> Result<String, String> {
    let form = || "write it as `Key: value`".to_owned();
    let (key, value) = text.split_once([':', '=']).ok_or_else(form)?;
    let (key, value) = (key.trim(), value.trim());
    if !is_key(key) || value.is_empty() || value.contains(char::is_control) {
        return Err(form());
    }
    if key.to_ascii_lowercase().starts_with("gray-") {
        return Err(format!("`{key}` is graylane's own"));
    }
    Ok(format!("{key}: {value}"))
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether the last paragraph, which is not the subject, consists of trailers: more of them belong
/// to it, since git looks at the last paragraph alone.
fn ends_in_trailers(text: &str) -> bool {
    let Some((_, last)) = text.rsplit_once("\n\n") else { return false };
    last.lines().all(|line| {
        line.split_once(": ").is_some_and(|(key, value)| is_key(key) && !value.trim().is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> CommitMessage<'static> {
        CommitMessage {
            action: Action::Generate,
            lane: "spring",
            tag: "gray",
            summary: "add web".to_owned(),
            services: ServiceChanges { added: vec!["web".to_owned()], ..Default::default() },
            objects: vec!["+ Service/web-mse-gray".to_owned()],
        }
    }

    fn provenance() -> Provenance {
        Provenance {
            spec_digest: "ab".to_owned(),
            source_commit: Some("cd".to_owned()),
            others: vec!["Reviewed-by: A".to_owned()],
        }
    }

    const TRAILERS: &str = "Gray-Lane: spring\nGray-Tag: gray\nGray-Spec-Digest: sha256:ab\nGray-Source-Commit: cd\nReviewed-by: A\n";

    #[test]
    fn without_a_template_subject_and_objects_are_told() {
        let text = message().text(None, &provenance()).unwrap();
        assert_eq!(text, format!("gray(gray): add web\n\n+ Service/web-mse-gray\n\n{TRAILERS}"));
    }

    #[test]
    fn a_template_stands_before_the_trailers_and_joins_its_own_to_them() {
        let text = |template: &str| {
            message().text(Some(&MessageTemplate::parse(template).unwrap()), &provenance()).unwrap()
        };
        let plain = text("[{{ action }}] {{ summary }} to {{ lane }}");
        assert_eq!(plain, format!("[generate] add web to spring\n\n{TRAILERS}"));
        let signed = text("{{ subject }}\n\nSigned-off-by: A <a@b>\n");
        assert_eq!(signed, format!("gray(gray): add web\n\nSigned-off-by: A <a@b>\n{TRAILERS}"));
        let subject_alone = text("fix: {{ tag }}");
        assert_eq!(subject_alone, format!("fix: gray\n\n{TRAILERS}"));
    }

    #[test]
    fn a_template_that_fails_for_some_commit_is_found_beforehand() {
        let try_text = |text: &str| try_template(&MessageTemplate::parse(text).unwrap());
        assert!(try_text("{{ subject }}").is_ok());
        assert!(try_text("{% if added %}{{ added | first }}{% else %}x{% endif %}").is_ok());
        assert!(try_text("{{ added[0] }}").is_err());
        assert!(try_text("{% if objects %}x{% endif %}").is_err());
    }

    #[test]
    fn trailers_are_a_key_and_a_value() {
        assert_eq!(trailer("Ticket=A-1").unwrap(), "Ticket: A-1");
        assert_eq!(
            trailer("Argocd-reference-commit-sha: ab").unwrap(),
            "Argocd-reference-commit-sha: ab"
        );
        for wrong in ["Ticket", "a b: c", ": c", "a:", "a: b\nc: d", "Gray-Tag: x"] {
            assert!(trailer(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn many_services_are_counted() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
        assert_eq!(phrase("add", &names[..3]), "add a, add b, add c");
        assert_eq!(phrase("add", &names), "add 4 services");
    }
}
