//! Whose tokens an authority believes, and whose keys may sign them.

use super::*;
use crate::protocol::jwt::forge::TestKey;

fn of_tenant(tenant: &str) -> Value {
    json!({ "iss": microsoft_issuer(tenant), "tid": tenant })
}

#[test]
fn organizations_believes_every_tenant_but_the_consumers() {
    let bench = Bench::organizations();
    bench.check(&of_tenant(TENANT), None);
    bench.check(&of_tenant(OTHER_TENANT), None);
    bench.check(&of_tenant(CONSUMERS), Some(TokenDefect::Issuer(IssuerMismatch::Kind)));
}

#[test]
fn consumers_believes_the_consumers_only() {
    let bench = Bench::consumers();
    bench.check(&of_tenant(CONSUMERS), None);
    bench.check(&of_tenant(TENANT), Some(TokenDefect::Issuer(IssuerMismatch::Issuer)));
    let split = json!({ "iss": microsoft_issuer(CONSUMERS), "tid": TENANT });
    bench.check(&split, Some(TokenDefect::Issuer(IssuerMismatch::Tenant)));
}

#[test]
fn one_tenant_believes_itself_only() {
    let bench = Bench::tenant();
    bench.check(&of_tenant(TENANT), None);
    bench.check(&of_tenant(OTHER_TENANT), Some(TokenDefect::Issuer(IssuerMismatch::Issuer)));
    bench.check(&of_tenant(CONSUMERS), Some(TokenDefect::Issuer(IssuerMismatch::Issuer)));
    bench.check(&json!({ "tid": OTHER_TENANT }), Some(TokenDefect::Issuer(IssuerMismatch::Tenant)));
    bench.check(&json!({ "tid": null }), Some(TokenDefect::Issuer(IssuerMismatch::Tenant)));
}

#[test]
fn the_template_is_filled_with_the_tokens_own_tenant_and_nothing_else() {
    let bench = Bench::organizations();
    let mismatch = || Some(TokenDefect::Issuer(IssuerMismatch::Issuer));
    for (members, defect) in [
        (json!({ "tid": OTHER_TENANT }), mismatch()),
        (json!({ "iss": microsoft_issuer(&TENANT.to_uppercase()), "tid": TENANT.to_uppercase() }), mismatch()),
        (json!({ "iss": microsoft_issuer(&TENANT.to_uppercase()) }), mismatch()),
        (json!({ "iss": microsoft_issuer("{tenantid}") }), mismatch()),
        (json!({ "iss": format!("https://sts.windows.net/{TENANT}/") }), mismatch()),
        (json!({ "iss": format!("https://login.microsoftonline.com.evil.example/{TENANT}/v2.0") }), mismatch()),
        (json!({ "iss": format!("https://login.microsoftonline.com/x/{TENANT}/v2.0") }), mismatch()),
        (json!({ "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0/") }), mismatch()),
        (json!({ "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0/v2.0") }), mismatch()),
        (json!({ "iss": format!("HTTPS://login.microsoftonline.com/{TENANT}/v2.0") }), mismatch()),
        (json!({ "iss": format!(" https://login.microsoftonline.com/{TENANT}/v2.0") }), mismatch()),
        (json!({ "iss": "" }), mismatch()),
        (json!({ "iss": null }), Some(TokenDefect::Missing("iss"))),
        (json!({ "iss": 7 }), Some(TokenDefect::Claims)),
        (json!({ "iss": [microsoft_issuer(TENANT)] }), Some(TokenDefect::Claims)),
        (json!({ "iss": { "0": microsoft_issuer(TENANT) } }), Some(TokenDefect::Claims)),
        (json!({ "tid": null }), Some(TokenDefect::Issuer(IssuerMismatch::Tenant))),
        (json!({ "tid": "" }), Some(TokenDefect::Tenant)),
        (json!({ "tid": "contoso.com" }), Some(TokenDefect::Tenant)),
        (json!({ "tid": format!("{{{TENANT}}}") }), Some(TokenDefect::Tenant)),
        (json!({ "tid": [TENANT] }), Some(TokenDefect::Claims)),
    ] {
        bench.check(&members, defect);
    }
}

