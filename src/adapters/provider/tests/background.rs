//! What is read again in the background.

use tokio_util::sync::CancellationToken;

use super::*;

/// Waits until the authority has been asked so often for metadata.
async fn until_asked(authority: &Authority, times: usize) {
    while authority.asked().0 < times {
        tokio::task::yield_now().await;
    }
}

fn quick() -> Rhythm {
    let moment = Duration::from_millis(1);
    Rhythm { refresh: moment, first_retry: moment, longest_retry: moment, ..patient() }
}

#[tokio::test]
async fn in_the_background_keys_stay_fresh_and_an_outage_keeps_the_last_good_ones() {
    let authority = Authority::start().await;
    let provider = authority.provider(quick());
    let cancel = CancellationToken::new();
    let background = tokio::spawn({
        let (provider, cancel) = (provider.clone(), cancel.clone());
        async move { provider.run(cancel).await }
    });
    until_asked(&authority, 3).await;
    let rotated = TestKey::p256("ec-2");
    authority.set(|script| script.keys = keys(&[&rotated]));
    // The one after the next has started after the change, and the next is over by then.
    until_asked(&authority, authority.asked().0 + 3).await;
    assert!(has(&provider.keys().await.expect("keys"), &rotated));
    authority.set(|script| script.metadata = Manner::Html);
    until_asked(&authority, authority.asked().0 + 3).await;
    assert!(has(&provider.keys().await.expect("the last good keys"), &rotated));
    assert!(provider.metadata().await.is_ok());
    cancel.cancel();
    background.await.expect("an orderly end");
}

#[tokio::test]
async fn the_background_work_starts_with_the_authority_down_and_finds_it_when_it_is_back() {
    let authority = Authority::start().await;
    authority.set(|script| script.metadata = Manner::Html);
    let provider = authority.provider(quick());
    let cancel = CancellationToken::new();
    let background = tokio::spawn({
        let (provider, cancel) = (provider.clone(), cancel.clone());
        async move { provider.run(cancel).await }
    });
    until_asked(&authority, 3).await;
    authority.set(|script| script.metadata = Manner::Json(StatusCode::OK, metadata(&authority.origin)));
    until_asked(&authority, authority.asked().0 + 3).await;
    authority.set(|script| script.metadata = Manner::Silent);
    assert!(provider.metadata().await.is_ok());
    cancel.cancel();
    background.await.expect("an orderly end");
}
