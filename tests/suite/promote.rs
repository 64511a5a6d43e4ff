//! Promotion of lanes whose baseline is not one plain file for each service.

use std::path::Path;

use crate::sandbox::Sandbox;

fn demo() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.copy_from(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mse-demo"));
    sandbox
}

/// Runs a line that must succeed; what it prints.
fn done(sandbox: &Sandbox, line: &str) -> String {
    let ran = sandbox.sh(line);
    assert_eq!(ran.code, 0, "{line}\n{}{}", ran.stdout, ran.stderr);
    ran.stdout
}

const LINKED: [(&str, &str); 2] = [
    (
        "mkdir shared && mv deploy/spring-c.yaml shared/c.yaml && ln -s ../shared/c.yaml deploy/spring-c.yaml",
        "shared/c.yaml",
    ),
    ("mkdir k8s && mv deploy k8s/prod && ln -s k8s/prod deploy", "k8s/prod/spring-c.yaml"),
];

#[test]
fn a_linked_file_of_the_baseline_is_promoted_where_it_is() {
    for (link, real) in LINKED {
        for option in ["", "--force", "--no-verify"] {
            let sandbox = demo();
            done(&sandbox, link);
            sandbox.commit_all();
            done(&sandbox, "graylane generate -q --commit");
            let told = done(&sandbox, &format!("graylane promote --commit {option}"));
            assert!(told.contains(&format!("update {real}: ")), "{told}");
            let image = done(&sandbox, &format!("git show HEAD:{real} | grep image:"));
            assert!(image.contains("spring-cloud-c:0.2.0"), "{image}");
            assert_eq!(done(&sandbox, "git status --short"), "");
            let kinds = done(&sandbox, "git show --format= --raw HEAD | cut -d' ' -f1,2 | sort -u");
            assert_eq!(kinds, ":100644 100644\n", "no link becomes a file");
        }
    }
}

#[test]
fn a_linked_file_that_changed_since_is_told_by_its_own_name() {
    for (link, real) in LINKED {
        let sandbox = demo();
        done(&sandbox, link);
        sandbox.commit_all();
        done(&sandbox, "graylane generate -q --commit");
        done(&sandbox, &format!("sed -i 's/replicas: 1/replicas: 2/' {real}"));
        let ran = sandbox.sh("graylane promote --commit --force");
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains(&format!("{real} has changes")), "{}", ran.stderr);
        let ran = sandbox.sh("git commit -qam Scale && graylane promote --commit");
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains("changed since the lane was generated"), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!(" -- {real}\n")), "{}", ran.stderr);
    }
}

/// What puts another object into a file.
const MORE: &str = r"$a ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}";

#[test]
fn a_file_that_a_link_leads_to_since_is_not_overwritten() {
    for (link, turn) in [
        ("ln -s releases/1 deploy", "ln -sfn releases/2 deploy"),
        (
            "mkdir deploy && ln -s ../releases/1/spring-c.yaml deploy/spring-c.yaml",
            "ln -sf ../releases/2/spring-c.yaml deploy/spring-c.yaml",
        ),
        ("ln -s releases/1 deploy", "rm deploy && cp -R releases/2 deploy"),
        ("cp -R releases/1 deploy", "rm -r deploy && ln -s releases/2 deploy"),
    ] {
        for (hotfix, is_stale) in [("s/c:0.1.0/c:0.1.1/", true), (MORE, false)] {
            let sandbox = demo();
            done(&sandbox, "mkdir releases && mv deploy releases/1 && cp -R releases/1 releases/2");
            done(&sandbox, &format!("sed -i '{hotfix}' releases/2/spring-c.yaml && {link}"));
            if link.starts_with("mkdir") {
                let others =
                    "for f in releases/1/*; do [ -e deploy/${f##*/} ] || cp $f deploy; done";
                done(&sandbox, others);
            }
            sandbox.commit_all();
            done(&sandbox, "graylane generate -q --commit");
            done(&sandbox, &format!("{turn} && git add -A && git commit -qm Turn"));
            let ran = sandbox.sh("graylane promote --commit");
            if !is_stale {
                assert_eq!(ran.code, 0, "{turn}: {}", ran.stderr);
                continue;
            }
            assert_eq!(ran.code, 2, "{turn}: {}", ran.stdout);
            let told = "spring-c.yaml: Deployment/spring-cloud-c changed since the lane";
            assert!(ran.stderr.contains(told), "{turn}: {}", ran.stderr);
            // What it says to look at shows the change.
            let look = ran.stderr.split("look at it: ").nth(1).and_then(|rest| rest.lines().next());
            let shown = done(&sandbox, look.unwrap_or("false"));
            assert!(shown.contains("c:0.1.1"), "{turn}: {look:?}: {shown}");
            done(&sandbox, "graylane promote --commit --force");
        }
    }
}

