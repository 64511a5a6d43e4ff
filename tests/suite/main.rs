//! What the program and the library do, in one binary: so the tests of all files share the cores, and
//! there is one thing to link.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod apisix;
mod architecture;
mod argocd;
mod attributes;
mod bad_input;
mod brute;
mod cases;
mod ci;
mod cli;
mod closed_pipes;
mod commit;
mod crd_overlays;
mod crds;
mod docs;
mod flux;
mod gateway_api;
mod git;
mod isolation;
mod istio;
mod kruise;
mod lane;
mod locks;
mod mariadb;
mod names;
mod opensergo;
mod overlay;
mod pre_commit;
mod promote;
mod push;
mod remote;
mod routes;
mod sandbox;
mod sarif;
mod schema;
mod spec;
mod trace;
mod yaml;
mod yaml_readers;
