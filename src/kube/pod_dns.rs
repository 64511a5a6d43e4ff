//! Names of a StatefulSet's pods in text: `db-0.db-headless`, with or without the rest of a DNS name.
//!
//! Source: kubernetes.io/docs/concepts/workloads/controllers/statefulset (Stable Network ID).

use super::service_dns::{HostToken, follows_bound, host_tokens, is_label};
use std::ops::Range;

/// The longest name of a variable or scheme that is looked for, in characters.
const NEAR: usize = 128;

/// The name of a pod within a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodMention<'a> {
    /// The StatefulSet: the pod without its ordinal. `None` where a variable stands for the name of
    /// the pod that reads it: `$(POD_NAME).mq`.
    pub set: Option<&'a str>,
    /// The ordinal of the pod, where its name is written.
    pub ordinal: Option<u64>,
    /// The bytes of that, wherever the name of the pod stands, in order: `db-0=http://db-0.db` has it
    /// twice.
    pub set_ranges: Vec<Range<usize>>,
    /// The Service that governs the StatefulSet.
    pub service: &'a str,
    /// The bytes of that, without namespace and the rest.
    pub service_range: Range<usize>,
    /// The namespace that the text gives.
    pub namespace: Option<&'a str>,
}

/// All that may be names of pods in a text, from left to right: `SET-ORDINAL.SERVICE`, alone or with
/// a namespace, and `svc` and a domain behind that. Whether there is such a StatefulSet is not known
/// here.
///
/// A name counts where a host may begin: where one of a Service does, and after `@`
/// (`rabbit@mq-0.mq`, `1@kafka-0.kafka:9093`). The name of a pod before `=` and the URL of that pod
/// belongs to it, as members of etcd are written.
pub fn pod_mentions(text: &str) -> Vec<PodMention<'_>> {
    let mut found = Vec::new();
    for HostToken { before, token, .. } in host_tokens(text) {
        if let Some(domain) = token.strip_prefix('.') {
            let is_own = before_variable(before).is_some_and(is_start);
            found.extend(is_own.then(|| behind_pod(domain, before.len() + 1)).flatten());
        } else if is_start(before) {
            found.extend(pod(before, token));
        }
    }
    found
}

fn is_start(before: &str) -> bool {
    before.ends_with('@') || follows_bound(before)
}

/// What stands before a `$(VARIABLE)` that ends here.
fn before_variable(before: &str) -> Option<&str> {
    let (before, name) = split_near(before.strip_suffix(')')?, "$(")?;
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    // Two dollars are one that stands for itself.
    (!name.is_empty() && name.chars().all(is_of_name) && !before.ends_with('$')).then_some(before)
}

/// Splits at the last separator, if it is near the end: the search is short so that no text costs
/// more than another.
fn split_near<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let start = text.char_indices().rev().take(NEAR).last().map_or(0, |(at, _)| at);
    let at = start + text.get(start..)?.rfind(separator)?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}

/// Reads a host that begins behind `before`.
fn pod<'a>(before: &str, host: &'a str) -> Option<PodMention<'a>> {
    let (pod, domain) = host.split_once('.')?;
    let (set, ordinal) = pod.rsplit_once('-').filter(|_| is_label(pod))?;
    if !is_label(set) || !ordinal.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let start = before.len();
    let mut found = behind_pod(domain, start + pod.len() + 1)?;
    found.set = Some(set);
    found.ordinal = ordinal.parse().ok();
    found.set_ranges.push(start..start + set.len());
    let member = before.strip_suffix("://").and_then(|before| split_near(before, "="));
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some((member, _)) = member.filter(|(_, scheme)| is_scheme(scheme))
        && let Some(outer) = member.strip_suffix(pod)
        && follows_bound(outer)
    {
        found.set_ranges.insert(0, outer.len()..outer.len() + set.len());
    }
    Some(found)
}

/// Reads what stands behind the name of a pod and a dot, from a place in a text.
fn behind_pod(domain: &str, service_start: usize) -> Option<PodMention<'_>> {
    let mut labels = domain.strip_suffix('.').unwrap_or(domain).split('.');
    let service = labels.next().filter(|label| is_label(label))?;
    let namespace = labels.next();
    let is_cluster = labels.next().is_none_or(|label| label == "svc");
    if !is_cluster || !namespace.is_none_or(is_label) || !labels.all(is_label) {
        return None;
    }
    Some(PodMention {
        set: None,
        ordinal: None,
        set_ranges: Vec::new(),
        service,
        service_range: service_start..service_start + service.len(),
        namespace,
    })
}

