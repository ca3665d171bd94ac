//! `[[tests]]`: what a configuration promises about itself.

use http::Method;

use super::made_up::Someone;
use super::reason::Reason;
use super::route::RouteName;
use super::target::Target;
use super::written::Position;

/// One `[[tests]]` table.
#[derive(Debug, Clone)]
pub struct PolicyTest {
    /// Where it stands.
    pub position: Position,
    /// Who comes.
    pub someone: Someone,
    /// With which method.
    pub method: Method,
    /// To which host and path.
    pub target: Target,
    /// What must become of them.
    pub expect: Expectation,
}

/// `expect`: at least one of these is there, and all that are there must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The status that Homerealm answers with; 200 for what is forwarded.
    pub status: Option<u16>,
    /// The reason of the decision.
    pub reason: Option<Reason>,
    /// The route that takes the request.
    pub route: Option<RouteName>,
}
