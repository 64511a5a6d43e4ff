//! How much findings weigh in a lane: as the table has it, or as the spec says.

use super::FINDINGS;
use crate::diagnostic::{Diagnostic, Severity, nearest};
use crate::spec::{FindingLevel, FindingRule, GrayRelease};

/// What was found, as far as the spec lets it be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The findings, by place.
    pub findings: Vec<Diagnostic>,
    /// Those that the spec silences, by place. The last of their related places is the rule.
    pub silenced: Vec<Diagnostic>,
}

/// What is wrong with what the spec says about findings.
pub(super) fn refused(release: &GrayRelease) -> Vec<Diagnostic> {
    release.findings.iter().filter_map(refuse).collect()
}

fn refuse(rule: &FindingRule) -> Option<Diagnostic> {
    let Some(finding) = FINDINGS.iter().find(|finding| finding.code == rule.code) else {
        let codes = FINDINGS.iter().map(|finding| finding.code);
        let remedy = nearest(&rule.code, codes).map_or_else(
            || "`graylane explain` lists all findings".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let error = Diagnostic::error(format!("there is no finding `{}`", rule.code));
        return Some(error.at(rule.place.clone()).remedy(remedy));
    };
    (finding.is_fixed && rule.level != FindingLevel::Error).then(|| {
        Diagnostic::error(format!("`{}` stays an error: a lane that has it is none", finding.code))
            .at(rule.place.clone())
            .remedy(format!(
                "take the rule out; `graylane explain {}` says what to do instead",
                finding.code
            ))
    })
}

/// Weighs findings by the rules of a spec.
pub(super) fn weigh(rules: &[FindingRule], found: Vec<Diagnostic>) -> Verdict {
    let mut verdict = Verdict::default();
    for mut finding in found {
        let rule = rules.iter().find(|rule| Some(rule.code.as_str()) == finding.code);
        let Some(rule) = rule else {
            verdict.findings.push(finding);
            continue;
        };
        let level = match rule.level {
            FindingLevel::Error => Some(Severity::Error),
            FindingLevel::Warning => Some(Severity::Warning),
            FindingLevel::Note => Some(Severity::Note),
            FindingLevel::Silent => None,
        };
        let what = match level {
            None => "silenced".to_owned(),
            Some(level) if level < finding.severity => {
                format!("lowered from {}", finding.severity)
            }
            Some(level) if level > finding.severity => format!("raised from {}", finding.severity),
            Some(_) => "as usual".to_owned(),
        };
        let shown = level.is_some();
        finding.severity = level.unwrap_or(finding.severity);
        let finding = finding.related(rule.place.clone(), format!("{what}: {}", rule.reason));
        if shown { &mut verdict.findings } else { &mut verdict.silenced }.push(finding);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Place;

    fn rule(code: &str, level: FindingLevel) -> FindingRule {
        let place =
            Place { file: Arc::from("graylane.yaml"), line: 9, column: 3, text: String::new() };
        FindingRule { code: code.to_owned(), level, reason: "so it is".to_owned(), place }
    }

    #[test]
    fn rules_raise_lower_and_silence() {
        let weighed = |level, severity| {
            let mut found = Diagnostic::note("x").code("migration");
            found.severity = severity;
            weigh(&[rule("migration", level)], vec![found])
        };
        for (level, severity, what) in [
            (FindingLevel::Error, Severity::Warning, "raised from warning: so it is"),
            (FindingLevel::Note, Severity::Error, "lowered from error: so it is"),
            (FindingLevel::Warning, Severity::Warning, "as usual: so it is"),
        ] {
            let verdict = weighed(level, severity);
            assert_eq!(verdict.findings[0].related[0].1, what);
            assert!(verdict.silenced.is_empty());
        }
        assert_eq!(
            weighed(FindingLevel::Error, Severity::Note).findings[0].severity,
            Severity::Error
        );
        let silent = weighed(FindingLevel::Silent, Severity::Error);
        assert!(silent.findings.is_empty());
        assert_eq!(silent.silenced[0].related[0].1, "silenced: so it is");
        let other = weigh(
            &[rule("migration", FindingLevel::Silent)],
            vec![Diagnostic::note("x").code("host-port")],
        );
        assert_eq!(other.findings.len(), 1);
    }

    #[test]
    fn rules_name_findings_that_may_be_weighed() {
        assert_eq!(refuse(&rule("migration", FindingLevel::Silent)), None);
        assert_eq!(refuse(&rule("selector-leak", FindingLevel::Error)), None);
        let fixed = refuse(&rule("selector-leak", FindingLevel::Note)).unwrap();
        assert!(fixed.message.contains("stays an error"), "{fixed}");
        let unknown = refuse(&rule("migratoin", FindingLevel::Note)).unwrap();
        assert_eq!(unknown.remedy.as_deref(), Some("did you mean `migration`?"));
    }
}