/// The text with the StatefulSet and the Service of each mention replaced; mentions are of this text
/// and in order.
pub fn replace_pods(text: &str, pods: &[(PodMention<'_>, (String, String))]) -> String {
    let mut out = String::with_capacity(text.len() + 32 * pods.len());
    let mut copied = 0;
    for (mention, (set, service)) in pods {
        let sets = mention.set_ranges.iter().map(|range| (range, set));
        for (range, name) in sets.chain([(&mention.service_range, service)]) {
            out.push_str(text.get(copied..range.start).unwrap_or(""));
            out.push_str(name);
            copied = range.end;
        }
    }
    out.push_str(text.get(copied..).unwrap_or(""));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<String> {
        let shown = |mention: PodMention<'_>| {
            for range in mention.set_ranges {
                assert_eq!(text.get(range), mention.set);
            }
            assert_eq!(text.get(mention.service_range), Some(mention.service));
            let namespace = mention.namespace.map(|name| format!("@{name}"));
            let set = mention.set.unwrap_or("$");
            format!("{set}.{}{}", mention.service, namespace.unwrap_or_default())
        };
        pod_mentions(text).into_iter().map(shown).collect()
    }

    #[test]
    fn every_form_of_a_pods_name() {
        for (text, expected) in [
            ("mq-0.mq", vec!["mq.mq"]),
            ("my-db-12.headless.prod", vec!["my-db.headless@prod"]),
            ("mq-0.mq.prod.svc:5672", vec!["mq.mq@prod"]),
            ("mq-0.mq.prod.svc.cluster.local.", vec!["mq.mq@prod"]),
            ("mq-0.mq:1, mq-1.mq:1", vec!["mq.mq", "mq.mq"]),
            ("rabbit@mq-0.mq", vec!["mq.mq"]),
            ("0@kafka-0.kafka:9093,1@kafka-1.kafka:9093", vec!["kafka.kafka", "kafka.kafka"]),
            ("server.1=zk-0.zk:2888:3888;2181", vec!["zk.zk"]),
            ("etcd-0=http://etcd-0.etcd:2380", vec!["etcd.etcd"]),
            ("mongodb://u:p@db-0.db,db-1.db/x?a=b", vec!["db.db", "db.db"]),
            ("$(POD_NAME).mq", vec!["$.mq"]),
            ("PLAINTEXT://$(POD_NAME).mq.prod.svc.cluster.local:9092", vec!["$.mq@prod"]),
            ("rabbit@$(MY_POD_NAME).mq,$(A).b", vec!["$.mq", "$.b"]),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }

    #[test]
    fn other_words_are_none() {
        for text in [
            "mq-0",
            "mq.mq",
            "mq-a.mq",
            "-0.mq",
            "mq-.mq.",
            "mq-0.mq.example.com",
            "/srv/mq-0.mq",
            "x_mq-0.mq",
            "MQ-0.mq",
            "mq-0.",
            "mq-0..mq",
            "(POD_NAME).mq",
            "$().mq",
            "$$(POD_NAME).mq",
            "$(POD_NAME)-a.mq",
            "x$(POD_NAME).mq",
            "$(POD_NAME)mq",
            "",
        ] {
            assert_eq!(named(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn replacing_keeps_the_rest() {
        let text = "amqp://mq-0.mq.prod.svc:1/mq-0,mq-1.mq";
        let new = ("a".to_owned(), "b".to_owned());
        let pods: Vec<_> = pod_mentions(text).into_iter().map(|pod| (pod, new.clone())).collect();
        assert_eq!(replace_pods(text, &pods), "amqp://a-0.b.prod.svc:1/mq-0,a-1.b");
        for (text, expected) in [
            ("e-0=http://e-0.e:1,e-1=https://e-1.e:1", "a-0=http://a-0.b:1,a-1=https://a-1.b:1"),
            ("e-1=http://e-0.e:1", "e-1=http://a-0.b:1"),
            ("x.e-0=http://e-0.e:1", "x.e-0=http://a-0.b:1"),
            ("http://$(POD_NAME).e.prod:1", "http://$(POD_NAME).b.prod:1"),
        ] {
            let pods: Vec<_> =
                pod_mentions(text).into_iter().map(|pod| (pod, new.clone())).collect();
            assert_eq!(replace_pods(text, &pods), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_keeps_what_is_not_named(text in "[a-c01.:/@, é\"=$()-]{0,40}") {
            let mut pods = Vec::new();
            for pod in pod_mentions(&text) {
                let names = (pod.set.unwrap_or_default().to_owned(), pod.service.to_owned());
                pods.push((pod, names));
            }
            let replaced = replace_pods(&text, &pods);
            proptest::prop_assert_eq!(replaced, text.clone());
        }
    }
}
