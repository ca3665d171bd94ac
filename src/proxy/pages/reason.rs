//! The page for a reason: refusals and failures of every kind that a person can meet.

use std::time::Duration;

use http::StatusCode;

use super::chrome::{Begin, Chrome};
use super::notice::{Action, Notice, Person, Reference};
use super::words::{self, Way};
use super::{Page, clipped};
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;

/// Whom the page speaks to.
#[derive(Clone, Copy)]
pub enum Who<'a> {
    /// Nobody is known.
    Nobody,
    /// Somebody is signed in.
    SignedIn(Person<'a>),
    /// Somebody has signed in at the provider just now, and was not let in: there is no session to sign out of.
    TurnedAway(Person<'a>),
    /// Nobody is signed in yet; this address was typed.
    Typed(&'a str),
}

/// What the provider said, for a help desk. Never shown without a page of ours round it.
#[derive(Clone, Copy, Default)]
pub struct ProviderDetails<'a> {
    /// Its error code, like `AADSTS50105` or `access_denied`.
    pub code: Option<&'a str>,
    /// Its name for what happened, which its own support asks for.
    pub correlation_id: Option<&'a str>,
}

/// The data of the page. Start from [`ReasonPage::new`] and fill in what is known.
#[derive(Clone, Copy)]
pub struct ReasonPage<'a> {
    /// Why. Gives the status, the heading and the text.
    pub reason: Reason,
    /// What to quote to a help desk.
    pub reference: Reference,
    /// Whom the page speaks to.
    pub who: Who<'a>,
    /// The page that was wanted; without one the ways on lead to the front page.
    pub return_to: Option<&'a ReturnTo>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// Names of the organisations that are let in, if people may know them.
    pub organisations: &'a [&'a str],
    /// What helps with the provider's error, one or two sentences of our own.
    pub help: Option<&'a str>,
    /// What the provider said.
    pub provider: ProviderDetails<'a>,
}

impl<'a> ReasonPage<'a> {
    /// A page about which no more is known than why and when.
    #[must_use]
    pub const fn new(reason: Reason, reference: Reference) -> Self {
        let provider = ProviderDetails { code: None, correlation_id: None };
        Self { reason, reference, who: Who::Nobody, return_to: None, retry_after: None, organisations: &[], help: None, provider }
    }

    /// Makes the page.
    #[must_use]
    pub fn render(&self, chrome: &Chrome) -> Page {
        let words = words::of(self.reason);
        let mut notice = Notice::new(chrome, self.reason.title(), words.tone);
        notice.paragraphs.push(words.text.replace("{app}", &chrome.app_name));
        notice.paragraphs.extend(self.more_paragraphs());
        notice.actions = self.actions(chrome, words.ways);
        notice.failed_hop = words.failed_hop;
        notice.reference = Some(self.reference);
        notice.details = self.details();
        match self.who {
            Who::Nobody => {}
            Who::SignedIn(person) => {
                notice.person = Some((person.line(), Some(chrome.sign_out_link(self.return_to))));
                notice.who_is_signed_in = Some(chrome.session_link(self.return_to));
            }
            Who::TurnedAway(person) => notice.person = Some((person.line(), None)),
            Who::Typed(address) => notice.typed = Some(clipped(address, 254)),
        }
        let status = StatusCode::from_u16(self.reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let page = notice.render_with(status).retry_after(self.retry_after);
        if status == StatusCode::UNAUTHORIZED { page.challenge(chrome) } else { page }
    }

    fn more_paragraphs(&self) -> impl Iterator<Item = String> {
        let names: Vec<String> = self.organisations.iter().map(|name| clipped(name, 100)).collect();
        let expected = names.split_last().map(|(last, others)| match others {
            [] => format!("Use an account of {last}."),
            others => format!("Use an account of {} or {last}.", others.join(", ")),
        });
        let wait = self.retry_after.map(|wait| match wait.as_secs() {
            0 | 1 => "You can try again in 1 second.".to_owned(),
            seconds => format!("You can try again in {seconds} seconds."),
        });
        [expected, wait, self.help.map(|help| clipped(help, 600))].into_iter().flatten()
    }

    /// The offered ways that lead somewhere; never none.
    fn actions(&self, chrome: &Chrome, ways: &[Way]) -> Vec<Action> {
        let actions: Vec<Action> = ways.iter().filter_map(|way| self.action(chrome, *way)).collect();
        if actions.is_empty() { self.action(chrome, Way::TryAgain).into_iter().collect() } else { actions }
    }

    fn action(&self, chrome: &Chrome, way: Way) -> Option<Action> {
        let wanted = || self.return_to.map_or_else(|| "/".to_owned(), |target| chrome.place(target));
        let help = || chrome.support_link(Some(self.reference.decision));
        let (label, href) = match way {
            Way::AskForAccess => ("Ask for access".to_owned(), help()?),
            Way::AskForHelp => ("Contact your help desk".to_owned(), help()?),
            Way::Clear => {
                let (name, value) = super::sign_out::EVERYTHING;
                let label = "Clear and start again".to_owned();
                return Some(Action::Post { label, href: format!("{}/sign-out", chrome.prefix), name, value: value.to_owned() });
            }
            Way::DifferentAccount => ("Use a different account".to_owned(), chrome.sign_in_link(self.return_to, Begin::ChoosingAnAccount)),
            Way::FrontPage => ("Go to the front page".to_owned(), "/".to_owned()),
            Way::Open => (format!("Open {}", chrome.app_name), wanted()),
            Way::SignIn => (self.sign_in_label(), chrome.sign_in_link(self.return_to, Begin::Afresh)),
            Way::TryAgain => ("Try again".to_owned(), wanted()),
        };
        Some(Action::Link { label, href })
    }

    fn sign_in_label(&self) -> String {
        let again = self.reason == Reason::Cancelled || self.reason == Reason::IdpError || self.reason == Reason::IdentifierInvalid;
        if again { "Try again".to_owned() } else { "Sign in".to_owned() }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let given = [("Provider's code", self.provider.code), ("Correlation id", self.provider.correlation_id)];
        given.into_iter().filter_map(|(label, value)| value.map(|value| (label, clipped(value, 80)))).collect()
    }
}
