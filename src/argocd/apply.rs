//! Parameters put into a spec: as nodes of its document, so that no value can be more than a value.

use std::collections::BTreeMap;

use super::parameters::{IMAGES, Parameters, REPLICAS};
use crate::diagnostic::{Diagnostic, Failure, nearest};
use crate::spec::GrayRelease;
use crate::yaml::{Document, EditError, Path, Source, Value, parse};

/// A container of a service: the service's position, the container's name.
type Target = (usize, String);

impl Parameters {
    /// The text of a spec with the parameters in it; `release` is what the text says without them.
    /// Whether their values mean something is for whoever reads the result.
    ///
    /// # Errors
    ///
    /// Services and containers that the spec does not have.
    pub fn apply(&self, release: &GrayRelease, text: &str) -> Result<String, Failure> {
        let mut errors = Vec::new();
        let mut edits = Vec::new();
        let spec = Path::keys(["spec"]);
        if let Some(tag) = &self.tag {
            edits.push((spec.key("tag"), Value::string(tag)));
        }
        let services = spec.key("services");
        let mut set: BTreeMap<Target, &str> = BTreeMap::new();
        for (key, image) in &self.images {
            match container(release, key) {
                Ok(target) => {
                    let path = services.index(target.0).key("images").key(target.1.clone());
                    if let Some(other) = set.insert(target, key) {
                        let message = format!(
                            "`{other}` and `{key}` of the parameter `{IMAGES}` are one container"
                        );
                        errors.push(Diagnostic::error(message).remedy("keep one of them"));
                    }
                    edits.push((path, Value::string(image)));
                }
                Err(error) => errors.push(error),
            }
        }
        for (name, count) in &self.replicas {
            match release.services.iter().position(|service| service.name == *name) {
                Some(position) => {
                    let path = services.index(position).key("replicas");
                    edits.push((path, Value::int(i64::from(*count))));
                }
                None => {
                    let names = release.services.iter().map(|service| service.name.as_str());
                    errors.push(stranger(REPLICAS, name, "service", names.collect()));
                }
            }
        }
        if !errors.is_empty() {
            return Err(Failure(errors));
        }
        let mut stream = parse(Source::new(release.file.clone(), text.to_owned()))?;
        if let Some(document) = stream.documents.iter_mut().find(|document| !document.is_empty()) {
            put(document, edits).map_err(|error| {
                Diagnostic::error(format!("the spec cannot take the parameters: {error}"))
            })?;
        }
        Ok(stream.to_text())
    }
}

fn put(document: &mut Document, edits: Vec<(Path, Value)>) -> Result<(), EditError> {
    edits.into_iter().try_for_each(|(path, value)| document.set(&path, value))
}

/// The keys by which images are set: the service where it has one, else `service/container`.
pub(super) fn image_keys(release: &GrayRelease) -> impl Iterator<Item = (String, &str)> {
    release.services.iter().flat_map(|service| {
        let is_one = service.images.len() == 1;
        service.images.iter().map(move |image| {
            let key = match is_one {
                true => service.name.clone(),
                false => format!("{}/{}", service.name, image.container),
            };
            (key, image.image.as_str())
        })
    })
}

/// The container that a key of `images` means.
fn container(release: &GrayRelease, key: &str) -> Result<Target, Diagnostic> {
    let named = |name: &str| release.services.iter().position(|service| service.name == name);
    if let Some((service, container)) = key.split_once('/')
        && let Some(position) = named(service)
    {
        // Whether the workload has it shows with the baseline, as for those of the spec.
        return Ok((position, container.to_owned()));
    }
    let of_service =
        named(key).and_then(|position| Some((position, release.services.get(position)?)));
    if let Some((position, service)) = of_service {
        return match service.images.as_slice() {
            [image] => Ok((position, image.container.clone())),
            images => {
                let message = match images.len() {
                    0 => format!("the spec names no container of `{key}` that gets an image"),
                    count => format!("the spec names {count} containers of `{key}`"),
                };
                let example = images.first().map_or("CONTAINER", |image| &image.container);
                let remedy = format!("say which one in the parameter: `{key}/{example}`");
                Err(Diagnostic::error(message).at(service.place.clone()).remedy(remedy))
            }
        };
    }
    let mut holders = release
        .services
        .iter()
        .enumerate()
        .filter(|(_, service)| service.images.iter().any(|image| image.container == key));
    match (holders.next(), holders.next()) {
        (Some((position, _)), None) => Ok((position, key.to_owned())),
        (Some((_, one)), Some((_, other))) => Err(Diagnostic::error(format!(
            "the services `{}` and `{}` both have a container `{key}`",
            one.name, other.name
        ))
        .remedy(format!("say which one in the parameter: `{}/{key}`", one.name))),
        (None, _) => {
            let services = &release.services;
            let names = services.iter().map(|service| service.name.as_str());
            let images = services.iter().flat_map(|service| &service.images);
            let containers = images.map(|image| image.container.as_str());
            let known = names.chain(containers).collect();
            Err(stranger(IMAGES, key, "service or container", known))
        }
    }
}

