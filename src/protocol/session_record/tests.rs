//! Tests of records and tickets.

use proptest::prelude::*;

use super::*;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::made_up::MadeUp;
use crate::domain::principal::Groups;
use crate::domain::session::SessionId;

fn record(tokens: Tokens) -> SessionRecord {
    let principal = MadeUp { groups: Groups::Overage, ..MadeUp::of(AccountKind::Work) }.principal(AuthorityName::work());
    let at = Timestamp::from_unix_seconds(300);
    let session = Session {
        id: SessionId([7; 16]),
        principal,
        signed_in_at: at,
        last_seen: at,
        sign_out_hint: None,
        provider_session: Some("sid".into()),
    };
    SessionRecord { session, tokens }
}

fn random(seed: u8) -> impl FnMut(&mut [u8]) {
    let mut call = seed;
    move |buffer: &mut [u8]| {
        call = call.wrapping_add(1);
        buffer.fill(call);
    }
}

fn exposed(secret: Option<&Secret<String>>) -> Option<&str> {
    secret.map(|secret| secret.expose().as_str())
}

fn is_same(one: &SessionRecord, other: &SessionRecord) -> bool {
    let tokens = |record: &SessionRecord| {
        let Tokens { refresh_token, fresh_since, fresh_until, nonce, access_token, id_token } = record.tokens.clone();
        let text = |secret: Option<Secret<String>>| exposed(secret.as_ref()).map(str::to_owned);
        (text(refresh_token), fresh_since, fresh_until, nonce, text(access_token), text(id_token))
    };
    one.session == other.session && tokens(one) == tokens(other)
}

#[test]
fn only_its_own_ticket_opens_a_record() {
    let (ticket, other) = (Ticket::new(&mut random(1)), Ticket::new(&mut random(9)));
    let record = record(Tokens { refresh_token: Some(Secret::new("refresh".into())), ..Tokens::default() });
    let sealed = ticket.seal(&record, &mut random(5));
    assert!(is_same(&ticket.open(&sealed, &mut Vec::new()).expect("ours"), &record));
    assert!(other.open(&sealed, &mut Vec::new()).is_err());
    // Put in another record's place, it does not open either.
    let moved = Ticket { handle: other.handle, key: ticket.key.clone() };
    assert!(moved.open(&sealed, &mut Vec::new()).is_err());
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(ticket.open(&changed, &mut Vec::new()).is_err(), "byte {at}");
        assert!(ticket.open(&sealed[..at], &mut Vec::new()).is_err(), "cut at {at}");
    }
}

#[test]
fn neither_tokens_nor_keys_are_printed() {
    let secret = |text: &str| Some(Secret::new(text.to_owned()));
    let tokens =
        Tokens { refresh_token: secret("hunter1"), access_token: secret("hunter2"), id_token: secret("hunter3"), ..Tokens::default() };
    let printed = format!("{:?} {:?}", record(tokens), Ticket::new(&mut random(0)));
    assert!(!printed.contains("hunter") && !printed.contains("2, 2, 2"), "{printed}");
}

proptest! {
    #[test]
    fn records_come_back_from_bytes(
        refresh in proptest::option::of(".*"), access in proptest::option::of(".*"), id in proptest::option::of(".*"),
        since in proptest::option::of(any::<u64>()), until in proptest::option::of(any::<u64>()), nonce in proptest::option::of(".*"), rest in proptest::collection::vec(any::<u8>(), 1..4),
    ) {
        let tokens = Tokens {
            refresh_token: refresh.map(Secret::new),
            fresh_since: since.map(Timestamp::from_unix_seconds),
            fresh_until: until.map(Timestamp::from_unix_seconds),
            nonce: nonce.as_deref().map(NonceMark::of),
            access_token: access.map(Secret::new),
            id_token: id.map(Secret::new),
        };
        let record = record(tokens);
        let mut bytes = record.encode().to_vec();
        prop_assert!(is_same(&SessionRecord::decode(&bytes).expect("ours"), &record));
        bytes.extend(rest);
        prop_assert!(SessionRecord::decode(&bytes).is_none());
    }

    #[test]
    fn bytes_that_are_no_record_are_none_and_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _either = SessionRecord::decode(&bytes);
        prop_assert!(Ticket::new(&mut random(1)).open(&bytes, &mut Vec::new()).is_err());
    }
}
