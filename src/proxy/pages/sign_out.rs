//! The pages around signing out: the question, because a mere link must not sign anybody out, and the answer.

use askama::Template;
use http::StatusCode;

use super::Page;
use super::chrome::{Begin, Chrome};
use super::notice::{Action, Notice, Person, PersonLine, Tone, kind_in_a_sentence};
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::return_to::ReturnTo;

/// The form field that says which session to end: an authority's name as its value.
pub const SESSION_FIELD: &str = "session";

/// The field and the value that mean all sessions in this browser. No authority has this name.
pub const EVERYTHING: (&str, &str) = (SESSION_FIELD, "*");

/// The field and the value that mean all sessions of this browser, and those of the same people in every other browser.
/// No authority has this name.
pub const EVERYWHERE: (&str, &str) = (SESSION_FIELD, AuthorityName::RESERVED);

/// How far a sign-out can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Sessions in other browsers too: all who serve them hear of it, and remember it.
    Everywhere,
    /// Sessions in this browser. What ends others would be known to one process, until that ends.
    Here,
}

impl Reach {
    /// Whether "everywhere" can be promised.
    pub(super) const fn is_everywhere(self) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Here => false,
        }
    }
}

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
    /// What can be offered.
    pub reach: Reach,
    /// Where to go afterwards.
    pub return_to: Option<&'a ReturnTo>,
}

#[derive(Template)]
#[template(path = "proxy/pages/templates/confirm_sign_out.html")]
struct ConfirmTemplate<'a> {
    chrome: &'a Chrome,
    title: String,
    heading: &'static str,
    accounts: Vec<(&'a str, PersonLine)>,
    offers_everywhere: bool,
    return_to: Option<String>,
    session_link: String,
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
        let template = ConfirmTemplate {
            chrome,
            title: title.clone(),
            heading,
            accounts: self.sessions.iter().map(|session| (session.authority.as_str(), session.person.line())).collect(),
            offers_everywhere: self.reach.is_everywhere(),
            return_to: self.return_to.map(|target| chrome.place(target)),
            session_link: chrome.session_link(self.return_to),
        };
        Page::new(StatusCode::OK, title, &template)
    }
}

/// What a sign-out ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// One account of this kind.
    Account(AccountKind),
    /// All accounts in this browser.
    Everything,
    /// All accounts of this browser, in every browser.
    Everywhere,
}

/// What a sign-out did not end.
#[derive(Clone, Copy)]
pub enum Still<'a> {
    /// These are signed in here, now.
    SignedIn(&'a [Person<'a>]),
    /// Nobody can tell now.
    Unknown,
}

/// "You are signed out", or as far as that is true.
#[derive(Clone, Copy)]
pub struct SignedOut<'a> {
    /// What was ended; `None` if the browser does not remember.
    pub ended: Option<Ended>,
    /// What was not.
    pub still: Still<'a>,
    /// Where to go when signing in again.
    pub return_to: Option<&'a ReturnTo>,
}

impl SignedOut<'_> {
    /// Makes the page (200).
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        let heading = self.heading();
        let mut notice = Notice::new(chrome, &heading, Tone::Done);
        notice.paragraphs = self.paragraphs(&chrome.app_name);
        notice.actions = self.actions(chrome);
        notice.render_with(StatusCode::OK)
    }

    fn heading(&self) -> String {
        match (self.ended, self.still) {
            (Some(Ended::Account(kind)), Still::SignedIn([_, ..]) | Still::Unknown) => {
                format!("Your {} account is signed out", kind_in_a_sentence(kind))
            }
            // In another tab, somebody was quicker.
            (Some(Ended::Everything | Ended::Everywhere) | None, Still::SignedIn([_, ..])) => "You are signed in".to_owned(),
            (Some(Ended::Everywhere), Still::SignedIn([]) | Still::Unknown) => "You are signed out everywhere".to_owned(),
            (Some(Ended::Account(_) | Ended::Everything) | None, Still::SignedIn([]))
            | (Some(Ended::Everything) | None, Still::Unknown) => "You are signed out".to_owned(),
        }
    }

    fn paragraphs(&self, app: &str) -> Vec<String> {
        match (self.still, self.ended) {
            (Still::SignedIn([]), Some(Ended::Everywhere)) => {
                vec![format!("Your sign-ins to {app} have ended in this browser, and on every other device.")]
            }
            (Still::SignedIn([]), Some(Ended::Account(_) | Ended::Everything) | None) => {
                vec![format!("This browser is no longer signed in to {app}.")]
            }
            (Still::SignedIn(people), _) => people.iter().map(still_signed_in).collect(),
            (Still::Unknown, _) => vec!["At the moment we can't look up whether another account is still signed in here.".to_owned()],
        }
    }

    fn actions(&self, chrome: &Chrome) -> Vec<Action> {
        match self.still {
            Still::SignedIn([]) | Still::Unknown => vec![sign_in_again(chrome, "Sign in again", self.return_to)],
            Still::SignedIn([_, ..]) => {
                let on = self.return_to.map_or_else(|| "/".to_owned(), |target| chrome.place(target));
                let link = |label: String, href| Action::Link { label, href };
                vec![
                    link(format!("Go on to {}", chrome.app_name), on),
                    link("See who is signed in".to_owned(), chrome.session_link(self.return_to)),
                ]
            }
        }
    }
}

fn still_signed_in(person: &Person<'_>) -> String {
    let line = person.line();
    let kind = kind_in_a_sentence(person.kind);
    match person.shown {
        Some(_) => format!("You are still signed in with your {kind} account {}.", line.name),
        None => format!("You are still signed in with your {kind} account."),
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
