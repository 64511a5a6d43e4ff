//! The files of `templates/argocd` fit Argo CD, the program and each other.

use std::fs;
use std::path::Path;

use graylane::argocd::Parameters;
use serde_json::{Value, json};

use super::application::{Application, documents, parameters};
use crate::sandbox::Sandbox;

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn template(name: &str) -> Value {
    let mut objects = documents(&text(&format!("templates/argocd/{name}")));
    assert_eq!(objects.len(), 1, "{name}");
    objects.remove(0)
}

/// The demo as a repository with its overlay.
fn generated() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mse-demo"));
    sandbox.commit_all();
    let ran = sandbox.sh("graylane generate --commit");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    sandbox
}

/// Whether a value has a shape: the fields of a mapping, those with `!` being required; the one shape
/// of all elements of a list; the name of a type, `map` being a mapping of strings.
fn conforms(value: &Value, shape: &Value, at: &str) {
    match shape {
        Value::Object(fields) => {
            let value = value.as_object().unwrap_or_else(|| panic!("{at} is no mapping"));
            for name in value.keys() {
                let required = format!("{name}!");
                let field = fields.get(name).or(fields.get(&required));
                let field = field.unwrap_or_else(|| panic!("unknown field {at}.{name}"));
                conforms(&value[name], field, &format!("{at}.{name}"));
            }
            for name in fields.keys().filter_map(|name| name.strip_suffix('!')) {
                assert!(value.contains_key(name), "{at}.{name} is missing");
            }
        }
        Value::Array(shapes) => {
            let value = value.as_array().unwrap_or_else(|| panic!("{at} is no list"));
            value.iter().for_each(|value| conforms(value, &shapes[0], at));
        }
        shape => {
            let fits = match shape.as_str() {
                Some("string") => value.is_string(),
                Some("boolean") => value.is_boolean(),
                Some("map") => {
                    value.as_object().is_some_and(|entries| entries.values().all(Value::is_string))
                }
                other => panic!("unknown type {other:?}"),
            };
            assert!(fits, "{at} is {value}, not a {shape}");
        }
    }
}

/// The spec of an Application, as far as the templates use it.
///
/// Source: argoproj/argo-cd, manifests/crds/application-crd.yaml.
fn application_spec() -> Value {
    json!({
        "project!": "string",
        "source": {
            "repoURL!": "string", "targetRevision": "string", "path": "string",
            "directory": {"recurse": "boolean", "include": "string", "exclude": "string"},
            "plugin": {
                "name": "string", "env": [{"name!": "string", "value!": "string"}],
                "parameters": [{"name": "string", "string": "string", "array": ["string"], "map": "map"}]
            }
        },
        "destination!": {"server": "string", "name": "string", "namespace": "string"},
        "syncPolicy": {
            "automated": {"prune": "boolean", "selfHeal": "boolean", "allowEmpty": "boolean"},
            "syncOptions": ["string"]
        }
    })
}

fn metadata() -> Value {
    json!({
        "name!": "string", "namespace": "string", "labels": "map", "annotations": "map",
        "finalizers": ["string"]
    })
}

/// An Application whose manifest is right; whether it is removed in order and applied as it should be.
fn is_right(metadata: &Value, spec: &Value) {
    let finalizers = json!(["resources-finalizer.argocd.argoproj.io"]);
    assert_eq!(metadata["finalizers"], finalizers);
    assert_eq!(spec["syncPolicy"]["automated"]["prune"], true);
    assert!(!spec.to_string().contains("PruneLast"), "prunes traffic and pods at once");
}

fn application(name: &str) -> Value {
    let object = template(name);
    let shape = json!({
        "apiVersion!": "string", "kind!": "string", "metadata!": metadata(), "spec!": application_spec()
    });
    conforms(&object, &shape, name);
    assert_eq!(
        (&object["apiVersion"], &object["kind"]),
        (&json!("argoproj.io/v1alpha1"), &json!("Application"))
    );
    is_right(&object["metadata"], &object["spec"]);
    object
}

