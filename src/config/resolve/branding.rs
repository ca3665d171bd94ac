//! `[branding]`: the logo is read and its type told from its content, and accents are held against the pages they are for.

use super::{Surroundings, files};
use crate::config::file::branding::BrandingSection;
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem};
use crate::domain::branding::Branding;
use crate::domain::colour::{Colour, READABLE, Scheme};

pub(crate) fn resolve(section: &BrandingSection, around: &Surroundings<'_>) -> Option<Branding> {
    let logo = match section.logo_file.given() {
        Some(path) => Some(logo(path, around)?),
        None => None,
    };
    let accent = section.accent.value().and_then(|accent| {
        warn_of_faint(&accent.light, Scheme::LIGHT, "light", around);
        warn_of_faint(&accent.dark, Scheme::DARK, "dark", around);
        Some((accent.light.value()?.clone(), accent.dark.value()?.clone()))
    });
    Some(Branding {
        name: section.name.value().cloned(),
        logo,
        accent,
        support: section.support.value().cloned(),
        privacy_url: section.privacy_url.value().map(ToString::to_string),
        terms_url: section.terms_url.value().map(ToString::to_string),
    })
}

/// Nobody has to read what cannot be read: links take the colour of the text instead. But that is not what was wanted.
fn warn_of_faint(accent: &Setting<String>, scheme: Scheme, pages: &str, around: &Surroundings<'_>) {
    let Some((accent, colour)) = accent.given().and_then(|accent| Some((accent, Colour::parse(&accent.value)?))) else { return };
    if scheme.carries(colour) {
        return;
    }
    // Never rounded up to a ratio that would do.
    let ratio = (scheme.contrast_of(colour) * 100.0).floor() / 100.0;
    let title = format!("the accent is too faint for text on {pages} pages: its contrast is {ratio:.2}:1, and must be {READABLE}:1");
    let problem = Problem::new(Code::FaintAccent, accent.at, title);
    let problem = problem.label(format!("the nearest shade that can be read is \"{}\"", scheme.readable_shade(colour)));
    around.findings.report(problem.note("links take the colour of the text instead; 4.5:1 is what WCAG 2.2 AA asks for text (1.4.3)"));
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
