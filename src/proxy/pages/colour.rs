//! Colours as far as the stylesheet needs them: `#rrggbb`, and how well one can be read on another (WCAG 2.2, success
//! criterion 1.4.3).

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// The smallest contrast ratio at which text of normal size counts as readable.
const READABLE: f64 = 4.5;

impl Colour {
    pub(super) const BLACK: Self = Self { red: 0, green: 0, blue: 0 };
    pub(super) const WHITE: Self = Self { red: 255, green: 255, blue: 255 };

    pub(super) const fn of(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rrggbb`; no other spelling can get into a stylesheet.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self { red: pair(0)?, green: pair(2)?, blue: pair(4)? })
    }

    /// From 1 (the same) to 21 (black on white).
    pub(super) fn contrast_with(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    pub(super) fn is_readable_on(self, ground: Self) -> bool {
        self.contrast_with(ground) >= READABLE
    }

    /// Whether a drawing in this colour can be made out (success criterion 1.4.11).
    pub(super) fn is_visible_on(self, ground: Self) -> bool {
        self.contrast_with(ground) >= 3.0
    }

    /// Black or white, whichever is easier to read on this colour. One of the two is always readable.
    pub(super) fn readable_ink(self) -> Self {
        if Self::WHITE.is_readable_on(self) { Self::WHITE } else { Self::BLACK }
    }

    /// An eighth of the way to `other`.
    pub(super) fn nudged_to(self, other: Self) -> Self {
        let nudge = |from: u8, to: u8| ((u16::from(from) * 7 + u16::from(to)) / 8) as u8;
        Self { red: nudge(self.red, other.red), green: nudge(self.green, other.green), blue: nudge(self.blue, other.blue) }
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_on_white_is_twenty_one_to_one() {
        assert!((Colour::BLACK.contrast_with(Colour::WHITE) - 21.0).abs() < 1e-9);
        assert!((Colour::WHITE.contrast_with(Colour::WHITE) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn only_six_hex_digits_are_a_colour() {
        assert_eq!(Colour::parse("#3D4fc7").map(|colour| colour.to_string()), Some("#3d4fc7".into()));
        for text in ["3d4fc7", "#fff", "#12345g", "#+12345", "#3d4fc7;}", "red", "", "#éé12"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }

    #[test]
    fn there_is_readable_ink_for_every_grey_and_it_stays_readable_when_nudged_away() {
        for level in 0..=255 {
            let colour = Colour { red: level, green: level, blue: level };
            let ink = colour.readable_ink();
            let away = if ink == Colour::WHITE { Colour::BLACK } else { Colour::WHITE };
            assert!(ink.is_readable_on(colour) && ink.is_readable_on(colour.nudged_to(away)), "{level}");
        }
    }
}
