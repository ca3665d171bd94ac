//! Requests that get a page, and what the pages must not do.

use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;

use super::{Provider, REDIRECT_URI, authorize};

#[tokio::test]
async fn what_is_typed_elsewhere_cannot_write_on_the_page() {
    let provider = Provider::start();
    let attack = "\"><script>alert(1)</script>@x.example";
    for changes in [[("login_hint", attack)], [("state", attack)], [("nonce", attack)]] {
        let page = provider.get(&authorize("common", &changes), "").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.body.contains("<script"), "{changes:?}");
    }
    let page = provider.get(&authorize("common", &[("login_hint", attack)]), "").await;
    assert!(page.body.contains("&#60;script&#62;"), "the notice names what was typed");
    let page = provider.get("/%3Cscript%3E/oauth2/v2.0/authorize", "").await;
    assert!(page.status == StatusCode::BAD_REQUEST && !page.body.contains("<script"));
}

#[tokio::test]
async fn a_response_in_a_form_waits_for_a_button() {
    let provider = Provider::start();
    let state = "\"><b>";
    let request = authorize("organizations", &[("response_mode", "form_post"), ("state", state)]);
    let page = provider.post(&request, &[("person", "ada")], "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(&format!("action=\"{REDIRECT_URI}\"")), "{}", page.body);
    assert!(page.body.contains("name=\"code\"") && !page.body.contains("<b>"));
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.ends_with("form-action http://localhost:8080"), "{policy}");
    let code = page.body.split_once("name=\"code\" value=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(code, _)| code);
    assert_eq!(provider.redeem("organizations", code.expect("a code"), &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_from_an_unknown_app_or_to_an_unknown_address_goes_nowhere() {
    let provider = Provider::start();
    for (changes, number) in [
        (&[("client_id", "nobody")][..], 700_016),
        (&[("client_id", "")], 900_144),
        (&[("redirect_uri", "https://evil.example/")], 50_011),
        (&[("redirect_uri", "http://localhost.evil.example/")], 50_011),
        (&[("redirect_uri", "javascript:alert(1)")], 50_011),
        (&[("redirect_uri", "http://localhost:8080/#x")], 50_011),
        (&[("redirect_uri", "")], 900_144),
        (&[("client_id", "other"), ("redirect_uri", "https://other.example/callback/")], 50_011),
        (&[("client_id", "other")], 50_011),
        (&[("scope", "openid"), ("scope", "openid")], 9_002_313),
    ] {
        let page = provider.get(&authorize("common", changes), "").await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{changes:?}");
        assert!(page.body.contains(&format!("AADSTS{number}: ")), "{changes:?} {}", page.body);
    }
    let registered = authorize("common", &[("client_id", "other"), ("redirect_uri", "https://other.example/callback")]);
    assert_eq!(provider.get(&registered, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn any_other_mistake_is_told_to_the_app() {
    let provider = Provider::start();
    for (change, error) in [
        (("response_type", "id_token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("scope", "profile"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
    ] {
        let fields = provider.get(&authorize("common", &[change]), "").await.sent_back();
        assert_eq!((fields["error"].as_str(), fields["state"].as_str()), (error, "the state"), "{change:?}");
    }
}

#[tokio::test]
async fn the_person_hinted_at_comes_first() {
    let provider = Provider::start();
    for (hint, first) in
        [("fay@fabrikam.example", "fay-work"), ("+14255550100", "phone"), ("+1 425-555-0100", "phone"), ("stranger@x.example", "ada")]
    {
        let page = provider.get(&authorize("common", &[("login_hint", hint)]), "").await;
        let (_, rest) = page.body.split_once("name=\"person\" value=\"").expect("a button");
        assert!(rest.starts_with(first), "{hint}");
    }
    let page = provider.get(&authorize("organizations", &[("login_hint", "cy@outlook.example")]), "").await;
    assert!(page.body.contains("cy@outlook.example has no account that can sign in here."));
}

#[tokio::test]
async fn a_request_may_come_as_a_form() {
    let provider = Provider::start();
    let request = authorize("organizations", &[]);
    let (path, query) = request.split_once('?').expect("a query");
    let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = provider.post(path, &fields, "").await;
    assert!(page.status == StatusCode::OK && page.offers("ada"));
    let (_, action) = page.body.split_once("<form method=\"post\" action=\"").expect("a form");
    let action = action.split_once('"').expect("an end").0.replace("&#38;", "&");
    assert!(provider.post(&action, &[("person", "ada")], "").await.sent_back().contains_key("code"));
}

#[tokio::test]
async fn every_page_has_a_language_one_heading_no_script_and_a_strict_policy() {
    let provider = Provider::start();
    for path in ["/", "/nowhere", "/common/oauth2/v2.0/logout", "/common/oauth2/v2.0/authorize", &authorize("common", &[])] {
        let page = provider.get(path, "").await;
        assert!(page.body.contains("<html lang=\"en\">") && page.body.matches("<h1>").count() == 1, "{path}");
        assert!(page.body.contains("DEMO") && !page.body.contains("<script") && !page.body.contains("style="), "{path}");
        let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
    assert!(provider.get("/", "").await.body.contains("+1 425 555 0100"));
}
