//! Tests of the list: whom an entry means, and from when on.

use std::time::Duration;

use super::*;
use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::principal::{Groups, Principal};

const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const BEGAN: Timestamp = Timestamp::from_unix_seconds(1_000);

fn contoso() -> TenantId {
    TenantId::parse(CONTOSO).expect("a GUID")
}

/// Of Ada, who is known by `oid` and `tid`.
fn session() -> Session {
    let principal = Principal {
        authority: AuthorityName::work(),
        issuer: format!("https://idp.example/{CONTOSO}/v2.0").into(),
        subject: "pairwise".into(),
        tenant: Some(contoso()),
        object: Some("ada".into()),
        kind: AccountKind::Work,
        membership: Membership::Member,
        home: Home::ThisTenant,
        name: None,
        preferred_username: None,
        verified_email: None,
        groups: Groups::Listed(vec![]),
        roles: vec![],
    };
    Session {
        id: SessionId([7; 16]),
        principal,
        signed_in_at: BEGAN,
        last_seen: BEGAN,
        sign_out_hint: None,
        provider_session: Some("sid".into()),
    }
}

fn issuer() -> Arc<str> {
    session().principal.issuer
}

fn entry(whom: Whom, at: Timestamp) -> Revocation {
    Revocation { whom, at, why: "a test".into() }
}

fn ends(whom: Whom, at: Timestamp) -> bool {
    let mut list = Revocations::new();
    list.add(entry(whom, at));
    assert_eq!((list.len(), list.is_empty(), list.iter().count()), (1, false, 1));
    list.ended(&session()).is_some()
}

#[test]
fn an_entry_means_whom_it_names_and_nobody_else() {
    let other_tenant = TenantId::parse("f0000000-0000-4000-8000-0000000000bb").expect("a GUID");
    let (work, personal) = (AuthorityName::work, AuthorityName::personal);
    for (whom, meant) in [
        (Whom::Everybody, true),
        (Whom::Tenant(contoso()), true),
        (Whom::Tenant(other_tenant), false),
        (Whom::User(format!("ada@{CONTOSO}").into()), true),
        (Whom::User("ada@idp.example".into()), false),
        (Whom::User("pairwise@idp.example".into()), false),
        (Whom::AtProvider(work(), "sid".into()), true),
        (Whom::AtProvider(work(), "SID".into()), false),
        (Whom::AtProvider(personal(), "sid".into()), false),
        (Whom::Session(SessionId([7; 16])), true),
        (Whom::Session(SessionId([8; 16])), false),
        (Whom::Subject(work(), issuer(), "pairwise".into()), true),
        (Whom::Subject(work(), issuer(), "ada".into()), false),
        (Whom::Subject(work(), "https://idp.example/other/v2.0".into(), "pairwise".into()), false),
        (Whom::Subject(personal(), issuer(), "pairwise".into()), false),
    ] {
        assert_eq!(ends(whom.clone(), BEGAN), meant, "{whom:?}");
    }
}

#[test]
fn a_session_that_begins_after_an_entry_is_not_touched() {
    for whom in [Whom::Everybody, Whom::Subject(AuthorityName::work(), issuer(), "pairwise".into()), Whom::Tenant(contoso())] {
        assert!(!ends(whom.clone(), BEGAN - Duration::from_secs(1)), "{whom:?}");
        assert!(ends(whom.clone(), BEGAN), "the same second counts: {whom:?}");
        assert!(ends(whom.clone(), BEGAN + Duration::from_secs(1)), "{whom:?}");
    }
}

#[test]
fn of_several_entries_about_the_same_the_latest_counts_in_whatever_order_they_come() {
    let [early, late] = [500, 2_000].map(Timestamp::from_unix_seconds);
    for order in [[early, late], [late, early]] {
        let mut list = Revocations::new();
        for at in order {
            list.add(entry(Whom::Tenant(contoso()), at));
            list.add(entry(Whom::Everybody, at));
        }
        assert_eq!((list.len(), list.ended(&session()).map(|found| found.at)), (2, Some(late)));
    }
}

#[test]
fn what_can_mean_nobody_any_more_is_forgotten() {
    let everybody_else = [Whom::Everybody, Whom::Tenant(contoso()), Whom::User("u".into()), Whom::Session(SessionId([1; 16]))];
    let at_work = [Whom::AtProvider(AuthorityName::work(), "s".into()), Whom::Subject(AuthorityName::work(), issuer(), "x".into())];
    let mut list = Revocations::new();
    for whom in everybody_else.into_iter().chain(at_work) {
        list.add(entry(whom, BEGAN));
    }
    let mut all = Revocations::new();
    all.add_all(&list);
    all.forget_before(BEGAN);
    assert_eq!((all.len(), &all), (6, &list));
    all.forget_before(BEGAN + Duration::from_secs(1));
    assert!(all.is_empty());
}

#[test]
fn an_order_means_its_person_however_their_issuer_spells_them() {
    use crate::domain::named_user::NamedUser;
    let oid = "6f0c2a4e-0000-4000-8000-0000000000bb";
    for spelled in [oid.to_owned(), oid.to_uppercase()] {
        let mut session = session();
        session.principal.object = Some(spelled.as_str().into());
        for typed in [format!("{oid}@{CONTOSO}"), format!("{}@{}", oid.to_uppercase(), CONTOSO.to_uppercase())] {
            let user = NamedUser::parse(&typed).expect("a user").to_string();
            let mut list = Revocations::new();
            list.add(entry(Whom::User(user.into()), BEGAN));
            assert!(list.ended(&session).is_some() && list.ended_listed(&Summary::of(&session)).is_some(), "{spelled}, {typed}");
        }
    }
}
