//! `graylane trace`

use super::output::Output;
use super::specs::{BaselineArgs, SpecArgs, releases_and_baselines};
use super::workspace::Workspace;
use super::{Global, Outcome};
use crate::diagnostic::{Diagnostic, Failure};
use crate::neighbours::neighbours;
use crate::pipeline::{Baselines, Release, SpecFile, read_spec};
use crate::trace::{
    Cluster, Request, Wanted, default_place, dropped_routes, matrix, matrix_json, matrix_text,
    of_releases, trace, trace_json, trace_text,
};

/// Show which instances a request reaches, and why
///
/// Simulates the gateways by their own rules over the routes of the baseline and of all lanes, then
/// follows the calls from service to service: `calls` of the specs, else the Services that
/// environment variables name. Lanes of other specs count as they stand in their overlays.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  graylane trace --header x-user-id=100\n  graylane trace --host example.com --path /cart --cookie lane=gray --format json\n  graylane trace --matrix"
)]
pub(super) struct Args {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    baseline: BaselineArgs,
    /// The request's host [default: that of the first entry]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The request's path, with or without a query [default: that of the first entry]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The request's method [default: GET, or with --matrix that of the entry]
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// A header of the request; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// A cookie of the request; may be repeated
    #[arg(long = "cookie", value_name = "NAME=VALUE")]
    cookies: Vec<String>,
    /// A query parameter of the request; may be repeated
    #[arg(long = "query", value_name = "NAME=VALUE")]
    query: Vec<String>,
    /// Follow requests that are derived from the match of each lane's entry instead; exit code 1
    /// when the baseline's reach gray pods, or the lane's do not. Values for regular expressions
    /// are taken from --header and --query where they fit
    #[arg(long)]
    matrix: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
}

pub(super) fn run(args: &Args, global: &Global, output: &mut Output) -> anyhow::Result<Outcome> {
    // What is wrong with the request is told before anything is read.
    let said = request(args, args.host.as_deref().unwrap_or(""), args.path.as_deref())?;
    let workspace = Workspace::open_for(global, &args.specs.specs)?;
    let (releases, baselines) =
        releases_and_baselines(&args.specs, &args.baseline, &workspace, output)?;
    let cluster = cluster(&workspace, &releases, &baselines)?;
    if args.matrix {
        let wanted = Wanted {
            host: args.host.as_deref(),
            path: args.path.as_deref(),
            method: args.method.as_deref(),
        };
        let found = matrix(&cluster, wanted, &said);
        output.result(&match args.format {
            Format::Text => matrix_text(&cluster, &found),
            Format::Json => matrix_json(&cluster, &found),
        })?;
        return Ok(if found.has_failed() { Outcome::Different } else { Outcome::Done });
    }
    let Some((host, path)) = default_place(&cluster) else {
        return Err(Failure::from(
            Diagnostic::error(
                "there is no Ingress, HTTPRoute or ApisixRoute a request could come in by",
            )
            .remedy("let `baseline.paths` of the spec lead to the routes"),
        )
        .into());
    };
    let host = args.host.as_deref().unwrap_or(&host);
    let request = request(args, host, Some(args.path.as_deref().unwrap_or(&path)))?;
    let (traces, dropped) = (trace(&cluster, &request), dropped_routes(&cluster));
    output.result(&match args.format {
        Format::Text => trace_text(&cluster, &request, &traces, &dropped),
        Format::Json => trace_json(&cluster, &request, &traces, &dropped),
    })?;
    Ok(Outcome::Done)
}

/// The request that the options describe.
fn request(args: &Args, host: &str, path: Option<&str>) -> Result<Request, Failure> {
    let mut errors = Vec::new();
    let mut pairs = |option: &str, list: &[String]| -> Vec<(String, String)> {
        let mut found = Vec::new();
        for text in list {
            match text.split_once('=').filter(|(name, _)| is_token(name.trim())) {
                Some((name, value)) => found.push((name.trim().to_owned(), value.to_owned())),
                None => {
                    let error = format!("`{}` is not a name and a value", text.escape_debug());
                    let remedy = format!("write it as `--{option} NAME=VALUE`");
                    errors.push(Diagnostic::error(error).remedy(remedy));
                }
            }
        }
        found
    };
    let (headers, cookies) = (pairs("header", &args.headers), pairs("cookie", &args.cookies));
    let query = pairs("query", &args.query);
    let method = args.method.as_deref().unwrap_or("GET");
    if !is_token(method) {
        let error = format!("`{}` is not a method", method.escape_debug());
        errors.push(Diagnostic::error(error).remedy("write it as requests have it, such as `GET`"));
    }
    if !errors.is_empty() {
        return Err(Failure(errors));
    }
    let mut request = Request::new(host, path.unwrap_or("/")).with_method(method);
    for (name, value) in &headers {
        request = request.with_header(name, value);
    }
    for (name, value) in &cookies {
        request = request.with_cookie(name, value);
    }
    for (name, value) in &query {
        request = request.with_query(name, value);
    }
    Ok(request)
}

/// Whether a text can be the name of a header, as RFC 9110 has it, a cookie or a parameter.
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c))
}

/// The cluster as the baselines of these lanes and all lanes of the repository would make it. What is
/// not known of a baseline is gathered anew.
///
/// # Errors
///
/// When the repository cannot be read.
pub(super) fn cluster(
    workspace: &Workspace,
    releases: &[Release],
    baselines: &Baselines,
) -> Result<Cluster, Failure> {
    let files = workspace.files()?;
    let specs: Vec<SpecFile> = releases.iter().map(|release| release.spec.clone()).collect();
    let beside = neighbours(files.as_ref(), &specs).into_iter().map(|lane| {
        let spec = lane.spec.as_ref().and_then(|spec| read_spec(files.as_ref(), spec).ok());
        let spec = spec.map(|spec| spec.release);
        (lane, spec)
    });
    Ok(of_releases(releases, baselines, beside.collect()))
}