/// What Argo CD takes of a directory: the manifests in it and, with `recurse`, below it.
///
/// Source: argo-cd.readthedocs.io, "Directory".
fn taken(root: &Path, directory: &Value) -> Vec<Value> {
    let depth = if directory["recurse"] == true { usize::MAX } else { 1 };
    let walk = walkdir::WalkDir::new(root).max_depth(depth).sort_by_file_name();
    let files = walk.into_iter().map(Result::unwrap).filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        entry.file_type().is_file()
            && [".yaml", ".yml", ".json", ".jsonnet"].iter().any(|end| name.ends_with(end))
    });
    let mut objects: Vec<Value> =
        files.flat_map(|file| documents(&fs::read_to_string(file.path()).unwrap())).collect();
    objects.sort_by_key(Value::to_string);
    objects
}

fn rendered(sandbox: &Sandbox) -> Vec<Value> {
    let mut objects = documents(&sandbox.sh("graylane -q render").stdout);
    objects.sort_by_key(Value::to_string);
    objects
}

#[test]
fn the_application_takes_the_whole_overlay() {
    let object = application("application.yaml");
    let source = &object["spec"]["source"];
    let sandbox = generated();
    let directory = sandbox.dir.join(source["path"].as_str().unwrap());
    assert_eq!(taken(&directory, &source["directory"]), rendered(&sandbox));
    // After a cleanup there is the directory, with nothing in it, which has to be allowed.
    assert_eq!(sandbox.sh("graylane cleanup --commit").code, 0);
    assert!(directory.is_dir() && taken(&directory, &source["directory"]).is_empty());
    assert_eq!(object["spec"]["syncPolicy"]["automated"]["allowEmpty"], true);
}

#[test]
fn check_finds_the_overlay_delivered_once() {
    for name in ["application.yaml", "applicationset.yaml"] {
        let sandbox = generated();
        fs::create_dir(sandbox.dir.join("argocd")).unwrap();
        fs::write(sandbox.dir.join("argocd/lanes.yaml"), text(&format!("templates/argocd/{name}")))
            .unwrap();
        sandbox.sh("git remote add origin https://git.example.com/mse-demo.git");
        let checked = sandbox.sh("graylane check");
        assert_eq!(checked.code, 0, "{}", checked.stderr);
        let told = format!("{}{}", checked.stdout, checked.stderr);
        for code in ["overlay-not-applied", "overlay-applied-twice", "overlay-with-baseline"] {
            assert!(!told.contains(code), "{name}: {told}");
        }
        // It does look there.
        fs::copy(sandbox.dir.join("argocd/lanes.yaml"), sandbox.dir.join("argocd/again.yaml"))
            .unwrap();
        let twice = sandbox
            .sh("sed -i 's/^  name: lane.*/  name: again/' argocd/again.yaml; graylane check");
        let told = format!("{}{}", twice.stdout, twice.stderr);
        assert!(told.contains("overlay-applied-twice"), "{name}: {told}");
    }
}

#[test]
fn the_application_set_makes_one_application_of_each_lane() {
    let object = template("applicationset.yaml");
    let git = json!({
        "repoURL!": "string", "revision!": "string",
        "directories": [{"path!": "string", "exclude": "boolean"}]
    });
    // Source: argoproj/argo-cd, manifests/crds/applicationset-crd.yaml.
    let shape = json!({
        "apiVersion!": "string", "kind!": "string", "metadata!": metadata(),
        "spec!": {
            "goTemplate": "boolean", "goTemplateOptions": ["string"],
            "generators!": [{"git": git}],
            "template!": {"metadata!": metadata(), "spec!": application_spec()}
        }
    });
    conforms(&object, &shape, "applicationset.yaml");
    assert_eq!(object["kind"], "ApplicationSet");
    let template = &object["spec"]["template"];
    is_right(&template["metadata"], &template["spec"]);
    let generator = &object["spec"]["generators"][0]["git"];
    assert_eq!(generator["repoURL"], template["spec"]["source"]["repoURL"]);
    assert_eq!(generator["revision"], template["spec"]["source"]["targetRevision"]);
    // The first pattern means all directories beside the overlay, and only those.
    let sandbox = generated();
    let pattern = generator["directories"][0]["path"].as_str().unwrap();
    let (above, any) = pattern.rsplit_once('/').unwrap();
    assert_eq!(any, "*");
    let lanes: Vec<_> =
        fs::read_dir(sandbox.dir.join(above)).unwrap().map(Result::unwrap).collect();
    assert_eq!(lanes.len(), 1);
    // Source: argo-cd.readthedocs.io, "Git Generator": the parameters of a directory.
    assert_eq!(template["spec"]["source"]["path"], "{{ .path.path }}");
    assert!(
        template["metadata"]["name"].as_str().unwrap().contains("{{ .path.basenameNormalized }}")
    );
    assert_eq!(
        taken(&lanes[0].path(), &template["spec"]["source"]["directory"]),
        rendered(&sandbox)
    );
}

