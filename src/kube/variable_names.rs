//! Which environment variables hold no host, by their names: the name of an application in a
//! registry, of a database, of a group of consumers is often that of a Service too.

/// What a variable whose name ends in some words holds.
struct Ending {
    /// The last words of the name, in upper case.
    words: &'static [&'static str],
    /// Whether it may hold a host.
    is_host: bool,
    /// Where the name is from.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

const fn no_host(words: &'static [&'static str], source: &'static str) -> Ending {
    Ending { words, is_host: false, source }
}

const fn host(words: &'static [&'static str], source: &'static str) -> Ending {
    Ending { words, is_host: true, source }
}

/// Words that are written together stand beside those that are not: Spring Boot takes the dashes out
/// of a property's name (docs.spring.io, Externalized Configuration: Binding From Environment
/// Variables). Of all endings that fit, the longest says what the variable holds.
const ENDINGS: &[Ending] = &[
    // Names, of applications in registries above all.
    no_host(
        &["NAME"],
        "docs.spring.io (spring.application.name); dubbo.apache.org (dubbo.application.name); opentelemetry.io (OTEL_SERVICE_NAME)",
    ),
    no_host(&["NAMES"], "docs.spring.io (spring.cache.cache-names)"),
    host(&["HOST", "NAME"], "docs.spring.io (eureka.instance.hostname)"),
    host(&["HOST", "NAMES"], "as HOST_NAME"),
    host(&["SERVER", "NAME"], "learn.microsoft.com (JDBC: serverName)"),
    host(&["SERVER", "NAMES"], "as SERVER_NAME"),
    host(&["DNS", "NAME"], "kubernetes.io (DNS for Services and Pods)"),
    host(&["DNS", "NAMES"], "as DNS_NAME"),
    host(&["DOMAIN", "NAME"], "kubernetes.io (DNS for Services and Pods)"),
    host(&["DOMAIN", "NAMES"], "as DOMAIN_NAME"),
    no_host(
        &["VIRTUAL", "HOST", "NAME"],
        "docs.spring.io (eureka.instance.virtual-host-name: a name in the registry)",
    ),
    no_host(&["VIRTUALHOSTNAME"], "docs.spring.io (eureka.instance.virtual-host-name)"),
    no_host(&["APP"], "kubernetes.io (the label app)"),
    no_host(&["APPNAME"], "docs.spring.io (eureka.instance.appname)"),
    no_host(
        &["APPLICATION"],
        "dubbo.apache.org (application); docs.spring.io (management.metrics.tags.application)",
    ),
    no_host(&["SERVICENAME"], "docs.spring.io (spring.cloud.consul.discovery.service-name)"),
    no_host(
        &["NACOS", "DISCOVERY", "SERVICE"],
        "sca.aliyun.com (spring.cloud.nacos.discovery.service: the name in the registry)",
    ),
    no_host(&["DD", "SERVICE"], "docs.datadoghq.com (DD_SERVICE)"),
    no_host(&["ID"], "apolloconfig.com (app.id); kafka.apache.org (client.id)"),
    no_host(&["APPID"], "apolloconfig.com (appId)"),
    no_host(&["CLIENTID"], "docs.spring.io (spring.kafka.client-id)"),
    no_host(&["INSTANCEID"], "docs.spring.io (eureka.instance.instance-id)"),
    no_host(&["SERVICEID"], "docs.spring.io (zuul.routes.*.service-id)"),
    no_host(&["DATAID"], "nacos.io (dataId)"),
    no_host(&["CLIENTNAME"], "docs.spring.io (spring.data.redis.client-name)"),
    // Groups, and what separates environments.
    no_host(
        &["GROUP"],
        "nacos.io (group); rocketmq.apache.org (consumer group); dubbo.apache.org (dubbo.registry.group)",
    ),
    no_host(&["GROUPS"], "as GROUP"),
    no_host(&["GROUPID"], "docs.spring.io (spring.kafka.consumer.group-id)"),
    no_host(&["GROUPNAME"], "rocketmq.apache.org (consumer group name)"),
    no_host(&["CONSUMERGROUP"], "rocketmq.apache.org (consumerGroup)"),
    no_host(&["PRODUCERGROUP"], "rocketmq.apache.org (producerGroup)"),
    no_host(&["NAMESPACE"], "nacos.io (namespace); opentelemetry.io (service.namespace)"),
    no_host(&["TENANT"], "nacos.io (tenant); pulsar.apache.org (tenant)"),
    no_host(
        &["CLUSTER"],
        "apolloconfig.com (apollo.cluster); sca.aliyun.com (spring.cloud.nacos.discovery.cluster-name)",
    ),
    no_host(&["CLUSTERNAME"], "sca.aliyun.com (spring.cloud.nacos.discovery.cluster-name)"),
    no_host(&["ENV"], "apolloconfig.com (env); docs.datadoghq.com (DD_ENV)"),
    no_host(&["ENVIRONMENT"], "opentelemetry.io (deployment.environment)"),
    no_host(&["PROFILE"], "docs.spring.io (spring.cloud.config.profile)"),
    no_host(&["PROFILES"], "docs.spring.io (spring.profiles, before 2.4)"),
    no_host(&["PROFILES", "ACTIVE"], "docs.spring.io (spring.profiles.active)"),
    no_host(&["PROFILES", "DEFAULT"], "docs.spring.io (spring.profiles.default)"),
    no_host(&["PROFILES", "INCLUDE"], "docs.spring.io (spring.profiles.include)"),
    no_host(&["PREFIX"], "sca.aliyun.com (spring.cloud.nacos.config.prefix)"),
    no_host(&["KEY"], "docs.spring.io (spring.cloud.consul.config.data-key)"),
    no_host(&["KEYPREFIX"], "docs.spring.io (spring.cache.redis.key-prefix)"),
    // Databases and stores.
    no_host(
        &["DATABASE"],
        "hub.docker.com/_/mysql (MYSQL_DATABASE); docs.spring.io (spring.data.mongodb.database)",
    ),
    no_host(&["DATABASES"], "as DATABASE"),
    no_host(&["DATABASENAME"], "jdbc.postgresql.org (databaseName)"),
    no_host(&["DB"], "hub.docker.com/_/postgres (POSTGRES_DB)"),
    no_host(&["DBNAME"], "postgresql.org (libpq: dbname)"),
    no_host(&["SCHEMA"], "docs.spring.io (spring.jpa.properties.hibernate.default_schema)"),
    no_host(&["SCHEMAS"], "docs.spring.io (spring.flyway.schemas)"),
    no_host(&["DEFAULTSCHEMA"], "docs.spring.io (spring.liquibase.default-schema)"),
    no_host(&["TABLE"], "docs.spring.io (spring.flyway.table)"),
    no_host(&["KEYSPACE"], "cassandra.apache.org (keyspace)"),
    no_host(&["KEYSPACENAME"], "docs.spring.io (spring.cassandra.keyspace-name)"),
    no_host(&["COLLECTION"], "mongodb.com (collection)"),
    no_host(&["BUCKET"], "docs.aws.amazon.com (S3 bucket)"),
    no_host(&["INDEX"], "elastic.co (index)"),
    no_host(&["USER"], "hub.docker.com/_/postgres (POSTGRES_USER)"),
    no_host(&["USERNAME"], "docs.spring.io (spring.datasource.username)"),
    no_host(&["PASSWORD"], "docs.spring.io (spring.datasource.password)"),
    // Which of several kinds of software it is, which a Service is often called too.
    no_host(
        &["TYPE"],
        "docs.spring.io (spring.cache.type); zipkin.io (STORAGE_TYPE); jaegertracing.io (SPAN_STORAGE_TYPE); grafana.com (GF_DATABASE_TYPE)",
    ),
    no_host(&["STORETYPE"], "docs.spring.io (spring.session.store-type)"),
    no_host(
        &["DATASOURCE", "PLATFORM"],
        "nacos-group/nacos-docker README (SPRING_DATASOURCE_PLATFORM)",
    ),
    no_host(&["INIT", "PLATFORM"], "docs.spring.io (spring.sql.init.platform)"),
    no_host(&["DB", "VENDOR"], "keycloak/keycloak-containers server/README.md (DB_VENDOR)"),
    no_host(&["DB", "CONNECTION"], "laravel/laravel .env.example (DB_CONNECTION)"),
    no_host(&["QUEUE", "CONNECTION"], "laravel/laravel .env.example (QUEUE_CONNECTION)"),
    no_host(&["BROADCAST", "CONNECTION"], "laravel/laravel .env.example (BROADCAST_CONNECTION)"),
    no_host(&["CACHE", "STORE"], "laravel/laravel .env.example (CACHE_STORE)"),
    no_host(&["CACHE", "DRIVER"], "laravel/laravel .env.example, before 11 (CACHE_DRIVER)"),
    no_host(&["SESSION", "DRIVER"], "laravel/laravel .env.example (SESSION_DRIVER)"),
    no_host(&["BROADCAST", "DRIVER"], "laravel/laravel .env.example, before 11 (BROADCAST_DRIVER)"),
    no_host(&["DIALECT"], "sequelize.org (dialect)"),
    no_host(&["SW", "STORAGE"], "skywalking.apache.org (SW_STORAGE)"),
    // Messages.
    no_host(&["TOPIC"], "kafka.apache.org (topic); rocketmq.apache.org (topic)"),
    no_host(&["TOPICS"], "kafka.apache.org (Connect: topics)"),
    no_host(&["DEFAULTTOPIC"], "docs.spring.io (spring.kafka.template.default-topic)"),
    no_host(&["QUEUE"], "rabbitmq.com (queue)"),
    no_host(&["QUEUES"], "rabbitmq.com (queue)"),
    no_host(&["EXCHANGE"], "docs.spring.io (spring.rabbitmq.template.exchange)"),
    no_host(&["ROUTINGKEY"], "docs.spring.io (spring.rabbitmq.template.routing-key)"),
    no_host(&["CONSUMER"], "docs.nats.io (JetStream consumer); dubbo.apache.org (consumer)"),
    no_host(&["SUBSCRIPTION"], "pulsar.apache.org (subscription)"),
    no_host(&["VHOST"], "hub.docker.com/_/rabbitmq (RABBITMQ_DEFAULT_VHOST)"),
    no_host(&["VIRTUAL", "HOST"], "docs.spring.io (spring.rabbitmq.virtual-host)"),
    no_host(&["VIRTUALHOST"], "docs.spring.io (spring.rabbitmq.virtual-host)"),
];

