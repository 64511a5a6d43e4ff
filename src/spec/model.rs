//! A gray release whose spec has been found right.

use std::fmt;
use std::sync::Arc;

use super::choice::{
    CopyPolicy, Delivery, GatewayClass, Isolation, JsonOpKind, Provider, Strategy,
};
use super::database::Database;
use super::expiry::Expiry;
use super::findings::FindingRule;
use super::governance::SwimmingLane;
use super::kruise::Kruise;
use super::opensergo::OpenSergo;
use crate::commit_message::MessageTemplate;
use crate::diagnostic::{Diagnostic, Place, one_line};
use crate::invocation::Invocation;
use crate::kube::names;
use crate::yaml::Value;

/// One declared run of new versions beside the baseline.
#[derive(Clone, Debug)]
pub struct GrayRelease {
    /// The spec's file, as it was named to [`super::parse`].
    pub file: Arc<str>,
    /// `metadata.name`: a DNS subdomain; names the lane in messages, lock and trailers.
    pub name: String,
    /// Where the name is.
    pub name_place: Place,
    /// The gray mark.
    pub tag: Tag,
    /// Where the tag is.
    pub tag_place: Place,
    /// When the lane should be gone.
    pub expires: Option<Expiry>,
    /// The namespace of every gray object; the baseline's own where there is none.
    pub namespace: Option<String>,
    /// Where the namespace is; there exactly if the namespace is.
    pub namespace_place: Option<Place>,
    /// Where the baseline is: never empty, in the order of the spec.
    pub baseline: Vec<BaselinePath>,
    /// The overlay's directory, relative to the spec's own, with `/`.
    pub output: String,
    /// Where the output is; the tag's place where the output is the default.
    pub output_place: Place,
    /// Whether each directory of the overlay has a `kustomization.yaml`.
    pub kustomization: bool,
    /// What is put behind the names of gray objects.
    pub suffix: Suffix,
    /// How gray and baseline pods are kept apart.
    pub isolation: Isolation,
    /// What applies the overlay.
    pub delivery: Delivery,
    /// What becomes of the baseline workload.
    pub strategy: Strategy,
    /// How OpenKruise rolls it out; the defaults where the strategy is another.
    pub kruise: Kruise,
    /// What routes inside the lane.
    pub provider: Provider,
    /// Whether gray pods carry the label that the subsets of MSE gateways know pods by.
    pub canary_label: bool,
    /// The lane and its group in MSE itself, where the entry is no Kubernetes object.
    pub swimming_lane: Option<SwimmingLane>,
    /// What is written for OpenSergo, where that is the provider.
    pub opensergo: OpenSergo,
    /// Where objects go that lanes share; `istio` beside the overlay where the spec does not say.
    pub shared_output: Option<SharedOutput>,
    /// The gateway's dialect; `None`: read from the Ingress class.
    pub gateway_class: Option<GatewayClass>,
    /// The HTTP header that carries the tag through the lane, as written.
    pub tag_header: String,
    /// Whether the canary route names the subset of pods it leads to.
    pub service_subset: bool,
    /// What AppStack orchestrations are rendered with, where the baseline has any.
    pub appstack: Option<super::AppStack>,
    /// At least one, in the order of the spec; names and workloads are unique.
    pub services: Vec<Service>,
    /// The tables that get a shadow.
    pub database: Option<Database>,
    /// What stands before the trailers of commits, where the spec says it.
    pub commit_template: Option<MessageTemplate>,
    /// How much findings weigh where it is not as usual, in the order of the spec; codes are unique.
    pub findings: Vec<FindingRule>,
    /// SHA-256 of the spec's text, in lower-case hex.
    pub digest: String,
    /// Where commands on it that are offered are run: at the repository's root, unless it is known
    /// better.
    pub invocation: Invocation,
}

impl GrayRelease {
    /// A command line that is about this lane and no other.
    pub fn command(&self, words: &str) -> String {
        self.invocation.of(words, &self.file)
    }

    /// Where the directory of what lanes share comes from; the output's place where it is the
    /// default.
    pub fn shared_place(&self) -> &Place {
        self.shared_output.as_ref().map_or(&self.output_place, |stated| &stated.place)
    }

    /// The service of this name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

/// The directory of what lanes share, relative to the spec's own, with `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedOutput {
    /// As the spec has it.
    pub text: String,
    /// Where it is.
    pub place: Place,
}

/// The gray mark: a DNS label (RFC 1123), not `original` and not `base`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

/// Tags that would be taken for something else: the version label of the baseline, the suffix of base
/// Services.
const RESERVED: [&str; 2] = ["original", "base"];

impl Tag {
    /// A tag as a person writes it.
    ///
    /// # Errors
    ///
    /// What is wrong with it and what to do, without a place.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        if RESERVED.contains(&text) {
            let error = Diagnostic::error(format!("the tag `{text}` is reserved for the baseline"));
            return Err(error.remedy("choose another tag, such as `gray`"));
        }
        names::dns_label(text).map_err(|reason| {
            Diagnostic::error(format!("`{}` is not a legal tag: {reason}", one_line(text)))
                .remedy("use a DNS label, such as `gray` or `pr-12`")
        })?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is put behind the name of a baseline object to name its gray copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suffix {
    /// As the spec has it: `-mse-{tag}`.
    pub template: String,
    /// With the tag put in: `-mse-gray`. Legal at the end of a DNS label.
    pub text: String,
    /// Where it is; the tag's place where it is the default.
    pub place: Place,
}

