//! The common shape of pages that tell something and offer a way on: a heading, a few sentences, buttons with the best
//! one first, and what a help desk will ask for.

use askama::Template;
use http::StatusCode;

use super::chrome::Chrome;
use super::icon::Icon;
use super::{Page, clipped, moment};
use crate::domain::account::{AccountKind, Membership};
use crate::domain::decision::DecisionId;
use crate::domain::principal::Principal;
use crate::domain::time::Timestamp;

/// What the page feels like: the drawing at its top and the colour of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It went as wished.
    Done,
    /// Something is broken, and it is not the person.
    Fault,
    /// Neither good nor bad.
    Neutral,
    /// A rule says no.
    Refused,
    /// Too late, or too early.
    Time,
}

impl Tone {
    pub(super) const fn icon(self) -> Icon {
        match self {
            Self::Done => Icon::Done,
            Self::Fault => Icon::Fault,
            Self::Neutral => Icon::Info,
            Self::Refused => Icon::Refused,
            Self::Time => Icon::Time,
        }
    }

    /// The class in the stylesheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Fault => "fault",
            Self::Neutral | Self::Time => "neutral",
            Self::Refused => "refused",
        }
    }
}

/// A way on.
#[derive(Debug, Clone)]
pub(super) enum Action {
    /// Goes somewhere.
    Link { label: String, href: String },
    /// Changes something, so it is a form: posts one field.
    Post { label: String, href: String, name: &'static str, value: String },
}

/// Which part of the way to the app failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailedHop {
    App,
    SignIn,
}

impl FailedHop {
    /// The stations in order.
    fn stations(self, app: &str) -> [Station<'_>; 3] {
        let ok = |name, state| Station { name, class: "ok", state, icon: Some(Icon::Done) };
        let failed = |name| Station { name, class: "failed", state: "not answering", icon: Some(Icon::Fault) };
        let not_reached = |name| Station { name, class: "idle", state: "not reached", icon: None };
        let you = ok("You", "connected");
        match self {
            Self::App => [you, ok("Sign-in", "working"), failed(app)],
            Self::SignIn => [you, failed("Sign-in"), not_reached(app)],
        }
    }
}

/// A part of the way to the app.
struct Station<'a> {
    name: &'a str,
    /// The class in the stylesheet.
    class: &'static str,
    state: &'static str,
    icon: Option<Icon>,
}

/// Somebody who is signed in, as their own pages show them.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    /// Address or name; `None` shows the kind alone.
    pub shown: Option<&'a str>,
    /// What kind of account it is.
    pub kind: AccountKind,
    /// Whether it is a guest of the organisation: guests know their account by where it comes from.
    pub membership: Membership,
    /// The name of its organisation, if the configuration has one for it.
    pub organisation: Option<&'a str>,
}

impl<'a> Person<'a> {
    /// A principal, with the organisation's name looked up by the caller.
    #[must_use]
    pub fn of(principal: &'a Principal, organisation: Option<&'a str>) -> Self {
        Self { shown: principal.shown_name(), kind: principal.kind, membership: principal.membership, organisation }
    }

    pub(super) fn line(&self) -> PersonLine {
        let (kind, icon) = match self.membership {
            Membership::Guest => ("Guest account", Icon::Personal),
            Membership::Member | Membership::Unknown => (kind_words(self.kind), kind_icon(self.kind)),
        };
        let (name, more) = match self.shown {
            Some(shown) => (clipped(shown, 254), Some(kind)),
            None => (kind.to_owned(), None),
        };
        let details: Vec<String> = more.map(str::to_owned).into_iter().chain(self.organisation.map(|name| clipped(name, 100))).collect();
        PersonLine { icon, name, details: details.join(" · ") }
    }
}

/// A person as templates show them.
pub(super) struct PersonLine {
    pub(super) icon: Icon,
    pub(super) name: String,
    pub(super) details: String,
}

impl PersonLine {
    pub(super) fn name_parts(&self) -> (&str, &str) {
        parts(&self.name)
    }
}

/// An address in the two parts between which a narrow window may break it.
pub(super) fn parts(address: &str) -> (&str, &str) {
    address.split_at(address.find('@').unwrap_or(address.len()))
}

/// What people call the kind of account.
pub(super) const fn kind_words(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Customer => "Customer account",
        AccountKind::Personal => "Personal account",
        AccountKind::Work => "Work or school account",
    }
}

/// The kind of account before the word "account".
pub(super) const fn kind_in_a_sentence(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Customer => "customer",
        AccountKind::Personal => "personal",
        AccountKind::Work => "work or school",
    }
}

pub(super) const fn kind_icon(kind: AccountKind) -> Icon {
    match kind {
        AccountKind::Customer => Icon::Customer,
        AccountKind::Personal => Icon::Personal,
        AccountKind::Work => Icon::Work,
    }
}

/// What to quote to a help desk.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// Which decision.
    pub decision: DecisionId,
    /// When it was made.
    pub at: Timestamp,
}

impl Reference {
    /// For people, in UTC because the help desk may be elsewhere.
    pub(super) fn time_shown(&self) -> String {
        moment::second_shown(self.at)
    }

    /// For machines (the `datetime` attribute).
    pub(super) fn time_exact(&self) -> String {
        moment::exact(self.at)
    }
}

/// The page.
#[derive(Template)]
#[template(path = "proxy/pages/templates/notice.html")]
pub(super) struct Notice<'a> {
    pub(super) chrome: &'a Chrome,
    pub(super) title: String,
    pub(super) heading: &'a str,
    pub(super) tone: Tone,
    pub(super) paragraphs: Vec<String>,
    /// Who signed in, and where they can sign out; without that, nobody was let in.
    pub(super) person: Option<(PersonLine, Option<String>)>,
    /// Where it stands who is signed in, if somebody is.
    pub(super) who_is_signed_in: Option<String>,
    /// What was typed, if nobody is signed in yet.
    pub(super) typed: Option<String>,
    /// The best one first.
    pub(super) actions: Vec<Action>,
    pub(super) failed_hop: Option<FailedHop>,
    pub(super) reference: Option<Reference>,
    /// Further things for the help desk: what it is, and what it says.
    pub(super) details: Vec<(&'static str, String)>,
}

impl<'a> Notice<'a> {
    /// A page that only tells something.
    pub(super) fn new(chrome: &'a Chrome, heading: &'a str, tone: Tone) -> Self {
        Self {
            chrome,
            title: chrome.title(heading),
            heading,
            tone,
            paragraphs: Vec::new(),
            person: None,
            who_is_signed_in: None,
            typed: None,
            actions: Vec::new(),
            failed_hop: None,
            reference: None,
            details: Vec::new(),
        }
    }

    pub(super) fn render_with(self, status: StatusCode) -> Page {
        let title = self.title.clone();
        Page::new(status, title, &self)
    }

    fn help(&self) -> Option<String> {
        self.chrome.support_link(self.reference.map(|reference| reference.decision))
    }
}
