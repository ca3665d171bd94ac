//! The page for people about who is signed in: every account in this browser side by side, how long each stays, and ways to
//! sign one out, to change it for another, or to add one.

use askama::Template;
use http::StatusCode;

use super::Page;
use super::chrome::{Begin, Chrome};
use super::icon::Icon;
use super::moment;
use super::notice::{Action, Notice, Person, PersonLine, Tone, kind_icon, kind_in_a_sentence};
use super::sign_out::{EVERYTHING, EVERYWHERE, Reach, SESSION_FIELD};
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::return_to::ReturnTo;
use crate::domain::time::Timestamp;

/// One account that is signed in.
#[derive(Clone, Copy)]
pub struct SignedInAccount<'a> {
    /// At which authority.
    pub authority: &'a AuthorityName,
    /// Who.
    pub person: Person<'a>,
    /// What they are called, if that is not what [`Person::shown`] says anyway.
    pub name: Option<&'a str>,
    /// Since when.
    pub since: Timestamp,
    /// When it ends, if nobody comes.
    pub ends_unused: Timestamp,
    /// When it ends in any case.
    pub ends_at_latest: Timestamp,
}

/// "You are signed in."
#[derive(Clone, Copy)]
pub struct SessionPage<'a> {
    /// Who is signed in. None at all makes a page that says so.
    pub accounts: &'a [SignedInAccount<'a>],
    /// Kinds of account that nobody is signed in with, and that some page of the app takes.
    pub more: &'a [AccountKind],
    /// How far signing out can reach.
    pub reach: Reach,
    /// Where the person came from.
    pub return_to: Option<&'a ReturnTo>,
    /// The present.
    pub now: Timestamp,
}

#[derive(Template)]
#[template(path = "proxy/pages/templates/session.html")]
struct SessionTemplate<'a> {
    chrome: &'a Chrome,
    title: String,
    heading: String,
    accounts: Vec<Shown<'a>>,
    offers_everywhere: bool,
    /// Link, words, drawing.
    more: Vec<(String, String, Icon)>,
    return_to: Option<String>,
}

/// An account as the template shows it.
struct Shown<'a> {
    authority: &'a str,
    person: PersonLine,
    times: Vec<Time>,
    switch: String,
}

struct Time {
    label: &'static str,
    relative: String,
    exact: String,
    shown: String,
}

impl Time {
    fn new(label: &'static str, relative: String, at: Timestamp) -> Self {
        Self { label, relative, exact: moment::exact(at), shown: moment::minute_shown(at) }
    }
}

impl<'a> SignedInAccount<'a> {
    fn shown(&self, page: &SessionPage<'_>, chrome: &Chrome) -> Shown<'a> {
        let mut person = self.person.line();
        if let Some(name) = self.name {
            person.details = format!("{} · {}", super::clipped(name, 100), person.details);
        }
        Shown {
            authority: self.authority.as_str(),
            person,
            times: self.times(page.now),
            switch: chrome.switch_link(self.authority, page.return_to),
        }
    }

    fn times(&self, now: Timestamp) -> Vec<Time> {
        let since = Time::new("Signed in", moment::ago(now.since(self.since)), self.since);
        let latest = Time::new("Ends at the latest", moment::ahead(self.ends_at_latest.since(now)), self.ends_at_latest);
        let unused = Time::new("Ends if unused", moment::ahead(self.ends_unused.since(now)), self.ends_unused);
        if self.ends_unused < self.ends_at_latest { vec![since, unused, latest] } else { vec![since, latest] }
    }
}

impl SessionPage<'_> {
    /// Makes the page (200, also if nobody is signed in: that is an answer).
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        if self.accounts.is_empty() {
            return self.render_nobody(chrome);
        }
        let heading = match self.accounts.len() {
            1 => "You are signed in".to_owned(),
            several => format!("You are signed in with {several} accounts"),
        };
        let title = chrome.title(&heading);
        let add = |kind: &AccountKind| {
            (chrome.add_link(*kind, self.return_to), format!("Add a {} account", kind_in_a_sentence(*kind)), kind_icon(*kind))
        };
        let template = SessionTemplate {
            chrome,
            title: title.clone(),
            heading,
            accounts: self.accounts.iter().map(|account| account.shown(self, chrome)).collect(),
            offers_everywhere: self.reach.is_everywhere(),
            more: self.more.iter().map(add).collect(),
            return_to: self.return_to.map(|target| chrome.place(target)),
        };
        Page::new(StatusCode::OK, title, &template)
    }

    fn render_nobody(&self, chrome: &Chrome) -> Page {
        let mut notice = Notice::new(chrome, "You are not signed in", Tone::Neutral);
        notice.paragraphs = vec![format!("Nobody is signed in to {} in this browser.", chrome.app_name)];
        notice.actions = vec![Action::Link { label: "Sign in".to_owned(), href: chrome.sign_in_link(self.return_to, Begin::Afresh) }];
        notice.render_with(StatusCode::OK)
    }
}