fn stranger(parameter: &str, key: &str, what: &str, known: Vec<&str>) -> Diagnostic {
    let error = Diagnostic::error(format!(
        "the parameter `{parameter}` names `{key}`, which is no {what} of the spec"
    ));
    error.remedy(match nearest(key, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the spec has `{}`", known.join("`, `")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    const SPEC: &str = "\
apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {name: shop}
spec:
  tag: gray    # of the team
  services:
    - name: web
      images:
        app: r/web:1
    - name: api
      images: {app: r/api:1, proxy: 'r/proxy:1'}
      replicas: 2
    - name: jobs
";

    fn applied(json: &str) -> Result<String, Failure> {
        let release = spec::parse("graylane.yaml", SPEC).unwrap();
        Parameters::parse(json).unwrap().apply(&release, SPEC)
    }

    fn errors(json: &str) -> String {
        applied(json).unwrap_err().to_string()
    }

    #[test]
    fn values_go_where_they_belong_and_nothing_else_changes() {
        let text = applied(
            r#"[{"name": "tag", "string": "pr-7"}, {"name": "replicas", "map": {"api": "3", "web": "0"}},
                {"name": "images", "map": {"web": "r/web:2", "proxy": "r/proxy:2", "jobs/main": "r/jobs:2"}}]"#,
        )
        .unwrap();
        let expected = SPEC
            .replace("tag: gray ", "tag: pr-7 ")
            .replace("app: r/web:1\n", "app: r/web:2\n      replicas: 0\n")
            .replace("'r/proxy:1'}\n      replicas: 2", "'r/proxy:2'}\n      replicas: 3")
            .replace("- name: jobs\n", "- name: jobs\n      images:\n        main: r/jobs:2\n");
        assert_eq!(text, expected);
        assert_eq!(applied("null").unwrap(), SPEC);
    }

    #[test]
    fn a_value_is_never_more_than_a_value() {
        for hostile in
            ["a\nspec: {}", "x: y", "*a", "{{", "\" , evil: 1", "a # b", "../../etc", "no"]
        {
            let json = serde_json::json!([{"name": "tag", "string": hostile},
                {"name": "images", "map": {"web": hostile, "jobs/main": hostile}}]);
            let text = applied(&json.to_string()).unwrap();
            let stream = parse(Source::new("x", text)).unwrap();
            let spec = stream.documents[0].at(&["spec"]).unwrap();
            let names: Vec<&str> = spec.entries().map(|(name, _)| name).collect();
            assert_eq!(names, ["tag", "services"]);
            let services = spec.get("services").unwrap();
            let image = |service: usize, name| {
                services.item(service).unwrap().at(&["images", name]).unwrap().as_str()
            };
            assert_eq!(spec.get("tag").unwrap().as_str(), Some(hostile));
            assert_eq!((image(0, "app"), image(2, "main")), (Some(hostile), Some(hostile)));
        }
    }

    #[test]
    fn what_the_spec_does_not_have_is_refused() {
        let told = errors(
            r#"[{"name": "replicas", "map": {"wbe": "1"}},
                {"name": "images", "map": {"ap": "i", "api": "i", "app": "i", "jobs": "i", "zzzzzz/x": "i"}}]"#,
        );
        for part in [
            "`wbe`, which is no service of the spec\n  help: did you mean `web`?",
            "`ap`, which is no service or container",
            "names 2 containers of `api`",
            "`api/app`",
            "`web` and `api` both have a container `app`",
            "no container of `jobs`",
            "`jobs/CONTAINER`",
            "`zzzzzz/x`, which is no service or container of the spec\n  help: the spec has `web`",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
    }

    #[test]
    fn one_container_has_one_image() {
        let told = errors(r#"[{"name": "images", "map": {"web": "r/a:1", "web/app": "r/a:2"}}]"#);
        assert!(told.contains("`web` and `web/app` of the parameter `images` are one"), "{told}");
    }
}
