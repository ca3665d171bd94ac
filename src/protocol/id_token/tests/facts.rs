//! What is made of a good token: the account, the names, the lists.

use super::*;
use crate::domain::account::{Home, Membership};
use crate::domain::principal::Groups;

#[test]
fn a_person_is_described_by_the_token() {
    let who = Bench::organizations().person(&json!({}));
    assert_eq!((who.kind, who.membership, who.home), (AccountKind::Work, Membership::Unknown, Home::ThisTenant));
    assert_eq!(&*who.issuer, microsoft_issuer(TENANT));
    assert_eq!(&*who.subject, "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ");
    assert_eq!(who.tenant, TenantId::parse(TENANT).ok());
    assert_eq!(who.object.as_deref(), Some(OBJECT));
    assert_eq!(who.name.as_deref(), Some("Ada"));
    assert_eq!(who.preferred_username.as_deref(), Some("ada@contoso.example"));
    assert_eq!((who.verified_email, who.groups, who.roles), (None, Groups::Listed(vec![]), vec![]));
}

#[test]
fn membership_and_home_come_from_acct_idp_and_the_home_tenant() {
    let home_idp = format!("https://sts.windows.net/{TENANT}/");
    let other_idp = format!("https://sts.windows.net/{OTHER_TENANT}/");
    for (members, membership, home) in [
        (json!({}), Membership::Member, Home::ThisTenant),
        (json!({ "idp": home_idp }), Membership::Member, Home::ThisTenant),
        (json!({ "acct": 0 }), Membership::Member, Home::ThisTenant),
        (json!({ "acct": 1 }), Membership::Guest, Home::Unknown),
        (json!({ "acct": "0", "idp": other_idp }), Membership::Member, Home::OtherTenant),
        (json!({ "acct": 1, "idp": other_idp }), Membership::Guest, Home::OtherTenant),
        (json!({ "acct": "1", "idp": "live.com" }), Membership::Guest, Home::Personal),
        (json!({ "acct": 2 }), Membership::Unknown, Home::Unknown),
        (json!({ "acct": true }), Membership::Unknown, Home::Unknown),
        (json!({ "acct": [0] }), Membership::Unknown, Home::Unknown),
        (json!({ "idp": "live.com" }), Membership::Unknown, Home::Personal),
        (json!({ "idp": "mail" }), Membership::Unknown, Home::EmailCode),
        (json!({ "idp": 7 }), Membership::Unknown, Home::Unknown),
        (json!({ "idp": "" }), Membership::Unknown, Home::Unknown),
    ] {
        let who = Bench::tenant().person(&members);
        assert_eq!((who.membership, who.home), (membership, home), "{members}");
    }
    let mut bench = Bench::organizations();
    bench.home_tenant = TenantId::parse(TENANT).ok();
    assert_eq!(bench.person(&json!({})).membership, Membership::Member);
    bench.home_tenant = Some(TenantId::CONSUMERS);
    let who = bench.person(&json!({ "idp": home_idp }));
    assert_eq!((who.membership, who.home), (Membership::Unknown, Home::Personal));
}

