//! Keys that are not known yet: when they are asked for, by whom, and how often.

use super::*;

#[tokio::test]
async fn a_thousand_unknown_keys_are_one_extra_fetch() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let known = provider.keys().await.expect("keys");
    // The same set again is newer all the same; whoever holds it has no cause to ask for a third.
    let newer = provider.newer_keys(&known).await.expect("a newer set");
    for _ in 0..900 {
        assert!(provider.newer_keys(&newer).await.is_none());
    }
    let all = join_all((0..100).map(|_| provider.newer_keys(&newer))).await;
    assert!(all.iter().all(Option::is_none));
    assert_eq!(authority.asked(), (1, 2));
}

#[tokio::test]
async fn parallel_requests_for_newer_keys_share_one_fetch() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let known = provider.keys().await.expect("keys");
    let rotated = TestKey::p256("ec-2");
    authority.set(|script| script.keys = keys(&[&rotated]));
    let all = join_all((0..50).map(|_| provider.newer_keys(&known))).await;
    assert!(all.iter().all(|newer| newer.as_ref().is_some_and(|newer| has(newer, &rotated))));
    assert_eq!(authority.asked(), (1, 2));
}

#[tokio::test]
async fn a_failed_fetch_of_newer_keys_keeps_the_old_ones_and_uses_the_minute_up() {
    let authority = Authority::start().await;
    let provider = authority.provider(patient());
    let known = provider.keys().await.expect("keys");
    authority.set(|script| script.keys = Manner::Html);
    assert!(provider.newer_keys(&known).await.is_none());
    authority.set(|script| script.keys = keys(&[&P256]));
    assert!(provider.newer_keys(&known).await.is_none());
    assert!(Arc::ptr_eq(&provider.keys().await.expect("keys"), &known));
    assert_eq!(authority.asked(), (1, 2));
}

#[tokio::test]
async fn after_the_minute_rotated_keys_are_found() {
    let authority = Authority::start().await;
    let provider = authority.provider(Rhythm { cool_down: Duration::ZERO, ..patient() });
    let known = provider.keys().await.expect("keys");
    let second = provider.newer_keys(&known).await.expect("a newer set");
    let rotated = TestKey::p256("ec-2");
    authority.set(|script| script.keys = keys(&[&P256, &rotated]));
    let third = provider.newer_keys(&second).await.expect("a newer set");
    assert!(has(&third, &rotated) && !has(&second, &rotated));
    // Who still holds the first set gets what is there.
    assert!(Arc::ptr_eq(&provider.newer_keys(&known).await.expect("the newest"), &third));
    assert_eq!(authority.asked(), (1, 3));
}
