//! Codes and refresh tokens: what becomes of them, by fault.

use super::*;

async fn redeem(authority: &Authority) -> Result<TokenResponse, RedeemError> {
    let (code, verifier) = (Secret::new("code".to_owned()), Secret::new("verifier".to_owned()));
    let grant = CodeGrant { code: &code, verifier: &verifier, redirect_uri: "https://app.example/callback" };
    authority.provider(patient()).redeem(grant).await
}

#[tokio::test]
async fn a_code_becomes_tokens_or_an_error_by_fault() {
    let authority = Authority::start().await;
    assert_eq!(redeem(&authority).await.expect("tokens").id_token.expose(), "a.b.c");
    authority.set(|script| script.token = Manner::Json(StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })));
    assert!(matches!(redeem(&authority).await, Err(RedeemError::GrantRefused(_))));
    authority.set(|script| script.token = Manner::Endless);
    assert!(matches!(redeem(&authority).await, Err(RedeemError::Unreadable(_))));
    authority.set(|script| script.token = Manner::Redirect);
    assert!(matches!(redeem(&authority).await, Err(RedeemError::Provider(_))));
    assert_eq!(authority.asked_elsewhere(), 4);
    authority.set(|script| script.metadata = Manner::Html);
    assert!(matches!(redeem(&authority).await, Err(RedeemError::Unavailable(_))));
}

#[tokio::test]
async fn a_refresh_token_becomes_tokens_or_an_error_that_says_whether_it_may_be_spent() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let token = Secret::new("token".to_owned());
    let refreshed = provider.refresh(&token).await.expect("tokens");
    assert!(refreshed.id_token.is_some() && refreshed.refresh_token.is_none());
    for (manner, is_expected) in [
        (
            Manner::Json(StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })),
            (|e| matches!(e, RedeemError::GrantRefused(_))) as fn(&_) -> bool,
        ),
        (Manner::Json(StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "temporarily_unavailable" })), |e| {
            matches!(e, RedeemError::Unavailable(_))
        }),
        (Manner::Json(StatusCode::BAD_GATEWAY, json!({})), |e| matches!(e, RedeemError::Unanswered(_))),
        (Manner::Breaking, |e| matches!(e, RedeemError::Unanswered(_))),
        (Manner::Endless, |e| matches!(e, RedeemError::Unreadable(_))),
        (Manner::Html, |e| matches!(e, RedeemError::Unreadable(_))),
        (Manner::Redirect, |e| matches!(e, RedeemError::Provider(_))),
    ] {
        authority.set(|script| script.token = manner);
        let error = provider.refresh(&token).await.expect_err("an error");
        assert!(is_expected(&error), "{error:?}");
    }
    // Nobody listens there.
    let origin = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that was free");
    authority.set(|script| {
        let mut metadata = metadata(&authority.origin);
        metadata["token_endpoint"] = json!(format!("http://{origin}/token"));
        script.metadata = Manner::Json(StatusCode::OK, metadata);
    });
    assert!(matches!(authority.provider(patient()).refresh(&token).await, Err(RedeemError::Unavailable(_))));
}
