//! What RE2 refuses of what the syntax that expressions are checked by allows.
//!
//! Source: google/re2 re2/parse.cc and re2/unicode_groups.cc; Go's regexp/syntax, which refuses the
//! same.

use super::expression::{Part, scan};

/// What an expression has that RE2 refuses, and PCRE refuses or reads in another way.
pub(super) fn refused(pattern: &str) -> Option<&'static str> {
    walk(pattern, &mut |fault| match fault {
        Fault::Repeated => Some("a repetition of a repetition, such as `a++`"),
        Fault::Property => {
            Some(r"`\p{…}` with anything but a general category (`Lu`) or a script (`Greek`)")
        }
        Fault::Flags => Some("the flags `R`, `u` and `x`"),
        Fault::Name => Some("the name of a group that has more than letters, digits and `_`"),
        Fault::Blank => Some("blanks in a repetition, such as `a{2, 3}`"),
        Fault::Count(_) => None,
    })
}

/// How often a part of an expression is to be matched, where that is more than allowed; nested
/// repetitions are multiplied.
pub(super) fn too_many_repeats(pattern: &str, allowed: u32) -> Option<u32> {
    walk(pattern, &mut |fault| match fault {
        Fault::Count(count) => (count > allowed).then_some(count),
        _ => None,
    })
}

enum Fault {
    Repeated,
    Property,
    Flags,
    Name,
    Blank,
    /// No fault where it is small.
    Count(u32),
}

/// What the last part of an expression was, for what may follow it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing that can be repeated, or something that is not repeated yet.
    Atom,
    Repetition,
    LazyRepetition,
}

/// The repeats of a group that is not closed yet.
#[derive(Clone, Copy, Default)]
struct Group {
    /// The most of its parts before the last one.
    most: u32,
    /// Those of its last part.
    last: u32,
}

impl Group {
    fn part(&mut self, repeats: u32) {
        self.most = self.most.max(self.last);
        self.last = repeats;
    }
}

/// Where a walk is that sees one part after the other.
enum Inside {
    Nothing,
    /// Behind `(`, which `?` makes a special group.
    Opened,
    /// In `?P<name>` or `?i:` behind `(`, of which this was read.
    Head(String),
    /// In `{2,3}`, of which this was read.
    Count(String),
    /// Behind `\x`, `\p` or `\P`.
    Escape {
        is_property: bool,
    },
    /// In `{…}` behind one of them.
    Braces {
        is_property: bool,
        text: String,
    },
}

/// Walks an expression that is valid by the syntax of docs.rs/regex.
fn walk<T>(pattern: &str, see: &mut impl FnMut(Fault) -> Option<T>) -> Option<T> {
    let mut groups: Vec<Group> = Vec::new();
    let mut group = Group::default();
    let mut last = Last::Atom;
    let mut inside = Inside::Nothing;
    scan(pattern, |part| {
        let c = match part {
            Part::Plain(c) | Part::InClass(c) => c,
            Part::Escaped(c @ ('x' | 'p' | 'P')) => {
                (inside, last) = (Inside::Escape { is_property: c != 'x' }, Last::Atom);
                group.part(1);
                return None;
            }
            Part::Escaped(_) => '\\',
        };
        match std::mem::replace(&mut inside, Inside::Nothing) {
            Inside::Escape { is_property } if c == '{' => {
                inside = Inside::Braces { is_property, text: String::new() };
                return None;
            }
            // `\pL` and `\x41`.
            Inside::Escape { .. } => return None,
            Inside::Braces { is_property: true, text } if c == '}' => {
                return if is_known(&text) { None } else { see(Fault::Property) };
            }
            Inside::Braces { .. } if c == '}' => return None,
            Inside::Braces { is_property, mut text } => {
                text.push(c);
                inside = Inside::Braces { is_property, text };
                return None;
            }
            Inside::Count(text) if c == '}' => {
                let most = counted(&text);
                let repeats = most.saturating_mul(group.last.max(1));
                group.last = if most == 0 { 0 } else { repeats };
                let is_plain = text.chars().all(|c| c.is_ascii_digit() || c == ',');
                return see(if is_plain { Fault::Count(repeats) } else { Fault::Blank });
            }
            Inside::Count(mut text) => {
                text.push(c);
                inside = Inside::Count(text);
                return None;
            }
            Inside::Opened if c == '?' => {
                inside = Inside::Head(String::new());
                return None;
            }
            Inside::Head(text) if matches!(c, ')' | ':') => {
                if c == ')' {
                    // Flags alone, which match nothing.
                    group = groups.pop().unwrap_or_default();
                }
                return if text.contains(['R', 'u', 'x']) { see(Fault::Flags) } else { None };
            }
            Inside::Head(text) if c == '>' => {
                let name = text.trim_start_matches('P').trim_start_matches('<');
                return if is_name(name) { None } else { see(Fault::Name) };
            }
            Inside::Head(mut text) => {
                text.push(c);
                inside = Inside::Head(text);
                return None;
            }
            Inside::Opened | Inside::Nothing => {}
        }
        match part {
            Part::Plain('?') if last == Last::Repetition => last = Last::LazyRepetition,
            Part::Plain('*' | '+' | '?' | '{') if last != Last::Atom => {
                return see(Fault::Repeated);
            }
            Part::Plain('{') => (inside, last) = (Inside::Count(String::new()), Last::Repetition),
            Part::Plain('*' | '+' | '?') => last = Last::Repetition,
            Part::Plain('(') => {
                groups.push(std::mem::take(&mut group));
                (inside, last) = (Inside::Opened, Last::Atom);
            }
            Part::Plain(')') => {
                let repeats = group.most.max(group.last);
                group = groups.pop().unwrap_or_default();
                group.part(repeats);
                last = Last::Atom;
            }
            Part::Plain(_) | Part::InClass(_) | Part::Escaped(_) => {
                group.part(1);
                last = Last::Atom;
            }
        }
        None
    })
}

