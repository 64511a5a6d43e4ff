//! A preview as JSON, for programs.

use serde_json::{Value, json as value};

use super::diff::{Unified, plain};
use super::model::{Against, Change, LaneDiff, ObjectDiff, Preview};
use super::risk::assess;
use crate::report::finding;

/// The number of the shape. Fields may be added to a shape; anything else gives a new number.
const VERSION: u32 = 1;

/// One object with these fields:
///
/// - `version`: 1;
/// - `against`: `baseline`, `head` or `base`, and `base`: the revision, null where there is none;
/// - `summary`: the numbers of objects `added`, `copied`, `changed` and `removed`, of `linesAdded`
///   and `linesRemoved`;
/// - `lanes`: each with `lane`, `tag`, `spec`, `change` (`added`, `changed`, `removed`, `unchanged`,
///   `unknown`; null without a base), `objects` and `findings`, which are as those of `check`, but
///   without the lines of the files;
/// - `shared`: the objects that lanes share;
/// - `broken`: what is broken at the base, each with `path` and `errors`.
///
/// An object has `object` (`group`, `kind`, `namespace`, `name`), `service`, `change`, `risk`
/// (`level`: `low`, `medium`, `high`; `reasons`, each with `reason` and `source`), `before` and
/// `after` (what is compared; null for nothing), `linesAdded`, `linesRemoved` and `diff`, in which
/// values of Secrets are masked.
pub fn json(preview: &Preview) -> String {
    let (against, base) = match &preview.against {
        Against::Baseline => ("baseline", None),
        Against::Head => ("head", None),
        Against::Base(revision) => ("base", Some(revision)),
    };
    let mut lines = (0, 0);
    let lanes: Vec<Value> = preview.lanes.iter().map(|each| lane(each, &mut lines)).collect();
    let shared: Vec<Value> = preview.shared.iter().map(|each| object(each, &mut lines)).collect();
    let broken = preview.broken.iter().map(|broken| {
        let errors = broken.errors.iter().map(|error| finding(Some(&broken.path), error));
        value!({ "path": broken.path, "errors": errors.collect::<Vec<Value>>() })
    });
    let broken: Vec<Value> = broken.collect();
    let mut summary = serde_json::Map::new();
    for change in Change::ALL {
        let count = preview.objects().filter(|(_, object)| object.change == change).count();
        summary.insert(change.as_str().to_owned(), count.into());
    }
    summary.insert("linesAdded".to_owned(), lines.0.into());
    summary.insert("linesRemoved".to_owned(), lines.1.into());
    let all = value!({
        "version": VERSION,
        "against": against,
        "base": base,
        "summary": summary,
        "lanes": lanes,
        "shared": shared,
        "broken": broken,
    });
    format!("{all:#}\n")
}

fn lane(lane: &LaneDiff, lines: &mut (usize, usize)) -> Value {
    let objects: Vec<Value> = lane.objects.iter().map(|each| object(each, lines)).collect();
    let findings = lane.findings.iter().map(|found| finding(Some(&lane.lane), found));
    value!({
        "lane": lane.lane,
        "tag": lane.tag,
        "spec": lane.spec,
        "change": lane.change.map(|change| change.as_str()),
        "objects": objects,
        "findings": findings.collect::<Vec<Value>>(),
    })
}

fn object(diff: &ObjectDiff, lines: &mut (usize, usize)) -> Value {
    let id = &diff.object;
    let Unified { text, added, removed } = plain(&diff.compared);
    *lines = (lines.0 + added, lines.1 + removed);
    let risk = assess(diff);
    let reasons = risk.reasons.iter();
    let name = |side: &Option<(String, String)>| side.as_ref().map(|(name, _)| name.clone());
    value!({
        "object": {
            "group": id.group,
            "kind": id.kind,
            "namespace": id.namespace,
            "name": id.name,
        },
        "service": diff.service,
        "change": diff.change.as_str(),
        "risk": {
            "level": risk.level.as_str(),
            "reasons": reasons
                .map(|(reason, source)| value!({ "reason": reason, "source": source }))
                .collect::<Vec<Value>>(),
        },
        "before": name(&diff.compared.before),
        "after": name(&diff.compared.after),
        "linesAdded": added,
        "linesRemoved": removed,
        "diff": text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::object::ObjectRef;
    use crate::preview::{Compared, LaneChange, Role};

    #[test]
    fn programs_find_what_they_look_for() {
        let compared = Compared {
            before: Some(("a.yaml".into(), "x: 1\n".into())),
            after: Some(("b.yaml".into(), "x: 2\ny: 3\n".into())),
        };
        let object = ObjectDiff {
            object: ObjectRef::new("", "Secret", "prod", "s"),
            service: Some("web".into()),
            role: Role::Other,
            change: Change::Changed,
            compared,
        };
        let lane = LaneDiff {
            lane: "one".into(),
            tag: "gray".into(),
            spec: "graylane.yaml".into(),
            change: Some(LaneChange::Changed),
            objects: vec![object],
            findings: Vec::new(),
        };
        let preview = Preview {
            against: Against::Base("main".into()),
            lanes: vec![lane],
            shared: Vec::new(),
            broken: Vec::new(),
        };
        let all: Value = serde_json::from_str(&json(&preview)).unwrap();
        assert_eq!((&all["version"], &all["base"]), (&value!(1), &value!("main")));
        assert_eq!(all["summary"]["changed"], 1);
        assert_eq!(
            (&all["summary"]["linesAdded"], &all["summary"]["linesRemoved"]),
            (&value!(2), &value!(1))
        );
        let object = &all["lanes"][0]["objects"][0];
        assert_eq!(object["object"]["namespace"], "prod");
        assert_eq!(
            (&object["change"], &object["risk"]["level"]),
            (&value!("changed"), &value!("medium"))
        );
        assert_eq!((&object["before"], &object["after"]), (&value!("a.yaml"), &value!("b.yaml")));
        assert!(object["diff"].as_str().unwrap().contains("\n-x: 1\n+x: 2\n+y: 3\n"));
    }
}
