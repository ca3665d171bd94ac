//! What is left out of sessions that are too large, and how large sessions are.

use super::*;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::principal::Principal;
use crate::domain::session::{Session, SessionId};
use crate::domain::time::Timestamp;
use crate::protocol::cookies::{OwnCookies, SetCookie};
use crate::protocol::id_token::NonceMark;
use crate::protocol::seal::KeyRing;
use crate::protocol::secret::Secret;
use crate::protocol::session_cookie::{self, Carried};
use crate::protocol::session_record::Tokens;

const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";

fn group(number: usize) -> Arc<str> {
    format!("7d0e0000-0000-4000-8000-{number:012x}").into()
}

fn groups(numbers: impl IntoIterator<Item = usize>) -> Vec<Arc<str>> {
    numbers.into_iter().map(group).collect()
}

/// A member of an organisation as Microsoft describes one, every text of its usual length.
fn work_account(groups: Groups) -> SessionRecord {
    let address: Arc<str> = "ada.lovelace@contoso.example".into();
    let at = Timestamp::from_unix_seconds(1_800_000_000);
    SessionRecord::bare(Session {
        id: SessionId([7; 16]),
        principal: Principal {
            authority: AuthorityName::work(),
            issuer: format!("https://login.microsoftonline.com/{CONTOSO}/v2.0").into(),
            subject: "s".repeat(43).into(),
            tenant: TenantId::parse(CONTOSO).ok(),
            object: Some("ada00000-0000-4000-8000-000000000001".into()),
            kind: AccountKind::Work,
            membership: Membership::Member,
            home: Home::ThisTenant,
            name: Some("Ada Lovelace".into()),
            preferred_username: Some(Arc::clone(&address)),
            verified_email: Some(address),
            groups,
            roles: vec!["Orders.Read".into()],
        },
        signed_in_at: at,
        last_seen: at,
        sign_out_hint: Some("h".repeat(160)),
        provider_session: Some("00b10000-0000-4000-8000-000000000001".into()),
    })
}

fn with_tokens(mut record: SessionRecord, refresh: usize, access: usize) -> SessionRecord {
    let token = |length| (length > 0).then(|| Secret::new("t".repeat(length)));
    let fresh_until = (refresh > 0).then_some(Timestamp::from_unix_seconds(1_800_004_500));
    record.tokens = Tokens {
        refresh_token: token(refresh),
        fresh_since: (refresh > 0).then_some(Timestamp::from_unix_seconds(1_800_000_000)),
        fresh_until,
        nonce: (refresh > 0).then(|| NonceMark::of("nonce")),
        access_token: token(access),
        id_token: None,
    };
    record
}

fn written(record: &SessionRecord) -> Option<Vec<SetCookie>> {
    let origin = Origin::parse("https://orders.example.com").expect("an origin");
    let keys = KeyRing::new(vec![Secret::new([1; 32])]).expect("a key");
    let carried = Carried::Whole(Arc::new(record.clone()));
    let authority = &record.session.principal.authority;
    session_cookie::write(&carried, authority, &OwnCookies::default(), &origin, &keys, &mut |buffer| buffer.fill(3)).ok()
}

/// How many cookies, and how many bytes of a `Cookie` field (names, values, what stands between).
fn size(record: &SessionRecord) -> Option<(usize, usize)> {
    let cookies = written(record)?;
    let pair = |cookie: &SetCookie| cookie.as_header_value().to_str().expect("ASCII").split(';').next().map_or(0, str::len);
    Some((cookies.len(), cookies.iter().map(pair).sum::<usize>() + 2 * (cookies.len() - 1)))
}

#[test]
fn the_sizes_of_sessions_in_cookies_are_known() {
    let few = || work_account(Groups::Listed(groups(0..5)));
    let many = || work_account(Groups::Listed(groups(0..200)));
    let asked = || work_account(Groups::Asked { about: groups(0..10), member_of: groups(0..2) });
    let five_hundred = work_account(Groups::Listed(groups(0..500)));
    for (what, record, cookies, bytes) in [
        ("five groups", few(), 1, 858),
        ("five groups, a refresh token of 1,400 bytes", with_tokens(few(), 1_400, 0), 1, 2_762),
        ("200 groups", many(), 2, 5_308),
        ("200 groups, a refresh token", with_tokens(many(), 1_400, 0), 2, 7_212),
        ("500 groups, a refresh token", with_tokens(five_hundred, 1_400, 0), 4, 14_068),
        ("too many groups, asked about ten", asked(), 1, 1_018),
        ("too many groups, not asked about yet, both tokens", with_tokens(work_account(Groups::NOT_ASKED), 1_400, 2_200), 2, 5_614),
    ] {
        assert_eq!(size(&record), Some((cookies, bytes)), "{what}");
    }
}

