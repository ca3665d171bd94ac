//! Which decisions are asked for.

use url::form_urlencoded::Serializer;

use crate::admin::question::Question;
use crate::admin::select::{Select, named};
use crate::domain::account::AccountKind;
use crate::domain::decision::Outcome;
use crate::domain::reason::Reason;
use crate::telemetry::journal::Entry;

/// Every outcome, the most interesting first.
pub(super) const OUTCOMES: [Outcome; 4] = [Outcome::Deny, Outcome::Error, Outcome::Challenge, Outcome::Allow];

const MOST_BY_DEFAULT: usize = 100;
const MOST: usize = 1000;

/// What is left out fits everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter<'a> {
    pub(super) outcome: Option<Outcome>,
    /// Why it was decided so, or would have been, had the route enforced what it states.
    pub(super) reason: Option<Reason>,
    pub(super) route: Option<&'a str>,
    pub(super) kind: Option<Who>,
    pub(super) most: usize,
}

/// Whose requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Nobody,
    Somebody(AccountKind),
}

impl Who {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Somebody(kind) => kind.as_str(),
        }
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        AccountKind::ALL.into_iter().map(Self::Somebody).chain([Self::Nobody])
    }
}

impl<'a> Filter<'a> {
    /// # Errors
    /// A sentence about the parameter that nothing can fit.
    pub(super) fn of(question: &'a Question) -> Result<Self, String> {
        let outcome = question.value("outcome").map(|word| named(word, "outcome", OUTCOMES, Outcome::as_str)).transpose()?;
        let kind = question.value("kind").map(|word| named(word, "kind", Who::all(), Who::as_str)).transpose()?;
        let reason = question.value("reason").map(|word| Reason::parse(word).ok_or(format!("There is no reason {word:?}."))).transpose()?;
        let most = match question.value("limit") {
            None => MOST_BY_DEFAULT,
            Some(text) => {
                text.parse().ok().filter(|most| (1..=MOST).contains(most)).ok_or(format!("limit is a number from 1 to {MOST}."))?
            }
        };
        Ok(Self { outcome, reason, route: question.value("route"), kind, most })
    }

    pub(super) fn wants(&self, entry: &Entry) -> bool {
        let decision = &entry.decision;
        let kind = decision.who.as_ref().map_or(Who::Nobody, |who| Who::Somebody(who.kind));
        self.outcome.is_none_or(|outcome| outcome == decision.outcome)
            && self.reason.is_none_or(|reason| reason == decision.reason || Some(reason) == decision.would_refuse)
            && self.route.is_none_or(|route| decision.route.as_ref().is_some_and(|name| name.as_str() == route))
            && self.kind.is_none_or(|wanted| wanted == kind)
    }

    pub(super) const fn is_narrow(&self) -> bool {
        self.outcome.is_some() || self.reason.is_some() || self.route.is_some() || self.kind.is_some()
    }

    fn words(&self) -> [(&'static str, Option<&'a str>); 4] {
        [
            ("outcome", self.outcome.map(Outcome::as_str)),
            ("reason", self.reason.map(Reason::code)),
            ("route", self.route),
            ("kind", self.kind.map(Who::as_str)),
        ]
    }

    /// The same question again, for an address.
    pub(super) fn as_query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.words().into_iter().filter_map(|(name, word)| Some((name, word?))));
        query.append_pair("limit", &self.most.to_string()).finish()
    }

    /// The form in which this question was asked. A route of an earlier configuration may be asked for.
    pub(super) fn selects<'r>(&self, routes: impl Iterator<Item = &'r str> + Clone) -> [Select<'r>; 4]
    where
        'a: 'r,
    {
        let [outcome, reason, route, kind] = self.words().map(|(_, word)| word);
        let of_earlier = route.filter(|asked| !routes.clone().any(|known| known == *asked));
        [
            Select::of("outcome", "Outcome", OUTCOMES.into_iter().map(Outcome::as_str), outcome),
            Select::of("reason", "Reason", Reason::ALL.iter().map(|reason| reason.code()), reason),
            Select::of("route", "Route", routes.chain(of_earlier), route),
            Select::of("kind", "Account", Who::all().map(Who::as_str), kind),
        ]
    }
}