#[test]
fn a_key_signs_only_for_the_issuer_it_is_published_for() {
    let keyed = |bench: Bench, issuer: &str| bench.with_keys(&[P256.jwk_with(&json!({ "issuer": issuer }))]);
    let template = microsoft_issuer("{tenantid}");
    for (bench, issuer, members, defect) in [
        (Bench::organizations(), template.clone(), of_tenant(TENANT), None),
        (Bench::organizations(), microsoft_issuer(TENANT), of_tenant(TENANT), None),
        // A tenant's own key signs for another tenant.
        (Bench::organizations(), microsoft_issuer(OTHER_TENANT), of_tenant(TENANT), Some(TokenDefect::KeyIssuer)),
        // The key of personal accounts signs for a tenant.
        (Bench::organizations(), microsoft_issuer(CONSUMERS), of_tenant(TENANT), Some(TokenDefect::KeyIssuer)),
        (Bench::tenant(), microsoft_issuer(CONSUMERS), of_tenant(TENANT), Some(TokenDefect::KeyIssuer)),
        (Bench::consumers(), microsoft_issuer(CONSUMERS), of_tenant(CONSUMERS), None),
        (Bench::consumers(), microsoft_issuer(TENANT), of_tenant(CONSUMERS), Some(TokenDefect::KeyIssuer)),
        (
            Bench::organizations(),
            "https://login.microsoftonline.us/{tenantid}/v2.0".into(),
            of_tenant(TENANT),
            Some(TokenDefect::KeyIssuer),
        ),
        (Bench::organizations(), template, json!({ "tid": null }), Some(TokenDefect::KeyIssuer)),
        (Bench::organizations(), String::new(), of_tenant(TENANT), Some(TokenDefect::KeyIssuer)),
    ] {
        assert_eq!(keyed(bench, &issuer).judge_claims(&members).err(), defect, "{issuer} {members}");
    }
}

#[test]
fn a_key_set_with_keys_for_several_issuers_keeps_them_apart() {
    let consumers_key = TestKey::p256("msa-1");
    let bench = Bench::organizations().with_keys(&[
        P256.jwk_with(&json!({ "issuer": microsoft_issuer("{tenantid}") })),
        consumers_key.jwk_with(&json!({ "issuer": microsoft_issuer(CONSUMERS) })),
    ]);
    bench.check(&of_tenant(TENANT), None);
    let forged = consumers_key.token("ES256", &claims());
    assert_eq!(bench.judge(&forged).err(), Some(TokenDefect::KeyIssuer));
}

#[test]
fn customers_come_from_issuers_of_any_shape() {
    let b2c = "https://contoso.b2clogin.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0/";
    let bench = Bench::exact(b2c, AccountKind::Customer);
    let customer = |members: Value| patched(json!({ "iss": b2c, "tid": null, "oid": null, "tfp": "B2C_1_susi", "ver": "1.0" }), &members);
    bench.check(&customer(json!({})), None);
    bench.check(&customer(json!({ "tfp": null, "acr": "b2c_1_susi", "oid": OBJECT })), None);
    bench.check(&customer(json!({ "iss": b2c.trim_end_matches('/') })), Some(TokenDefect::Issuer(IssuerMismatch::Issuer)));
    let ciam = format!("https://{TENANT}.ciamlogin.com/{TENANT}/v2.0");
    let bench = Bench::exact(&ciam, AccountKind::Customer);
    bench.check(&json!({ "iss": ciam }), None);
    bench.check(&json!({}), Some(TokenDefect::Issuer(IssuerMismatch::Issuer)));
    assert_eq!(bench.person(&json!({ "iss": ciam, "idp": "google.com" })).kind, AccountKind::Customer);
}

#[test]
fn another_provider_is_believed_under_its_exact_issuer() {
    let bench = Bench::exact("https://op.example", AccountKind::Work);
    let there = |issuer: &str| json!({ "iss": issuer, "tid": null, "oid": null });
    bench.check(&there("https://op.example"), None);
    for issuer in ["https://op.example/", "https://OP.example", "http://op.example", "https://op.example.evil.example", "op.example"] {
        bench.check(&there(issuer), Some(TokenDefect::Issuer(IssuerMismatch::Issuer)));
    }
}
