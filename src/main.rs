//! The `graylane` program: hands its arguments to [`graylane::cli`] and returns its exit code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    graylane::cli::run(std::env::args_os())
}
