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
        assert!(ran.stderr.contains(&format!(" -- '{real}'")), "{}", ran.stderr);
    }
}
