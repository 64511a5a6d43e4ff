//! ALB Ingress, the managed controller: rules are tried in order, none by the length of its path.
//!
//! Sources: Alibaba Cloud, "Customize forwarding rules for an ALB Ingress" (conditions, actions),
//! "Perform canary releases by using ALB Ingresses" (canaries), "ALB Ingress Configuration
//! Dictionary" (order); kubernetes/cloud-provider-alibaba-cloud, pkg/controller/ingress/reconcile/
//! builder/albconfig_manager, model_build_listener_rules.go (paths, weights).

use serde_json::Value as Json;

use super::super::answer::{Answer, Backend, Dropped, Outcome, Part, Share, by_weight};
use super::super::condition::{Engine, Truth, fits, matches};
use super::super::request::{HeaderEdit, Request};
use super::super::route::{IngressPath, PathType, Route, ingress_paths};
use crate::gateway::{ALB_DEFAULT_ORDER, alb_path_regex};

const ALB: &str = "alb.ingress.kubernetes.io";
/// Canary annotations may have the prefix of ingress-nginx too.
const CANARY: &[&str] = &[ALB, "nginx.ingress.kubernetes.io"];

fn order(route: &Route) -> i64 {
    let text = route.annotation(&[ALB], "order").unwrap_or("");
    text.trim().parse().unwrap_or(ALB_DEFAULT_ORDER.into())
}

fn weight(route: &Route) -> Option<u64> {
    let text = route.annotation(CANARY, "canary-weight").filter(|_| route.is_canary())?;
    Some(text.trim().parse::<u64>().unwrap_or(0).min(100))
}

/// The rules of all Ingresses in the order in which they are tried, canaries by weight left out.
fn rules<'a>(routes: &[&'a Route]) -> Vec<IngressPath<'a>> {
    let mut rules: Vec<IngressPath<'_>> =
        ingress_paths(routes).into_iter().filter(|path| weight(path.route).is_none()).collect();
    // What is written in one Ingress stays in its order.
    rules.sort_by_key(|path| {
        let id = &path.route.id;
        (order(path.route), &id.namespace, &id.name)
    });
    rules
}

/// What the gateway does with a request.
pub(super) fn answer(routes: &[&Route], request: &Request) -> Answer {
    let rules = rules(routes);
    for (number, rule) in rules.iter().enumerate() {
        let truth = place_fits(rule, request)
            .and(|| Truth::all([conditions(rule, request), canary_fits(rule.route, request)]));
        match truth {
            Truth::No => continue,
            Truth::Unknown(why) => return Answer::undecided(why),
            Truth::Yes => {}
        }
        // How a canary is ordered against Ingresses of the same order is not documented.
        let rival = rules.iter().skip(number + 1).find(|other| {
            other.route.is_canary() != rule.route.is_canary()
                && order(other.route) == order(rule.route)
                && place_fits(other, request).and(|| canary_fits(other.route, request))
                    == Truth::Yes
        });
        if let Some(rival) = rival {
            return Answer::undecided(format!(
                "{} and {} have the same `order`, and one of them is a canary: which is tried first is not documented",
                rule.route.id, rival.route.id
            ));
        }
        return taken(routes, rule);
    }
    Answer::nothing(format!("no rule matches `{}{}`", request.host, request.path))
}

/// What becomes of requests that a rule takes: its actions, and canaries by weight beside it.
fn taken(routes: &[&Route], rule: &IngressPath<'_>) -> Answer {
    let share = |path: &IngressPath<'_>, outcome, why: String| Share {
        part: Part::ALL,
        outcome,
        why,
        route: Some(path.at),
        place: path.node.place(),
    };
    let why = match (json(rule.route, "conditions", rule.service), rule.route.is_canary()) {
        (Some(_), _) => format!("its conditions hold, order {}", order(rule.route)),
        (None, true) => format!("its canary match holds, order {}", order(rule.route)),
        (None, false) => format!("the first rule that matches, order {}", order(rule.route)),
    };
    let weighted = match actions(rule) {
        Err(why) => return Answer::undecided(why),
        Ok(None) => {
            let answer = share(rule, Outcome::Gateway, "its action answers the request".to_owned());
            return Answer { shares: vec![answer], notes: Vec::new() };
        }
        Ok(Some(weighted)) => weighted,
    };
    let mut canaries: Vec<(IngressPath<'_>, u64)> = ingress_paths(routes)
        .into_iter()
        .filter(|path| path.host == rule.host && path.path == rule.path)
        .filter_map(|path| Some((path, weight(path.route)?)))
        .collect();
    canaries.sort_by_key(|(path, _)| (order(path.route), &path.route.id));
    let mut notes = Vec::new();
    if canaries.len() > 1 {
        notes.push(
            "ALB has two versions: of several canaries by weight the first counts".to_owned(),
        );
    }
    let canary = canaries.first().filter(|_| !rule.route.is_canary());
    let weight = canary.map_or(0, |(_, weight)| *weight);
    let mut shares = Vec::new();
    if let Some((path, _)) = canary {
        let backend = Outcome::Backend(path.route.backend(path.service));
        shares.push((weight * 100, share(path, backend, format!("weight {weight} of 100"))));
    }
    let total: u64 = weighted.iter().map(|(weight, _)| weight).sum();
    for (part, backend) in weighted {
        let part = ((100 - weight) * 100 * part).checked_div(total).unwrap_or(0);
        let why = if canary.is_some() { "the rest of the weight".to_owned() } else { why.clone() };
        shares.push((part, share(rule, Outcome::Backend(backend), why)));
    }
    match by_weight(shares) {
        Some(shares) => Answer { shares, notes },
        None => Answer::nothing("all weights are 0"),
    }
}

