//! Advice for every reason.

use std::path::Path;

use super::fix;
use crate::config;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::decision::Judged;
use crate::domain::made_up::SOME_TENANT;
use crate::domain::policy::Check;
use crate::domain::reason::Reason;

const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const UNNAMED: &str = "3a0c0000-0000-4000-8000-0000000000cc";

const FILE: &str = r#"version = 1
public_url = "https://orders.example.com"
[client]
id = "x"
secret_env = "S"
[tenants]
contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa", name = "Contoso" }
[[routes]]
name = "desk"
accounts = "work"
upstream = "http://127.0.0.1:3000"
"#;

fn advice(reason: Reason, tenant: Option<TenantId>) -> Option<String> {
    let environment = |_: &str| Some("a secret".to_owned());
    let config = config::parse_with(FILE, "homerealm.toml", Path::new("."), &environment, chrono::NaiveDate::default());
    let rules = config.unwrap_or_else(|problems| panic!("{problems}")).rules;
    let who = Judged {
        kind: AccountKind::Work,
        authority: AuthorityName::work(),
        tenant,
        membership: Membership::Member,
        home: Home::ThisTenant,
    };
    fix(reason, &rules, rules.routes.named("desk"), Some(&who))
}

#[test]
fn every_refusal_by_a_check_has_advice_that_names_its_price_and_no_failure_has_any() {
    for reason in Reason::ALL {
        let told = advice(*reason, None);
        let others = [Reason::BadRequest, Reason::InvalidToken, Reason::NoRoute, Reason::SessionExpired, Reason::SignInRequired];
        assert_eq!(told.is_some(), Check::of(*reason).is_some() || others.contains(reason), "{reason:?}: {told:?}");
        let told = told.unwrap_or_default();
        // Whatever opens a route by its keys opens it to others as well.
        let opens =
            ["`accounts`", "`tenants`", "`authorities`", "`groups`", "accounts = ", "guests = "].iter().any(|key| told.contains(key));
        assert_eq!(opens, told.contains("admit"), "{reason:?}: {told}");
        assert!(!told.ends_with('.') && told.lines().count() <= 1, "{reason:?}: {told}");
    }
}

#[test]
fn a_tenant_is_named_as_the_file_would_name_it() {
    let id = |text| TenantId::parse(text).expect("a GUID literal");
    let named = format!("\"{UNNAMED}\"");
    for (tenant, expected) in
        [(Some(id(CONTOSO)), "\"contoso\""), (Some(id(UNNAMED)), &named), (Some(SOME_TENANT), "their tenant"), (None, "their tenant")]
    {
        let told = advice(Reason::TenantNotAllowed, tenant).expect("advice");
        assert_eq!(told, format!("adding {expected} to `tenants` of desk admits everybody of that organisation"));
    }
}
