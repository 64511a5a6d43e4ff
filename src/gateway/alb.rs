//! Application Load Balancer of Alibaba Cloud, by ALB Ingress: the managed controller, 2.5.0 and
//! later.
//!
//! Two forms. A match is an Ingress of its own with custom forwarding rules: conditions that say which
//! requests are gray, an action that sets the tag header, and an order before the baseline's. A share
//! of all requests is a canary Ingress, which cannot set a header. Sources: Alibaba Cloud
//! documentation, "Customize forwarding rules for an ALB Ingress", "Perform canary releases by using
//! ALB Ingresses", "ALB Ingress Configuration Dictionary".

use std::collections::HashSet;

use super::alb_paths::{conditioned_paths, taken};
use super::alb_rule::{Rule, conditions, refused_texts};
use super::ingress::{annotate, backends, reduced};
use super::{
    Anchoring, Base, Canary, CanaryRoute, Capabilities, Gateway, Lanes, Values, WeightBeside, at,
    unsupported,
};
use crate::diagnostic::Diagnostic;
use crate::spec::{GatewayClass, Match};
use crate::yaml::NodeRef;

/// ALB Ingress.
pub(super) struct Alb;

pub(super) const ALB: &str = "alb.ingress.kubernetes.io";

const CAPABILITIES: Capabilities = Capabilities {
    // Condition `Header`: values, with `*` and `?` for any characters; no regular expressions.
    header: Values::Exact,
    // Blocks are ANDed, "a forwarding rule can have a maximum of 10 conditions"; host and path are two.
    headers: 8,
    // There are none.
    regex: Anchoring::Whole,
    // Condition `Cookie`.
    cookie: Values::Exact,
    // canary-by-cookie asks for `always`; the condition does the same.
    cookie_always: true,
    // Condition `QueryString`.
    query: Values::Exact,
    queries: 8,
    // Blocks are ANDed.
    header_and_query: true,
    cookie_beside: true,
    // canary-weight.
    weight: true,
    // "Header-based and cookie-based rules cannot be combined with weight-based rules on the same Ingress".
    weight_beside: WeightBeside::Forbidden,
    // Action `InsertHeader`; not on a canary Ingress, see `sets_tag_header` below.
    sets_tag_header: true,
    // Ingresses of different `order`. By weight there are two versions, and how a canary is ordered
    // against other Ingresses is not documented: such a lane is alone.
    lanes: Lanes::Matches,
    // Rules are tried by order; what a rule does not match is left to the next.
    base: Base::NotNeeded,
};

/// The order of an Ingress without the annotation; lower ones are tried first.
pub const DEFAULT_ORDER: u16 = 10;

impl Gateway for Alb {
    fn class(&self) -> GatewayClass {
        GatewayClass::Alb
    }

    fn capabilities(&self) -> &'static Capabilities {
        &CAPABILITIES
    }

    fn sets_tag_header(&self, route: &Match) -> bool {
        has_match(route)
    }

    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
        let mut errors = unsupported(self.class(), &CAPABILITIES, route.route);
        errors.extend(refused_texts(route.route, route.tag_header));
        let order = order(route).map_err(|error| errors.push(error));
        let canary = reduced(self.class(), route).map_err(|error| errors.push(error));
        let (Ok(order), Ok(mut canary)) = (order, canary) else { return Err(errors) };
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut annotations = vec![(format!("{ALB}/order"), order.to_string())];
        match route.route.weight {
            Some(weight) if !has_match(route.route) => {
                let errors = unshareable(route, canary.document.root());
                if !errors.is_empty() {
                    return Err(errors);
                }
                annotations.push((format!("{ALB}/canary"), "true".to_owned()));
                annotations.push((format!("{ALB}/canary-weight"), weight.to_string()));
            }
            _ => annotations.extend(rules(route, canary.document.root())?),
        }
        annotate(&mut canary.document, &annotations).map_err(|error| vec![error])?;
        Ok(canary)
    }
}

fn has_match(route: &Match) -> bool {
    !route.headers.is_empty() || !route.query.is_empty() || route.cookie.is_some()
}

