//! What is remembered opens to whoever could have opened it, and to nobody else.

use super::*;
use crate::domain::account::AccountKind;
use crate::domain::made_up::MadeUp;
use crate::domain::session::{Session, SessionId};
use crate::protocol::cookies::OwnCookies;
use crate::protocol::session_record::Tokens;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn keys(seed: u8) -> KeyRing {
    KeyRing::new(vec![Secret::new([seed; 32])]).expect("a key")
}

fn origin(text: &str) -> Arc<Origin> {
    Arc::new(Origin::parse(text).expect("an origin"))
}

fn record() -> SessionRecord {
    let principal = MadeUp::of(AccountKind::Work).principal(AuthorityName::work());
    let id = SessionId([5; 16]);
    SessionRecord::bare(Session { id, principal, signed_in_at: NOW, last_seen: NOW, sign_out_hint: None, provider_session: None })
}

/// What a cookie holds of it, at this origin, sealed with a nonce of its own.
fn sealed(record: &SessionRecord, origin: &Origin, nonce: u8) -> String {
    let carried = Carried::Whole(Arc::new(record.clone()));
    let mut random = |buffer: &mut [u8]| buffer.fill(nonce);
    let own = OwnCookies::default();
    let cookies = session_cookie::write(&carried, &AuthorityName::work(), &own, origin, &keys(1), &mut random).expect("it fits");
    let cookie = cookies[0].as_header_value().to_str().expect("ASCII");
    cookie.split([';', '=']).nth(1).and_then(|value| value.strip_prefix("1.")).expect("one part").to_owned()
}

fn whole(carried: Option<Carried>) -> Option<Arc<SessionRecord>> {
    match carried? {
        Carried::Whole(record) => Some(record),
        Carried::Ticket(_) => None,
    }
}

struct World {
    recall: Recall,
    origin: Arc<Origin>,
    keys: KeyRing,
}

impl World {
    fn new() -> Self {
        Self { recall: Recall::default(), origin: origin("https://a.example"), keys: keys(1) }
    }

    fn open_at(&self, sealed: &str, now: Timestamp) -> Option<Arc<SessionRecord>> {
        whole(self.recall.open(sealed, &AuthorityName::work(), &self.origin, &self.keys, now))
    }

    fn open(&self, sealed: &str) -> Option<Arc<SessionRecord>> {
        self.open_at(sealed, NOW)
    }
}

#[test]
fn what_was_opened_is_the_same_the_next_time_and_is_not_opened_again() {
    let world = World::new();
    let sealed = sealed(&record(), &world.origin, 3);
    let (first, second) = (world.open(&sealed).expect("ours"), world.open(&sealed).expect("ours"));
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(first.session, record().session);
}

#[test]
fn another_text_in_the_same_place_is_not_the_session() {
    let world = World::new();
    let sealed = sealed(&record(), &world.origin, 3);
    assert!(world.open(&sealed).is_some());
    for at in 0..sealed.len() {
        // The end, by which it is found, stays but for its own changes.
        let mut other = sealed.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).expect("ASCII");
        assert!(world.open(&other).is_none(), "{at}");
    }
    assert!(world.open(&sealed[1..]).is_none());
    assert!(world.open(&sealed).is_some(), "and none of them has taken its place");
}

#[test]
fn what_holds_at_one_origin_or_authority_holds_at_no_other() {
    let world = World::new();
    let sealed = sealed(&record(), &world.origin, 3);
    assert!(world.open(&sealed).is_some());
    let (other, work) = (origin("https://b.example"), AuthorityName::work());
    assert!(world.recall.open(&sealed, &work, &other, &world.keys, NOW).is_none());
    assert!(world.recall.open(&sealed, &AuthorityName::personal(), &world.origin, &world.keys, NOW).is_none());
    assert!(world.open(&sealed).is_some());
}

#[test]
fn a_session_with_tokens_is_opened_every_time() {
    let world = World::new();
    let secret = || Some(Secret::new("a-token".to_owned()));
    for tokens in [
        Tokens { refresh_token: secret(), ..Tokens::default() },
        Tokens { access_token: secret(), ..Tokens::default() },
        Tokens { id_token: secret(), ..Tokens::default() },
    ] {
        let sealed = sealed(&SessionRecord { tokens, ..record() }, &world.origin, 3);
        let (first, second) = (world.open(&sealed).expect("ours"), world.open(&sealed).expect("ours"));
        assert!(!Arc::ptr_eq(&first, &second));
    }
}

#[test]
fn what_nobody_has_come_for_is_forgotten_and_what_somebody_comes_for_is_not() {
    let world = World::new();
    let (left, used) = (sealed(&record(), &world.origin, 3), sealed(&record(), &world.origin, 4));
    let (of_left, of_used) = (world.open(&left).expect("ours"), world.open(&used).expect("ours"));
    for minute in 1..=2 {
        assert!(Arc::ptr_eq(&of_used, &world.open_at(&used, NOW + REMEMBERED * minute).expect("ours")));
    }
    assert_eq!(Arc::strong_count(&of_left), 1, "nobody else has it any more");
    assert!(world.open_at(&left, NOW + REMEMBERED * 2).is_some(), "it is still as good");
}

#[test]
fn more_sessions_than_there_is_room_for_are_all_opened() {
    let world = World::new();
    let sessions: Vec<_> = (0..3 * PLACES)
        .map(|number| {
            let mut record = record();
            record.session.id = SessionId((number as u128).to_be_bytes());
            (sealed(&record, &world.origin, 3), record)
        })
        .collect();
    for (sealed, record) in sessions.iter().chain(&sessions) {
        assert_eq!(world.open(sealed).expect("ours").session, record.session);
    }
    let remembered = world.recall.0.borrow().places.iter().flatten().count();
    assert!((PLACES / 2..=PLACES).contains(&remembered), "the seal's ends are spread over the places: {remembered}");
}
