//! What all pages share: the app's name, where styles and help are, and how links to our own endpoints are written.
//! Made once per configuration and origin.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::assets::Assets;
use super::clipped;
use super::sign_in::field;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::branding::Branding;
use crate::domain::decision::DecisionId;
use crate::domain::origin::Origin;
use crate::domain::return_to::ReturnTo;

/// Everything but the unreserved characters of RFC 3986 §2.3.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The `prompt` that makes providers ask which account.
const SELECT_ACCOUNT: &str = "select_account";

/// The frame around every page.
#[derive(Debug, Clone)]
pub struct Chrome {
    /// The app's name; the host, if it has none.
    pub(super) app_name: String,
    pub(super) host: String,
    pub(super) logo_url: Option<String>,
    pub(super) icon_url: String,
    pub(super) style_url: String,
    pub(super) privacy_url: Option<String>,
    pub(super) terms_url: Option<String>,
    pub(super) prefix: String,
    support: Option<String>,
    origin: Origin,
}

/// How the next sign-in is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// As it comes.
    Afresh,
    /// With the provider's list of accounts, lest it sign the same one in again.
    ChoosingAnAccount,
}

impl Chrome {
    /// Takes the branding for pages at one of our origins.
    #[must_use]
    pub fn new(branding: &Branding, origin: &Origin, prefix: &str, assets: &Assets) -> Self {
        let host = origin.authority().to_owned();
        let web = |url: &Option<String>| url.clone().filter(|url| is_web_address(url));
        Self {
            app_name: branding.name.as_deref().map_or_else(|| host.clone(), |name| clipped(name, 100)),
            host,
            logo_url: assets.logo_url(prefix),
            icon_url: assets.icon_url(prefix),
            style_url: assets.style_url(prefix),
            privacy_url: web(&branding.privacy_url),
            terms_url: web(&branding.terms_url),
            prefix: prefix.to_owned(),
            support: branding.support.clone().filter(|url| is_web_address(url) || url.starts_with("mailto:")),
            origin: origin.clone(),
        }
    }

    /// Whether the app has a name that is not simply its host.
    pub(super) fn has_a_name(&self) -> bool {
        self.app_name != self.host
    }

    /// A heading as the browser's title bar shows it.
    pub(super) fn title(&self, heading: &str) -> String {
        format!("{heading} - {}", self.app_name)
    }

    /// A return target as a link: short where it is at this origin.
    pub(super) fn place(&self, target: &ReturnTo) -> String {
        if *target.origin() == self.origin {
            target.path_and_query().to_owned()
        } else {
            format!("{}{}", target.origin(), target.path_and_query())
        }
    }

    /// The link that starts a sign-in.
    pub(super) fn sign_in_link(&self, target: Option<&ReturnTo>, begin: Begin) -> String {
        let prompt = match begin {
            Begin::Afresh => None,
            Begin::ChoosingAnAccount => Some(SELECT_ACCOUNT),
        };
        self.link("sign-in", self.place_of(target).as_deref(), &[(field::PROMPT, prompt)])
    }

    /// The link that starts a sign-in without an address, at the authority for `kind`.
    pub(super) fn sign_in_link_for(&self, kind: AccountKind, target: &ReturnTo, prompt: Option<&str>) -> String {
        self.link("sign-in", Some(&self.place(target)), &[(field::ACCOUNT, Some(kind.as_str())), (field::PROMPT, prompt)])
    }

    /// The link that signs somebody in at one authority, in place of whoever is signed in there, and comes back to the page
    /// of who is signed in.
    pub(super) fn switch_link(&self, authority: &AuthorityName, back: Option<&ReturnTo>) -> String {
        let parameters = [(field::AUTHORITY, Some(authority.as_str())), (field::PROMPT, Some(SELECT_ACCOUNT))];
        self.link("sign-in", Some(&self.place_of_session_page(back)), &parameters)
    }

    /// The link that signs in with one more kind of account, and comes back to the page of who is signed in.
    pub(super) fn add_link(&self, kind: AccountKind, back: Option<&ReturnTo>) -> String {
        let parameters = [(field::ACCOUNT, Some(kind.as_str())), (field::PROMPT, Some(SELECT_ACCOUNT))];
        self.link("sign-in", Some(&self.place_of_session_page(back)), &parameters)
    }

    /// The link to the page of who is signed in.
    pub(super) fn session_link(&self, back: Option<&ReturnTo>) -> String {
        self.link("session", self.place_of(back).as_deref(), &[])
    }

    /// The same as somewhere to come back to: without a way on from there, if that would make it too long.
    fn place_of_session_page(&self, back: Option<&ReturnTo>) -> String {
        let link = self.session_link(back);
        if link.len() <= ReturnTo::MAX_LENGTH { link } else { self.session_link(None) }
    }

    /// The link to the page that asks whether to sign out.
    pub(super) fn sign_out_link(&self, target: Option<&ReturnTo>) -> String {
        self.link("sign-out", self.place_of(target).as_deref(), &[])
    }

    /// The same as a URL for programs, which do not resolve links.
    pub(crate) fn absolute_sign_in_url(&self, target: Option<&ReturnTo>, prompt: Option<&str>) -> String {
        format!("{}{}", self.origin, self.link("sign-in", self.place_of(target).as_deref(), &[(field::PROMPT, prompt)]))
    }

    /// Where help is; a mail says which decision it is about.
    pub(super) fn support_link(&self, decision: Option<DecisionId>) -> Option<String> {
        let support = self.support.as_deref()?;
        Some(match decision {
            Some(decision) if support.starts_with("mailto:") && !support.contains('?') => {
                let subject = format!("{}: sign-in, reference {decision}", self.app_name);
                format!("{support}?subject={}", query_value(&subject))
            }
            Some(_) | None => support.to_owned(),
        })
    }

    /// A `WWW-Authenticate` value (RFC 6750 §3); `more` holds further parameters, comma first. Never `Basic`, which
    /// would make browsers ask for a password.
    pub(crate) fn bearer_challenge(&self, more: &str) -> HeaderValue {
        let value = format!("Bearer realm=\"{}\"{more}", self.host);
        HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
    }

    fn place_of(&self, target: Option<&ReturnTo>) -> Option<String> {
        target.map(|target| self.place(target))
    }

    fn link(&self, endpoint: &str, return_to: Option<&str>, parameters: &[(&str, Option<&str>)]) -> String {
        let given = parameters.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
        let all = given.chain(return_to.map(|place| (field::RETURN_TO, place)));
        let query: Vec<String> = all.map(|(name, value)| format!("{name}={}", query_value(value))).collect();
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{}/{endpoint}{separator}{}", self.prefix, query.join("&"))
    }
}

/// Whether a browser follows the address over HTTP: scripts and data do not pass.
pub(super) fn is_web_address(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

pub(super) fn query_value(text: &str) -> String {
    utf8_percent_encode(text, QUERY_VALUE).to_string()
}
