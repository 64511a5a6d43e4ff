//! Which instances a request reaches, and why.

mod answer;
mod condition;
mod dialect;
mod request;
mod route;

pub use answer::{Answer, Backend, Dropped, Outcome, Part, Share};
pub use dialect::{answer, dropped};
pub use request::{HeaderEdit, Request};
pub use route::Route;
