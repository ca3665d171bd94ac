//! `[branding]`.

use url::Url;

use super::reader::Reader;
use super::setting::Setting;
use super::{forms, section};

/// The section.
#[derive(Debug, Default)]
pub(crate) struct BrandingSection {
    pub(crate) name: Setting<String>,
    pub(crate) logo_file: Setting<String>,
    pub(crate) accent: Setting<Accent>,
    pub(crate) support: Setting<String>,
    pub(crate) privacy_url: Setting<Url>,
    pub(crate) terms_url: Setting<Url>,
}

/// `accent`
#[derive(Debug)]
pub(crate) struct Accent {
    pub(crate) light: Setting<String>,
    pub(crate) dark: Setting<String>,
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> BrandingSection {
    section(reader.table("branding", "[branding]", |reader| BrandingSection {
        name: reader.parsed("name", forms::short_text),
        logo_file: reader.parsed("logo_file", forms::path),
        accent: reader.table("accent", "branding.accent", |reader| {
            let accent = Accent { light: reader.parsed("light", forms::colour), dark: reader.parsed("dark", forms::colour) };
            reader.require("light", &accent.light, "a colour for light pages");
            reader.require("dark", &accent.dark, "a colour for dark pages");
            accent
        }),
        support: reader.parsed("support", forms::support),
        privacy_url: reader.parsed("privacy_url", forms::https_url),
        terms_url: reader.parsed("terms_url", forms::https_url),
    }))
}
