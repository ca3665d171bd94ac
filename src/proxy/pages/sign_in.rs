//! The pages on the way to a provider: the address, the question which account, and the page that moves on.

use askama::Template;
use http::StatusCode;

use super::chrome::{Chrome, is_web_address};
use super::icon::Icon;
use super::notice::{kind_icon, kind_words};
use super::sign_out::provider_name;
use super::{Page, clipped};
use crate::domain::account::AccountKind;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;

/// Names of the form fields that the sign-in pages post to `{prefix}/sign-in`.
pub mod field {
    /// What was typed.
    pub const IDENTIFIER: &str = "identifier";
    /// The chosen kind of account: `work`, `personal` or `customer`.
    pub const ACCOUNT: &str = "account";
    /// The authority to sign in at, in links of our own pages.
    pub const AUTHORITY: &str = "authority";
    /// Where to go afterwards.
    pub const RETURN_TO: &str = "return_to";
    /// `prompt`, carried over.
    pub const PROMPT: &str = "prompt";
    /// `on` if the choice is to be remembered; absent otherwise.
    pub const REMEMBER: &str = "remember";
}

/// The most characters that the address field takes (RFC 5321 §4.5.3.1.3, without the angle brackets).
pub const LONGEST_IDENTIFIER: usize = 254;

/// Whether the box "Remember my choice" is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    /// It is, and ticked.
    Chosen,
    /// It is not.
    NotOffered,
    /// It is, and empty.
    Offered,
}

/// Why the person finds themselves on the sign-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInNotice {
    /// They were signed in, for too long.
    SessionEnded,
}

impl SignInNotice {
    const fn text(self) -> &'static str {
        match self {
            Self::SessionEnded => "Your session has ended. Sign in again to carry on.",
        }
    }
}

/// What the forms carry along.
#[derive(Clone, Copy)]
pub struct Carried<'a> {
    /// Where to go afterwards.
    pub return_to: &'a ReturnTo,
    /// `prompt` for the authorization request.
    pub prompt: Option<&'a str>,
    /// Whether the choice is to be remembered.
    pub remember: Remember,
}

/// The first page: asks for an address.
#[derive(Clone, Copy)]
pub struct AddressPage<'a> {
    /// The kinds of account that the route admits.
    pub kinds: &'a [AccountKind],
    /// What the form carries along.
    pub carried: Carried<'a>,
    /// What the field holds: `login_hint`, or what was typed before.
    pub typed: &'a str,
    /// What is wrong with it; `None` on the first visit.
    pub problem: Option<Reason>,
    /// Why they are here.
    pub notice: Option<SignInNotice>,
}

#[derive(Template)]
#[template(path = "proxy/pages/templates/address.html")]
struct AddressTemplate<'a> {
    chrome: &'a Chrome,
    title: String,
    label: &'static str,
    hint: &'static str,
    return_to: String,
    prompt: Option<String>,
    remember: Remember,
    typed: String,
    problem: Option<&'static str>,
    notice: Option<&'static str>,
    /// Ways without an address: link, words, drawing.
    options: Vec<(String, &'static str, Icon)>,
}

impl AddressPage<'_> {
    /// Makes the page: 200, or 422 with a problem.
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        let plain_title = chrome.title("Sign in");
        let (status, title) = match self.problem {
            None => (StatusCode::OK, plain_title),
            Some(_) => (StatusCode::UNPROCESSABLE_ENTITY, format!("Error: {plain_title}")),
        };
        let (label, hint) = field_words(self.kinds);
        let Carried { return_to, prompt, remember } = self.carried;
        let option = |kind: &AccountKind| (chrome.sign_in_link_for(*kind, return_to, prompt), kind_words(*kind), kind_icon(*kind));
        let template = AddressTemplate {
            chrome,
            title: title.clone(),
            label,
            hint,
            return_to: chrome.place(return_to),
            prompt: prompt.map(|prompt| clipped(prompt, 40)),
            remember,
            typed: clipped(self.typed, LONGEST_IDENTIFIER),
            problem: self.problem.map(Reason::title),
            notice: self.notice.map(SignInNotice::text),
            options: self.kinds.iter().map(option).collect(),
        };
        Page::new(status, title, &template)
    }
}

