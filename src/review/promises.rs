//! `[[tests]]` run: what a configuration promises about itself, held against what it would do. How a broken promise looks
//! among other mistakes is the configuration's business.

use std::sync::Arc;

use super::explain::Explanation;
use super::judgement::{Judgement, judge};
use super::words::facts::lives;
use super::words::lists::listed;
use crate::domain::account::{AccountKind, Membership};
use crate::domain::made_up::{MadeUp, Someone};
use crate::domain::policy_test::{Expectation, PolicyTest};
use crate::domain::principal::Groups;
use crate::domain::rules::Rules;

/// As much of a path as is shown, in characters.
const LONGEST_PATH: usize = 80;

/// A promise that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Who asks for what: `a personal account (cy@outlook.com), GET /finance/q3`.
    pub case: String,
    /// `expected 403 personal_account_not_allowed, got 200 signed_in`
    pub difference: String,
    /// What would become of them and why, line by line.
    pub trace: Vec<String>,
}

/// Runs a test. `None`: the promise holds.
#[must_use]
pub fn broken(rules: &Rules, test: &PolicyTest) -> Option<Broken> {
    let judgement = judge(rules, &test.someone, &test.method, &test.target);
    if holds(&test.expect, &judgement) {
        return None;
    }
    Some(Broken {
        case: format!("{}, {}", who(&test.someone, rules), request(test, rules)),
        difference: difference(&test.expect, &judgement),
        trace: Explanation::of(rules, &judgement).lines(),
    })
}

fn holds(expect: &Expectation, judgement: &Judgement<'_>) -> bool {
    let Expectation { status, reason, route } = expect;
    status.is_none_or(|status| status == judgement.status)
        && reason.is_none_or(|reason| reason == judgement.reason)
        && route.as_ref().is_none_or(|name| judgement.route.is_some_and(|route| route.name == *name))
}

fn difference(expect: &Expectation, judgement: &Judgement<'_>) -> String {
    let Judgement { status, reason, route, .. } = judgement;
    let answer = [expect.status.map(|status| status.to_string()), expect.reason.map(|reason| reason.code().to_owned())];
    let answer: Vec<_> = answer.into_iter().flatten().collect();
    let got = format!("{status} {}", reason.code());
    match &expect.route {
        None => format!("expected {}, got {got}", answer.join(" ")),
        Some(wanted) => {
            let taken = route.map(|route| format!(" by route \"{}\"", route.name)).unwrap_or_default();
            let by = if answer.is_empty() { "" } else { " by " };
            format!("expected {}{by}route \"{wanted}\", got {got}{taken}", answer.join(" "))
        }
    }
}

fn who(someone: &Someone, rules: &Rules) -> String {
    let person = match someone {
        Someone::Nobody => return "nobody signed in".to_owned(),
        Someone::Person(person) => person,
    };
    let email = person.email.as_ref().map(|email| format!(" ({email})")).unwrap_or_default();
    format!("{}{}{email}{}", account(person), tenant(person, rules), rest(person))
}

/// What else the test says of them, so that two tests are not told alike.
fn rest(person: &MadeUp) -> String {
    let groups = match &person.groups {
        Groups::Listed(groups) if groups.is_empty() => None,
        Groups::Listed(groups) => Some(format!("in {}", several("group", groups))),
        // Nobody made up has been asked about.
        Groups::Asked { .. } | Groups::Overage => Some("in too many groups for a token".to_owned()),
    };
    let home = person.home.map(|home| lives(home).to_owned());
    let roles = (!person.roles.is_empty()).then(|| format!("with {}", several("role", &person.roles)));
    let authority = person.authority.as_ref().map(|authority| format!("signed in at {authority}"));
    let bearer = person.bearer.as_ref().map(|bearer| match &*bearer.scopes {
        [] => "with an access token".to_owned(),
        scopes => format!("with an access token for {}", listed(scopes.to_vec(), "and")),
    });
    [home, groups, roles, authority, bearer].into_iter().flatten().map(|words| format!(", {words}")).collect()
}

fn several(what: &str, names: &[Arc<str>]) -> String {
    let s = if names.len() == 1 { "" } else { "s" };
    format!("{what}{s} {}", listed(names.iter().map(ToString::to_string).collect(), "and"))
}

fn account(person: &MadeUp) -> &'static str {
    match (person.kind, person.membership()) {
        (AccountKind::Customer, _) => "a customer account",
        (AccountKind::Personal, _) => "a personal account",
        (AccountKind::Work, Membership::Member) => "a work account",
        (AccountKind::Work, Membership::Guest) => "a guest",
        (AccountKind::Work, Membership::Unknown) => "a member or guest",
    }
}

fn tenant(person: &MadeUp, rules: &Rules) -> String {
    match (person.kind, person.tenant) {
        (AccountKind::Personal, _) | (AccountKind::Customer, None) => String::new(),
        (AccountKind::Work, None) => " of some other organisation".to_owned(),
        (AccountKind::Customer | AccountKind::Work, Some(id)) => match rules.tenant(id) {
            Some(tenant) => format!(" of {}", tenant.name),
            None => format!(" of the tenant {id}"),
        },
    }
}

/// Method and path; the host where it is not the one that is meant without saying.
fn request(test: &PolicyTest, rules: &Rules) -> String {
    let (host, path) = (test.target.host(), test.target.path());
    let host = if host == rules.origins.first().host() { "" } else { host };
    let cut = if path.chars().nth(LONGEST_PATH).is_some() { "…" } else { "" };
    let shown: String = path.chars().take(LONGEST_PATH).collect();
    format!("{} {host}{shown}{cut}", test.method)
}
