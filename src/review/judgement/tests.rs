//! Made-up people are judged as the proxy would judge real ones.

use super::*;
use crate::config;
use crate::domain::made_up::Bearer;

const HEAD: &str = r#"
version = 1
public_url = "https://orders.example.com"
[client]
id = "x"
secret_env = "S"
[tenants]
contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa", name = "Contoso" }
fabrikam = { id = "3a0c0000-0000-4000-8000-0000000000bb", name = "Fabrikam" }
"#;

const ALL_AUTHORITIES: &str = r#"
[authorities.work]
[authorities.personal]
[authorities.contoso]
issuer = "https://login.microsoftonline.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0"
"#;

const ONLY_CONTOSO: &str = r#"
[authorities.work]
issuer = "https://login.microsoftonline.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0"
"#;

const ROUTES: &str = r#"
[[routes]]
name = "open"
match = { path = "/open" }
auth = "none"
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "optional"
match = { path = "/optional" }
auth = "optional"
accounts = "work"
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "work"
match = { path = "/work/**" }
accounts = "work"
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "contoso"
match = { path = "/contoso/**" }
accounts = "work"
tenants = ["contoso"]
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "tried"
match = { path = "/tried/**" }
accounts = "work"
tenants = ["contoso"]
enforce = false
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "refusing"
match = { path = "/refusing/**" }
accounts = "work"
unauthenticated = "401"
upstream = "http://127.0.0.1:3000"
[[routes]]
name = "moved"
match = { path = "/moved" }
accounts = "work"
upstream = { work = { redirect = "https://elsewhere.example/" } }
[[routes]]
name = "api"
match = { path = "/api/**", methods = ["GET"] }
accounts = "work"
bearer = { audiences = ["api://orders"], scopes = ["read"] }
upstream = "http://127.0.0.1:3000"
"#;

fn rules(middle: &str) -> std::sync::Arc<Rules> {
    let text = format!("{HEAD}{middle}{ROUTES}");
    let environment = |_: &str| Some("secret".to_owned());
    let parsed = config::parse_with(&text, "homerealm.toml", std::path::Path::new("."), &environment, chrono::NaiveDate::default());
    parsed.unwrap_or_else(|report| panic!("{report}")).rules
}

fn work(rules: &Rules, tenant: &str) -> MadeUp {
    let tenant = rules.tenants.iter().find(|known| known.key == tenant).map(|known| known.id);
    MadeUp { tenant, ..MadeUp::of(AccountKind::Work) }
}

fn of<'r>(rules: &'r Rules, who: Option<&MadeUp>, method: &Method, path: &str) -> Judgement<'r> {
    let someone = who.map_or(Someone::Nobody, |who| Someone::Person(who.clone()));
    judge(rules, &someone, method, &Target::parse("orders.example.com", path).expect("a target"))
}

fn answer(judgement: &Judgement<'_>) -> (u16, &'static str) {
    (judgement.status, judgement.reason.code())
}

#[test]
fn everybody_is_answered_as_the_proxy_answers() {
    let rules = rules(ALL_AUTHORITIES);
    let (ada, bo, cy) = (work(&rules, "contoso"), work(&rules, "fabrikam"), MadeUp::of(AccountKind::Personal));
    let eve = MadeUp { membership: Some(Membership::Guest), ..ada.clone() };
    let customer = MadeUp::of(AccountKind::Customer);
    for (who, path, expected) in [
        (None, "/open", (200, "public")),
        (Some(&cy), "/open", (200, "public")),
        (None, "/optional", (200, "public")),
        (Some(&ada), "/optional", (200, "signed_in")),
        (Some(&cy), "/optional", (200, "public")),
        (None, "/work/", (302, "sign_in_required")),
        (None, "/refusing/", (401, "sign_in_required")),
        (None, "/nowhere", (404, "no_route")),
        (None, "/work/a;b=c/x", (302, "sign_in_required")),
        (Some(&ada), "/work/", (200, "signed_in")),
        (Some(&bo), "/work/", (200, "signed_in")),
        (Some(&cy), "/work/", (403, "personal_account_not_allowed")),
        (Some(&customer), "/work/", (403, "customer_account_not_allowed")),
        (Some(&ada), "/contoso/", (200, "signed_in")),
        (Some(&bo), "/contoso/", (403, "tenant_not_allowed")),
        (Some(&eve), "/contoso/", (403, "guest_not_allowed")),
        (Some(&bo), "/tried/", (200, "signed_in")),
        (Some(&ada), "/moved", (302, "signed_in")),
        (Some(&cy), "/moved", (403, "personal_account_not_allowed")),
    ] {
        let kind = who.map(|who| who.kind);
        assert_eq!(answer(&of(&rules, who, &Method::GET, path)), expected, "{kind:?} {path}");
    }
    assert_eq!(of(&rules, Some(&bo), &Method::GET, "/tried/").would_refuse, Some(Reason::TenantNotAllowed));
    assert_eq!(of(&rules, Some(&ada), &Method::GET, "/tried/").would_refuse, None);
}

#[test]
fn only_a_navigation_is_sent_to_sign_in() {
    let rules = rules(ALL_AUTHORITIES);
    for (method, status) in [(Method::GET, 302), (Method::HEAD, 302), (Method::POST, 401), (Method::DELETE, 401)] {
        assert_eq!(of(&rules, None, &method, "/work/").status, status, "{method}");
    }
}

