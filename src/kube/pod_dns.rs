//! Names of a StatefulSet's pods in text: `db-0.db-headless`, with or without the rest of a DNS name.
//!
//! Source: kubernetes.io/docs/concepts/workloads/controllers/statefulset (Stable Network ID).

use super::service_dns::{follows_bound, is_host_char, is_label};
use std::ops::Range;

/// The name of a pod within a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodMention<'a> {
    /// The StatefulSet: the pod without its ordinal.
    pub set: &'a str,
    /// The bytes of that.
    pub set_range: Range<usize>,
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
/// (`rabbit@mq-0.mq`, `1@kafka-0.kafka:9093`).
pub fn pod_mentions(text: &str) -> Vec<PodMention<'_>> {
    let mut found = Vec::new();
    let mut end = 0;
    while let Some(start) = text.get(end..).and_then(|rest| rest.find(is_host_char)) {
        let start = end + start;
        let Some(rest) = text.get(start..) else { break };
        let length = rest.find(|c| !is_host_char(c)).unwrap_or(rest.len());
        end = start + length;
        let (Some(token), Some(before)) = (text.get(start..end), text.get(..start)) else { break };
        if before.ends_with('@') || follows_bound(before) {
            found.extend(pod(token, start));
        }
    }
    found
}

/// Reads a host that begins at a place in a text.
fn pod(host: &str, start: usize) -> Option<PodMention<'_>> {
    let mut labels = host.strip_suffix('.').unwrap_or(host).split('.');
    let pod = labels.next().filter(|label| is_label(label))?;
    let (set, ordinal) = pod.rsplit_once('-')?;
    if !is_label(set) || !ordinal.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let service = labels.next().filter(|label| is_label(label))?;
    let namespace = labels.next();
    let is_cluster = labels.next().is_none_or(|label| label == "svc");
    if !is_cluster || !namespace.is_none_or(is_label) || !labels.all(is_label) {
        return None;
    }
    let service_start = start + pod.len() + 1;
    Some(PodMention {
        set,
        set_range: start..start + set.len(),
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
        for (range, name) in [(&mention.set_range, set), (&mention.service_range, service)] {
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
            assert_eq!(text.get(mention.set_range), Some(mention.set));
            assert_eq!(text.get(mention.service_range), Some(mention.service));
            let namespace = mention.namespace.map(|name| format!("@{name}"));
            format!("{}.{}{}", mention.set, mention.service, namespace.unwrap_or_default())
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
    }

    proptest::proptest! {
        #[test]
        fn any_text_keeps_what_is_not_named(text in "[a-c01.:/@, é\"=-]{0,40}") {
            let mut pods = Vec::new();
            for pod in pod_mentions(&text) {
                let names = (pod.set.to_owned(), pod.service.to_owned());
                pods.push((pod, names));
            }
            let replaced = replace_pods(&text, &pods);
            proptest::prop_assert_eq!(replaced, text.clone());
        }
    }
}
