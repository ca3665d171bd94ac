//! Tests of sessions in cookies.

use std::sync::Arc;

use http::HeaderMap;
use http::header::COOKIE;
use proptest::prelude::*;

use super::*;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::principal::{Groups, Principal};
use crate::domain::session::{Session, SessionId};
use crate::domain::time::Timestamp;
use crate::protocol::secret::Secret;

const PREFIX: &str = "__Host-homerealm-";

fn origin() -> Origin {
    Origin::parse("https://orders.example.com").expect("an origin")
}

fn ring(key: u8) -> KeyRing {
    KeyRing::new(vec![Secret::new([key; 32])]).expect("one key")
}

fn random(seed: u8) -> impl FnMut(&mut [u8]) {
    let mut call = seed;
    move |buffer: &mut [u8]| {
        call = call.wrapping_add(1);
        buffer.fill(call);
    }
}

/// A session with so many groups: by names of 35 bytes, which take 37 each.
fn session(groups: usize) -> Session {
    let groups = (0..groups).map(|at| Arc::from(format!("a-group-of-the-organisation-{at:07}"))).collect();
    Session {
        id: SessionId([7; 16]),
        principal: Principal {
            authority: AuthorityName::work(),
            issuer: "https://idp.example".into(),
            subject: "sub".into(),
            tenant: TenantId::parse("3a0c0000-0000-4000-8000-0000000000aa").ok(),
            object: Some("oid".into()),
            kind: AccountKind::Work,
            membership: Membership::Member,
            home: Home::ThisTenant,
            name: Some("Ada".into()),
            preferred_username: None,
            verified_email: None,
            groups: Groups::Listed(groups),
            roles: vec!["reader".into()],
        },
        signed_in_at: Timestamp::from_unix_seconds(300),
        last_seen: Timestamp::from_unix_seconds(301),
        sign_out_hint: Some("hint".into()),
        provider_session: Some("sid-1".into()),
    }
}

type Cookies = Vec<(String, String)>;

/// What a browser keeps after a response, given what it had.
fn after(mut kept: Cookies, set: &[SetCookie]) -> Cookies {
    for cookie in set {
        let text = cookie.as_header_value().to_str().expect("ASCII");
        let (name, value) = text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
        let name = name.strip_prefix(PREFIX).expect("our prefix");
        kept.retain(|(kept, _)| kept != name);
        if !text.contains("Max-Age=0") {
            kept.push((name.into(), value.into()));
        }
    }
    kept
}

fn request(cookies: &Cookies) -> HeaderMap {
    let line = cookies.iter().map(|(name, value)| format!("{PREFIX}{name}={value}")).collect::<Vec<_>>().join("; ");
    HeaderMap::from_iter([(COOKIE, line.parse().expect("a field value"))])
}

fn whole_of(session: &Session) -> Carried {
    Carried::Whole(Arc::new(SessionRecord::bare(session.clone())))
}

fn written(session: &Session, before: &Cookies, seed: u8) -> Cookies {
    let headers = request(before);
    let own = OwnCookies::read(&headers, Dialect::Host);
    after(
        before.clone(),
        &write(&whole_of(session), &session.principal.authority, &own, &origin(), &ring(1), &mut random(seed)).expect("fits"),
    )
}

/// What a request carries of a session.
enum Found {
    Absent,
    Carried(Carried),
    Unreadable,
}

fn read_from(cookies: &Cookies) -> Found {
    read_as(cookies, &AuthorityName::work(), &origin(), &ring(1))
}

fn read_as(cookies: &Cookies, authority: &AuthorityName, origin: &Origin, keys: &KeyRing) -> Found {
    let headers = request(cookies);
    match find(&OwnCookies::read(&headers, Dialect::Host), authority) {
        Sealed::Absent => Found::Absent,
        Sealed::Unreadable => Found::Unreadable,
        Sealed::Whole(sealed) => open(&sealed, authority, origin, keys, &mut Vec::new()).map_or(Found::Unreadable, Found::Carried),
    }
}

