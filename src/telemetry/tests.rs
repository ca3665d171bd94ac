//! A decision and its line, for the tests of every log.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use super::Line;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::decision::{DecisionId, DecisionRecord, Judged, Outcome};
use crate::domain::reason::Reason;
use crate::domain::route::{Position, RouteName};
use crate::domain::time::Timestamp;
use crate::domain::written::Fingerprint;

pub(super) fn decision() -> DecisionRecord {
    DecisionRecord {
        id: DecisionId::from_random(0),
        outcome: Outcome::Deny,
        reason: Reason::PersonalAccountNotAllowed,
        would_refuse: None,
        route: Some(RouteName::new("fi\"nance")),
        position: Some(Position { line: 7, column: 1 }),
        who: Some(Judged {
            kind: AccountKind::Personal,
            authority: AuthorityName::personal(),
            tenant: Some(TenantId::CONSUMERS),
            membership: Membership::Unknown,
            home: Home::Personal,
        }),
    }
}

pub(super) fn line<'a>(decision: &'a DecisionRecord, path: &'a str) -> Line<'a> {
    Line {
        at: Timestamp::from_unix_seconds(12 * 3600 + 3 * 60 + 41),
        decision,
        events: &[],
        method: &Method::GET,
        path,
        status: StatusCode::FORBIDDEN,
        took: Duration::from_millis(3),
        client: [127, 0, 0, 1].into(),
        fingerprint: Fingerprint::default(),
        answered: Instant::now(),
    }
}
