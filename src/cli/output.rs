//! What the program writes: results to standard output, everything else to standard error.

use std::io::{self, BufWriter, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::diagnostic::{Diagnostic, Failure, Severity, one_line};

/// Notes that are shown without `--verbose`.
const SHOWN_NOTES: usize = 8;

/// Errors that are shown without `--verbose`.
const SHOWN_ERRORS: usize = 50;

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The program's two streams. Whoever reads one may go away: then what is written is lost, and no
/// command stops for it.
pub(super) struct Output {
    out: BufWriter<Unstopping<AutoStream<io::Stdout>>>,
    err: Unstopping<AutoStream<io::Stderr>>,
    quiet: bool,
    verbose: bool,
}

impl Output {
    pub(super) fn new(color: Color, quiet: bool, verbose: bool) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let out = Unstopping::new(AutoStream::new(io::stdout(), choice));
        let err = Unstopping::new(AutoStream::new(io::stderr(), choice));
        Self { out: BufWriter::with_capacity(1 << 16, out), err, quiet, verbose }
    }

    /// Whether results were lost because nobody reads them any more.
    pub(super) fn is_unread(&self) -> bool {
        self.out.get_ref().is_closed
    }

    /// From here on only results and errors are written, and without colours.
    pub(super) fn silence(&mut self) {
        *self = Self::new(Color::Never, true, false);
    }

    /// Writes a result.
    pub(super) fn result(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.out.write_all(text.as_bytes())?)
    }

    /// Writes a result that has no styles and may be long.
    pub(super) fn verbatim(&mut self, text: &str) -> anyhow::Result<()> {
        self.out.flush()?;
        Ok(self.out.get_mut().attempt((), |_| io::stdout().write_all(text.as_bytes()))?)
    }

    /// Writes the rest of the results.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        Ok(self.out.flush()?)
    }

    /// Tells what was done, unless that is not wanted.
    pub(super) fn say(&mut self, text: &str) -> anyhow::Result<()> {
        if !self.quiet {
            self.flush()?;
            writeln!(self.err, "{text}")?;
        }
        Ok(())
    }

    /// Shows notes and warnings; of many notes only the first few, unless all are wanted.
    pub(super) fn notes(&mut self, notes: &[Diagnostic]) -> anyhow::Result<()> {
        if self.quiet {
            return Ok(());
        }
        let mut shown = 0;
        let mut left = 0;
        for note in notes {
            if note.severity == Severity::Note && shown >= SHOWN_NOTES && !self.verbose {
                left += 1;
                continue;
            }
            shown += usize::from(note.severity == Severity::Note);
            if self.verbose || note.severity != Severity::Note {
                self.diagnostic(note);
            } else {
                let place =
                    note.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
                let text = one_line(&format!("{place}{}", note.message));
                let text = painted(note.severity, &text);
                writeln!(self.err, "{text}")?;
            }
        }
        if left > 0 {
            writeln!(self.err, "note: {left} more notes; --verbose shows all")?;
        }
        Ok(())
    }

    /// Shows one diagnostic in full.
    pub(super) fn diagnostic(&mut self, diagnostic: &Diagnostic) {
        let text = diagnostic.to_string();
        let head = diagnostic.severity.to_string();
        let style = style_of(diagnostic.severity);
        // Nothing can be told when standard error is closed.
        let _ = match text.strip_prefix(&head) {
            Some(rest) => write!(self.err, "{style}{head}{style:#}{rest}"),
            None => write!(self.err, "{text}"),
        };
    }

    /// Shows what stopped a command.
    pub(super) fn error(&mut self, error: &anyhow::Error) {
        let _ = self.out.flush();
        match error.downcast_ref::<Failure>() {
            Some(Failure(diagnostics)) => {
                let most = if self.verbose { usize::MAX } else { SHOWN_ERRORS };
                for diagnostic in diagnostics.iter().take(most) {
                    self.diagnostic(diagnostic);
                }
                let left = diagnostics.len().saturating_sub(most);
                if left > 0 {
                    let _ = writeln!(self.err, "{left} more errors; --verbose shows all");
                }
            }
            None => self.diagnostic(&Diagnostic::error(format!("{error:#}"))),
        }
    }
}

fn style_of(severity: Severity) -> Style {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Note => AnsiColor::Cyan,
    };
    color.on_default().bold()
}

fn painted(severity: Severity, text: &str) -> String {
    let style = style_of(severity);
    format!("{style}{severity}{style:#}: {text}")
}

/// A stream that takes what it is given also when its pipe is closed, and keeps none of it then.
struct Unstopping<W> {
    to: W,
    is_closed: bool,
}

impl<W> Unstopping<W> {
    fn new(to: W) -> Self {
        Self { to, is_closed: false }
    }

    /// Writes, where anybody reads it; `lost` is what writing gives where nobody does.
    fn attempt<T>(
        &mut self,
        lost: T,
        write: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.is_closed {
            return Ok(lost);
        }
        match write(&mut self.to) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(lost)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for Unstopping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |to| to.write(bytes))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.attempt((), |to| to.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), W::flush)
    }
}