#[test]
fn a_link_whose_change_is_not_committed_is_not_committed_through() {
    for (link, turn, listed) in [
        ("ln -s releases/1 deploy", "ln -sfn releases/2 deploy", "deploy/spring-c.yaml"),
        (
            "mv releases/1 deploy && ln -s ../releases/2/spring-b.yaml deploy/b.yaml && rm deploy/spring-[bc].yaml && ln -s ../releases/2/spring-c.yaml deploy",
            "cp -R releases/2 releases/3 && git add releases/3 && git commit -qm Copy && ln -sf ../releases/3/spring-c.yaml deploy/spring-c.yaml",
            "deploy/spring-c.yaml",
        ),
    ] {
        let sandbox = demo();
        done(&sandbox, "mkdir releases && mv deploy releases/1 && cp -R releases/1 releases/2");
        done(&sandbox, link);
        sandbox.commit_all();
        done(&sandbox, &format!("graylane generate -q --commit && {turn}"));
        let before = done(&sandbox, "git rev-parse HEAD && git status --short");
        let ran = sandbox.sh("graylane promote --commit");
        assert_eq!(ran.code, 2, "{turn}: {}", ran.stdout);
        let told = format!("error: {listed} has changes that are not committed");
        assert!(ran.stderr.contains(&told), "{turn}: {}", ran.stderr);
        assert_eq!(done(&sandbox, "git rev-parse HEAD && git status --short"), before);
        done(&sandbox, "git add -A && git commit -qm Turn && graylane promote --commit");
        assert_eq!(done(&sandbox, "git status --short"), "");
    }
}

/// A repository whose lane is generated, with a hook `pre-commit` that refuses to commit.
fn with_hook(hook: &str) -> Sandbox {
    let sandbox = demo();
    sandbox.commit_all();
    done(&sandbox, "graylane generate -q --commit");
    let path = sandbox.dir.join(".git/hooks/pre-commit");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, format!("#!/bin/sh\n{hook}\necho policy >&2\nexit 1\n")).unwrap();
    done(&sandbox, "chmod +x .git/hooks/pre-commit");
    sandbox
}

#[test]
fn a_file_that_a_hook_changes_and_refuses_is_left_and_told() {
    for (hook, status) in [
        ("sed -i s/:0.2.0/:0.3.0/ deploy/spring-c.yaml", " M"),
        ("echo '# fixed' >>deploy/spring-c.yaml; git add deploy/spring-c.yaml", " M"),
        ("rm deploy/spring-c.yaml", " D"),
    ] {
        let sandbox = with_hook(hook);
        let ran = sandbox.sh("graylane promote --commit");
        assert_eq!(ran.code, 2, "{hook}: {}", ran.stdout);
        let place = |text: &str| ran.stderr.find(text).unwrap_or_else(|| panic!("{}", ran.stderr));
        let left = "error: deploy/spring-c.yaml was changed by the hook and is left as it is";
        assert!(place("policy") < place(left), "{}", ran.stderr);
        assert!(ran.stderr.contains("git restore deploy/spring-c.yaml"), "{}", ran.stderr);
        let shown = done(&sandbox, "git status --short");
        assert_eq!(shown, format!("{status} deploy/spring-c.yaml\n"), "{hook}");
        if status == " M" {
            let ran = sandbox.sh("graylane promote --commit --force");
            assert_eq!(ran.code, 2, "{hook}: {}", ran.stdout);
            let told = "deploy/spring-c.yaml has changes that are not committed";
            assert!(ran.stderr.contains(told), "{hook}: {}", ran.stderr);
        }
        done(&sandbox, "git restore . && graylane promote --commit --no-verify");
        assert_eq!(done(&sandbox, "git status --short"), "");
    }
    // What a hook leaves alone, or has put back itself, is as it was.
    for hook in ["", "git show HEAD:deploy/spring-c.yaml >deploy/spring-c.yaml"] {
        let sandbox = with_hook(hook);
        let ran = sandbox.sh("graylane promote --commit");
        assert!(ran.code == 2 && !ran.stderr.contains("left as it is"), "{hook}: {}", ran.stderr);
        assert_eq!(done(&sandbox, "git status --short"), "");
    }
}