impl fmt::Display for Suffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A file, a directory or a glob that holds baseline manifests, relative to the spec's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselinePath {
    /// As the spec has it.
    pub text: String,
    /// Where it is; the place of `spec` where the path is the default.
    pub place: Place,
}

/// An object of the baseline, as a spec names it: `Deployment/spring-a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The kind: `Deployment`.
    pub kind: String,
    /// The name: a DNS subdomain.
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// One service that gets a new version.
#[derive(Clone, Debug)]
pub struct Service {
    /// The name governance knows it by; a label value.
    pub name: String,
    /// Where the name is.
    pub place: Place,
    /// The workload that runs it.
    pub workload: ObjectName,
    /// Where the workload is named; the name's place where it is the default.
    pub workload_place: Place,
    /// New images, in the order of the spec.
    pub images: Vec<ContainerImage>,
    /// Gray pods.
    pub replicas: u32,
    /// Environment variables added or replaced in every container, init containers included, in the order of the spec.
    pub env: Vec<EnvVar>,
    /// The same for one container: its name, the variables, where it is named.
    pub env_by_container: Vec<(String, Vec<EnvVar>, Place)>,
    /// Whether values of environment variables that are the DNS name of a copied Service, or of a pod of a copied StatefulSet, are rewritten.
    pub rewrite_env: bool,
    /// Referenced objects that the gray copy must not share.
    pub copy: Vec<(ObjectName, Place)>,
    /// Policies for kinds and objects of this service.
    pub policies: Vec<PolicyOverride>,
    /// Services that it calls.
    pub calls: Vec<(String, Place)>,
    /// Changes to any other field, in the order they are applied.
    pub patches: Vec<Patch>,
    /// Where gray traffic enters, if it enters here.
    pub entry: Option<Entry>,
}

impl Service {
    /// What the spec says of an object, or else of all of its kind.
    pub fn policy(&self, kind: &str, name: &str) -> Option<CopyPolicy> {
        let stated = |name: Option<&str>| {
            let mut policies = self.policies.iter();
            policies.find(|policy| policy.kind == kind && policy.name.as_deref() == name)
        };
        stated(Some(name)).or_else(|| stated(None)).map(|policy| policy.policy)
    }
}

/// A container's new image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerImage {
    /// The container or init container.
    pub container: String,
    /// The image reference: not empty, without white space; its syntax is not looked at here.
    pub image: String,
    /// Where it is.
    pub place: Place,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVar {
    /// Printable ASCII without `=`.
    pub name: String,
    /// Any text.
    pub value: String,
    /// Where it is.
    pub place: Place,
}

/// What is to be done with all objects of a kind, or with one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyOverride {
    /// The kind.
    pub kind: String,
    /// The object; `None`: all of the kind.
    pub name: Option<String>,
    /// What is done.
    pub policy: CopyPolicy,
    /// Where it is.
    pub place: Place,
}

/// A change to the gray copy of an object.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The object by its baseline name.
    pub target: ObjectName,
    /// Where the patch is.
    pub place: Place,
    /// The change.
    pub body: PatchBody,
}

/// The two languages of patches.
#[derive(Clone, Debug)]
pub enum PatchBody {
    /// A strategic merge patch: a mapping.
    Merge(Value),
    /// A JSON patch (RFC 6902): at least one operation.
    Json(Vec<JsonOp>),
}

/// One operation of a JSON patch.
#[derive(Clone, Debug)]
pub struct JsonOp {
    /// What it does.
    pub op: JsonOpKind,
    /// A JSON pointer (RFC 6901) to what it changes.
    pub path: String,
    /// A JSON pointer to what it reads; there exactly for `move` and `copy`.
    pub from: Option<String>,
    /// The value; there exactly for `add`, `replace` and `test`.
    pub value: Option<Value>,
    /// Where it is.
    pub place: Place,
}

/// Where gray traffic enters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub place: Place,
    /// The baseline's route; `None`: the one that leads to the service.
    pub baseline: Option<(ObjectName, Place)>,
    /// What makes a request gray.
    pub route: Match,
}

/// What makes a request gray: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// HTTP headers; their names are HTTP tokens.
    pub headers: Vec<NameMatch>,
    /// A cookie.
    pub cookie: Option<CookieMatch>,
    /// Query parameters.
    pub query: Vec<NameMatch>,
    /// Percent of requests, 0 to 100.
    pub weight: Option<u8>,
    /// Where it is.
    pub place: Place,
}

/// A header or query parameter and what its value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameMatch {
    /// Its name.
    pub name: String,
    /// What its value must be.
    pub value: ValueMatch,
    /// Where it is.
    pub place: Place,
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueMatch {
    /// This text.
    Exact(String),
    /// Something this regular expression matches, in the gateway's own syntax.
    Regex(String),
}

/// A cookie and what its value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieMatch {
    /// Its name, an HTTP token.
    pub name: String,
    /// Its value; `None`: the one the gateway's dialect prescribes (`always`).
    pub value: Option<String>,
    /// Where it is.
    pub place: Place,
}
