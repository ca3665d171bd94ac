//! The judgement, told step by step. The steps are [`Route::run`]'s own: a trace cannot say anything but what is done.

use super::policy::{Check, Subject};
use super::reason::Reason;
use super::route::Route;

/// What became of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It failed, and decided.
    Failed(Reason),
    /// An earlier one had decided.
    NotReached,
    /// It passed.
    Passed,
}

/// Every check in the order of [`Check::ORDER`], by what the route states: what it would refuse if it does not enforce
/// it yet.
pub type Trace = [(Check, Step); Check::ORDER.len()];

impl Route {
    /// Tells the judgement of somebody.
    #[must_use]
    pub fn trace(&self, subject: Subject<'_>) -> Trace {
        let mut decided = false;
        Check::ORDER.map(|check| {
            let step = match self.run(check, subject) {
                _ if decided => Step::NotReached,
                Ok(()) => Step::Passed,
                Err(reason) => Step::Failed(reason),
            };
            decided |= matches!(step, Step::Failed(_));
            (check, step)
        })
    }
}

/// The trace of a decision of which only the reason is left.
#[must_use]
pub fn trace_of(reason: Reason) -> Option<Trace> {
    let failed = Check::of(reason)?;
    let mut reached = true;
    Some(Check::ORDER.map(|check| {
        let step = match (reached, check == failed) {
            (_, true) => Step::Failed(reason),
            (true, false) => Step::Passed,
            (false, false) => Step::NotReached,
        };
        reached &= check != failed;
        (check, step)
    }))
}
