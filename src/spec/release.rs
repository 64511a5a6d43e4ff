//! Whether a release as a whole means something.

use sha2::{Digest, Sha256};

use super::check::{Check, items};
use super::expiry::{self, Expiry};
use super::location::{Steps, resolve};
use super::model::{BaselinePath, GrayRelease, Suffix, Tag};
use super::raw::{self, API_VERSION, KIND, default_suffix, default_tag_header};
use super::{
    appstack, commit, database, findings, governance, http, istio, kruise, opensergo, service,
};
use crate::diagnostic::Place;
use crate::invocation::Invocation;
use crate::kube::names;
use crate::yaml::{NodeRef, Source};

/// What a suffix holds for the tag.
const PLACEHOLDER: &str = "{tag}";

/// The release, unless something is missing; it counts only if `check` has no errors.
pub(super) fn read(
    check: &mut Check,
    raw: &raw::Release,
    root: NodeRef<'_>,
    source: &Source,
) -> Option<GrayRelease> {
    version(check, raw, root);
    let name_node = root.at(&["metadata", "name"]);
    let name = raw.metadata.as_ref().and_then(|metadata| metadata.name.as_ref());
    if let Some(name) = name {
        let place = check.value_place(name_node);
        let remedy = "use a name such as `spring-gray`";
        check.fits("name of a release", name, names::dns_subdomain, &place, remedy);
    }

    let spec = raw.spec.as_ref()?;
    let node = root.get("spec")?;
    let tag_place = check.place(node.get("tag"));
    let read_tag = spec.tag.as_ref().and_then(|text| tag(check, text, node.get("tag")));
    let tag = read_tag.as_ref();
    let expires = spec.expires.as_ref().and_then(|text| expires(check, text, node));
    if let Some(namespace) = &spec.namespace {
        let place = check.value_place(node.get("namespace"));
        let remedy = "use the name of a namespace, such as `prod`";
        check.fits("namespace", namespace, names::dns_label, &place, remedy);
    }
    let baseline = baseline(check, spec.baseline.as_ref(), node);
    let output = output(check, spec.output.as_ref(), tag, node, &baseline);
    let istio = spec.governance.as_ref().and_then(|governance| governance.istio.as_ref());
    let block = istio.zip(node.at(&["governance", "istio"]));
    let shared_output = block.and_then(|(raw, node)| istio::read(check, raw, node));
    let suffix = suffix(check, spec.naming.as_ref(), tag, node);
    let gateway = spec.gateway.as_ref();
    let tag_header = gateway.map_or_else(default_tag_header, |gateway| gateway.tag_header.clone());
    let place = check.value_place(node.at(&["gateway", "tagHeader"]));
    check.fits("HTTP header name", &tag_header, http::tag_header, &place, "use `x-mse-tag`");
    let appstack = (spec.appstack.as_ref().zip(node.get("appstack")))
        .and_then(|(raw, node)| appstack::read(check, raw, tag, node));
    let mut services = match &spec.services {
        Some(raw) => service::read_all(check, raw, node.get("services")?),
        None => Vec::new(),
    };
    let database = spec.database.as_ref();
    let database = database.and_then(|raw| database::read(check, raw, node, &mut services));
    let kruise = kruise::read(check, spec, node);
    let governance = governance::read(check, spec, node, &services);
    let opensergo = opensergo::read(check, spec, node, governance.provider);
    let commit = spec.commit.as_ref().zip(node.get("commit"));
    let commit_template = commit.and_then(|(raw, node)| commit::read(check, raw, node));
    let findings = findings::read(check, &spec.findings, node);

    Some(GrayRelease {
        file: std::sync::Arc::clone(source.name()),
        name: name?.clone(),
        name_place: check.place(name_node),
        tag: read_tag?,
        tag_place,
        expires,
        namespace: spec.namespace.clone(),
        namespace_place: spec.namespace.as_ref().map(|_| check.place(node.get("namespace"))),
        baseline,
        output: output?,
        output_place: check.place(output_node(node)),
        kustomization: matches!(&spec.output, Some(raw::Output::Block(block)) if block.kustomization),
        suffix: suffix?,
        isolation: spec.isolation,
        delivery: spec.delivery.as_ref().map(|block| block.engine).unwrap_or_default(),
        strategy: spec.strategy,
        kruise,
        provider: governance.provider,
        canary_label: governance.canary_label,
        swimming_lane: governance.lane,
        opensergo,
        shared_output,
        gateway_class: gateway.and_then(|gateway| gateway.class),
        tag_header,
        service_subset: gateway.is_some_and(|gateway| gateway.service_subset),
        appstack,
        services,
        database,
        commit_template,
        findings,
        digest: digest(source.text()),
        invocation: Invocation::default(),
    })
}

fn version(check: &mut Check, raw: &raw::Release, root: NodeRef<'_>) {
    if let Some(version) = raw.api_version.as_deref().filter(|version| *version != API_VERSION) {
        let place = check.value_place(root.get("apiVersion"));
        let remedy = match version.split_once('/') {
            Some(("graylane.dev", _)) => {
                format!("this version of graylane reads `{API_VERSION}`")
            }
            _ => format!("a spec has `apiVersion: {API_VERSION}`"),
        };
        check.error(format!("unknown apiVersion `{version}`"), &place, remedy);
    }
    if let Some(kind) = raw.kind.as_deref().filter(|kind| *kind != KIND) {
        let place = check.value_place(root.get("kind"));
        check.error(format!("unknown kind `{kind}`"), &place, format!("write `kind: {KIND}`"));
    }
}

