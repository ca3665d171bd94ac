//! What is read of `[[tests]]`, and that each part of an expectation counts for itself. How broken promises are told is in
//! `promises.txt`.

use std::sync::Arc;

use http::Method;

use super::{HEAD, ROUTE, directory, parse};
use crate::config::Config;
use crate::config::problem::Code;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::made_up::{Bearer, MadeUp, Someone};
use crate::domain::policy_test::Expectation;
use crate::domain::principal::Groups;
use crate::domain::reason::Reason;
use crate::domain::route::RouteName;
use crate::domain::written::Position;
use crate::review::promises::broken;

/// Tenant, its authority and a route for it.
const CONTOSO: &str = r#"[tenants]
contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa" }
[authorities.contoso]
issuer = "https://login.microsoftonline.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0"
[[routes]]
name = "finance"
upstream = "http://127.0.0.1:3000"
accounts = "work"
tenants = "contoso"
guests = "allow"
bearer = { audiences = ["api://orders"] }
"#;

fn config(tests: &str) -> Config {
    parse(&format!("{HEAD}{CONTOSO}{tests}"), directory().path()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn tenant() -> TenantId {
    TenantId::parse("3a0c0000-0000-4000-8000-0000000000aa").expect("a GUID")
}

#[test]
fn everything_that_a_test_says_is_read() {
    let config = config(
        r#"[[tests]]
as = { kind = "work", email = "ada@fabrikam.com", tenant = "contoso", membership = "guest", home = "other_tenant", groups = ["7D0E0000-0000-4000-8000-0000000000F1", "staff"], roles = ["Orders.Read"], authority = "contoso", bearer = { audiences = "api://orders", scopes = ["orders.read"] } }
request = "PUT https://orders.example.com/q3?a=b"
expect = { status = 200, reason = "signed_in", route = "finance" }
"#,
    );
    let [test] = &config.tests[..] else { panic!("one test") };
    let ada = MadeUp {
        kind: AccountKind::Work,
        email: Some("ada@fabrikam.com".into()),
        tenant: Some(tenant()),
        membership: Some(Membership::Guest),
        home: Some(Home::OtherTenant),
        groups: Groups::Listed(["7d0e0000-0000-4000-8000-0000000000f1", "staff"].map(Arc::from).into()),
        roles: vec!["Orders.Read".into()],
        authority: AuthorityName::parse("contoso").ok(),
        bearer: Some(Bearer { audiences: vec!["api://orders".into()], scopes: vec!["orders.read".into()] }),
    };
    assert_eq!(test.someone, Someone::Person(ada));
    assert_eq!((&test.method, test.target.host(), test.target.path_and_query()), (&Method::PUT, "orders.example.com", "/q3?a=b"));
    let expect = Expectation { status: Some(200), reason: Some(Reason::SignedIn), route: Some(RouteName::new("finance")) };
    assert_eq!((&test.expect, test.position), (&expect, Position { line: 20, column: 1 }));
}

#[test]
fn what_a_test_leaves_out_is_left_out() {
    let config = config("[[tests]]\nas = { kind = \"personal\" }\nget = \"/\"\nexpect = { status = 403 }\n");
    assert_eq!(config.tests[0].someone, Someone::Person(MadeUp::of(AccountKind::Personal)));
    assert_eq!(config.tests[0].expect, Expectation { status: Some(403), reason: None, route: None });
}

#[test]
fn whoever_comes_from_a_tenants_own_authority_comes_from_this_tenant() {
    let tests = "[[tests]]\nas = { kind = \"work\", authority = \"contoso\" }\nget = \"/\"\nexpect = { status = 200 }\n";
    let config = config(&format!("{tests}{}", tests.replace("contoso", "work").replace("200", "403")));
    let tenants = config.tests.iter().map(|test| match &test.someone {
        Someone::Person(person) => person.tenant,
        Someone::Nobody => None,
    });
    assert!(tenants.eq([Some(tenant()), None]));
}

#[test]
fn each_part_of_an_expectation_counts_for_itself() {
    let config = config("[[tests]]\nas = \"nobody\"\nget = \"/\"\nexpect = { status = 302 }\n");
    let nothing = Expectation { status: None, reason: None, route: None };
    let cases = [
        (Expectation { status: Some(302), ..nothing.clone() }, None),
        (Expectation { status: Some(401), ..nothing.clone() }, Some("expected 401, got 302 sign_in_required")),
        (Expectation { reason: Some(Reason::SignInRequired), ..nothing.clone() }, None),
        (Expectation { reason: Some(Reason::SignedIn), ..nothing.clone() }, Some("expected signed_in, got 302 sign_in_required")),
        (Expectation { route: Some(RouteName::new("finance")), ..nothing.clone() }, None),
        (
            Expectation { route: Some(RouteName::new("shop")), ..nothing.clone() },
            Some("expected route \"shop\", got 302 sign_in_required by route \"finance\""),
        ),
        (
            Expectation { status: Some(302), reason: Some(Reason::SignedIn), route: Some(RouteName::new("finance")) },
            Some("expected 302 signed_in by route \"finance\", got 302 sign_in_required by route \"finance\""),
        ),
    ];
    for (expect, difference) in cases {
        let mut test = config.tests[0].clone();
        test.expect = expect;
        assert_eq!(broken(&config.rules, &test).map(|broken| broken.difference).as_deref(), difference);
    }
}

#[test]
fn a_thousand_tests_are_run_and_more_are_refused() {
    let test = "[[tests]]\nas = \"nobody\"\nget = \"/\"\nexpect = { status = 302 }\n";
    let parsed = |count| parse(&format!("{HEAD}{ROUTE}{}", test.repeat(count)), directory().path());
    assert_eq!(parsed(1000).expect("a configuration").tests.len(), 1000);
    let report = parsed(1001).expect_err("it is refused");
    let codes: Vec<_> = report.diagnostics().iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::TooMany], "{report}");
}
