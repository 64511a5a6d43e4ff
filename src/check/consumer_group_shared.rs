//! `consumer-group-shared`: gray pods consume messages in a group of the baseline.

use super::pod::at;
use super::words::shared_settings;
use super::{Check, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lane::Made;

/// How a group of consumers is called in a setting.
struct Group {
    /// What a name without separators, in lower case, holds.
    holds: &'static str,
    /// How it ends.
    ends: &'static str,
    /// What it is.
    what: &'static str,
    /// Where the name is from.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

const GROUPS: &[Group] = &[
    group(
        "kafka",
        "groupid",
        "the Kafka consumer group",
        "kafka.apache.org (group.id); docs.spring.io (spring.kafka.consumer.group-id)",
    ),
    group("kafka", "group", "the Kafka consumer group", "kafka.apache.org (group.id)"),
    group(
        "connectgroupid",
        "",
        "the group of Kafka Connect workers",
        "docs.confluent.io (CONNECT_GROUP_ID)",
    ),
    group(
        "rocketmq",
        "group",
        "the RocketMQ consumer group",
        "rocketmq.apache.org (consumer group)",
    ),
    group("consumergroup", "", "the consumer group", "kafka.apache.org, rocketmq.apache.org"),
    group("consumer", "groupid", "the consumer group", "kafka.apache.org (group.id)"),
    group(
        "springcloudstreambindings",
        "group",
        "the consumer group of the binding",
        "docs.spring.io/spring-cloud-stream (bindings.NAME.group)",
    ),
    group(
        "stream",
        "streamgroup",
        "the consumer group of the stream",
        "redis.io/docs/latest/develop/data-types/streams (XGROUP)",
    ),
    group(
        "rabbit",
        "queue",
        "the RabbitMQ queue",
        "rabbitmq.com/docs/consumers (competing consumers)",
    ),
    group(
        "rabbit",
        "queuename",
        "the RabbitMQ queue",
        "rabbitmq.com/docs/consumers (competing consumers)",
    ),
];

const fn group(
    holds: &'static str,
    ends: &'static str,
    what: &'static str,
    source: &'static str,
) -> Group {
    Group { holds, ends, what, source }
}

/// Words in names that are about something else: producers, and the name of one member.
const OTHERS: [&str; 2] = ["producer", "instance"];

pub(super) const FINDING: Finding = Finding {
    code: "consumer-group-shared",
    severity: Severity::Warning,
    doc: "\
The gray pods consume messages in the same group, or from the same queue, as the baseline's.

The broker gives each message to one member of a group: part of production's messages are handled
by the new version, and messages of gray requests by the old one.

Remedy: give the lane a group of its own by `env` or a patch, if every message may be handled twice;
or leave the consumer out of the lane; or let governance filter messages by the tag (MSE: message
gray) and say so in `findings`.",
    is_fixed: false,
    check: Check::Copy(check),
};

fn check(made: &Made<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (_, containers) in made.templates() {
        let shared = shared_settings(made, containers, |setting| named(&setting.key()).is_some());
        for (container, setting) in shared {
            let Some(group) = named(&setting.key()) else { continue };
            let warning = Diagnostic::warning(format!(
                "the container `{}` of {} has {} of the baseline (`{}`): the broker shares production's messages out among both versions",
                container.name, made.object.id, group.what, setting.name
            ));
            let remedy = format!(
                "if every message may be handled twice, give the lane its own: `env: {{{}: …}}` or a patch of the arguments; else leave the consumer out",
                setting.name
            );
            found.push(at(made, warning, Some(setting.node)).remedy(remedy));
        }
    }
    found
}

fn named(key: &str) -> Option<&'static Group> {
    if OTHERS.iter().any(|other| key.contains(other)) {
        return None;
    }
    GROUPS.iter().find(|group| key.contains(group.holds) && key.ends_with(group.ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{deployment, told};

    fn with(more: &str) -> String {
        deployment("").replace("image: web:1", &format!("image: web:1, {more}"))
    }

    #[test]
    fn told_of_groups_that_both_sides_have() {
        for more in [
            "env: [{name: KAFKA_GROUP_ID, value: orders}]",
            "env: [{name: SPRING_CLOUD_STREAM_BINDINGS_INPUT_GROUP, value: orders}]",
            "env: [{name: ROCKETMQ_CONSUMER_GROUP, valueFrom: {configMapKeyRef: {name: mq, key: group}}}]",
            "args: [--consumer-group, orders]",
            "command: [java, -Dspring.kafka.consumer.group-id=orders]",
            "env: [{name: RABBITMQ_QUEUE, value: orders}]",
            "env: [{name: REDIS_STREAM_GROUP, value: orders}]",
        ] {
            assert_eq!(told("consumer-group-shared", "", &with(more)).len(), 1, "{more}");
        }
    }

    #[test]
    fn not_told_of_groups_of_its_own_and_other_names() {
        let kafka = with("env: [{name: KAFKA_GROUP_ID, value: orders}]");
        assert!(told("consumer-group-shared", "env: {KAFKA_GROUP_ID: gray}", &kafka).is_empty());
        for more in [
            "env: [{name: GROUP_ID, value: '1000'}]",
            "env: [{name: ROCKETMQ_PRODUCER_GROUP, value: orders}]",
            "env: [{name: KAFKA_CONSUMER_GROUP_INSTANCE_ID, value: a}]",
            "env: [{name: KAFKA_GROUP_ID, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
        ] {
            assert!(told("consumer-group-shared", "", &with(more)).is_empty(), "{more}");
        }
    }

    #[test]
    fn rows_have_sources() {
        assert!(GROUPS.iter().all(|group| group.source.contains('.') && !group.what.is_empty()));
    }
}
