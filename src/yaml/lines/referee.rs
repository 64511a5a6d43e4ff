//! Holds what is read line by line against the parser.

use yaml_rust2::parser::{Event, Parser};

use super::events;

/// Whether the events are those that the parser gives.
pub(in super::super) fn agree_with_the_parser(text: &str) -> bool {
    let mut read = Vec::new();
    let mut keep = |event: &mut Event| {
        read.push(event.clone());
        Some(())
    };
    if events(text, &mut keep).is_none() {
        return true;
    }
    let mut read = read.into_iter();
    let mut parser = Parser::new_from_str(text);
    loop {
        match parser.next_token() {
            Ok((Event::StreamStart, _)) => {}
            Ok((Event::StreamEnd, _)) => return read.next().is_none(),
            Ok((event, _)) if read.next().is_some_and(|read| read == event) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines that may stand in one column, `~` for that column and `%` for a deeper one.
    const LINES: [&str; 38] = [
        "",
        "# c",
        "a:",
        "b: c",
        "b: c",
        "b: c d # e",
        "b:   -c  ",
        "- f",
        "- f",
        "-",
        "- a:",
        "- b: c",
        "-   b:",
        "- - x",
        "- {a: b}",
        "- \"z\": 1",
        "- -1",
        "n: - o",
        "e: {}",
        "e: [a, 'b', \"c d\", e:1, ]",
        "e: {a: b, c: [d, [ ]], 'e': .f=%*}",
        "f: 'x'",
        "f: \"y\" # z",
        "\"g\": h",
        "'i': \"\"",
        "l: m:n #",
        "w: http://x:1/#y",
        "d: |\n%x: y\n\n%  z\n",
        "d: |-\n\n%\tx\n~# c",
        "- |\n%x",
        "p: >-\n%x\n%y",
        "b: c\n% d",
        "q: \"r\n% s\"",
        "y: &a b",
        "z: *a",
        "---",
        "--- # h",
        "...",
    ];

    /// Pieces of which any text may be made.
    const PIECES: [&str; 47] = [
        "a", "b", "1", ":", ": ", "- ", "-", "\n", "\n  ", "\n    ", "\n- ", "  ", " ", "#",
        " # c", "'", "\"", "{", "}", "[", "]", ",", ", ", "|", "|-\n", ">", "---", "\n---\n",
        "...", "&a ", "*a", "!t ", "\t", "%", "?", "é", "，", "\\", "<<", "~", "\u{feff}", ".",
        "@", "=", "\r\n", "\0", "``",
    ];

    /// A text of lines most of which stand where they may.
    fn lines_of(steps: &[(usize, usize)]) -> String {
        let mut text = String::new();
        // Columns with collections, and whether they are lists.
        let mut open: Vec<(usize, bool)> = Vec::new();
        for (place, line) in steps {
            let awaits = open.is_empty() || text.ends_with([':', '-']);
            let (mut column, mut form) = (0, None);
            if awaits && place % 8 > 0 {
                let above = open.last().map_or(0, |(column, _)| *column);
                column =
                    if open.is_empty() { 0 } else { above + [0, 1, 2, 2, 2, 2, 4][place % 8 - 1] };
            } else if !open.is_empty() {
                open.truncate(open.len() - place / 8 % open.len());
                if let Some((last, is_list)) = open.pop() {
                    (column, form) = (last, Some(is_list).filter(|_| place % 8 < 7));
                }
            }
            let fits = |line: &&&str| form.is_none_or(|form| form == line.starts_with("- "));
            let line = LINES.iter().cycle().skip(*line).find(fits).copied().unwrap_or_default();
            open.push((column, line.starts_with('-')));
            if line.starts_with("- ") && line.ends_with(':') {
                open.push((column + line.len() - line[1..].trim_start().len(), false));
            }
            let pad = " ".repeat(column);
            let line = line.replace('~', &pad).replace('%', &format!("{pad}  "));
            text.push_str(&format!("\n{pad}{line}"));
        }
        text
    }

    proptest! {
        #[test]
        fn lines_have_the_events_of_the_parser(
            steps in prop::collection::vec((0..64usize, 0..LINES.len()), 0..12),
            ends in any::<bool>(),
            piece in prop::sample::select(&PIECES[..]),
            at in any::<prop::sample::Index>(),
        ) {
            let mut text = lines_of(&steps) + if ends { "\n" } else { "" };
            prop_assert!(agree_with_the_parser(&text), "{text}");
            let places: Vec<usize> =
                (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            text.insert_str(places[at.index(places.len())], piece);
            prop_assert!(agree_with_the_parser(&text), "{text}");
        }

        #[test]
        fn any_text_has_the_events_of_the_parser(
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..16),
        ) {
            let text = pieces.concat();
            prop_assert!(agree_with_the_parser(&text), "{text}");
            prop_assert!(agree_with_the_parser(&format!("k: {text}\n")), "{text}");
            prop_assert!(agree_with_the_parser(&format!("k: |\n  {text}\n")), "{text}");
            prop_assert!(agree_with_the_parser(&format!("k:\n- [{text}]\n")), "{text}");
        }
    }
}
