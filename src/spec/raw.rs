//! A spec as it is written: the one source of its fields, of the JSON Schema and of its documentation.
//!
//! What the schema requires is an `Option` here all the same, and so is every element of a list:
//! whatever [`super::structure`] has reported is left out, and the rest is still looked at.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::choice::{CopyPolicy, Delivery, GatewayClass, Isolation, JsonOpKind, Strategy};
use super::database::RawDatabase;
use super::governance::RawGovernance as Governance;
use super::opensergo::RawOpenSergo;

/// The only `apiVersion` of this version of graylane.
pub(super) const API_VERSION: &str = "graylane.dev/v1alpha1";
/// The `kind` of a spec.
pub(super) const KIND: &str = "GrayRelease";

/// A list whose elements may have been found wrong.
pub(super) type List<T> = Vec<Option<T>>;

/// One declared run of new versions beside the baseline.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "GrayRelease")]
pub(super) struct Release {
    /// Always `graylane.dev/v1alpha1`.
    #[schemars(required, extend("const" = API_VERSION))]
    pub(super) api_version: Option<String>,
    /// Always `GrayRelease`.
    #[schemars(required, extend("const" = KIND))]
    pub(super) kind: Option<String>,
    /// Names the release.
    #[schemars(required)]
    pub(super) metadata: Option<Metadata>,
    /// What is released, and how.
    #[schemars(required)]
    pub(super) spec: Option<Spec>,
}

/// Names the release.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Metadata {
    /// Name of the release in messages, lock and commit trailers; a DNS subdomain.
    #[schemars(required)]
    pub(super) name: Option<String>,
}

/// What is released, and how. Paths are relative to the spec's own directory and stay in the repository.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    /// The gray mark: suffix of names, value of labels and of the tag header. A DNS label; not `original` or `base`.
    #[schemars(required, regex(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    pub(super) tag: Option<String>,
    /// Date (the last day, in UTC) or RFC 3339 time after which the lane should be gone.
    pub(super) expires: Option<String>,
    /// Namespace written on every gray object; baseline objects of other namespaces do not match.
    pub(super) namespace: Option<String>,
    /// Where the production manifests are.
    pub(super) baseline: Option<Baseline>,
    /// Directory of the overlay; `overlays/<tag>` where it is left out.
    pub(super) output: Option<Output>,
    /// How gray objects are named.
    pub(super) naming: Option<Naming>,
    /// How gray and baseline pods are kept apart.
    #[serde(default)]
    pub(super) isolation: Isolation,
    /// What applies the overlay to the cluster.
    pub(super) delivery: Option<DeliveryBlock>,
    /// What becomes of the baseline workload.
    #[serde(default)]
    pub(super) strategy: Strategy,
    /// How OpenKruise rolls the release out; only with `strategy: kruise`.
    pub(super) kruise: Option<super::kruise::RawKruise>,
    /// What routes between services inside the lane.
    pub(super) governance: Option<Governance>,
    /// What routes into the lane.
    pub(super) gateway: Option<Gateway>,
    /// What is written for OpenSergo.
    pub(super) opensergo: Option<RawOpenSergo>,
    /// What AppStack orchestrations of the baseline are rendered with.
    pub(super) appstack: Option<super::appstack::Raw>,
    /// The services that get a new version; at least one.
    #[schemars(required, length(min = 1))]
    pub(super) services: Option<List<Service>>,
    /// Empty tables for what gray traffic writes.
    pub(super) database: Option<RawDatabase>,
    /// How changes of the lane are committed.
    pub(super) commit: Option<super::commit::RawCommit>,
    /// How much findings weigh in this lane, by code, where it is not as `graylane explain` has it.
    #[serde(default)]
    pub(super) findings: BTreeMap<String, super::findings::RawFinding>,
}

/// Where the production manifests are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Baseline {
    /// Files, directories (walked) and globs; the spec's directory where it is left out.
    #[schemars(length(min = 1))]
    pub(super) paths: Option<List<String>>,
}

/// Where the overlay goes: a directory, or a block that says more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Output {
    /// The directory.
    Path(String),
    /// The directory, and what else lies in it.
    Block(OutputBlock),
}

/// The directory of the overlay, and what else lies in it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OutputBlock {
    /// The directory; `overlays/<tag>` where it is left out.
    pub(super) path: Option<String>,
    /// Write a `kustomization.yaml` into each directory, which lists what is in it.
    #[serde(default)]
    pub(super) kustomization: bool,
}

/// How gray objects are named.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Naming {
    /// Put behind the name of every copy; holds `{tag}`.
    #[serde(default = "default_suffix")]
    pub(super) suffix: String,
}

/// What applies the overlay to the cluster.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "DeliveryBlock")]
pub(super) struct DeliveryBlock {
    /// The program that applies it.
    #[serde(default)]
    pub(super) engine: Delivery,
}

