//! The Cloud-native API gateway of Alibaba Cloud, by APIG Ingress: the dialect of MSE with another
//! prefix.
//!
//! Source: Alibaba Cloud documentation, "Annotations supported by APIG Ingress gateways" and
//! "Advanced APIG Ingress usage", which list the same annotations as MSE's pages, among them
//! `canary-by-header-pattern`, `canary-by-query-pattern` and, from gateway 1.2.30,
//! `canary-by-cookie-value`; "Differs from NGINX and ALB Ingress: unlimited service versions".

use super::{Canary, CanaryRoute, Capabilities, Gateway, mse};
use crate::diagnostic::Diagnostic;
use crate::spec::GatewayClass;

/// The Cloud-native API gateway.
pub(super) struct Apig;

/// Annotations that ingress-nginx has not.
const EXCLUSIVE: &str = "higress.ingress.kubernetes.io";

impl Gateway for Apig {
    fn class(&self) -> GatewayClass {
        GatewayClass::Apig
    }

    fn capabilities(&self) -> &'static Capabilities {
        &mse::CAPABILITIES
    }

    fn subset_annotation(&self) -> Option<&'static str> {
        Some("higress.ingress.kubernetes.io/service-subset")
    }

    fn canary(&self, route: &CanaryRoute<'_>) -> Result<Canary, Vec<Diagnostic>> {
        mse::canary(self.class(), EXCLUSIVE, route)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{INGRESS, cookie, exact, nothing, written};
    use super::*;
    use crate::spec::Match;

    #[test]
    fn the_exclusive_annotations_have_their_own_prefix() {
        let headers = vec![exact("x-user-id", "100")];
        let route = Match { headers, query: vec![exact("group", "gray")], ..nothing() };
        let text = written(&Apig, INGRESS, &route).unwrap();
        assert!(
            text.contains(
                "\
  annotations:
    nginx.ingress.kubernetes.io/canary: \"true\"
    nginx.ingress.kubernetes.io/canary-by-header: x-user-id
    nginx.ingress.kubernetes.io/canary-by-header-value: \"100\"
    higress.ingress.kubernetes.io/canary-by-query: group
    higress.ingress.kubernetes.io/canary-by-query-value: gray
    higress.ingress.kubernetes.io/request-header-control-update: x-mse-tag gray
"
            ),
            "{text}"
        );
        let route = Match { cookie: Some(cookie("c", Some("v"))), ..nothing() };
        let text = written(&Apig, INGRESS, &route).unwrap();
        assert!(
            text.contains("higress.ingress.kubernetes.io/canary-by-cookie-value: v\n"),
            "{text}"
        );
    }
}
