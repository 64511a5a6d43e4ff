//! The announcement of parameters, from which Argo CD makes its form.

use std::collections::BTreeMap;

use serde::Serialize;

use super::apply::image_keys;
use super::parameters::{Form, IMAGES, KNOWN, Known, REPLICAS, SPEC, TAG};
use crate::spec::GrayRelease;

/// A parameter and its present value: `ParameterAnnouncement` in argoproj/argo-cd,
/// reposerver/repository/repository.proto.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Announced<'a> {
    name: &'a str,
    title: &'a str,
    tooltip: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<BTreeMap<String, String>>,
}

/// The parameters of an application as a JSON array, with what its spec says. `specs` are the specs
/// that it has, each with its path relative to the application; of several, only which one is meant
/// can be set.
///
/// # Errors
///
/// None with these types; what the writer of JSON says.
pub fn announcement(specs: &[(&str, &GrayRelease)]) -> serde_json::Result<String> {
    let announced: Vec<Announced<'_>> = match specs {
        [(path, release)] => {
            KNOWN.iter().map(|known| announced(known, Some((path, release)))).collect()
        }
        _ => {
            let spec = KNOWN.iter().filter(|known| known.name == SPEC);
            spec.map(|known| announced(known, None)).collect()
        }
    };
    Ok(serde_json::to_string(&announced)? + "\n")
}

fn announced(known: &Known, spec: Option<(&str, &GrayRelease)>) -> Announced<'static> {
    let (item_type, collection_type) = match known.form {
        Form::Text => (None, None),
        Form::Map(item) => (Some(item), Some("map")),
    };
    let string = spec.and_then(|(path, release)| match known.name {
        SPEC => Some(path.to_owned()),
        TAG => Some(release.tag.to_string()),
        _ => None,
    });
    let map = spec.and_then(|(_, release)| match known.name {
        IMAGES => Some(image_keys(release).map(|(key, image)| (key, image.to_owned())).collect()),
        REPLICAS => {
            let services = release.services.iter();
            let counts =
                services.map(|service| (service.name.clone(), service.replicas.to_string()));
            Some(counts.collect())
        }
        _ => None,
    });
    let Known { name, title, tooltip, .. } = known;
    Announced { name, title, tooltip, item_type, collection_type, string, map }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::argocd::Parameters;
    use crate::spec;
    use serde_json::{Value, json};

    const SPEC: &str = "\
apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {name: shop}
spec:
  tag: gray
  services:
    - {name: web, images: {app: 'r/web:1'}}
    - {name: api, images: {app: 'r/api:1', proxy: 'r/proxy:1'}, replicas: 2}
";

    fn values(specs: &[(&str, &GrayRelease)]) -> Vec<Value> {
        serde_json::from_str(&announcement(specs).unwrap()).unwrap()
    }

    #[test]
    fn announces_what_the_spec_says() {
        let release = spec::parse("a/graylane.yaml", SPEC).unwrap();
        let values = values(&[("graylane.yaml", &release)]);
        let names: Vec<&str> = values.iter().map(|value| value["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["spec", "tag", "images", "replicas"]);
        assert_eq!(values[0]["string"], "graylane.yaml");
        assert_eq!(values[1]["string"], "gray");
        assert_eq!(
            values[2]["map"],
            json!({"web": "r/web:1", "api/app": "r/api:1", "api/proxy": "r/proxy:1"})
        );
        assert_eq!(values[2]["collectionType"], "map");
        assert_eq!(values[3]["map"], json!({"web": "1", "api": "2"}));
        assert_eq!(values[3]["itemType"], "number");
        // Argo CD decodes into a struct: no field may be null or unknown to it.
        let fields = ["name", "title", "tooltip", "itemType", "collectionType", "string", "map"];
        for (name, value) in values.iter().flat_map(|value| value.as_object().unwrap()) {
            assert!(fields.contains(&name.as_str()) && !value.is_null(), "{name}");
        }
    }

    #[test]
    fn what_is_announced_changes_nothing_when_it_is_set() {
        let release = spec::parse("graylane.yaml", SPEC).unwrap();
        let text = announcement(&[("graylane.yaml", &release)]).unwrap();
        let parameters = Parameters::parse(&text).unwrap();
        let applied = parameters.apply(&release, SPEC).unwrap();
        assert_eq!(applied, SPEC.replace("'r/web:1'}}", "'r/web:1'}, replicas: 1}"));
    }

    #[test]
    fn of_several_specs_one_is_chosen_first() {
        let release = spec::parse("graylane.yaml", SPEC).unwrap();
        for specs in [&[][..], &[("a.yaml", &release), ("b.yaml", &release)]] {
            let values = values(specs);
            assert_eq!(values.len(), 1);
            assert_eq!(values[0]["name"], "spec");
            assert!(values[0].get("string").is_none());
        }
    }
}
