//! A decision, told: what became of somebody, which line of the file decided, every check in order, and what would
//! change it. Made-up people and real decisions are told in the same words.

use serde::{Serialize, Serializer};

use super::fix;
use super::judgement::{Judgement, Vouched};
use super::words::lines::wrapped;
use super::words::{facts, keys};
use crate::domain::decision::{DecisionRecord, Judged, Outcome};
use crate::domain::policy::Check;
use crate::domain::principal::Principal;
use crate::domain::reason::Reason;
use crate::domain::route::{Access, Route};
use crate::domain::rules::Rules;
use crate::domain::trace::{Step, Trace, trace_of};
use crate::domain::written::{Position, Table, Written};

/// A decision, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What became of the request.
    pub outcome: Outcome,
    /// What is answered; 200 stands for whatever the upstream says.
    pub status: u16,
    /// The reason's code.
    pub reason: &'static str,
    /// The reason why a route that only tries its rules would have refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_refuse: Option<&'static str>,
    /// The route that took the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<RouteTold>,
    /// Every check, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckTold>,
    /// The sentence that the person reads, if they are not let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<&'static str>,
    /// What must be known beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What would change it, and whom else that would admit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// A route, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteTold {
    /// Its name.
    pub name: String,
    /// `FILE:LINE`
    pub place: String,
    /// Which one it is, counted from 1.
    pub number: usize,
    /// Of how many.
    pub of: usize,
    /// The route that would match if this one were not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextTold>,
}

/// A route that is only mentioned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextTold {
    /// Its name.
    pub name: String,
    /// `FILE:LINE`
    pub place: String,
}

/// What became of a check, told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepTold {
    /// It failed, and decided.
    Failed,
    /// An earlier one had decided.
    NotReached,
    /// It passed.
    Passed,
}

impl Serialize for StepTold {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl StepTold {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "FAIL",
            Self::NotReached => "-",
            Self::Passed => "ok",
        }
    }
}

/// A check, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckTold {
    /// What became of it.
    pub step: StepTold,
    /// What is checked, as it could stand in the file.
    pub key: String,
    /// `FILE:LINE`, or nothing where a default holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Whether it is written in `[defaults]`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_defaults: bool,
    /// What the check saw of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// A check as a line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckLine {
    /// What became of it.
    pub step: StepTold,
    /// All of it, that included.
    pub text: String,
}

impl Explanation {
    /// Tells what would become of a made-up person.
    #[must_use]
    pub fn of(rules: &Rules, judgement: &Judgement<'_>) -> Self {
        let who = judgement.who.as_ref().map(Judged::of);
        let facts = Facts {
            outcome: judgement.outcome,
            status: judgement.status,
            reason: judgement.reason,
            would_refuse: judgement.would_refuse,
            trace: judgement.trace,
            who: who.as_ref(),
            principal: judgement.who.as_ref(),
        };
        let told = Telling { rules, route: judgement.route, next: judgement.next }.explain(&facts);
        Self { note: note(judgement, who.as_ref()), ..told }
    }

    /// Tells a decision that was made, by the rules of now. What was kept of it does not say how many groups the person is
    /// in, nor which route would have come next.
    #[must_use]
    pub fn of_record(rules: &Rules, record: &DecisionRecord, status: u16) -> Self {
        let route = record.route.as_ref().and_then(|name| rules.routes.named(name.as_str()));
        let (who, refused) = (record.who.as_ref(), record.would_refuse.unwrap_or(record.reason));
        let all_passed = || who.filter(|_| record.reason == Reason::SignedIn).map(|_| Check::ORDER.map(|check| (check, Step::Passed)));
        let facts = Facts {
            outcome: record.outcome,
            status,
            reason: record.reason,
            would_refuse: record.would_refuse,
            trace: trace_of(refused).or_else(all_passed),
            who,
            principal: None,
        };
        Telling { rules, route, next: None }.explain(&facts)
    }

    /// The lines of it, for a terminal of 110 columns or more.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.headline()];
        lines.extend(self.check_lines().iter().map(|line| format!("  {}", line.text)));
        let next = self.route.as_ref().and_then(|route| route.next.as_ref());
        let sentences = [
            ("tried", self.would_refuse.map(|reason| format!("enforce = false: it would be refused with {reason}"))),
            ("page", self.page.map(|page| format!("“{page}”"))),
            ("note", self.note.clone()),
            ("fix", self.fix.clone()),
            ("next", next.map(|NextTold { name, place }| format!("\"{name}\" {place} would match if this route did not"))),
        ];
        for (word, sentence) in sentences {
            let wrapped = sentence.map(|sentence| wrapped(&sentence, WIDTH - INDENT)).unwrap_or_default();
            let words = std::iter::once(word).chain(std::iter::repeat(""));
            lines.extend(wrapped.iter().zip(words).map(|(line, word)| format!("  {word:<5}  {line}")));
        }
        lines
    }

    /// A line for every check: what became of it, what it reads, where that is written, and what it saw of the person.
    #[must_use]
    pub fn check_lines(&self) -> Vec<CheckLine> {
        let rows = self.checks.iter().map(|check| {
            let place = match (&check.place, check.from_defaults, check.step) {
                (Some(place), true, _) => format!("{place} [defaults]"),
                (Some(place), false, _) => place.clone(),
                (None, _, StepTold::NotReached) => "not reached".to_owned(),
                (None, _, StepTold::Failed | StepTold::Passed) => "by default".to_owned(),
            };
            (check.step, check.key.as_str(), place, check.person.as_deref().unwrap_or_default())
        });
        let rows: Vec<_> = rows.collect();
        let keys = rows.iter().map(|(_, key, _, _)| key.chars().count()).max().unwrap_or(0);
        let places = rows.iter().map(|(_, _, place, _)| place.chars().count()).max().unwrap_or(0);
        let line = |(step, key, place, person): &(StepTold, &str, String, &str)| {
            format!("{:<5}  {key:<keys$}  {place:<places$}  {person}", step.as_str()).trim_end().to_owned()
        };
        rows.iter().map(|row| CheckLine { step: row.0, text: line(row) }).collect()
    }

    fn headline(&self) -> String {
        let Self { status, reason, .. } = self;
        let what = match self.outcome {
            Outcome::Allow => "LET IN",
            Outcome::Challenge => "ASKED TO SIGN IN",
            Outcome::Deny => "REFUSED",
            Outcome::Error => "FAILED",
        };
        let Some(RouteTold { name, place, number, of, .. }) = &self.route else { return format!("{what} {status} {reason}") };
        format!("{what} {status} {reason}   route \"{name}\" ({place}, {} of {of})", ordinal(*number))
    }
}

