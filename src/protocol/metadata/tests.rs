//! Which metadata documents are believed.

use serde_json::{Value, json};

use super::*;
use crate::domain::account::TenantId;
use crate::protocol::jwt::forge::patched;

const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";

fn expected(issuer: &str) -> ExpectedIssuer {
    ExpectedIssuer::parse(issuer).expect("an issuer")
}

fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": "https://op.example/authorize",
        "token_endpoint": "https://op.example/token?p=b2c_1",
        "jwks_uri": "https://keys.example/jwks",
        "response_types_supported": ["code", "id_token", "code id_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic", "of_the_future"],
        "scopes_supported": "not a list, and nobody minds",
    })
}

fn read(members: &Value) -> Result<Metadata, MetadataDefect> {
    let document = patched(document("https://op.example"), members);
    Metadata::read(document.to_string().as_bytes(), &expected("https://op.example"))
}

#[test]
fn microsofts_documents_speak_for_the_authority_that_was_asked() {
    let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let consumers = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    let contoso = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    for (configured, told, believed) in [
        ("organizations", template, true),
        ("organizations", consumers, false),
        ("organizations", &contoso, false),
        ("consumers", consumers, true),
        ("consumers", template, false),
        (TENANT, &contoso, true),
        (TENANT, template, false),
        ("contoso.com", &contoso, true),
        ("contoso.com", consumers, false),
        ("contoso.com", "https://evil.example/3a0c0000-0000-4000-8000-0000000000aa/v2.0", false),
    ] {
        let expected = expected(&format!("https://login.microsoftonline.com/{configured}/v2.0"));
        let read = Metadata::read(document(told).to_string().as_bytes(), &expected);
        assert_eq!(read.is_ok(), believed, "{configured}: {told}");
        assert!(believed || matches!(read, Err(MetadataDefect::Issuer(_))), "{configured}: {told}");
    }
}

#[test]
fn a_domain_authority_learns_its_tenant() {
    let expected = expected("https://login.microsoftonline.com/contoso.com/v2.0");
    let told = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let metadata = Metadata::read(document(&told).to_string().as_bytes(), &expected).expect("metadata");
    assert_eq!(metadata.issuer, IssuerInForce::One { issuer: told, tenant: TenantId::parse(TENANT).ok() });
}

#[test]
fn an_issuer_is_compared_character_for_character() {
    let b2c = "https://contoso.b2clogin.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0/";
    assert!(Metadata::read(document(b2c).to_string().as_bytes(), &expected(b2c)).is_ok());
    for told in [b2c.trim_end_matches('/'), "https://CONTOSO.b2clogin.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0/", ""] {
        let read = Metadata::read(document(told).to_string().as_bytes(), &expected(b2c));
        assert_eq!(read.err(), Some(MetadataDefect::Issuer(ForeignIssuer)), "{told}");
    }
}

#[test]
fn what_is_used_must_be_there_and_usable() {
    for (members, defect) in [
        (json!({}), None),
        (json!({ "issuer": null }), Some(MetadataDefect::Missing("issuer"))),
        (json!({ "authorization_endpoint": null }), Some(MetadataDefect::Missing("authorization_endpoint"))),
        (json!({ "token_endpoint": null }), Some(MetadataDefect::Missing("token_endpoint"))),
        (json!({ "jwks_uri": null }), Some(MetadataDefect::Missing("jwks_uri"))),
        (json!({ "end_session_endpoint": "https://op.example/logout" }), None),
        (json!({ "end_session_endpoint": "javascript:alert(1)" }), Some(MetadataDefect::Endpoint("end_session_endpoint"))),
        (json!({ "jwks_uri": 7 }), Some(MetadataDefect::Json(JsonDefect::Malformed))),
        (json!({ "response_types_supported": null }), None),
        (json!({ "response_types_supported": ["id_token", "code id_token"] }), Some(MetadataDefect::NoCodeFlow)),
        (json!({ "code_challenge_methods_supported": ["plain", "S256"] }), None),
        (json!({ "code_challenge_methods_supported": ["plain"] }), Some(MetadataDefect::NoS256)),
        (json!({ "code_challenge_methods_supported": [] }), Some(MetadataDefect::NoS256)),
    ] {
        assert_eq!(read(&members).err(), defect, "{members}");
    }
}

#[test]
fn endpoints_are_https_and_plain() {
    for (text, believed) in [
        ("https://op.example/token", true),
        ("https://other.example:8443/token?p=policy", true),
        ("http://op.example/token", false),
        ("http://localhost/token", false),
        ("https://user@op.example/token", false),
        ("https://user:secret@op.example/token", false),
        ("https://op.example/token#fragment", false),
        ("/token", false),
        ("//op.example/token", false),
        ("file:///etc/passwd", false),
        ("data:application/json,{}", false),
        ("", false),
    ] {
        let read = read(&json!({ "token_endpoint": text }));
        assert_eq!(read.is_ok(), believed, "{text}");
    }
}

#[test]
fn plain_http_is_for_a_provider_on_this_machine() {
    let endpoints = |origin: &str| {
        json!({
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "jwks_uri": format!("{origin}/keys"),
        })
    };
    for (issuer, origin, believed) in [
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081", true),
        ("http://localhost:8081", "http://[::1]:8081", true),
        ("http://localhost:8081", "https://op.example", true),
        ("http://localhost:8081", "http://op.example", false),
        ("http://op.example", "http://op.example", false),
        ("http://localhost.evil.example", "http://localhost.evil.example", false),
        ("https://op.example", "http://127.0.0.1:8081", false),
    ] {
        let document = patched(document(issuer), &endpoints(origin)).to_string();
        assert_eq!(Metadata::read(document.as_bytes(), &expected(issuer)).is_ok(), believed, "{issuer} {origin}");
    }
}

#[test]
fn basic_is_used_where_nothing_else_is_announced() {
    for (methods, basic) in [
        (json!(["client_secret_basic"]), true),
        (json!(["client_secret_basic", "private_key_jwt"]), true),
        (json!(["client_secret_basic", "client_secret_post"]), false),
        (json!(["client_secret_post"]), false),
        (json!(["private_key_jwt"]), false),
        (json!(null), true),
    ] {
        let metadata = read(&json!({ "token_endpoint_auth_methods_supported": methods })).expect("metadata");
        assert_eq!(metadata.wants_basic, basic, "{methods}");
    }
}

#[test]
fn the_iss_parameter_is_announced_or_not() {
    for (told, announced) in [(json!(true), true), (json!(false), false), (json!(null), false)] {
        let metadata = read(&json!({ "authorization_response_iss_parameter_supported": told })).expect("metadata");
        assert_eq!(metadata.announces_iss_parameter, announced);
    }
}

#[test]
fn hostile_documents_are_refused_before_they_cost_anything() {
    let nested = |depth| read(&json!({ "x": (0..depth).fold(json!(1), |inner, _| json!([inner])) }));
    assert!(nested(15).is_ok());
    assert_eq!(nested(16).err(), Some(MetadataDefect::Json(JsonDefect::TooDeep)));
    let sized = |bytes| read(&json!({ "x": "x".repeat(bytes) }));
    assert!(sized(200_000).is_ok());
    assert_eq!(sized(Metadata::MAX_BYTES).err(), Some(MetadataDefect::Json(JsonDefect::TooLong)));
    let twice = document("https://op.example").to_string().replacen('{', r#"{"issuer":"https://op.example","#, 1);
    let read = Metadata::read(twice.as_bytes(), &expected("https://op.example"));
    assert_eq!(read.err(), Some(MetadataDefect::Json(JsonDefect::Malformed)));
}
