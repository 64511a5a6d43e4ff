//! How wide texts are, so that boxes fit them without a browser.

/// Advance widths of the characters from space to `~` in Helvetica, in thousandths of the size.
///
/// Source: Adobe Core 14 AFM, Helvetica.afm. Arial and Liberation Sans have the same.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The width of a text in a size, both in pixels. Fonts that are used instead are a little wider at
/// most, bold ones too; characters beyond ASCII count as square.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let advance = |c: char| {
        let at = u32::from(c).checked_sub(u32::from(' ')).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| HELVETICA.get(at)).copied().map_or(1000, u32::from)
    };
    let thousandths: u32 = text.chars().map(advance).sum();
    f64::from(thousandths) / 1000.0 * size * 1.08
}