/// Whether host and path fit; an ALB path may hold wildcards where its type is
/// `ImplementationSpecific`.
fn place_fits(rule: &IngressPath<'_>, request: &Request) -> Truth {
    let host = rule.host.is_empty() || fits(&rule.host.to_ascii_lowercase(), &request.host);
    let path = rule.path;
    let kind = (rule.kind == PathType::Prefix).then_some("Prefix");
    let own = match (alb_path_regex(path, kind, rule.route.document.root()), rule.kind) {
        // Whether it must match all of the path, and in which case, is not documented.
        (Some(pattern), _) => {
            match (
                matches(pattern, &request.path, Engine::Unknown),
                matches(pattern, &request.path, Engine::SearchAnyCase),
            ) {
                (Truth::No, Truth::Yes) => Truth::Unknown(format!(
                    "whether `{pattern}` matches `{}` in any case is not documented",
                    request.path
                )),
                (found, _) => found,
            }
        }
        (None, PathType::Exact) => Truth::of(path == request.path),
        (None, PathType::Prefix) => {
            Truth::of(super::super::condition::is_below(&request.path, path))
        }
        (None, PathType::Specific) => Truth::of(fits(path, &request.path)),
    };
    // Further paths of the rule's conditions are other ways in.
    let further = blocks(rule).iter().any(|block| {
        strings(block, &["pathConfig", "values"]).iter().any(|each| fits(each, &request.path))
    });
    Truth::of(host).and(|| own.or(|| Truth::of(further)))
}

/// An annotation in JSON for a Service of an Ingress.
fn json(route: &Route, what: &str, service: &str) -> Option<Json> {
    let text = route.annotation(&[ALB], &format!("{what}.{service}"))?;
    Some(serde_json::from_str(text).unwrap_or(Json::Null))
}

fn blocks(rule: &IngressPath<'_>) -> Vec<Json> {
    match json(rule.route, "conditions", rule.service) {
        Some(Json::Array(blocks)) => blocks,
        _ => Vec::new(),
    }
}

fn strings(block: &Json, path: &[&str]) -> Vec<String> {
    let values = path.iter().try_fold(block, |json, key| json.get(key));
    let values = values.and_then(Json::as_array).into_iter().flatten();
    values.filter_map(Json::as_str).map(str::to_owned).collect()
}

/// Names and values of a list of pairs.
fn pairs(block: &Json, config: &str) -> Vec<(String, String)> {
    let values = block.get(config).and_then(|config| config.get("values"));
    let text = |json: &Json, key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
    let all = values.and_then(Json::as_array).into_iter().flatten();
    all.filter_map(|pair| Some((text(pair, "key")?, text(pair, "value")?))).collect()
}

/// Whether the custom conditions of a rule hold: all blocks, one value of each.
fn conditions(rule: &IngressPath<'_>, request: &Request) -> Truth {
    if json(rule.route, "conditions", rule.service) == Some(Json::Null) {
        return Truth::Unknown(format!("the conditions of {} are no JSON", rule.route.id));
    }
    Truth::all(blocks(rule).iter().map(|block| block_holds(block, request)))
}