/// Whether the name of an environment variable leaves open that its value is a host; one without a
/// name does.
///
/// The end of the name counts, word by word: words end at `_`, `.` and `-` and where an upper-case
/// letter follows a lower-case one (`groupId`); case and numbers of items (`TOPICS_0`) do not count.
pub(super) fn may_hold_host(variable: &str) -> bool {
    let words = words(variable);
    let is_end = |ending: &&Ending| {
        let start = words.len().checked_sub(ending.words.len());
        let end = start.and_then(|start| words.get(start..));
        end.is_some_and(|end| {
            end.iter().zip(ending.words).all(|(word, other)| word.eq_ignore_ascii_case(other))
        })
    };
    let fitting = ENDINGS.iter().filter(is_end);
    fitting.max_by_key(|ending| ending.words.len()).is_none_or(|ending| ending.is_host)
}

/// The words of a variable's name, without those of digits alone.
fn words(variable: &str) -> Vec<&str> {
    let parts = variable.split(['_', '.', '-']).flat_map(|part| {
        let mut bounds = vec![0];
        let pairs = part.char_indices().zip(part.chars().skip(1));
        let humps = pairs.filter(|((_, c), next)| c.is_lowercase() && next.is_uppercase());
        bounds.extend(humps.map(|((at, c), _)| at + c.len_utf8()));
        bounds.push(part.len());
        let pieces = bounds.windows(2).filter_map(|pair| part.get(pair[0]..pair[1]));
        pieces.collect::<Vec<_>>()
    });
    parts.filter(|word| word.contains(|c: char| !c.is_ascii_digit())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_of_what_is_no_host() {
        for variable in [
            "SPRING_APPLICATION_NAME",
            "spring.application.name",
            "DUBBO_APPLICATION_NAME",
            "OTEL_SERVICE_NAME",
            "eureka.instance.virtual-host-name",
            "EUREKA_INSTANCE_VIRTUALHOSTNAME",
            "EUREKA_INSTANCE_APPNAME",
            "SPRING_CLOUD_NACOS_DISCOVERY_SERVICE",
            "MYSQL_DATABASE",
            "POSTGRES_DB",
            "DB_NAME",
            "databaseName",
            "KAFKA_GROUP",
            "KAFKA_GROUP_ID",
            "SPRING_KAFKA_CONSUMER_GROUPID",
            "spring.kafka.consumer.group-id",
            "groupId",
            "rocketmq.consumerGroup",
            "KAFKA_TOPICS_0",
            "KAFKA_TOPICS_0_",
            "NACOS_GROUP",
            "SPRING_PROFILES_ACTIVE",
            "SPRING_RABBITMQ_VIRTUAL_HOST",
            "RABBITMQ_DEFAULT_VHOST",
            "DB_USER",
            "redis-key-prefix",
            "SPRING_CACHE_TYPE",
            "SPRING_SESSION_STORETYPE",
            "SPRING_DATASOURCE_PLATFORM",
            "SPAN_STORAGE_TYPE",
            "QUEUE_CONNECTION",
            "SW_STORAGE",
            "name",
        ] {
            assert!(!may_hold_host(variable), "{variable}");
        }
    }

    #[test]
    fn names_of_what_may_be_a_host() {
        for variable in [
            "",
            "_",
            "0",
            "API",
            "HOST",
            "DB_HOST",
            "MYSQL_DATABASE_HOST",
            "HOSTNAME",
            "REDIS_HOST_NAME",
            "redisHostName",
            "DB_SERVER_NAME",
            "API_DNS_NAME",
            "API_DOMAIN_NAME",
            "GROUP_SERVICE",
            "RABBIT_CONNECTION",
            "STORAGE",
            "PAYMENT_PLATFORM",
            "DISCOVERY_SERVICE",
            "ACTIVE",
            "PAYMENTGROUP",
            "NAMED",
            "grüßeÄpi",
        ] {
            assert!(may_hold_host(variable), "{variable}");
        }
    }

    #[test]
    fn endings_stand_once_in_upper_case_with_their_source() {
        let mut seen = HashSet::new();
        for ending in ENDINGS {
            assert!(seen.insert(ending.words), "{:?} stands twice", ending.words);
            assert!(!ending.words.is_empty() && !ending.source.is_empty(), "{:?}", ending.words);
            for word in ending.words {
                assert_eq!(words(word), [*word]);
                assert_eq!(word.to_ascii_uppercase(), *word);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_can_be_read(name in "[a-cA-C0-9_.é Ä-]{0,20}") {
            may_hold_host(&name);
            let read: String = words(&name).concat();
            proptest::prop_assert!(read.len() <= name.len());
        }
    }
}