#[test]
fn each_file_is_put_back_by_itself() {
    let sandbox = split();
    let hook = "#!/bin/sh\nsed -i s/:2/:3/ deploy/email.yaml\nexit 1\n";
    std::fs::create_dir_all(sandbox.dir.join(".git/hooks")).unwrap();
    std::fs::write(sandbox.dir.join(".git/hooks/pre-commit"), hook).unwrap();
    done(&sandbox, "chmod +x .git/hooks/pre-commit");
    let ran = sandbox.sh("graylane promote --commit");
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert_eq!(done(&sandbox, "git status --short"), " M deploy/email.yaml\n");
}

#[test]
fn what_only_the_work_tree_has_is_still_to_be_committed() {
    let sandbox = split();
    let refused = |paths: &[&str]| {
        let ran = sandbox.sh("graylane promote --commit");
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        let told = |path: &&str| format!("error: {path} has changes that are not committed");
        let told: Vec<String> = paths.iter().map(told).collect();
        let errors = ran.stderr.lines().filter(|line| line.starts_with("error"));
        assert_eq!(errors.collect::<Vec<_>>(), told);
    };
    done(&sandbox, "graylane promote");
    refused(&["deploy/ad.yaml", "deploy/email.yaml"]);
    // One of two, and one that only moved.
    done(&sandbox, "git restore deploy/email.yaml");
    refused(&["deploy/ad.yaml"]);
    done(&sandbox, "git restore . && graylane promote && git mv deploy/ad.yaml deploy/moved.yaml");
    done(&sandbox, "git commit -qm Promote -- deploy/email.yaml");
    refused(&["deploy/moved.yaml"]);
    done(&sandbox, "git commit -qam Move");
    // What has nothing to do with the promotion may be under way.
    done(&sandbox, "sed -i 's/replicas: 1/replicas: 2/' deploy/email.yaml");
    let ran = sandbox.sh("graylane promote --commit");
    assert!(ran.code == 0 && ran.stderr.contains("nothing to do"), "{}{}", ran.stdout, ran.stderr);
}

/// The spec of a lane of one service without an entry.
fn spec(service: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1alpha1
kind: GrayRelease
metadata: {{name: lane-{service}}}
spec:
  tag: {service}
  baseline: {{paths: [../deploy]}}
  output: ../overlays/{service}
  services:
    - name: {service}
      images: {{{service}: 'r.example/{service}:2'}}
"
    )
}

/// Two services in one file, each with a lane that is committed.
fn together() -> Sandbox {
    let manifest = |service: &str| {
        format!(
            "# {service}
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {service}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {service}}}}}
  template:
    metadata: {{labels: {{app: {service}}}}}
    spec:
      containers:
        - name: {service}
          image: r.example/{service}:1
"
        )
    };
    let sandbox = Sandbox::new();
    for directory in ["deploy", "graylane"] {
        std::fs::create_dir(sandbox.dir.join(directory)).unwrap();
    }
    for service in ["ad", "email"] {
        let file = format!("graylane/{service}.yaml");
        std::fs::write(sandbox.dir.join(file), spec(service)).unwrap();
    }
    let all = [manifest("ad"), manifest("email")].join("---\n");
    std::fs::write(sandbox.dir.join("deploy/all.yaml"), all).unwrap();
    sandbox.commit_all();
    done(&sandbox, "graylane generate -q --commit");
    sandbox
}