/// The order of the canary: the one that a patch gives it, else the one before the baseline's.
fn order(route: &CanaryRoute<'_>) -> Result<u16, Diagnostic> {
    let annotation = |root: NodeRef<'_>, key: &str| {
        root.at(&["metadata", "annotations", &format!("{ALB}/{key}")]).is_some()
    };
    if annotation(route.unpatched.root(), "albconfig.order") {
        // cloud-provider-alibaba-cloud, pkg/controller/ingress: the open-source controller reads this
        // annotation, and neither `order` nor custom rules.
        let error =
            format!("{} is for the open-source ALB controller (`albconfig.order`)", route.id);
        return Err(at(Diagnostic::error(error), Some(route.unpatched.root())).remedy(
            "canary routes are written for the managed ALB Ingress controller, 2.5.0 or later",
        ));
    }
    let baseline = read_order(route.unpatched.root())?;
    let patched = read_order(route.baseline.root())?;
    let node = route.unpatched.at(&["metadata", "annotations", &format!("{ALB}/order")]);
    let place = || node.and_then(NodeRef::place).unwrap_or_else(|| route.route.place.clone());
    if patched != baseline {
        if patched < baseline {
            return Ok(patched);
        }
        let error = format!(
            "the patched order {patched} of the canary route is not before the order {baseline} of {}",
            route.id
        );
        return Err(Diagnostic::error(error)
            .at(place())
            .remedy(format!("patch `{ALB}/order` to less than {baseline}")));
    }
    if baseline == 1 {
        let error =
            format!("{} has the order 1, and the canary route must come before it", route.id);
        return Err(Diagnostic::error(error).at(place()).remedy(format!(
            "give the baseline a greater `{ALB}/order`: 1 to 1000, {DEFAULT_ORDER} is the default"
        )));
    }
    Ok(baseline - 1)
}

/// The order of an Ingress.
///
/// # Errors
///
/// When its annotation holds no order.
pub fn read_order(root: NodeRef<'_>) -> Result<u16, Diagnostic> {
    let Some(node) = root.at(&["metadata", "annotations", &format!("{ALB}/order")]) else {
        return Ok(DEFAULT_ORDER);
    };
    let text = node.text().unwrap_or_default();
    match text.trim().parse() {
        Ok(order) if (1..=1000).contains(&order) => Ok(order),
        _ => Err(at(
            Diagnostic::error(format!("`{text}` is no order of an ALB Ingress")),
            Some(node),
        )
        .remedy("write a number from 1 to 1000")),
    }
}

/// The custom rules of every Service that the canary leads to, added to those of the baseline's.
fn rules(
    route: &CanaryRoute<'_>,
    canary: NodeRef<'_>,
) -> Result<Vec<(String, String)>, Vec<Diagnostic>> {
    let mut annotations = Vec::new();
    let mut errors = Vec::new();
    errors.extend(annotated_ports(canary));
    errors.extend(taken(route.baseline.root(), route.services));
    let mut seen = HashSet::new();
    for name in backends(route.baseline.root()) {
        let Some(gray) = route.services.get(name).filter(|_| seen.insert(name)) else { continue };
        let key = format!("conditions.{gray}");
        if key.len() > 63 {
            // Kubernetes, "Labels and Selectors", syntax: the name of a key has 63 characters at most.
            let error = format!(
                "the annotation `{ALB}/{key}` would have a name of more than 63 characters"
            );
            errors.push(
                Diagnostic::error(error)
                    .at(route.route.place.clone())
                    .remedy("choose a shorter tag or `naming.suffix`"),
            );
            continue;
        }
        match Rule::of(route.baseline.root(), name) {
            Ok(rule) => match rule.with(conditions(route.route), route) {
                Ok((conditions, actions)) => annotations.extend([
                    (format!("{ALB}/{key}"), conditions),
                    (format!("{ALB}/actions.{gray}"), actions),
                ]),
                Err(error) => errors.push(error),
            },
            Err(list) => errors.extend(list),
        }
    }
    if errors.is_empty() { Ok(annotations) } else { Err(errors) }
}