#[test]
fn a_null_is_there_and_says_nothing_in_anybodys_favour() {
    let claims = claims().to_string();
    for (member, membership, home) in [("acct", Membership::Unknown, Home::Unknown), ("idp", Membership::Unknown, Home::Unknown)] {
        let with_null = claims.replacen('{', &format!(r#"{{"{member}":null,"#), 1);
        let token = P256.sign("ES256", r#"{"alg":"ES256","kid":"ec-1"}"#, &with_null);
        let who = Bench::tenant().judge(&token).expect("a good token").principal;
        assert_eq!((who.membership, who.home), (membership, home), "{member}");
    }
}

#[test]
fn a_personal_account_is_personal() {
    let members = json!({ "iss": microsoft_issuer(CONSUMERS), "tid": CONSUMERS });
    let who = Bench::consumers().person(&members);
    assert_eq!((who.kind, who.home), (AccountKind::Personal, Home::Personal));
}

#[test]
fn names_are_cleaned_and_cut_and_never_fatal() {
    for (name, shown) in [
        (json!("Ada"), Some("Ada".to_owned())),
        (json!("  Ada\r\n L\u{202e}ovelace\u{0} "), Some("Ada Lovelace".into())),
        (json!("é".repeat(200)), Some("é".repeat(128))),
        (json!("x".repeat(300)), Some("x".repeat(256))),
        (json!("\u{7}\n "), None),
        (json!(""), None),
        (json!(7), None),
        (json!({ "first": "Ada" }), None),
    ] {
        let who = Bench::organizations().person(&json!({ "name": name, "preferred_username": name }));
        assert_eq!(who.name.as_deref(), shown.as_deref(), "{name}");
        assert_eq!(who.preferred_username, who.name);
    }
}

#[test]
fn an_address_counts_as_verified_only_if_the_issuer_says_so() {
    for (members, verified) in [
        (json!({}), false),
        (json!({ "email_verified": true }), true),
        (json!({ "email_verified": "true" }), true),
        (json!({ "email_verified": false }), false),
        (json!({ "email_verified": "false" }), false),
        (json!({ "email_verified": 1 }), false),
        (json!({ "email_verified": "1" }), false),
        (json!({ "xms_edov": true }), true),
        (json!({ "xms_edov": 1 }), true),
        (json!({ "xms_edov": "1" }), true),
        (json!({ "xms_edov": "true" }), true),
        (json!({ "xms_edov": false }), false),
        (json!({ "xms_edov": 0 }), false),
        (json!({ "xms_edov": [true] }), false),
        (json!({ "xms_edov": true, "email_verified": false }), false),
        (json!({ "verified_primary_email": ["ada@contoso.example"] }), false),
    ] {
        let members = patched(json!({ "email": "ada@contoso.example" }), &members);
        let email = Bench::organizations().person(&members).verified_email;
        assert_eq!(email.as_deref(), verified.then_some("ada@contoso.example"), "{members}");
    }
}

#[test]
fn a_verified_address_that_is_none_is_left_out_and_not_repaired() {
    let long = format!("{}@contoso.example", "x".repeat(256));
    for email in [json!("ada"), json!(""), json!("a@b\r\nX-Injected: c"), json!("a b@c"), json!(long), json!(["a@b"]), json!(null)] {
        let who = Bench::organizations().person(&json!({ "email": email, "email_verified": true }));
        assert_eq!(who.verified_email, None, "{email}");
    }
}

#[test]
fn groups_are_listed_or_known_to_be_too_many() {
    let listed = |groups: &[&str]| Groups::Listed(groups.iter().map(|group| (*group).into()).collect());
    let numbered = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    for (members, groups) in [
        (json!({ "groups": ["g1", "g2"] }), listed(&["g1", "g2"])),
        (json!({ "groups": "g1" }), listed(&["g1"])),
        (json!({ "groups": [] }), listed(&[])),
        (json!({ "groups": ["g1", 7, "", "a\nb", "x".repeat(257)] }), listed(&["g1"])),
        (json!({ "groups": { "g1": true } }), listed(&[])),
        (json!({ "groups": numbered(1001) }), Groups::Overage),
        (json!({ "hasgroups": true }), Groups::Overage),
        (json!({ "hasgroups": "true" }), Groups::Overage),
        (json!({ "hasgroups": false, "groups": ["g1"] }), listed(&["g1"])),
        (
            json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": { "src1": { "endpoint": "https://graph.example" } } }),
            Groups::Overage,
        ),
        (json!({ "_claim_names": { "groups": "src1" }, "groups": ["g1"] }), Groups::Overage),
        (json!({ "_claim_names": { "roles": "src1" }, "groups": ["g1"] }), listed(&["g1"])),
        (json!({ "_claim_names": "groups" }), listed(&[])),
    ] {
        assert!(Bench::organizations().person(&members).groups == groups, "{members:.80}", members = members.to_string());
    }
    let Groups::Listed(all) = Bench::organizations().person(&json!({ "groups": numbered(1000) })).groups else { panic!("listed") };
    assert_eq!(all.len(), 1000);
}

#[test]
fn roles_are_a_list() {
    for (roles, count) in [(json!(["Admin", "Reader"]), 2), (json!("Admin"), 1), (json!(7), 0), (json!(vec!["r"; 1001]), 0)] {
        assert_eq!(Bench::organizations().person(&json!({ "roles": roles })).roles.len(), count);
    }
}

#[test]
fn the_sign_out_hint_is_opaque_and_bounded() {
    for (hint, kept) in
        [(json!("O.CiQ5"), true), (json!("x".repeat(1025)), false), (json!("a\r\nb"), false), (json!(7), false), (json!(null), false)]
    {
        let token = Bench::organizations().judge_claims(&json!({ "login_hint": hint })).expect("a good token");
        assert_eq!(token.sign_out_hint.is_some(), kept);
    }
}
