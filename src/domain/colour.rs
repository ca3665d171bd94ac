//! Colours as far as our pages need them: `#rrggbb`, how well one can be read on another (WCAG 2.2, success criterion
//! 1.4.3), and the grounds that an operator's accent has to be read on. What becomes of an accent in the stylesheet is
//! `proxy::pages`' business; a configuration is told by the same functions when it asks too much of one.

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// The smallest contrast ratio at which text of normal size counts as readable.
pub const READABLE: f64 = 4.5;

/// A scheme's colours that an accent has to get along with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// The card.
    pub surface: Colour,
    /// What is around it.
    pub page: Colour,
    /// Text on both.
    pub text: Colour,
}

impl Scheme {
    /// As the stylesheet has them; a test of the pages holds that.
    pub const LIGHT: Self = Self { surface: Colour::WHITE, page: Colour::of(0xf3, 0xf4, 0xf8), text: Colour::of(0x17, 0x1a, 0x21) };
    /// The same for people who want it dark.
    pub const DARK: Self =
        Self { surface: Colour::of(0x18, 0x1b, 0x22), page: Colour::of(0x0f, 0x11, 0x16), text: Colour::of(0xec, 0xee, 0xf3) };

    /// The contrast ratio of text in this colour, on that of the grounds where it is lower.
    #[must_use]
    pub fn contrast_of(self, ink: Colour) -> f64 {
        ink.contrast_with(self.surface).min(ink.contrast_with(self.page))
    }

    /// Whether text of normal size in this colour can be read on both grounds.
    #[must_use]
    pub fn carries(self, ink: Colour) -> bool {
        self.contrast_of(ink) >= READABLE
    }

    /// The nearest shade of a colour that can be read on both grounds: darker on light ones, lighter on dark ones.
    #[must_use]
    pub fn readable_shade(self, of: Colour) -> Colour {
        const STEPS: u16 = 255;
        let end = self.surface.readable_ink();
        (0..=STEPS).map(|step| of.mixed_with(end, step, STEPS)).find(|shade| self.carries(*shade)).unwrap_or(end)
    }
}

impl Colour {
    /// `#000000`
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };
    /// `#ffffff`
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };

    /// The colour of these channels.
    #[must_use]
    pub const fn of(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#rrggbb`; no other spelling can get into a stylesheet.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self { red: pair(0)?, green: pair(2)?, blue: pair(4)? })
    }

    /// From 1 (the same) to 21 (black on white).
    #[must_use]
    pub fn contrast_with(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Whether text of normal size in this colour can be read (success criterion 1.4.3).
    #[must_use]
    pub fn is_readable_on(self, ground: Self) -> bool {
        self.contrast_with(ground) >= READABLE
    }

    /// Whether a drawing in this colour can be made out (success criterion 1.4.11).
    #[must_use]
    pub fn is_visible_on(self, ground: Self) -> bool {
        self.contrast_with(ground) >= 3.0
    }

    /// Black or white, whichever is easier to read on this colour. One of the two is always readable.
    #[must_use]
    pub fn readable_ink(self) -> Self {
        if Self::WHITE.is_readable_on(self) { Self::WHITE } else { Self::BLACK }
    }

    /// An eighth of the way to `other`.
    #[must_use]
    pub const fn nudged_to(self, other: Self) -> Self {
        self.mixed_with(other, 1, 8)
    }

    /// So many parts of the way to `other`, of `whole` parts.
    const fn mixed_with(self, other: Self, parts: u16, whole: u16) -> Self {
        const fn mix(from: u8, to: u8, parts: u16, whole: u16) -> u8 {
            ((from as u16 * (whole - parts) + to as u16 * parts) / whole) as u8
        }
        Self {
            red: mix(self.red, other.red, parts, whole),
            green: mix(self.green, other.green, parts, whole),
            blue: mix(self.blue, other.blue, parts, whole),
        }
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
    fn the_nearest_readable_shade_can_be_read_and_a_step_less_could_not() {
        for scheme in [Scheme::LIGHT, Scheme::DARK] {
            for red in (0..=255).step_by(51) {
                for (green, blue) in [(0, 0), (213, 79), (128, 255), (255, 255)] {
                    let colour = Colour { red, green, blue };
                    let shade = scheme.readable_shade(colour);
                    assert!(scheme.carries(shade), "{colour} {shade}");
                    assert_eq!(shade == colour, scheme.carries(colour), "what can be read stays as it is: {colour} {shade}");
                }
            }
        }
        assert_eq!(Scheme::LIGHT.readable_shade(Colour::WHITE).to_string(), "#707070");
        assert!(!Scheme::LIGHT.carries(Colour::of(0x71, 0x71, 0x71)));
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