/// Custom rules that a canary by weight would take no notice of, having none itself; and those for the
/// same paths.
fn unshareable(route: &CanaryRoute<'_>, canary: NodeRef<'_>) -> Vec<Diagnostic> {
    let root = route.baseline.root();
    let mut errors = annotated_ports(canary);
    let annotations = root.at(&["metadata", "annotations"]);
    for (key, node) in annotations.into_iter().flat_map(NodeRef::entries) {
        let name = key.strip_prefix(ALB).and_then(|name| name.strip_prefix('/'));
        let Some((what, service)) = name.and_then(|name| name.split_once('.')) else { continue };
        let is_custom = ["conditions", "actions", "rule-direction"].contains(&what);
        if is_custom && route.services.contains_key(service) {
            let error = format!(
                "`{key}` would not hold for the share of the lane: a canary by weight has no custom rules"
            );
            errors.push(
                at(Diagnostic::error(error), Some(node))
                    .related(route.route.place.clone(), "the weight")
                    .remedy("match by a header, cookie or query parameter, which keeps them; or give the paths of the entry an Ingress of their own, without this annotation"),
            );
        }
    }
    for (path, service, node) in conditioned_paths(canary, root) {
        if !route.services.contains_key(service) {
            let error = format!(
                "whether the lane gets a share of the requests that reach `{service}` by conditions on the same path `{path}` too is not documented"
            );
            errors.push(
                at(Diagnostic::error(error), Some(node))
                    .related(route.route.place.clone(), "the weight")
                    .remedy("match by a header, cookie or query parameter instead"),
            );
        }
    }
    errors
}