#[test]
fn an_access_token_is_for_routes_that_take_it_and_must_be_for_them() {
    let rules = rules(ALL_AUTHORITIES);
    let with = |audience: &str, scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        MadeUp { bearer: Some(Bearer { audiences: vec![audience.into()], scopes }), ..work(&rules, "contoso") }
    };
    let stranger = MadeUp { bearer: with("api://orders", &["read"]).bearer, ..MadeUp::of(AccountKind::Personal) };
    for (who, path, expected) in [
        (with("api://orders", &["read"]), "/api/", (200, "signed_in")),
        (with("api://orders", &[]), "/api/", (403, "insufficient_scope")),
        (with("api://other", &["read"]), "/api/", (401, "invalid_token")),
        // No authority of the route issues tokens for them: none is there to say that this one holds.
        (stranger, "/api/", (401, "invalid_token")),
        (with("api://orders", &["read"]), "/work/", (401, "sign_in_required")),
        (with("api://orders", &["read"]), "/open", (200, "public")),
    ] {
        assert_eq!(answer(&of(&rules, Some(&who), &Method::GET, path)), expected, "{path} {:?}", who.bearer);
    }
}

#[test]
fn a_session_of_an_authority_that_the_route_does_not_list_is_no_session_there() {
    let rules = rules(&format!(
        "{ALL_AUTHORITIES}[[routes]]\nname = \"pinned\"\nmatch = {{ path = \"/pinned\" }}\naccounts = \"work\"\nauthorities = [\"contoso\"]\nupstream = \"http://127.0.0.1:3000\"\n"
    ));
    let judgement = of(&rules, Some(&work(&rules, "fabrikam")), &Method::GET, "/pinned");
    assert_eq!(answer(&judgement), (302, "sign_in_required"));
    assert!(judgement.trace.is_some_and(|trace| format!("{trace:?}").contains("AuthorityNotAllowed")), "the trace says why");
    assert_eq!(answer(&of(&rules, Some(&work(&rules, "contoso")), &Method::GET, "/pinned")), (200, "signed_in"));
    // A kind that is not taken is told so, wherever they signed in.
    let cy = MadeUp::of(AccountKind::Personal);
    assert_eq!(answer(&of(&rules, Some(&cy), &Method::GET, "/pinned")), (403, "personal_account_not_allowed"));
    let at = |authority: &str, tenant: &str| MadeUp { authority: AuthorityName::parse(authority).ok(), ..work(&rules, tenant) };
    for (who, vouched, expected) in [
        (at("contoso", "contoso"), Vouched::Here, (200, "signed_in")),
        (at("work", "contoso"), Vouched::Elsewhere, (302, "sign_in_required")),
        // A tenant's own authority never speaks of another tenant's people.
        (at("contoso", "fabrikam"), Vouched::ByNobody, (302, "sign_in_required")),
    ] {
        let judgement = of(&rules, Some(&who), &Method::GET, "/pinned");
        assert_eq!((judgement.vouched, answer(&judgement)), (vouched, expected), "{:?} {:?}", who.authority, who.tenant);
    }
}

#[test]
fn nobody_is_let_in_whom_no_authority_could_sign_in() {
    let rules = rules(ONLY_CONTOSO);
    let (ada, bo) = (work(&rules, "contoso"), work(&rules, "fabrikam"));
    let eve = MadeUp { membership: Some(Membership::Guest), ..bo.clone() };
    for (who, path, vouched, expected) in [
        (&ada, "/work/", Vouched::Here, (200, "signed_in")),
        (&bo, "/work/", Vouched::ByNobody, (302, "sign_in_required")),
        (&bo, "/optional", Vouched::ByNobody, (200, "public")),
        (&bo, "/tried/", Vouched::ByNobody, (302, "sign_in_required")),
        // What the rules say of them is worth more than that they cannot come.
        (&bo, "/contoso/", Vouched::ByNobody, (403, "tenant_not_allowed")),
        (&eve, "/work/", Vouched::ByNobody, (403, "guest_not_allowed")),
        (&MadeUp::of(AccountKind::Customer), "/work/", Vouched::ByNobody, (403, "customer_account_not_allowed")),
    ] {
        let judgement = of(&rules, Some(who), &Method::GET, path);
        assert_eq!((judgement.vouched, answer(&judgement)), (vouched, expected), "{:?} {path}", who.tenant);
    }
}

#[test]
fn the_route_that_would_match_next_is_the_next_that_matches() {
    let rules = rules(ALL_AUTHORITIES);
    let next = |path: &str| of(&rules, None, &Method::GET, path).next.map(|route| route.name.to_string());
    assert_eq!(next("/work/"), None);
    let wide = "[[routes]]\nname = \"w\"\nmatch = { path = \"/work/x\", methods = [\"GET\"] }\nauth = \"none\"\nupstream = \"http://127.0.0.1:3000\"\n";
    let rules = self::rules(&format!("{ALL_AUTHORITIES}{wide}"));
    let next = |path: &str| of(&rules, None, &Method::GET, path).next.map(|route| route.name.to_string());
    assert_eq!((next("/work/x").as_deref(), next("/work/y")), (Some("work"), None));
}
