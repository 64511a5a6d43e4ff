//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with these arguments (the first is the program's name).
pub fn run(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