/// What routes into the lane.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Gateway {
    /// Dialect of the canary route; read from the class of the Ingress where it is left out.
    pub(super) class: Option<GatewayClass>,
    /// HTTP header that carries the tag through the lane.
    #[serde(default = "default_tag_header")]
    pub(super) tag_header: String,
    /// Say on the canary Ingress which subset of pods it leads to (`…/service-subset`); for `mse` and `apig`, needs `governance.canaryLabel`.
    #[serde(default)]
    pub(super) service_subset: bool,
}

/// A service that gets a new version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Service {
    /// Name of the service to governance; a label value.
    #[schemars(required)]
    pub(super) name: Option<String>,
    /// The workload, `Kind/name` or the name of a Deployment; the Deployment of the service's name where it is left out.
    pub(super) workload: Option<String>,
    /// New images by container name, init containers included.
    #[serde(default)]
    pub(super) images: BTreeMap<String, String>,
    /// Replicas of the gray workload; not written where its autoscaler is copied too.
    #[serde(default = "one")]
    #[schemars(range(max = 2_147_483_647))]
    pub(super) replicas: u32,
    /// Environment variables added or replaced in every container, init containers included.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Environment variables added or replaced in one container, by container name.
    #[serde(default)]
    pub(super) env_by_container: BTreeMap<String, BTreeMap<String, String>>,
    /// Rewrite values of environment variables that are the DNS name of a copied Service or of a pod of a copied StatefulSet; otherwise they are only reported. A bare word is none where the variable's name says so, as `SPRING_APPLICATION_NAME` or `MYSQL_DATABASE`.
    #[serde(default)]
    pub(super) rewrite_env: bool,
    /// Referenced objects that the gray copy must not share with the baseline, each `Kind/name`.
    #[serde(default)]
    pub(super) copy: List<String>,
    /// What is done with all objects of a kind (`Kind`) or with one object (`Kind/name`), where it is not the kind's default.
    #[serde(default)]
    pub(super) policies: BTreeMap<String, CopyPolicy>,
    /// Services that it calls, for trace and pictures.
    #[serde(default)]
    pub(super) calls: List<String>,
    /// Changes to any other field of the gray copies.
    #[serde(default)]
    pub(super) patches: List<Patch>,
    /// Makes the service an entry: where gray traffic enters.
    pub(super) entry: Option<Entry>,
}

/// A change to a gray copy: either `merge` or `json`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Patch {
    /// The object, `Kind/name` as in the baseline.
    #[schemars(required)]
    pub(super) target: Option<String>,
    /// A strategic merge patch.
    pub(super) merge: Option<serde_json::Map<String, serde_json::Value>>,
    /// Operations of a JSON patch (RFC 6902).
    #[schemars(length(min = 1))]
    pub(super) json: Option<List<Operation>>,
}

/// An operation of a JSON patch (RFC 6902).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Operation {
    /// What it does.
    #[schemars(required)]
    pub(super) op: Option<JsonOpKind>,
    /// JSON pointer to what it changes: `/spec/template/spec/containers/0/image`.
    #[schemars(required)]
    pub(super) path: Option<String>,
    /// JSON pointer to what `move` and `copy` read.
    pub(super) from: Option<String>,
    /// The value of `add`, `replace` and `test`; read from the text, which may also say null.
    #[serde(rename = "value")]
    pub(super) _value: Option<serde_json::Value>,
}

/// Where gray traffic enters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Entry {
    /// Name of the baseline's Ingress; the one that routes to the service where it is left out.
    pub(super) ingress: Option<String>,
    /// The baseline's route, `Kind/name`, where it is no Ingress: `HTTPRoute/shop`, `ApisixRoute/shop`.
    pub(super) route: Option<String>,
    /// What makes a request gray; what the gateway cannot express is an error that says what it can.
    #[serde(rename = "match")]
    #[schemars(required)]
    pub(super) matches: Option<Match>,
}

/// What makes a request gray.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Match {
    /// HTTP headers.
    #[serde(default)]
    pub(super) headers: List<NameMatch>,
    /// A cookie.
    pub(super) cookie: Option<CookieMatch>,
    /// Query parameters.
    #[serde(default)]
    pub(super) query: List<NameMatch>,
    /// Percent of requests.
    #[schemars(range(max = 100))]
    pub(super) weight: Option<u8>,
}

/// A name and what its value must be: either `exact` or `regex`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NameMatch {
    /// Name of the header or query parameter.
    #[schemars(required)]
    pub(super) name: Option<String>,
    /// The value, exactly.
    pub(super) exact: Option<String>,
    /// Regular expression for the value, in the gateway's syntax.
    pub(super) regex: Option<String>,
}

/// A cookie.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CookieMatch {
    /// Its name.
    #[schemars(required)]
    pub(super) name: Option<String>,
    /// Its value; the one that the gateway prescribes (`always`) where it is left out.
    pub(super) value: Option<String>,
}

/// The suffix of a spec that has none.
pub(super) fn default_suffix() -> String {
    "-mse-{tag}".to_owned()
}

/// The tag header of a spec that has none.
pub(super) fn default_tag_header() -> String {
    "x-mse-tag".to_owned()
}

fn one() -> u32 {
    1
}
