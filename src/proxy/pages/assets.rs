//! The stylesheet, the icon and the logo: the only files our pages load, all from our own origin. Their addresses name
//! a hash of their content, so that browsers may keep them for good.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{HeaderValue, Response, header};

use crate::domain::branding::Branding;
use crate::domain::colour::{Colour, Scheme};

const STYLE: &str = include_str!("style.css");
const ICON: &[u8] = include_bytes!("icons/app.svg");

/// All files of one configuration.
#[derive(Debug, Clone)]
pub struct Assets {
    style: Asset,
    icon: Asset,
    logo: Option<Asset>,
}

#[derive(Debug, Clone)]
struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: Bytes,
    hash: String,
}

impl Assets {
    /// Puts the files together. The accent colours become part of the stylesheet, because pages may not have styles of
    /// their own.
    #[must_use]
    pub fn new(branding: &Branding) -> Self {
        let style = format!("{STYLE}{}", accent_rules(branding));
        Self {
            style: Asset::new("style.css", "text/css; charset=utf-8", style.into()),
            icon: Asset::new("icon.svg", "image/svg+xml", Bytes::from_static(ICON)),
            logo: branding.logo.as_ref().map(|(media_type, content)| Asset::new("logo", media_type, content.clone().into())),
        }
    }

    /// Answers `GET {prefix}/assets/{name}?v=…`; `None` if there is no such file. With another hash than the present
    /// one (another replica's, an older page's) the answer is the present file, to be asked for again.
    #[must_use]
    pub fn response(&self, name: &str, query: Option<&str>) -> Option<Response<Bytes>> {
        let asset = self.all().find(|asset| asset.name == name)?;
        let is_present = query.and_then(|query| query.strip_prefix("v=")) == Some(&*asset.hash);
        let mut response = Response::new(asset.content.clone());
        let headers = response.headers_mut();
        let keep = if is_present { "public, max-age=31536000, immutable" } else { "no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(asset.content.len()));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // A logo is the operator's file: opened by itself, an SVG must not run anything at our origin.
        let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        Some(response)
    }

    /// Where a page finds the stylesheet.
    pub(super) fn style_url(&self, prefix: &str) -> String {
        self.style.url(prefix)
    }

    /// Where a page finds its icon.
    pub(super) fn icon_url(&self, prefix: &str) -> String {
        self.logo.as_ref().unwrap_or(&self.icon).url(prefix)
    }

    /// Where a page finds the logo.
    pub(super) fn logo_url(&self, prefix: &str) -> Option<String> {
        self.logo.as_ref().map(|logo| logo.url(prefix))
    }

    fn all(&self) -> impl Iterator<Item = &Asset> {
        [&self.style, &self.icon].into_iter().chain(&self.logo)
    }
}

impl Asset {
    fn new(name: &'static str, media_type: &'static str, content: Bytes) -> Self {
        let hash = digest(&SHA256, &content).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name, media_type, content, hash }
    }

    fn url(&self, prefix: &str) -> String {
        format!("{prefix}/assets/{}?v={}", self.name, self.hash)
    }
}

fn accent_rules(branding: &Branding) -> String {
    let Some((light, dark)) = &branding.accent else { return String::new() };
    let (Some(light), Some(dark)) = (Colour::parse(light), Colour::parse(dark)) else { return String::new() };
    let (light, dark) = (accent_variables(Scheme::LIGHT, light), accent_variables(Scheme::DARK, dark));
    format!(":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n")
}

/// An accent is only trusted to be a colour: the ink on it is chosen to be readable, and links and drawings take it
/// only where it stands out.
fn accent_variables(scheme: Scheme, accent: Colour) -> String {
    let on_accent = accent.readable_ink();
    let hover = accent.nudged_to(if on_accent == Colour::WHITE { Colour::BLACK } else { Colour::WHITE });
    let tint = scheme.surface.nudged_to(accent);
    let on_tint = if accent.is_visible_on(tint) { accent } else { scheme.text };
    let link = if scheme.carries(accent) { accent } else { scheme.text };
    format!("--accent:{accent};--accent-hover:{hover};--on-accent:{on_accent};--tint:{tint};--on-tint:{on_tint};--link:{link};")
}

#[cfg(test)]
mod tests;