#[test]
fn the_plugin_does_what_its_application_asks_for() {
    let plugin = template("plugin.yaml");
    // Source: argoproj/argo-cd, cmpserver/plugin/config.go.
    let command = json!({"command!": ["string"], "args": ["string"]});
    let shape = json!({
        "apiVersion!": "string", "kind!": "string", "metadata!": {"name!": "string"},
        "spec!": {"generate!": command, "parameters": {"dynamic": command}}
    });
    conforms(&plugin, &shape, "plugin.yaml");
    assert_eq!(plugin["kind"], "ConfigManagementPlugin");

    let object = application("plugin-application.yaml");
    let source = &object["spec"]["source"];
    assert_eq!(source["plugin"]["name"], plugin["metadata"]["name"]);
    let path = source["path"].as_str().unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mse-demo");
    let app = Application::of(&demo, path);
    let json = source["plugin"]["parameters"].to_string();
    assert!(Parameters::parse(&json).unwrap().change_spec());
    let words = |of: &Value| -> Vec<String> {
        of["command"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    for of in [&plugin["spec"]["generate"], &plugin["spec"]["parameters"]["dynamic"]] {
        let words = words(of);
        let [program, render, argument] = words.as_slice() else { panic!("{words:?}") };
        assert_eq!((program.as_str(), render.as_str()), ("/usr/local/bin/graylane", "render"));
        let ran = app.run(&[argument], &parameters(&json));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        // The parameters of the template are what the spec says.
        assert_eq!(ran.stdout, app.run(&[argument], &[]).stdout);
    }
}

#[test]
fn the_image_and_the_sidecar_fit_the_plugin() {
    let patch = template("sidecar-patch.yaml");
    assert_eq!(patch["metadata"]["name"], "argocd-repo-server");
    let pod = &patch["spec"]["template"]["spec"];
    let sidecar = &pod["containers"][0];
    // Source: argo-cd.readthedocs.io, "Config Management Plugins".
    assert_eq!(sidecar["command"], json!(["/var/run/argocd/argocd-cmp-server"]));
    let security = &sidecar["securityContext"];
    assert_eq!((&security["runAsNonRoot"], &security["runAsUser"]), (&json!(true), &json!(999)));
    assert_eq!(security["readOnlyRootFilesystem"], true);
    let mounts = sidecar["volumeMounts"].as_array().unwrap();
    let at = |path: &str| {
        mounts.iter().find(|mount| mount["mountPath"] == path).unwrap()["name"].clone()
    };
    assert_eq!(at("/var/run/argocd"), "var-files");
    assert_eq!(at("/home/argocd/cmp-server/plugins"), "plugins");
    assert_eq!(pod["volumes"], json!([{"name": at("/tmp"), "emptyDir": {}}]));

    let dockerfile = text("Dockerfile");
    let (_, image) = dockerfile.split_once("\nFROM scratch\n").unwrap();
    let plugin = template("plugin.yaml");
    let program = plugin["spec"]["generate"]["command"][0].as_str().unwrap();
    for line in [
        "USER 999:999".to_owned(),
        "COPY templates/argocd/plugin.yaml /home/argocd/cmp-server/config/plugin.yaml".to_owned(),
        format!("COPY --from=build /src/target/dist/graylane {program}"),
    ] {
        assert!(image.lines().any(|each| each == line), "{line}");
    }
    assert!(!image.contains("RUN "), "there is no shell");
    // What the build copies is there, and its compiler is new enough.
    let version = dockerfile.lines().find_map(|line| line.strip_prefix("FROM rust:1.")).unwrap();
    let minor: u32 = version.split('-').next().unwrap().parse().unwrap();
    let wanted = text("Cargo.toml");
    let wanted = wanted.lines().find_map(|line| line.strip_prefix("rust-version = \"1.")).unwrap();
    assert!(minor >= wanted.trim_end_matches('"').parse().unwrap());
}
