//! What each gateway does with a request, by its own rules. One file per family of dialects, each
//! with its sources; routes of one gateway are asked together, those of all lanes among them.

mod alb;
pub(super) mod apisix;
pub(super) mod gateway_api;
mod higress;
mod nginx;
#[cfg(test)]
mod tests;

use super::answer::{Answer, Dropped};
use super::request::Request;
use super::route::Route;
use crate::spec::GatewayClass;

/// What a gateway does with a request; `routes` are all of that gateway.
pub fn answer(class: GatewayClass, routes: &[&Route], request: &Request) -> Answer {
    match class {
        GatewayClass::Mse | GatewayClass::Apig | GatewayClass::Higress => {
            higress::answer(class, routes, request)
        }
        GatewayClass::Nginx => nginx::answer(routes, request),
        GatewayClass::Alb => alb::answer(routes, request),
        GatewayClass::GatewayApi => gateway_api::answer(routes, request),
        GatewayClass::Apisix => apisix::answer(routes, request),
    }
}

/// The routes, or paths of them, that a gateway takes no notice of whatever the request.
pub fn dropped(class: GatewayClass, routes: &[&Route]) -> Vec<Dropped> {
    match class {
        GatewayClass::Mse | GatewayClass::Apig | GatewayClass::Higress => {
            higress::dropped(class, routes)
        }
        GatewayClass::Nginx => nginx::dropped(routes),
        GatewayClass::Alb => alb::dropped(routes),
        GatewayClass::GatewayApi => gateway_api::dropped(routes),
        GatewayClass::Apisix => apisix::dropped(routes),
    }
}
