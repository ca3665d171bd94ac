//! Tests of the session rules.

use proptest::prelude::*;

use super::*;
use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::authority::AuthorityName;
use crate::domain::principal::Groups;

const HOURS: Lifetimes = Lifetimes { idle: Duration::from_secs(3600), max: Duration::from_secs(8 * 3600) };

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

fn session(signed_in_at: u64, last_seen: u64) -> Session {
    let principal = Principal {
        authority: AuthorityName::personal(),
        issuer: "https://idp.example".into(),
        subject: "cy".into(),
        tenant: None,
        object: None,
        kind: AccountKind::Personal,
        membership: Membership::Unknown,
        home: Home::Personal,
        name: None,
        preferred_username: Some("cy@outlook.example".into()),
        verified_email: None,
        groups: Groups::Listed(vec![]),
        roles: vec![],
    };
    Session {
        id: SessionId([7; 16]),
        principal,
        signed_in_at: at(signed_in_at),
        last_seen: at(last_seen),
        sign_out_hint: Some("opaque".into()),
        provider_session: Some("sid-1".into()),
    }
}

#[test]
fn the_shorter_of_the_two_lifetimes_counts() {
    let live = |seconds| Standing::Live { left: Duration::from_secs(seconds) };
    for (signed_in_at, last_seen, now, expected) in [
        (0, 0, 0, live(3600)),
        (0, 0, 3599, live(1)),
        (0, 0, 3600, Standing::Ended),
        (0, 3600, 3600, live(3600)),
        (0, 28_000, 28_000, live(800)),
        (0, 28_799, 28_799, live(1)),
        (0, 28_800, 28_800, Standing::Ended),
        (0, 28_800, u64::MAX, Standing::Ended),
        // A clock that was set back makes nobody older.
        (100, 100, 50, live(3600)),
    ] {
        assert_eq!(session(signed_in_at, last_seen).standing(HOURS, at(now)), expected, "{signed_in_at} {last_seen} {now}");
    }
}

#[test]
fn a_lifetime_of_zero_is_over_at_once() {
    let never = Lifetimes { idle: Duration::ZERO, ..HOURS };
    assert_eq!(session(5, 5).standing(never, at(5)), Standing::Ended);
    assert!(matches!(session(5, 5).standing(HOURS, at(5)), Standing::Live { .. }));
}

#[test]
fn a_session_is_written_again_after_a_twentieth_of_its_idle_time() {
    let session = session(0, 1000);
    for (now, due) in [(1000, false), (1179, false), (1180, true), (4000, true), (0, false)] {
        assert_eq!(session.is_due_for_renewal(HOURS, at(now)), due, "{now}");
    }
}

#[test]
fn a_log_shows_the_start_of_an_id_and_neither_name_nor_hint() {
    let text = format!("{:?}", session(0, 0));
    assert!(text.contains("SessionId(0707…)") && !text.contains("outlook") && !text.contains("opaque"), "{text}");
}

proptest! {
    #[test]
    fn an_ended_session_never_lives_again(
        idle in 0..10_000_u64, max in 0..10_000_u64, signed_in in 0..10_000_u64, seen in 0..10_000_u64, now in 0..40_000_u64, later in any::<u64>(),
    ) {
        let lifetimes = Lifetimes { idle: Duration::from_secs(idle), max: Duration::from_secs(max) };
        let session = session(signed_in, signed_in.saturating_add(seen));
        let later = session.standing(lifetimes, at(now.saturating_add(later)));
        match (session.standing(lifetimes, at(now)), later) {
            (Standing::Ended, later) => prop_assert_eq!(later, Standing::Ended),
            (Standing::Live { left }, Standing::Live { left: later }) => prop_assert!(later <= left),
            (Standing::Live { .. }, Standing::Ended) => {}
        }
    }
}