/// Paths whose port is no port: their requests go where an action of the baseline says, not to the
/// Service.
fn annotated_ports(canary: NodeRef<'_>) -> Vec<Diagnostic> {
    let rules = canary.at(&["spec", "rules"]).into_iter().flat_map(NodeRef::items);
    let paths = rules.filter_map(|rule| rule.at(&["http", "paths"])).flat_map(NodeRef::items);
    let ports = paths.filter_map(|path| path.at(&["backend", "service", "port", "name"]));
    ports
        .filter(|port| port.as_str() == Some("use-annotation"))
        .map(|port| {
            let error = "this path goes where an annotation says (`use-annotation`), not to the port of a Service";
            at(Diagnostic::error(error), Some(port))
                .remedy("let the entry's path lead to a port of its Service")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{INGRESS, cookie, exact, nothing, written};
    use super::*;

    fn with(annotations: &str) -> String {
        let with = format!("  name: shop\n  annotations:\n{annotations}");
        INGRESS.replacen("  name: shop\n", &with, 1)
    }

    fn header() -> Match {
        Match { headers: vec![exact("x-user-id", "100")], ..nothing() }
    }

    #[test]
    fn a_match_is_a_rule_that_sets_the_tag() {
        let route = Match {
            headers: vec![exact("x-user-id", "100"), exact("x-b", "c d")],
            cookie: Some(cookie("canary", None)),
            query: vec![exact("group", "gray")],
            ..nothing()
        };
        let text =
            written(&Alb, &with("    alb.ingress.kubernetes.io/canary: \"false\"\n"), &route);
        let expected = r#"  annotations:
    alb.ingress.kubernetes.io/order: "9"
    alb.ingress.kubernetes.io/conditions.web-mse-gray: '[{"type":"Header","headerConfig":{"key":"x-user-id","values":["100"]}},{"type":"Header","headerConfig":{"key":"x-b","values":["c d"]}},{"type":"Cookie","cookieConfig":{"values":[{"key":"canary","value":"always"}]}},{"type":"QueryString","queryStringConfig":{"values":[{"key":"group","value":"gray"}]}}]'
    alb.ingress.kubernetes.io/actions.web-mse-gray: '[{"type":"InsertHeader","InsertHeaderConfig":{"key":"x-mse-tag","value":"gray","valueType":"UserDefined"}}]'
spec:
"#;
        let text = text.unwrap();
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn weight_alone_is_a_canary() {
        let weight = Match { weight: Some(10), ..nothing() };
        let text = written(&Alb, INGRESS, &weight).unwrap();
        let expected = "  annotations:
    alb.ingress.kubernetes.io/order: \"9\"
    alb.ingress.kubernetes.io/canary: \"true\"
    alb.ingress.kubernetes.io/canary-weight: \"10\"
";
        assert!(text.contains(expected), "{text}");
        assert!(!Alb.sets_tag_header(&weight) && Alb.sets_tag_header(&header()));
    }

    #[test]
    fn the_order_is_before_the_baselines() {
        let order = |text: &str| {
            let text = with(&format!("    alb.ingress.kubernetes.io/order: \"{text}\"\n"));
            written(&Alb, &text, &header())
        };
        assert!(order("500").unwrap().contains("io/order: \"499\"\n"));
        assert!(order("1").unwrap_err().contains("has the order 1"));
        for bad in ["0", "1001", "first", ""] {
            assert!(order(bad).unwrap_err().contains("is no order"), "{bad}");
        }
        let open_source = with("    alb.ingress.kubernetes.io/albconfig.order: \"5\"\n");
        assert!(written(&Alb, &open_source, &header()).unwrap_err().contains("open-source"));
    }

    #[test]
    fn the_baselines_rule_holds_for_the_lane_too() {
        let text = with(
            r#"    alb.ingress.kubernetes.io/conditions.web: '[{"type":"Method","methodConfig":{"values":["GET"]}}]'
    alb.ingress.kubernetes.io/actions.web: '[{"type":"RemoveHeader","RemoveHeaderConfig":{"key":"x-b"}},{"type":"InsertHeader","InsertHeaderConfig":{"key":"X-Mse-Tag","value":"base","valueType":"UserDefined"}}]'
    alb.ingress.kubernetes.io/conditions.other: '[]'
"#,
        );
        let canary = written(&Alb, &text, &header()).unwrap();
        assert!(canary.contains(r#"web-mse-gray: '[{"type":"Method","methodConfig":{"values":["GET"]}},{"type":"Header""#), "{canary}");
        assert!(canary.contains(r#"web-mse-gray: '[{"type":"RemoveHeader","RemoveHeaderConfig":{"key":"x-b"}},{"type":"InsertHeader","InsertHeaderConfig":{"key":"x-mse-tag","value":"gray""#), "{canary}");
        assert!(!canary.contains("conditions.other") && !canary.contains("base\""), "{canary}");
    }

    #[test]
    fn rules_that_cannot_be_added_to_are_refused() {
        for (rule, why) in [
            ("conditions.web: nonsense", "no JSON array"),
            ("conditions.web: '[1, null]'", "no JSON array of objects"),
            (r#"actions.web: '[{"type":"FixedResponse"}]'"#, "`FixedResponse`"),
            ("rule-direction.web: Response", "direction"),
        ] {
            let text = with(&format!("    alb.ingress.kubernetes.io/{rule}\n"));
            let error = written(&Alb, &text, &header()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let text = INGRESS.replacen("number: 80", "name: use-annotation", 1);
        assert!(written(&Alb, &text, &header()).unwrap_err().contains("use-annotation"));
    }

    #[test]
    fn a_weight_stands_beside_no_custom_rules() {
        let weight = Match { weight: Some(10), ..nothing() };
        for (rule, why) in [
            ("conditions.web: '[]'", "would not hold for the share"),
            ("actions.web: '[]'", "would not hold for the share"),
            ("rule-direction.web: Request", "would not hold for the share"),
        ] {
            let text = with(&format!("    alb.ingress.kubernetes.io/{rule}\n"));
            let error = written(&Alb, &text, &weight).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let text = INGRESS.replacen("number: 80", "name: use-annotation", 1);
        assert!(written(&Alb, &text, &weight).unwrap_err().contains("use-annotation"));
        let other = |path: &str| {
            let path = format!(
                "      - {{path: {path}, pathType: Prefix, backend: {{service: {{name: other, port: {{number: 80}}}}}}}}\n"
            );
            with("    alb.ingress.kubernetes.io/conditions.other: '[]'\n") + &path
        };
        let error = written(&Alb, &other("/"), &weight).unwrap_err();
        assert!(error.contains("reach `other` by conditions on the same path `/`"), "{error}");
        assert!(written(&Alb, &other("/other"), &weight).is_ok());
    }
}
