//! The pages around signing out: the question, because a mere link must not sign anybody out, and the answer.

use askama::Template;
use http::StatusCode;

use super::Page;
use super::chrome::{Begin, Chrome};
use super::notice::{Action, Notice, Person, PersonLine, Tone};
use crate::domain::authority::AuthorityName;
use crate::domain::return_to::ReturnTo;

/// The form field that says which session to end: an authority's name as its value.
pub const SESSION_FIELD: &str = "session";

/// The field and the value that mean all sessions. No authority has this name.
pub const EVERYTHING: (&str, &str) = (SESSION_FIELD, "*");

/// The field and the value that mean all sessions of this browser, and those of the same people in every other browser.
/// No authority has this name.
pub const EVERYWHERE: (&str, &str) = (SESSION_FIELD, AuthorityName::RESERVED);

/// One session to end.
#[derive(Clone, Copy)]
pub struct OpenSession<'a> {
    /// At which authority.
    pub authority: &'a AuthorityName,
    /// Who is signed in.
    pub person: Person<'a>,
}

/// "Do you want to sign out?" Posts to `{prefix}/sign-out`.
#[derive(Clone, Copy)]
pub struct ConfirmSignOut<'a> {
    /// Who is signed in where. None at all makes a page that says so.
    pub sessions: &'a [OpenSession<'a>],
    /// Where to go afterwards.
    pub return_to: Option<&'a ReturnTo>,
}

#[derive(Template)]
#[template(path = "proxy/pages/templates/confirm_sign_out.html")]
struct ConfirmTemplate<'a> {
    chrome: &'a Chrome,
    title: String,
    heading: &'static str,
    sessions: Vec<(&'a str, PersonLine)>,
    return_to: Option<String>,
}

impl ConfirmSignOut<'_> {
    /// Makes the page (200).
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        if self.sessions.is_empty() {
            let mut notice = Notice::new(chrome, "You are not signed in", Tone::Neutral);
            notice.paragraphs = vec![format!("There is nothing to sign out of at {}.", chrome.app_name)];
            notice.actions = vec![sign_in_again(chrome, "Sign in", self.return_to)];
            return notice.render_with(StatusCode::OK);
        }
        let heading = "Do you want to sign out?";
        let title = chrome.title(heading);
        let sessions = self.sessions.iter().map(|session| (session.authority.as_str(), session.person.line())).collect();
        let return_to = self.return_to.map(|target| chrome.place(target));
        Page::new(StatusCode::OK, title.clone(), &ConfirmTemplate { chrome, title, heading, sessions, return_to })
    }
}

/// "You are signed out."
#[derive(Clone, Copy)]
pub struct SignedOut<'a> {
    /// Where to go when signing in again.
    pub return_to: Option<&'a ReturnTo>,
}

impl SignedOut<'_> {
    /// Makes the page (200).
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        let heading = "You are signed out";
        let mut notice = Notice::new(chrome, heading, Tone::Done);
        notice.actions = vec![sign_in_again(chrome, "Sign in again", self.return_to)];
        notice.paragraphs = vec![format!("This browser is no longer signed in to {}.", chrome.app_name)];
        notice.render_with(StatusCode::OK)
    }
}

fn sign_in_again(chrome: &Chrome, label: &str, target: Option<&ReturnTo>) -> Action {
    Action::Link { label: label.to_owned(), href: chrome.sign_in_link(target, Begin::ChoosingAnAccount) }
}

/// What people call the place: Microsoft's sign-in hosts by name, all others by host.
pub(super) fn provider_name(url: &url::Url) -> &str {
    match url.host_str() {
        Some(
            "login.live.com"
            | "login.microsoftonline.com"
            | "login.microsoftonline.us"
            | "login.partner.microsoftonline.cn"
            | "login.chinacloudapi.cn"
            | "login.windows.net",
        ) => "Microsoft",
        Some(host) => host,
        None => "the sign-in service",
    }
}
