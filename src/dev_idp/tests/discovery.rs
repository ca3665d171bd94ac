//! Metadata documents and keys.

use http::StatusCode;
use serde_json::json;

use super::{CONSUMERS, CONTOSO, FABRIKAM, ORIGIN, Provider};

#[tokio::test]
async fn each_authority_announces_the_issuer_of_its_shape() {
    let provider = Provider::start();
    let template = format!("{ORIGIN}/{{tenantid}}/v2.0");
    let of = |tenant| format!("{ORIGIN}/{tenant}/v2.0");
    for (asked, issuer, segment) in [
        ("common", template.clone(), "common"),
        ("organizations", template, "organizations"),
        ("consumers", of(CONSUMERS), "consumers"),
        (CONSUMERS, of(CONSUMERS), "consumers"),
        (CONTOSO, of(CONTOSO), CONTOSO),
        ("contoso.example", of(CONTOSO), CONTOSO),
        ("Fabrikam.Example", of(FABRIKAM), FABRIKAM),
    ] {
        let answer = provider.get(&format!("/{asked}/v2.0/.well-known/openid-configuration"), "").await;
        assert_eq!(answer.status, StatusCode::OK, "{asked}");
        let document = answer.json();
        assert_eq!(document["issuer"], json!(issuer), "{asked}");
        assert_eq!(document["token_endpoint"], json!(format!("{ORIGIN}/{segment}/oauth2/v2.0/token")), "{asked}");
        assert_eq!(document["homerealm_development"], json!(true));
        assert_eq!(
            document["token_endpoint_auth_methods_supported"],
            json!(["client_secret_post", "private_key_jwt", "client_secret_basic"])
        );
        assert!(document.get("code_challenge_methods_supported").is_none());
    }
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_is_told_as_the_platform_tells_it() {
    let provider = Provider::start();
    for asked in ["outlook.example", "nobody.example", "3a0c0000-0000-4000-8000-0000000000cc", "Common"] {
        for path in ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"] {
            let answer = provider.get(&format!("/{asked}/{path}"), "").await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{asked}");
            let body = answer.json();
            assert_eq!(body["error"], "invalid_tenant");
            assert_eq!(body["error_codes"], json!([90_002]));
            assert!(answer.text("error_description").starts_with(&format!("AADSTS90002: Tenant '{asked}' not found.")));
            assert_eq!(answer.text("timestamp").len(), "2026-01-02 03:04:05Z".len());
            assert_eq!(answer.text("trace_id").len(), 36);
        }
    }
}

#[tokio::test]
async fn each_key_names_the_issuer_it_may_sign_for() {
    let provider = Provider::start();
    let template = format!("{ORIGIN}/{{tenantid}}/v2.0");
    let personal = format!("{ORIGIN}/{CONSUMERS}/v2.0");
    for (authority, expected) in [
        ("common", vec![template.clone(), personal.clone()]),
        ("organizations", vec![template.clone()]),
        ("consumers", vec![personal]),
        (CONTOSO, vec![template]),
    ] {
        let keys = provider.get(&format!("/{authority}/discovery/v2.0/keys"), "").await.json();
        let issuers: Vec<_> = keys["keys"].as_array().into_iter().flatten().map(|key| key["issuer"].clone()).collect();
        assert_eq!(json!(issuers), json!(expected), "{authority}");
    }
}

#[tokio::test]
async fn it_serves_on_a_socket_until_it_is_told_to_stop() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(crate::dev_idp::serve(listener, super::settings(), async { drop(stopped.await) }));
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("a listener");
    socket.write_all(b"GET /style.css HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.expect("an open socket");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    stop.send(()).expect("still serving");
    serving.await.expect("no panic").expect("no error");
}
