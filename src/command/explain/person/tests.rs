//! Tests of `--as`.

use super::*;
use crate::command::explain::tests::rules;
use crate::domain::authority::AuthorityName;

fn person(text: &str) -> Result<MadeUp, String> {
    match read(text, &rules())? {
        Someone::Person(person) => Ok(person),
        Someone::Nobody => Err("nobody".into()),
    }
}

#[test]
fn a_person_is_what_is_said_of_them_and_nothing_else() {
    assert_eq!(read("nobody", &rules()), Ok(Someone::Nobody));
    assert_eq!(person("kind=personal"), Ok(MadeUp::of(AccountKind::Personal)));
    let tenant = TenantId::parse("3a0c0000-0000-4000-8000-0000000000aa").ok();
    let guest = MadeUp {
        email: Some("eve@mail.example".into()),
        tenant,
        membership: Some(Membership::Guest),
        home: Some(Home::Personal),
        groups: Groups::Listed(vec!["7d0e0000-0000-4000-8000-0000000000f1".into(), "b".into()]),
        roles: vec!["r".into()],
        authority: AuthorityName::parse("contoso").ok(),
        bearer: Some(Bearer { audiences: vec!["api://orders".into()], scopes: vec!["read".into(), "write".into()] }),
        ..MadeUp::of(AccountKind::Work)
    };
    let text = "kind=work, email=eve@mail.example,tenant=contoso,membership=guest,home=personal,groups=7D0E0000-0000-4000-8000-0000000000F1+b,roles=r,authority=contoso,audiences=api://orders,scopes=read+write";
    assert_eq!(person(text), Ok(guest));
    assert_eq!(person("kind=work,tenant=3a0c0000-0000-4000-8000-0000000000aa").map(|person| person.tenant), Ok(tenant));
    assert_eq!(person("kind=work,authority=contoso").map(|person| person.tenant), Ok(tenant));
    assert_eq!(person("kind=work,groups=overage").map(|person| person.groups), Ok(Groups::Overage));
}

#[test]
fn what_nobody_is_gets_a_suggestion_or_a_reason() {
    for (text, expected) in [
        ("", "expected key=value pairs"),
        ("nobdy", "did you mean `nobody`?"),
        ("email=a@b.example", "say which kind of account"),
        ("kind=wrk", "did you mean `work`?"),
        ("kind=robot", "expected one of work, personal, customer"),
        ("kind=work,tennant=contoso", "did you mean `tenant`?"),
        ("kind=work,colour=red", "expected one of kind, email"),
        ("kind=work,tenant=contos", "did you mean `contoso`?"),
        ("kind=work,tenant=northwind", "one of [tenants] in homerealm.toml"),
        ("kind=work,tenant=9188040d-6c67-4c5b-b112-36a304b66dad", "say kind=personal"),
        ("kind=work,membership=gues", "did you mean `guest`?"),
        ("kind=work,home=here", "expected one of this_tenant"),
        ("kind=work,authority=contoos", "did you mean `contoso`?"),
        ("kind=personal,authority=contoso", "issues work accounts and no personal ones"),
        ("kind=personal,tenant=contoso", "belong to no organisation"),
        ("kind=personal,membership=guest", "belong to no organisation"),
        ("kind=customer,membership=guest", "neither members nor guests"),
        ("kind=work,kind=work", "there twice"),
        ("kind=work,roles=", "has no value"),
        ("kind=work,scopes=read", "for whom it is issued"),
    ] {
        let why = person(text).expect_err("refused");
        assert!(why.contains(expected), "{text}: {why}");
    }
}
