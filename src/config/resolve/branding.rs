//! `[branding]`: the logo is read and its type told from its content.

use super::{Surroundings, files};
use crate::config::file::branding::BrandingSection;
use crate::config::file::setting::Located;
use crate::domain::branding::Branding;

pub(crate) fn resolve(section: &BrandingSection, around: &Surroundings<'_>) -> Option<Branding> {
    let logo = match section.logo_file.given() {
        Some(path) => Some(logo(path, around)?),
        None => None,
    };
    let accent = section.accent.value().and_then(|accent| Some((accent.light.value()?.clone(), accent.dark.value()?.clone())));
    Some(Branding {
        name: section.name.value().cloned(),
        logo,
        accent,
        support: section.support.value().cloned(),
        privacy_url: section.privacy_url.value().map(ToString::to_string),
        terms_url: section.terms_url.value().map(ToString::to_string),
    })
}

fn logo(path: &Located<String>, around: &Surroundings<'_>) -> Option<(&'static str, Vec<u8>)> {
    let content = files::read(path, "logo_file", around)?;
    let Some(media_type) = media_type(&content) else {
        files::report_unusable(path, "logo_file", "expected an SVG or PNG picture", around);
        return None;
    };
    Some((media_type, content.to_vec()))
}

fn media_type(content: &[u8]) -> Option<&'static str> {
    if content.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some("image/png");
    }
    let text = std::str::from_utf8(content).ok()?;
    let start = text.trim_start_matches('\u{feff}').trim_start();
    (start.starts_with('<') && text.contains("<svg")).then_some("image/svg+xml")
}