fn block_holds(block: &Json, request: &Request) -> Truth {
    match block.get("type").and_then(Json::as_str).unwrap_or("") {
        "Header" => {
            let key = block.get("headerConfig").and_then(|config| config.get("key")?.as_str());
            let Some(found) = request.header(key.unwrap_or("")) else { return Truth::No };
            let values = strings(block, &["headerConfig", "values"]);
            Truth::any(values.iter().map(|value| match (*value == found, fits(value, &found)) {
                (true, _) => Truth::Yes,
                (false, false) => Truth::No,
                (false, true) => Truth::Unknown(format!(
                    "whether `{value}` of a header condition has wildcards is not documented"
                )),
            }))
        }
        "Cookie" => Truth::of(
            pairs(block, "cookieConfig")
                .iter()
                .any(|(name, value)| request.cookie(name).is_some_and(|found| fits(value, found))),
        ),
        "QueryString" => Truth::of(
            pairs(block, "queryStringConfig")
                .iter()
                .any(|(name, value)| request.query(name).is_some_and(|found| fits(value, found))),
        ),
        "Method" => {
            Truth::of(strings(block, &["methodConfig", "values"]).contains(&request.method))
        }
        "Host" => Truth::of(
            strings(block, &["hostConfig", "values"]).iter().any(|host| fits(host, &request.host)),
        ),
        // They are looked at with the path of the rule.
        "Path" => Truth::Yes,
        other => Truth::Unknown(format!("the condition `{other}` is not simulated")),
    }
}

/// Whether the canary annotations of a rule hold; of one without them they do.
fn canary_fits(route: &Route, request: &Request) -> Truth {
    if !route.is_canary() {
        return Truth::Yes;
    }
    let of = |name: &str| route.annotation(CANARY, &format!("canary-by-{name}"));
    let by_header = of("header").map(|name| {
        let Some(found) = request.header(name) else { return Truth::No };
        match (of("header-value"), of("header-pattern")) {
            (Some(value), _) => Truth::of(found == value),
            (None, Some(_)) => {
                Truth::Unknown("`canary-by-header-pattern` of ALB is not documented".to_owned())
            }
            (None, None) => Truth::of(found == "always"),
        }
    });
    let by_cookie = of("cookie").map(|name| Truth::of(request.cookie(name) == Some("always")));
    // The vendor's precedence of header over cookie makes each a way in.
    Truth::any(by_header.into_iter().chain(by_cookie))
}

/// Where the actions of a rule lead: the Service of its path, or a group of servers; `None` where
/// they answer the request.
fn actions(rule: &IngressPath<'_>) -> Result<Option<Vec<(u64, Backend)>>, String> {
    let own = || vec![(1, rule.route.backend(rule.service))];
    let list = match json(rule.route, "actions", rule.service) {
        None => return Ok(Some(own())),
        Some(Json::Array(list)) => list,
        Some(_) => return Err(format!("the actions of {} are no JSON", rule.route.id)),
    };
    let mut edits = Vec::new();
    let mut backends = own();
    for action in &list {
        let text = |config: &str, key: &str| {
            action.get(config).and_then(|config| config.get(key)?.as_str()).unwrap_or("").to_owned()
        };
        match action.get("type").and_then(Json::as_str).unwrap_or("") {
            "InsertHeader" => {
                let (key, value) =
                    (text("InsertHeaderConfig", "key"), text("InsertHeaderConfig", "value"));
                edits.push(HeaderEdit::Set(key, value));
            }
            "RemoveHeader" => edits.push(HeaderEdit::Remove(text("RemoveHeaderConfig", "key"))),
            "ForwardGroup" => {
                let groups = action.get("ForwardConfig").and_then(|it| it.get("ServerGroups"));
                let groups = groups.and_then(Json::as_array).into_iter().flatten();
                backends = groups
                    .filter_map(|group| {
                        let name = group.get("ServiceName")?.as_str()?;
                        let weight = group.get("Weight").and_then(Json::as_u64).unwrap_or(100);
                        Some((weight.min(1000), rule.route.backend(name)))
                    })
                    .collect();
            }
            "Redirect" | "FixedResponse" => return Ok(None),
            _ => {}
        }
    }
    for (_, backend) in &mut backends {
        backend.edits.clone_from(&edits);
    }
    Ok(Some(backends))
}

/// The canaries that the gateway takes no notice of: those by weight without a rule for the same
/// host and path.
pub(super) fn dropped(routes: &[&Route]) -> Vec<Dropped> {
    let bases: std::collections::HashSet<(&str, &str)> = rules(routes)
        .iter()
        .filter(|rule| !rule.route.is_canary())
        .map(|rule| (rule.host, rule.path))
        .collect();
    let without = ingress_paths(routes)
        .into_iter()
        .filter(|path| weight(path.route).is_some() && !bases.contains(&(path.host, path.path)));
    let drop = |path: IngressPath<'_>| Dropped {
        route: path.at,
        what: path.shown(),
        why: "no other Ingress has this host and path: there is nothing to take a share of"
            .to_owned(),
        place: path.node.place(),
    };
    without.map(drop).collect()
}
