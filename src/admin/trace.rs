//! The judgement behind a decision, as lines of text.

use crate::domain::decision::{DecisionRecord, Outcome};
use crate::domain::policy::Check;
use crate::domain::route::Route;
use crate::domain::rules::Rules;
use crate::domain::trace::{Step, trace_of};
use crate::domain::written::Table;

/// Each check in order: `ok`, `FAIL` or `-`, the key that it reads, and where that is written. Empty where nobody was
/// judged.
pub(super) fn lines(rules: &Rules, decision: &DecisionRecord) -> Vec<String> {
    let route = decision.route.as_ref().and_then(|name| rules.routes.named(name.as_str()));
    let passed = || (decision.outcome == Outcome::Allow && decision.who.is_some()).then(|| Check::ORDER.map(|check| (check, Step::Passed)));
    let steps = decision.would_refuse.or(Some(decision.reason)).and_then(trace_of).or_else(passed);
    steps.into_iter().flatten().map(|(check, step)| line(rules, route, check, step)).collect()
}

fn line(rules: &Rules, route: Option<&Route>, check: Check, step: Step) -> String {
    let place = || match route.and_then(|route| route.written.of(check)) {
        None => "not written: the default holds".to_owned(),
        Some(written) => {
            let from = match written.table {
                Table::Defaults => "  from [defaults]",
                Table::Route => "",
            };
            format!("{}:{}:{}{from}", rules.file_name, written.position.line, written.position.column)
        }
    };
    let key = key_of(check);
    match step {
        Step::Passed => format!("ok    {key:<15}{}", place()),
        Step::Failed(reason) => format!("FAIL  {key:<15}{}  {}", place(), reason.code()),
        Step::NotReached => format!("-     {key:<15}not reached"),
    }
}

const fn key_of(check: Check) -> &'static str {
    match check {
        Check::Kind => "accounts",
        Check::Authority => "authorities",
        Check::Tenant => "tenants",
        Check::Membership => "guests",
        Check::Groups => "groups, roles",
        Check::Bearer => "bearer",
    }
}
