//! Which tokens stay.

use super::*;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::made_up::MadeUp;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn who(groups: Groups) -> Principal {
    MadeUp { groups, ..MadeUp::of(AccountKind::Work) }.principal(AuthorityName::work())
}

fn secret(text: &str) -> Option<Secret<String>> {
    Some(Secret::new(text.to_owned()))
}

fn text(token: Option<&Secret<String>>) -> Option<&str> {
    token.map(|token| token.expose().as_str())
}

fn signed_in(refresh_token: Option<&str>, expires_in: Option<u64>, groups: Groups) -> Tokens {
    let answer = TokenResponse {
        id_token: Secret::new("id".into()),
        access_token: secret("access"),
        refresh_token: refresh_token.and_then(secret),
        expires_in: expires_in.map(Duration::from_secs),
        home_tenant: None,
    };
    of_sign_in(answer, &Secret::new("nonce".into()), &who(groups), NOW)
}

fn listed() -> Groups {
    Groups::Listed(vec![])
}

#[test]
fn claims_have_an_end_only_if_they_can_be_asked_for_anew() {
    for (refresh_token, expires_in, until) in [
        (Some("r"), Some(600), Some(600)),
        (Some("r"), None, Some(3600)),
        (Some("r"), Some(0), Some(3600)),
        (None, Some(600), None),
        (Some(&*"r".repeat(LONGEST)), Some(600), Some(600)),
        (Some(&*"r".repeat(LONGEST + 1)), Some(600), None),
    ] {
        let tokens = signed_in(refresh_token, expires_in, listed());
        assert_eq!(tokens.fresh_until, until.map(|seconds| NOW + Duration::from_secs(seconds)));
        assert_eq!(tokens.refresh_token.is_some(), until.is_some());
        assert_eq!((tokens.fresh_since, tokens.nonce), (until.map(|_| NOW), until.map(|_| NonceMark::of("nonce"))));
        assert_eq!(text(tokens.id_token.as_ref()), Some("id"));
    }
}

#[test]
fn an_access_token_is_kept_only_for_groups_that_were_left_out() {
    assert_eq!(text(signed_in(None, None, listed()).access_token.as_ref()), None);
    assert_eq!(text(signed_in(None, None, Groups::Overage).access_token.as_ref()), Some("access"));
}

#[test]
fn what_a_refresh_does_not_bring_stays() {
    let before = signed_in(Some("r0"), Some(600), listed());
    let later = NOW + Duration::from_secs(500);
    let refreshed = |answer| of_refresh(answer, &before, &who(listed()), later);
    let bare = refreshed(RefreshedTokens { expires_in: Some(Duration::from_secs(900)), ..RefreshedTokens::default() });
    assert_eq!((text(bare.refresh_token.as_ref()), text(bare.id_token.as_ref()), bare.nonce), (Some("r0"), Some("id"), before.nonce));
    assert_eq!((bare.fresh_since, bare.fresh_until), (Some(later), Some(later + Duration::from_secs(900))));
    let whole = refreshed(RefreshedTokens { refresh_token: secret("r1"), id_token: secret("id1"), ..RefreshedTokens::default() });
    assert_eq!((text(whole.refresh_token.as_ref()), text(whole.id_token.as_ref())), (Some("r1"), Some("id1")));
    // The one from before is spent, and this one is none that can be kept.
    let endless = refreshed(RefreshedTokens { refresh_token: secret(&"r".repeat(LONGEST + 1)), ..RefreshedTokens::default() });
    assert_eq!((endless.refresh_token.is_none(), endless.fresh_until), (true, None));
}

#[test]
fn what_is_not_refreshed_any_more_is_still_the_later_record() {
    let before = signed_in(Some("r0"), Some(600), listed());
    let later = NOW + Duration::from_secs(700);
    let without = without_refresh(&before, later);
    assert_eq!((without.refresh_token.is_none(), without.fresh_since, without.fresh_until), (true, Some(later), None));
    let spoilt = of_spoilt_refresh(secret("r1"), &before, later);
    assert_eq!(
        (text(spoilt.refresh_token.as_ref()), spoilt.fresh_since, spoilt.fresh_until),
        (Some("r1"), Some(later), before.fresh_until)
    );
}
