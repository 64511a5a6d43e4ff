//! Times the stages of the pipeline in one process, on a directory that
//! `cargo run --release --example generate_baseline` made.
//!
//! `cargo bench --bench pipeline -- DIR` prints `name<TAB>seconds<TAB>peak KiB` a line: the median
//! of several runs, and the most memory the process has held so far (Linux only).

use std::fs;
use std::hint::black_box;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use graylane::baseline::files::Disk;
use graylane::diagnostic::Failure;
use graylane::pipeline::{BaselineFrom, Baselines, read_spec, release};
use graylane::yaml::{Source, parse};
use yaml_rust2::parser::{Event, Parser};

const RUNS: usize = 5;

fn main() -> io::Result<()> {
    // Cargo passes `--bench`; without a directory there is nothing to measure.
    let Some(directory) = std::env::args().skip(1).find(|argument| !argument.starts_with("--"))
    else {
        return Ok(());
    };
    let directory = PathBuf::from(directory);
    let texts = manifests(&directory.join("deploy"))?;
    let mut out = io::stdout().lock();

    // The lanes come first, so that the peak is theirs and not that of the texts held here twice.
    for (name, spec) in
        [("render, all services", "graylane.yaml"), ("render, 3 services", "lane-3.yaml")]
    {
        if directory.join(spec).exists() {
            row(&mut out, name, || render(&directory, spec))?;
        }
    }
    row(&mut out, "events", || texts.iter().map(|text| events(text)).sum::<usize>())?;
    row(&mut out, "parse", || {
        texts
            .iter()
            .map(|text| {
                parse(Source::new("bench", text.clone())).map_or(0, |stream| stream.documents.len())
            })
            .sum::<usize>()
    })
}

/// The raw events of the parser alone: what reading the bytes costs at least.
fn events(text: &str) -> usize {
    let mut parser = Parser::new_from_str(text);
    let mut count = 0;
    while let Ok((event, _)) = parser.next_token() {
        count += 1;
        if matches!(event, Event::StreamEnd) {
            break;
        }
    }
    count
}

/// Everything `graylane render` does, up to the bytes.
fn render(directory: &Path, spec: &str) -> usize {
    let rendered = || -> Result<usize, Failure> {
        let files = Disk::new(directory).map_err(|error| {
            Failure::from(graylane::diagnostic::Diagnostic::error(error.to_string()))
        })?;
        let spec = read_spec(&files, spec)?;
        let facts = Baselines::default().of(&files, &spec, &BaselineFrom::Spec, &[])?;
        let release = release(spec, &facts)?;
        release.sound()?;
        Ok(release.files().iter().map(|file| file.contents.len()).sum())
    };
    rendered().unwrap_or_default()
}

fn manifests(directory: &Path) -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                texts.push(fs::read_to_string(path)?);
            }
        }
    }
    Ok(texts)
}

fn row<T>(out: &mut impl Write, name: &str, work: impl Fn() -> T) -> io::Result<()> {
    let mut seconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    writeln!(out, "{name}\t{:.6}\t{}", seconds[RUNS / 2], peak_kib())
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