/// Two services in a file each, with one lane for both that is committed.
fn split() -> Sandbox {
    let sandbox = together();
    done(
        &sandbox,
        "graylane cleanup -q --commit --force graylane/email.yaml && git rm -q graylane/email.yaml && sed '1,/^---/d' deploy/all.yaml >deploy/email.yaml && sed '/^---/,$d' deploy/all.yaml >deploy/ad.yaml && git rm -qf deploy/all.yaml && printf \"    - name: email\\n      images: {email: 'r.example/email:2'}\\n\" >>graylane/ad.yaml && git add . && git commit -qm Split",
    );
    done(&sandbox, "graylane generate -q --commit");
    sandbox
}

#[test]
fn lanes_of_one_file_are_promoted_one_after_the_other() {
    let sandbox = together();
    let ran = sandbox.sh("graylane promote --commit");
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(ran.stderr.contains("promote one spec after the other"), "{}", ran.stderr);
    done(&sandbox, "graylane promote --commit graylane/ad.yaml");
    done(&sandbox, "graylane promote --commit graylane/email.yaml");
    let images = done(&sandbox, "git show HEAD:deploy/all.yaml | grep -c 'image: .*:2$'");
    assert_eq!(images, "2\n");
    // The same without commits.
    let sandbox = together();
    done(&sandbox, "graylane promote graylane/ad.yaml && graylane promote graylane/email.yaml");
    assert_eq!(done(&sandbox, "grep -c 'image: .*:2$' deploy/all.yaml"), "2\n");
}

#[test]
fn what_else_a_file_holds_does_not_keep_a_lane_from_promotion() {
    let sandbox = together();
    let second = "sed -i '/^# email/,$s/replicas: 1/replicas: 3/' deploy/all.yaml";
    done(&sandbox, &format!("{second} && git commit -qam Scale"));
    done(&sandbox, "graylane promote --commit graylane/ad.yaml");
    let ran = sandbox.sh("graylane promote --commit graylane/email.yaml");
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("deploy/all.yaml: Deployment/email changed since"),
        "{}",
        ran.stderr
    );
    // An object that moved to another file is the same one.
    let sandbox = together();
    done(
        &sandbox,
        "sed '1,/^---/d' deploy/all.yaml >deploy/email.yaml && sed -i '/^---/,$d' deploy/all.yaml && git add . && git commit -qm Split",
    );
    done(&sandbox, "graylane generate -q --check graylane/ad.yaml");
    done(&sandbox, "graylane promote --commit graylane/ad.yaml");
}

#[test]
fn more_files_are_promoted_than_may_be_open() {
    const SERVICES: usize = 120;
    let sandbox = Sandbox::new();
    let write = |path: &str, text: &str| std::fs::write(sandbox.dir.join(path), text).unwrap();
    std::fs::create_dir(sandbox.dir.join("deploy")).unwrap();
    let mut services = String::new();
    for number in 0..SERVICES {
        let name = format!("s{number}");
        let manifest = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{containers: [{{name: app, image: app:1}}]}}\n"
        );
        write(&format!("deploy/{name}.yaml"), &manifest);
        services.push_str(&format!("  - {{name: {name}, images: {{app: \"app:2\"}}}}\n"));
    }
    let spec = format!(
        "apiVersion: graylane.dev/v1alpha1\nkind: GrayRelease\nmetadata: {{name: all}}\nspec:\n  tag: gray\n  baseline: {{paths: [deploy]}}\n  services:\n{services}"
    );
    write("graylane.yaml", &spec);
    sandbox.commit_all();
    done(&sandbox, "ulimit -n 64; graylane generate -q --commit");
    done(&sandbox, "ulimit -n 64; graylane promote -q");
    assert_eq!(done(&sandbox, "git status --short | wc -l").trim(), SERVICES.to_string());
}