fn check_session(cookies: &Cookies, expected: &Session) {
    match read_from(cookies) {
        Found::Carried(Carried::Whole(record)) => assert_eq!(record.session, *expected),
        Found::Carried(Carried::Ticket(_)) => panic!("a ticket"),
        Found::Absent => panic!("absent"),
        Found::Unreadable => panic!("unreadable"),
    }
}

fn check_unreadable(what: &str, cookies: &Cookies) {
    assert!(matches!(read_from(cookies), Found::Unreadable), "{what}");
}

#[test]
fn sessions_of_every_size_come_back() {
    let mut counts = Vec::new();
    for groups in [0, 1, 60, 80, 150, 170, 220, 300] {
        let session = session(groups);
        let cookies = written(&session, &Vec::new(), 1);
        check_session(&cookies, &session);
        counts.push(cookies.len());
        for (name, value) in &cookies {
            assert!(PREFIX.len() + name.len() + value.len() + "=; Path=/; Secure; HttpOnly; SameSite=Lax".len() <= 4096);
        }
    }
    assert_eq!(counts, [1, 1, 1, 2, 2, 3, 3, 4]);
}

#[test]
fn what_cannot_be_read_again_is_not_written() {
    let mut limit = session(300);
    let length = |session: &Session| whole_of(session).encode().len();
    let room = MAX_SESSION_LENGTH - length(&limit);
    // The hint's length itself takes a second byte from 128 on.
    limit.sign_out_hint = Some("h".repeat("hint".len() + room - 1));
    assert_eq!(length(&limit), MAX_SESSION_LENGTH);
    let cookies = written(&limit, &Vec::new(), 1);
    assert_eq!(cookies.len(), MAX_PARTS);
    check_session(&cookies, &limit);
    limit.sign_out_hint.as_mut().expect("a hint").push('h');
    let refused = write(&whole_of(&limit), &AuthorityName::work(), &OwnCookies::default(), &origin(), &ring(1), &mut random(1));
    assert_eq!(refused.err(), Some(TooLarge { length: MAX_SESSION_LENGTH + 1, limit: MAX_SESSION_LENGTH }));
}

#[test]
fn no_cookie_is_not_the_same_as_a_bad_one() {
    assert!(matches!(read_from(&Vec::new()), Found::Absent));
    check_unreadable("empty", &vec![("s-work".into(), String::new())]);
}

#[test]
fn a_session_counts_at_its_own_authority_origin_and_key_only() {
    let mut cookies = written(&session(0), &Vec::new(), 1);
    let elsewhere = Origin::parse("https://billing.example.com").expect("an origin");
    assert!(matches!(read_as(&cookies, &AuthorityName::work(), &elsewhere, &ring(1)), Found::Unreadable));
    assert!(matches!(read_as(&cookies, &AuthorityName::work(), &origin(), &ring(2)), Found::Unreadable));
    assert!(matches!(read_as(&cookies, &AuthorityName::personal(), &origin(), &ring(1)), Found::Absent));
    cookies[0].0 = "s-personal".into();
    assert!(matches!(read_as(&cookies, &AuthorityName::personal(), &origin(), &ring(1)), Found::Unreadable));
}

#[test]
fn counts_that_were_not_written_are_refused() {
    let cookies = written(&session(0), &Vec::new(), 1);
    let sealed = cookies[0].1.strip_prefix("1.").expect("one part").to_owned();
    for count in ["", "0.", "2.", "4.", "5.", "9.", "01.", "99999999.", "1", "1.1.", "-1.", "."] {
        check_unreadable(count, &vec![("s-work".into(), format!("{count}{sealed}"))]);
    }
    check_session(&cookies, &session(0));
}

#[test]
fn lost_extra_reordered_and_doubled_parts_are_refused() {
    let good = written(&session(170), &Vec::new(), 1);
    assert_eq!(good.len(), 3);
    for lost in 1..3 {
        let mut cookies = good.clone();
        cookies.remove(lost);
        check_unreadable("lost", &cookies);
    }
    let mut cookies = good.clone();
    cookies.remove(0);
    assert!(matches!(read_from(&cookies), Found::Absent), "without its first part there is no session");
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let mut cookies = good.clone();
        let value = std::mem::replace(&mut cookies[one].1, good[other].1.clone());
        cookies[other].1 = value;
        check_unreadable("reordered", &cookies);
    }
    for (name, value) in
        [("s-work.3", "x"), ("s-work.3", ""), ("s-work.4", "x"), ("s-work.", "x"), ("s-work", "1.x"), ("s-work.1", &*good[1].1)]
    {
        let mut cookies = good.clone();
        cookies.push((name.into(), value.into()));
        check_unreadable("extra or doubled", &cookies);
    }
    let mut shifted = good.clone();
    let moved = shifted[1].1.pop().expect("full");
    shifted[2].1.insert(0, moved);
    check_unreadable("cut elsewhere", &shifted);
    check_session(&good, &session(170));
}

