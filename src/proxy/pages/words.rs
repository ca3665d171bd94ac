//! What each reason's page says below its heading, and which ways on it offers. Free of jargon: people read this.

use super::notice::{FailedHop, Tone};
use crate::domain::reason::Reason;

/// A way on, before it is known where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The help contact, asked for access.
    AskForAccess,
    /// The help contact.
    AskForHelp,
    /// Throws away what the browser keeps for us.
    Clear,
    /// The sign-in page, with the choice of account forced.
    DifferentAccount,
    /// The app's front page.
    FrontPage,
    /// The wanted page.
    Open,
    /// The sign-in page.
    SignIn,
    /// The wanted page, once more.
    TryAgain,
}

/// The body of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) tone: Tone,
    /// `{app}` stands for the app's name.
    pub(super) text: &'static str,
    /// The best one first.
    pub(super) ways: &'static [Way],
    pub(super) failed_hop: Option<FailedHop>,
}

const fn words(tone: Tone, text: &'static str, ways: &'static [Way]) -> Words {
    Words { tone, text, ways, failed_hop: None }
}

const fn broken(hop: FailedHop, text: &'static str) -> Words {
    Words { tone: Tone::Fault, text, ways: &[Way::TryAgain], failed_hop: Some(hop) }
}

/// The words for a reason. One table, so that a new reason cannot be forgotten.
pub(super) const fn of(reason: Reason) -> Words {
    use Tone::{Done, Fault, Neutral, Refused, Time};
    use Way::{AskForAccess, AskForHelp, Clear, DifferentAccount, FrontPage, Open, SignIn, TryAgain};
    match reason {
        Reason::AuthorityNotAllowed => {
            words(Refused, "Your account is fine, but {app} takes other ways of signing in here. Choose another one.", &[DifferentAccount])
        }
        Reason::BadRequest => {
            words(Fault, "The address or the form was incomplete, or was changed on its way. Nothing was done.", &[FrontPage])
        }
        Reason::BodyTooLarge => {
            words(Fault, "{app} only takes smaller uploads here, so nothing was saved. Make it smaller, or send it in parts.", &[FrontPage])
        }
        Reason::Cancelled => words(Neutral, "You are not signed in, and nothing has changed.", &[SignIn, DifferentAccount]),
        Reason::Configuration => words(
            Fault,
            "This isn't your fault, and there is nothing you have to do differently. Give the reference below to the people who look after {app}.",
            &[AskForHelp, TryAgain],
        ),
        Reason::ConsentRequired => words(
            Refused,
            "The people who look after your organisation's accounts have to approve {app}, or give you access to it, before you can use it.",
            &[AskForAccess, DifferentAccount],
        ),
        Reason::CustomerAccountNotAllowed => words(Refused, "{app} takes other kinds of account here.", &[DifferentAccount]),
        Reason::FlowExpired => words(
            Time,
            "It took too long, was used before, or began in another browser. Nothing is lost: try again, and you will come to the page you wanted.",
            &[TryAgain],
        ),
        Reason::GroupRequired => words(
            Refused,
            "Your account works, but it has not been given access to this part of {app}. The people who look after {app} can change that.",
            &[AskForAccess, DifferentAccount],
        ),
        Reason::GroupsOverage => words(
            Refused,
            "Your account is in so many groups that your organisation's sign-in leaves the list out. Give the reference below to your help desk: they can mend it.",
            &[AskForHelp, DifferentAccount],
        ),
        Reason::GroupsUnavailable => words(
            Fault,
            "Your account is fine: your organisation's sign-in just can't tell us about its groups at the moment. Wait a minute, then try again. If that goes on, sign in once more.",
            &[TryAgain, DifferentAccount],
        ),
        Reason::GuestNotAllowed => words(
            Refused,
            "Your account was invited from elsewhere, and this part of {app} is for the organisation's own people. Use an account that the organisation gave you.",
            &[DifferentAccount],
        ),
        Reason::HeadersTooLarge => words(
            Fault,
            "Usually that comes from many sign-ins that were started and never finished. Clear them, then sign in again.",
            &[Clear],
        ),
        Reason::IdentifierInvalid => words(Neutral, "Check it for typing mistakes, then try again.", &[SignIn]),
        Reason::IdpError => words(
            Fault,
            "The sign-in service answered in a way that we can't use. You are not signed in. Trying again often helps.",
            &[SignIn, DifferentAccount],
        ),
        Reason::IdpUnavailable => broken(FailedHop::SignIn, "People who are already signed in can keep working."),
        Reason::InsufficientScope => {
            words(Refused, "It was issued for something else. Sign in with your account instead.", &[DifferentAccount])
        }
        Reason::InvalidToken => {
            words(Refused, "It is out of date, or was issued for something else. Sign in with your account instead.", &[SignIn])
        }
        Reason::MembershipUnknown => words(
            Refused,
            "Your organisation's sign-in doesn't tell us whether you are one of its own people, so we can't let you in yet. Give the reference below to your help desk: they can mend it.",
            &[AskForHelp, DifferentAccount],
        ),
        Reason::NoRoute => words(Neutral, "Check the address for typing mistakes, or start from the front page.", &[FrontPage]),
        Reason::PersonalAccountNotAllowed => {
            words(Refused, "A work or school account is one that was given to you by your organisation.", &[DifferentAccount])
        }
        Reason::PersonalGuestNotAllowed => words(
            Refused,
            "It was invited into the organisation, but it is still your own. Use an account that the organisation gave you.",
            &[DifferentAccount],
        ),
        Reason::Public => words(Done, "You don't need to sign in for this page.", &[Open]),
        Reason::RateLimited => words(Time, "This protects everybody's accounts from people who guess.", &[TryAgain]),
        Reason::SessionExpired => {
            words(Time, "Sign-ins end after a while, to keep your account safe. Nothing is wrong with it.", &[SignIn])
        }
        Reason::SessionStoreUnavailable => words(
            Fault,
            "You have not been signed out: we just can't look it up at the moment. Wait a minute, then try again.",
            &[TryAgain],
        ),
        Reason::SignInRequired => words(Neutral, "You need an account to see this page of {app}.", &[SignIn]),
        Reason::SignedIn => words(Done, "You can use {app} now.", &[Open]),
        Reason::TenantNotAllowed => {
            words(Refused, "{app} is open to certain organisations only, and yours is not one of them.", &[DifferentAccount])
        }
        Reason::UpstreamTimeout => broken(FailedHop::App, "Your connection and the sign-in are working. Wait a minute, then try again."),
        Reason::UpstreamUnavailable => {
            broken(FailedHop::App, "Your connection and the sign-in are working. Wait a minute, then try again.")
        }
        Reason::WorkAccountNotAllowed => words(Refused, "A personal account is one that you made yourself.", &[DifferentAccount]),
    }
}

/// Whether signing in, perhaps as somebody else, can lead past a reason: programs are told where only then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum SigningIn {
    /// Does not help.
    Useless,
    /// Helps.
    Helps,
    /// Helps with another account.
    HelpsWithAnotherAccount,
}

/// Read off the ways that the reason's page offers, so that people and programs are told the same.
pub(in crate::proxy) fn signing_in(reason: Reason) -> SigningIn {
    let offers = |way| of(reason).ways.contains(&way);
    // The way on for a program that holds a token is another token.
    if matches!(reason, Reason::InsufficientScope | Reason::InvalidToken) {
        SigningIn::Useless
    } else if offers(Way::SignIn) {
        SigningIn::Helps
    } else if offers(Way::DifferentAccount) {
        SigningIn::HelpsWithAnotherAccount
    } else {
        SigningIn::Useless
    }
}