/// Label and hint of the address field, for the kinds that the route admits.
fn field_words(kinds: &[AccountKind]) -> (&'static str, &'static str) {
    let admits = |kind| kinds.contains(&kind);
    match (admits(AccountKind::Work), admits(AccountKind::Personal), admits(AccountKind::Customer)) {
        (true, false, false) => ("Email or phone", "Use your work or school account."),
        (false, true, false) => ("Email, phone or Skype name", "Use your personal account."),
        (false, false, true) => ("Email or phone", "Use your customer account."),
        (true, false, true) => ("Email or phone", "Use your work, school or customer account."),
        (false, true, true) => ("Email, phone or Skype name", "Use your personal or customer account."),
        (true, true, false) => ("Email, phone or Skype name", "Use your work, school or personal account."),
        (true, true, true) => ("Email, phone or Skype name", "Use your work, school, personal or customer account."),
        (false, false, false) => ("Email or phone", "Use the account you have for this app."),
    }
}

/// The second page: the same address may belong to several accounts.
#[derive(Clone, Copy)]
pub struct ChooseKindPage<'a> {
    /// The kinds to choose from.
    pub kinds: &'a [AccountKind],
    /// What was typed; `None` if nothing was.
    pub identifier: Option<&'a str>,
    /// What the form carries along.
    pub carried: Carried<'a>,
}

/// One big button.
struct Tile {
    value: &'static str,
    words: &'static str,
    explanation: &'static str,
    icon: Icon,
}

impl Tile {
    const fn of(kind: AccountKind) -> Self {
        let explanation = match kind {
            AccountKind::Customer => "One you made for this app",
            AccountKind::Personal => "One you made yourself",
            AccountKind::Work => "Given to you by your organisation",
        };
        Self { value: kind.as_str(), words: kind_words(kind), explanation, icon: kind_icon(kind) }
    }
}

#[derive(Template)]
#[template(path = "proxy/pages/templates/choose_kind.html")]
struct ChooseKindTemplate<'a> {
    chrome: &'a Chrome,
    title: String,
    heading: &'static str,
    tiles: Vec<Tile>,
    identifier: Option<String>,
    return_to: String,
    prompt: Option<String>,
    remember: Remember,
    another_address: String,
}

impl ChooseKindPage<'_> {
    /// Makes the page (200).
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        let heading = "Which account do you want to use?";
        let title = chrome.title(heading);
        let Carried { return_to, prompt, remember } = self.carried;
        let template = ChooseKindTemplate {
            chrome,
            title: title.clone(),
            heading,
            tiles: self.kinds.iter().map(|kind| Tile::of(*kind)).collect(),
            identifier: self.identifier.map(|identifier| clipped(identifier, LONGEST_IDENTIFIER)),
            return_to: chrome.place(return_to),
            prompt: prompt.map(|prompt| clipped(prompt, 40)),
            remember,
            another_address: chrome.sign_in_link(Some(return_to), super::chrome::Begin::Afresh),
        };
        Page::new(StatusCode::OK, title, &template)
    }
}

/// What a person is taken to their provider for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// To sign in, and to come back.
    SignIn,
    /// To be signed out there as they are here.
    SignOut,
}

/// The page that moves on to the provider. A redirect would not do: browsers hold `form-action` against redirects that
/// follow a form, and an organisation's sign-in may lead on to hosts that nobody can list beforehand.
#[derive(Clone, Copy)]
pub struct ContinuePage<'a> {
    url: &'a url::Url,
    errand: Errand,
}

/// A browser would do something else with this URL than ask a web server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an http or https URL")]
pub struct NotAWebAddress;

#[derive(Template)]
#[template(path = "proxy/pages/templates/continue.html")]
struct ContinueTemplate<'a> {
    chrome: &'a Chrome,
    title: String,
    heading: &'a str,
    errand: String,
    url: &'a str,
    provider: &'a str,
}

impl<'a> ContinuePage<'a> {
    /// A page that leads to `url`.
    ///
    /// # Errors
    /// [`NotAWebAddress`] for other schemes than http and https.
    pub fn new(url: &'a url::Url, errand: Errand) -> Result<Self, NotAWebAddress> {
        if is_web_address(url.as_str()) { Ok(Self { url, errand }) } else { Err(NotAWebAddress) }
    }

    /// Makes the page (200).
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        let provider = provider_name(self.url);
        let heading = format!("Taking you to {provider}");
        let title = chrome.title(&heading);
        let errand = match self.errand {
            Errand::SignIn => format!("You sign in there, then come back to {}.", chrome.app_name),
            Errand::SignOut => "to sign out there as well".to_owned(),
        };
        let template = ContinueTemplate { chrome, title: title.clone(), heading: &heading, errand, url: self.url.as_str(), provider };
        Page::new(StatusCode::OK, title, &template)
    }
}