#[test]
fn generations_cannot_be_mixed() {
    let (old, new) = (written(&session(170), &Vec::new(), 1), written(&session(170), &Vec::new(), 100));
    for at in 0..3 {
        assert_ne!(old[at].1, new[at].1, "the same session is sealed anew each time");
        let mut cookies = new.clone();
        cookies[at] = old[at].clone();
        check_unreadable("mixed", &cookies);
    }
}

#[test]
fn a_shorter_session_takes_the_longer_ones_parts_away() {
    let long = written(&session(300), &Vec::new(), 1);
    assert_eq!(long.len(), 4);
    let short = written(&session(80), &long, 2);
    assert_eq!(short.len(), 2);
    check_session(&short, &session(80));
}

#[test]
fn clearing_leaves_nothing_and_touches_no_other_session() {
    let mut cookies = written(&session(300), &Vec::new(), 1);
    cookies.push(("s-work-1".into(), "1.another-authoritys".into()));
    cookies.push(("s-work.9".into(), "planted".into()));
    let headers = request(&cookies);
    let set = clear(&OwnCookies::read(&headers, Dialect::Host), &AuthorityName::work(), &origin());
    assert_eq!(after(cookies, &set), [("s-work-1".to_owned(), "1.another-authoritys".to_owned())]);
    assert!(clear(&OwnCookies::default(), &AuthorityName::work(), &origin()).is_empty());
}

#[test]
fn authorities_whose_names_look_like_parts_do_not_meet() {
    let mut other = session(0);
    other.principal.authority = AuthorityName::parse("work-1").expect("a name");
    let cookies = written(&other, &written(&session(80), &Vec::new(), 1), 2);
    check_session(&cookies, &session(80));
    assert!(matches!(read_as(&cookies, &other.principal.authority, &origin(), &ring(1)), Found::Carried(_)));
}

#[test]
fn the_layout_has_not_changed_unnoticed() {
    // If this fails, raise the number in the label of `Purpose::Session` with it: an older session must not open, rather
    // than be read as something else.
    let bytes = postcard::to_allocvec(&session(0)).expect("written");
    let tenant = b"\x01\x3a\x0c\x00\x00\x00\x00\x40\x00\x80\x00\x00\x00\x00\x00\x00\xaa";
    let principal = [b"\x04work\x13https://idp.example\x03sub", &tenant[..], b"\x01\x03oid\x02\x01\x04\x01\x03Ada\0\0\0\0\x01\x06reader"];
    assert_eq!(bytes, [&[7; 16][..], &principal.concat(), b"\xac\x02\xad\x02\x01\x04hint\x01\x05sid-1"].concat());
}

proptest! {
    #[test]
    fn any_change_to_the_parts_is_refused(
        groups in 0_usize..300,
        part in 0_usize..4,
        at in any::<prop::sample::Index>(),
        with in "[A-Za-z0-9_.-]",
    ) {
        let good = written(&session(groups), &Vec::new(), 1);
        let part = part % good.len();
        let mut cookies = good.clone();
        let at = at.index(cookies[part].1.len());
        cookies[part].1.replace_range(at..=at, &with);
        if cookies == good {
            check_session(&cookies, &session(groups));
        } else {
            check_unreadable("changed", &cookies);
        }
    }

    #[test]
    fn any_cookies_can_be_read(cookies in proptest::collection::vec(("s-work(\\.[0-9])?", "([0-9]{0,9}\\.)?[A-Za-z0-9_-]{0,60}"), 0..6)) {
        prop_assert!(!matches!(read_from(&cookies), Found::Carried(_)));
    }
}
