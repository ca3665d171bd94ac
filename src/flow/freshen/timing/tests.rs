//! Tests of the rules.

use proptest::prelude::*;

use super::*;
use crate::flow::freshen::tests::world::record;
use crate::protocol::secret::Secret;

const SINCE: u64 = 1_800_000_000;

fn id(low: u16) -> SessionId {
    let mut id = [7; 16];
    id[14..].copy_from_slice(&low.to_be_bytes());
    SessionId(id)
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(SINCE + seconds)
}

fn living(life: u64, low: u16) -> SessionRecord {
    let mut record = record("t0", at(0), at(life));
    record.session.id = id(low);
    record
}

#[test]
fn claims_are_due_before_they_run_out_and_overdue_when_they_have() {
    for (life, jitter, due, overdue) in [
        // A tenth of the life before the end, and up to a tenth more.
        (3600, 0, 3240, 3600),
        (3600, u16::MAX, 2881, 3600),
        // A minute at least …
        (300, 0, 240, 300),
        // … but never more than half.
        (60, 0, 30, 60),
        (3, 0, 2, 3),
        (1, 0, 1, 1),
    ] {
        let record = living(life, jitter);
        let expected = |seconds| match seconds {
            _ if seconds >= overdue => Need::Overdue,
            _ if seconds >= due => Need::Due,
            _ => Need::None,
        };
        for seconds in [0, due - 1, due, overdue - 1, overdue, overdue + 9999] {
            assert_eq!(need(&record, at(seconds)), expected(seconds), "{seconds} of {life}");
        }
    }
}

#[test]
fn without_a_refresh_token_or_an_end_nothing_is_due() {
    let mut without_token = living(10, 0);
    without_token.tokens.refresh_token = None;
    let mut without_end = living(10, 0);
    without_end.tokens.fresh_until = None;
    for record in [without_token, without_end, SessionRecord::bare(living(10, 0).session)] {
        assert_eq!(need(&record, at(9999)), Need::None);
    }
    let mut other_token = living(10, 0);
    other_token.tokens.refresh_token = Some(Secret::new("another".into()));
    assert_eq!(need(&other_token, at(9999)), Need::Overdue);
}

#[test]
fn pauses_double_up_to_five_minutes() {
    let seconds = |failures| pause(failures, id(0)).as_secs();
    assert_eq!([0, 1, 2, 3, 6, 7, 100, u32::MAX].map(seconds), [5, 5, 10, 20, 160, 300, 300, 300]);
    assert!(pause(7, id(u16::MAX)) > pause(7, id(0)), "sessions that fail together do not come back together");
}

proptest! {
    #[test]
    fn claims_are_due_in_the_second_half_of_their_life_and_only_get_older(life in 1_u64..40_000_000, low: u16, one in 0_u64..50_000_000, later in 0_u64..50_000_000) {
        let due = due_at(id(low), at(0), at(life));
        prop_assert!(due <= at(life));
        prop_assert!(due.since(at(0)).as_secs() * 5 >= life * 2, "not before two fifths of the life: {due:?}");
        let record = living(life, low);
        let rank = |seconds| match need(&record, at(seconds)) {
            Need::None => 0,
            Need::Due => 1,
            Need::Overdue => 2,
        };
        prop_assert!(rank(one) <= rank(one + later));
    }

    #[test]
    fn the_parts_of_sessions_are_spread_over_the_whole_span(low: u16, seconds in 0_u64..40_000_000) {
        let span = Duration::from_secs(seconds);
        prop_assert!(share(span, id(low)) <= span);
        prop_assert_eq!(share(span, id(0)), Duration::ZERO);
        prop_assert!(share(span, id(u16::MAX)) >= span - span / 1000);
    }

    #[test]
    fn a_pause_is_never_shorter_than_the_one_before(failures in 0_u32..1000, low: u16) {
        prop_assert!(pause(failures, id(low)) <= pause(failures + 1, id(low)));
        prop_assert!(pause(failures, id(low)) <= LONGEST_PAUSE + LONGEST_PAUSE / 5);
    }
}