/// What is left out until the session fits, and what is then left of it.
fn fitted(record: &SessionRecord, named: &[Arc<str>]) -> Option<(Option<LeftOut>, SessionRecord)> {
    if written(record).is_some() {
        return Some((None, record.clone()));
    }
    smaller_forms(record.clone(), named)
        .find(|(_, smaller)| written(smaller).is_some())
        .map(|(left_out, smaller)| (Some(left_out), smaller))
}

#[test]
fn what_does_not_fit_loses_as_little_as_possible_and_in_this_order() {
    let listed = |count| work_account(Groups::Listed(groups(0..count)));
    let named = groups([3, 5_000]);
    let asked = Groups::Asked { about: named.clone(), member_of: groups([3]) };
    for (what, record, left_out, groups, refresh, access) in [
        ("fits", with_tokens(listed(200), 1_400, 2_000), None, &listed(200).session.principal.groups, true, true),
        ("many groups", with_tokens(listed(700), 1_400, 2_000), Some(LeftOut::OtherGroups), &asked, true, true),
        ("and a long access token", with_tokens(listed(700), 1_400, 10_000), Some(LeftOut::AccessToken), &asked, true, false),
        ("and a long refresh token", with_tokens(listed(700), 11_000, 10_000), Some(LeftOut::RefreshToken), &asked, false, false),
        (
            "a long refresh token alone",
            with_tokens(listed(0), 11_000, 0),
            Some(LeftOut::RefreshToken),
            &Groups::Listed(vec![]),
            false,
            false,
        ),
    ] {
        let (last, smaller) = fitted(&record, &named).unwrap_or_else(|| panic!("{what}: does not fit"));
        assert_eq!((last, &smaller.session.principal.groups), (left_out, groups), "{what}");
        let tokens = &smaller.tokens;
        assert_eq!(
            (tokens.refresh_token.is_some(), tokens.fresh_until.is_some(), tokens.access_token.is_some()),
            (refresh, refresh, access),
            "{what}"
        );
        // Nothing else has changed.
        let mut session = smaller.session;
        session.principal.groups = record.session.principal.groups.clone();
        assert_eq!(session, record.session, "{what}");
    }
}

#[test]
fn what_can_lose_nothing_more_is_refused() {
    let mut record = with_tokens(work_account(Groups::Listed(groups(0..700))), 1_400, 2_000);
    record.session.principal.roles = (0..1000).map(|at| format!("Orders.Role.{at}").into()).collect();
    assert!(fitted(&record, &groups([3])).is_none());
    record.session.principal.roles.truncate(100);
    assert!(fitted(&record, &groups([3])).is_some());
}

#[test]
fn groups_are_given_up_only_where_that_makes_the_session_smaller() {
    let asked = |about: Vec<Arc<str>>, member_of: Vec<Arc<str>>| Groups::Asked { about, member_of };
    for (groups_known, named, expected) in [
        (Groups::Listed(groups(0..10)), groups([3, 20]), Some(asked(groups([3, 20]), groups([3])))),
        (Groups::Listed(groups(0..10)), groups([]), Some(Groups::NOT_ASKED)),
        (Groups::Listed(groups(0..10)), vec!["staff".into()], Some(asked(vec!["staff".into()], vec![]))),
        (Groups::Listed(groups(0..2)), groups(5..10), None),
        (Groups::Listed(groups([])), groups([3]), None),
        (Groups::Overage, groups([3]), None),
        (asked(groups(0..10), groups(2..5)), groups([3, 20]), Some(asked(groups([3]), groups([3])))),
        (asked(groups([3]), groups([3])), groups([3, 20]), None),
    ] {
        assert_eq!(reduced(&groups_known, &named), expected, "{groups_known:?}");
    }
}
