//! How our pages name and dress the app they stand in front of.

/// `[branding]`
#[derive(Debug, Clone, Default)]
pub struct Branding {
    /// The app's name on pages; empty shows the host.
    pub name: Option<String>,
    /// The logo: media type (`image/svg+xml`, `image/png`, …) and content.
    pub logo: Option<(&'static str, Vec<u8>)>,
    /// Accent colours `#rrggbb` for light and dark.
    pub accent: Option<(String, String)>,
    /// `mailto:` or https URL.
    pub support: Option<String>,
    /// https URL
    pub privacy_url: Option<String>,
    /// https URL
    pub terms_url: Option<String>,
}