/// How wide lines are at most, as long as no name in them is longer.
const WIDTH: usize = 110;

/// What stands in front of a sentence.
const INDENT: usize = 9;

/// What is known of a decision, made or made up.
struct Facts<'a> {
    outcome: Outcome,
    status: u16,
    reason: Reason,
    would_refuse: Option<Reason>,
    trace: Option<Trace>,
    who: Option<&'a Judged>,
    /// Everything about them; of decisions that were made, no more is kept than `who`.
    principal: Option<&'a Principal>,
}

struct Telling<'a> {
    rules: &'a Rules,
    route: Option<&'a Route>,
    next: Option<&'a Route>,
}

impl Telling<'_> {
    fn explain(&self, facts: &Facts<'_>) -> Explanation {
        let Facts { outcome, status, reason, would_refuse, trace, who, principal } = *facts;
        let fact = |check| facts::fact(check, self.rules, who?, principal);
        let before = self.route.into_iter().flat_map(|route| [Some(self.matched(route)), self.signed_in(route, reason, trace)]).flatten();
        let judged = trace.into_iter().flatten().filter_map(|(check, step)| self.check(check, step, fact(check)));
        let page = match outcome {
            Outcome::Allow => None,
            Outcome::Challenge | Outcome::Deny | Outcome::Error => Some(reason.title()),
        };
        Explanation {
            outcome,
            status,
            reason: reason.code(),
            would_refuse: would_refuse.map(Reason::code),
            route: self.route.map(|route| self.route(route)),
            checks: before.chain(judged).collect(),
            page,
            note: None,
            fix: fix::fix(would_refuse.unwrap_or(reason), self.rules, self.route, who),
        }
    }

    fn route(&self, route: &Route) -> RouteTold {
        let routes = self.rules.routes.routes();
        let number = routes.iter().position(|other| other.name == route.name).map_or(0, |at| at + 1);
        RouteTold {
            name: route.name.to_string(),
            place: self.place(route.position),
            number,
            of: routes.len(),
            next: self.next.map(|next| NextTold { name: next.name.to_string(), place: self.place(next.position) }),
        }
    }

    fn matched(&self, route: &Route) -> CheckTold {
        self.told(StepTold::Passed, keys::matched(&route.matcher), route.written.matched, None)
    }

    /// Whether somebody is there to be judged; `None` where a route does not ask, or where it was not found out.
    fn signed_in(&self, route: &Route, reason: Reason, trace: Option<Trace>) -> Option<CheckTold> {
        let (step, person) = match (trace, reason) {
            (Some(_), _) => (StepTold::Passed, "signed in"),
            (None, Reason::InvalidToken | Reason::SessionExpired | Reason::SignInRequired) => (StepTold::Failed, "not signed in"),
            (None, _) => return None,
        };
        let auth = match &route.access {
            Access::Public => return None,
            Access::Optional(_) => "auth = \"optional\"",
            Access::Required(_) | Access::Shadowed { .. } => "auth = \"required\"",
        };
        Some(self.told(step, auth.to_owned(), route.written.auth, Some(person.to_owned())))
    }

    fn told(&self, step: StepTold, key: String, written: Option<Written>, person: Option<String>) -> CheckTold {
        CheckTold {
            step,
            key,
            place: written.map(|written| self.place(written.position)),
            from_defaults: written.is_some_and(|written| written.table == Table::Defaults),
            person,
        }
    }

    /// `None` where the route has nothing to check, and nothing failed.
    fn check(&self, check: Check, step: Step, person: Option<String>) -> Option<CheckTold> {
        let route = self.route?;
        let (written, key) = (route.written.of(check), keys::key(check, self.rules, route));
        Some(match step {
            Step::Failed(reason) => self.told(StepTold::Failed, key.unwrap_or_else(|| reason.code().to_owned()), written, person),
            Step::Passed => self.told(StepTold::Passed, key?, written, person),
            Step::NotReached => self.told(StepTold::NotReached, key?, None, None),
        })
    }

    fn place(&self, position: Position) -> String {
        format!("{}:{}", self.rules.file_name, position.line)
    }
}

/// What is remarkable about a made-up person.
fn note(judgement: &Judgement<'_>, who: Option<&Judged>) -> Option<String> {
    let authority = &who?.authority;
    match (judgement.vouched, judgement.trace) {
        (Vouched::Here, _) => None,
        (Vouched::Elsewhere, _) => Some(format!("signed in at \"{authority}\", whose sessions do not count on this route")),
        (Vouched::ByNobody, None) => Some("no authority of this file signs such a person in".to_owned()),
        (Vouched::ByNobody, Some(_)) => {
            Some(format!("no authority of this file signs such a person in; this is what the rules would say if \"{authority}\" did"))
        }
    }
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