/// Whether all take it for the name of a group.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The most of `2`, `2,` and `2,3`.
fn counted(text: &str) -> u32 {
    let (least, most) = text.split_once(',').unwrap_or((text, text));
    let number = if most.trim().is_empty() { least } else { most };
    // What is no number of this size is far more.
    number.trim().parse().unwrap_or(u32::MAX)
}

fn is_known(property: &str) -> bool {
    CATEGORIES.contains(&property) || SCRIPTS.contains(&property)
}

/// General categories of characters, and any character.
#[rustfmt::skip]
const CATEGORIES: &[&str] = &[
    "Any", "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd",
    "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// Scripts. Source: unicode.org/Public/15.0.0/ucd/Scripts.txt.
#[rustfmt::skip]
const SCRIPTS: &[&str] = &[
    "Adlam", "Ahom", "Anatolian_Hieroglyphs", "Arabic", "Armenian", "Avestan", "Balinese", "Bamum", "Bassa_Vah",
    "Batak", "Bengali", "Bhaiksuki", "Bopomofo", "Brahmi", "Braille", "Buginese", "Buhid",
    "Canadian_Aboriginal", "Carian", "Caucasian_Albanian", "Chakma", "Cham", "Cherokee", "Chorasmian", "Common",
    "Coptic", "Cuneiform", "Cypriot", "Cypro_Minoan", "Cyrillic", "Deseret", "Devanagari", "Dives_Akuru",
    "Dogra", "Duployan", "Egyptian_Hieroglyphs", "Elbasan", "Elymaic", "Ethiopic", "Georgian", "Glagolitic",
    "Gothic", "Grantha", "Greek", "Gujarati", "Gunjala_Gondi", "Gurmukhi", "Han", "Hangul", "Hanifi_Rohingya",
    "Hanunoo", "Hatran", "Hebrew", "Hiragana", "Imperial_Aramaic", "Inherited", "Inscriptional_Pahlavi",
    "Inscriptional_Parthian", "Javanese", "Kaithi", "Kannada", "Katakana", "Kawi", "Kayah_Li", "Kharoshthi",
    "Khitan_Small_Script", "Khmer", "Khojki", "Khudawadi", "Lao", "Latin", "Lepcha", "Limbu", "Linear_A",
    "Linear_B", "Lisu", "Lycian", "Lydian", "Mahajani", "Makasar", "Malayalam", "Mandaic", "Manichaean",
    "Marchen", "Masaram_Gondi", "Medefaidrin", "Meetei_Mayek", "Mende_Kikakui", "Meroitic_Cursive",
    "Meroitic_Hieroglyphs", "Miao", "Modi", "Mongolian", "Mro", "Multani", "Myanmar", "Nabataean",
    "Nag_Mundari", "Nandinagari", "New_Tai_Lue", "Newa", "Nko", "Nushu", "Nyiakeng_Puachue_Hmong", "Ogham",
    "Ol_Chiki", "Old_Hungarian", "Old_Italic", "Old_North_Arabian", "Old_Permic", "Old_Persian", "Old_Sogdian",
    "Old_South_Arabian", "Old_Turkic", "Old_Uyghur", "Oriya", "Osage", "Osmanya", "Pahawh_Hmong", "Palmyrene",
    "Pau_Cin_Hau", "Phags_Pa", "Phoenician", "Psalter_Pahlavi", "Rejang", "Runic", "Samaritan", "Saurashtra",
    "Sharada", "Shavian", "Siddham", "SignWriting", "Sinhala", "Sogdian", "Sora_Sompeng", "Soyombo",
    "Sundanese", "Syloti_Nagri", "Syriac", "Tagalog", "Tagbanwa", "Tai_Le", "Tai_Tham", "Tai_Viet", "Takri",
    "Tamil", "Tangsa", "Tangut", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh", "Tirhuta", "Toto",
    "Ugaritic", "Vai", "Vithkuqi", "Wancho", "Warang_Citi", "Yezidi", "Yi", "Zanabazar_Square",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_re2_refuses_is_seen() {
        for pattern in [
            "beta++",
            "a**",
            "a??+",
            "a{2}{3}",
            "a*{2}",
            "a{2}+",
            "a{2}??",
            "a+*",
            "(a)++",
            "[a]**",
            "a|b++",
            r"\p{Letter}",
            r"\p{sc=Greek}",
            r"\p{gc=Lu}",
            r"\p{Alphabetic}",
            r"\p{Emoji}",
            r"\p{Age=6.0}",
            r"[\p{letter}]",
            r"\P{greek}",
            r"\x{61}++",
            r"\d**",
            r"\pL++",
            r"(?i:a)**",
            "a{2, 3}",
            "a{ 2 }",
            "(?P<a.b>c)",
            "(?P<a[0]>c)",
            "(?<é>c)",
            "(?R)a",
            "(?i-u:a)",
            "(?x)a",
        ] {
            assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
            assert!(refused(pattern).is_some(), "{pattern}");
        }
        for pattern in [
            "a+",
            "a*?",
            "a??",
            "a{2}?",
            "(a+)+",
            "(?:a*)*",
            "^*",
            r"\b+",
            "[*+]+",
            r"\*+",
            r"\++",
            "a+b+",
            "(?P<n>a+)?",
            "(?i)a+",
            "(?i-s:a+)+",
            r"\x{61}+",
            r"\x41+",
            r"\p{Lu}+",
            r"\pL+",
            r"[\p{Greek}a]+?",
            r"\P{Nd}",
            "(|a)+",
            "a{1,5}",
            "[[:alpha:]]+",
            "[]*]+",
            r"\(?user\)?",
            "[(?u]",
            "(?<n_1>a)",
        ] {
            assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
            assert_eq!(refused(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn repeats_are_multiplied() {
        for (pattern, repeats) in [
            ("a{1001}", 1001),
            ("a{1,2000}", 2000),
            ("a{1001,}", 1001),
            ("(a{500}){3}", 1500),
            ("(?:b(a{101}|c)){10}", 1010),
            ("((a{11}){10}b){10}", 1100),
            ("a{99999999999}", u32::MAX),
        ] {
            assert_eq!(too_many_repeats(pattern, 1000), Some(repeats), "{pattern}");
        }
        for pattern in [
            "a{1000}",
            "(a{500}){2}",
            "a{1000}b{1000}",
            "(a{10}b){100}",
            "a{0}",
            "(a{2}){0}",
            r"\x{2000}",
        ] {
            assert_eq!(too_many_repeats(pattern, 1000), None, "{pattern}");
        }
        assert_eq!(too_many_repeats("a{1001}b{70000}", 65_535), Some(70_000));
    }
}