fn tag(check: &mut Check, text: &str, node: Option<NodeRef<'_>>) -> Option<Tag> {
    let error = match Tag::parse(text) {
        Ok(tag) => return Some(tag),
        Err(error) => error,
    };
    let place = check.value_place(node);
    check.error(error.message, &place, error.remedy.unwrap_or_default());
    None
}

fn expires(check: &mut Check, text: &str, spec: NodeRef<'_>) -> Option<Expiry> {
    let node = spec.get("expires");
    if let Some(when) = expiry::parse(text) {
        return Some(Expiry { text: text.to_owned(), when, place: check.place(node) });
    }
    let place = check.value_place(node);
    check.error(
        format!("`{text}` is neither a date nor a time"),
        &place,
        "write a date, `2026-12-31`, or an RFC 3339 time, `2026-12-31T18:00:00+08:00`",
    );
    None
}

fn baseline(
    check: &mut Check,
    raw: Option<&raw::Baseline>,
    spec: NodeRef<'_>,
) -> Vec<BaselinePath> {
    let node = spec.at(&["baseline", "paths"]);
    let Some(paths) = raw.and_then(|baseline| baseline.paths.as_ref()) else {
        return vec![BaselinePath { text: ".".to_owned(), place: check.place(Some(spec)) }];
    };
    if paths.is_empty() {
        let place = check.value_place(node);
        let remedy = "name a directory, or remove `paths` to use the spec's directory";
        check.error("`spec.baseline.paths` is empty", &place, remedy);
    }
    let mut baseline = Vec::new();
    for (text, node) in items(paths, node) {
        let place = check.value_place(Some(node));
        if steps(check, text, &place).is_some() {
            baseline.push(BaselinePath { text: text.clone(), place });
        }
    }
    baseline
}

/// A path relative to the spec that stays in the repository.
pub(super) fn steps<'p>(check: &mut Check, path: &'p str, place: &Place) -> Option<Steps<'p>> {
    let directory = place.file.rsplit_once('/').map_or("", |(directory, _)| directory);
    match resolve(directory, path).and_then(|_| Steps::parse(path)) {
        Ok(steps) => Some(steps),
        Err(message) => {
            let remedy = "write a path relative to the spec's directory, with `/`";
            check.error(message, place, remedy);
            None
        }
    }
}

/// What says the directory of the overlay: in the end the tag.
fn output_node(spec: NodeRef<'_>) -> Option<NodeRef<'_>> {
    let output = spec.get("output").filter(|output| !output.is_mapping());
    output.or(spec.at(&["output", "path"])).or(spec.get("tag"))
}

fn output(
    check: &mut Check,
    raw: Option<&raw::Output>,
    tag: Option<&Tag>,
    spec: NodeRef<'_>,
    baseline: &[BaselinePath],
) -> Option<String> {
    let stated = match raw {
        Some(raw::Output::Path(path)) => Some(path),
        Some(raw::Output::Block(block)) => block.path.as_ref(),
        None => None,
    };
    let text = match stated {
        Some(text) => text.clone(),
        None => format!("overlays/{}", tag?),
    };
    let place = check.value_place(output_node(spec));
    let output = steps(check, &text, &place)?;
    let remedy = "use a directory of its own, such as `overlays/gray`";
    if output.holds_start() {
        check.error(format!("the output `{text}` holds the spec itself"), &place, remedy);
        return None;
    }
    for path in baseline {
        if Steps::parse(&path.text).is_ok_and(|path| output.holds(&path)) {
            check.clash(
                format!("the output `{text}` holds the baseline `{}`", path.text),
                &place,
                &path.place,
                "the baseline",
                remedy,
            );
        }
    }
    Some(text)
}

fn suffix(
    check: &mut Check,
    raw: Option<&raw::Naming>,
    tag: Option<&Tag>,
    spec: NodeRef<'_>,
) -> Option<Suffix> {
    let template = raw.map_or_else(default_suffix, |naming| naming.suffix.clone());
    let node = spec.at(&["naming", "suffix"]).or(spec.get("tag"));
    let place = check.value_place(node);
    let remedy = "use a suffix such as `-mse-{tag}`";
    if !template.contains(PLACEHOLDER) {
        let message = format!("the suffix `{template}` has no `{PLACEHOLDER}` in it");
        check.error(message, &place, remedy);
        return None;
    }
    if template.replace(PLACEHOLDER, "").contains(['{', '}']) {
        let message = format!("the suffix `{template}` has an unknown placeholder");
        check.error(message, &place, format!("the only placeholder is `{PLACEHOLDER}`"));
        return None;
    }
    // The rest of the suffix is looked at even where the tag is not right.
    let text = template.replace(PLACEHOLDER, tag.map_or("x", Tag::as_str));
    // It stands behind at least one more character.
    let name = format!("x{text}");
    if let Err(reason) = names::dns_label(&name) {
        let message = format!("`{text}` cannot be the end of a name: in `{name}`, {reason}");
        check.error(message, &place, if raw.is_some() { remedy } else { "use a shorter tag" });
        return None;
    }
    tag.map(|_| Suffix { template, text, place: check.place(node) })
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
