//! The pages about who is signed in, and about what a sign-out ended and what it did not.

use std::time::Duration;

use super::super::notice::Person;
use super::super::session::{SessionPage, SignedInAccount};
use super::super::sign_out::{EVERYTHING, EVERYWHERE, Ended, Reach, SESSION_FIELD, SignedOut, Still};
use super::super::*;
use super::markup::{tags, text_of};
use super::{ConfirmSignOut, OpenSession, branding, chrome_of, origin};
use crate::domain::account::{AccountKind, Membership};
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origins;
use crate::domain::return_to::ReturnTo;
use crate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_793_887_402);

/// These pages in every shape, with `text` wherever text from outside can stand.
pub(super) fn pages(chrome: &Chrome, person: Person<'_>, text: &str) -> Vec<(String, Page)> {
    let target = ReturnTo::front_page(&origin());
    let (work, personal) = (AuthorityName::work(), AuthorityName::personal());
    let account = |authority| SignedInAccount { name: Some(text), ..account(authority, person) };
    let accounts = [account(&work), account(&personal)];
    let more = &[AccountKind::Customer];
    let of = |count| SessionPage { accounts: &accounts[..count], more, reach: Reach::Everywhere, return_to: Some(&target), now: NOW };
    let people = [person, person];
    let ended = [None, Some(Ended::Account(AccountKind::Personal)), Some(Ended::Everything), Some(Ended::Everywhere)];
    let mut pages = vec![
        ("two sessions".to_owned(), of(2).render(chrome)),
        ("one session".to_owned(), SessionPage { more: &[], reach: Reach::Here, return_to: None, ..of(1) }.render(chrome)),
        ("no session".to_owned(), of(0).render(chrome)),
    ];
    for ended in ended {
        for (name, still) in [("nobody", Still::SignedIn(&[])), ("two", Still::SignedIn(&people)), ("who knows", Still::Unknown)] {
            let page = SignedOut { ended, still, return_to: Some(&target) };
            pages.push((format!("signed out of {ended:?}, {name} left"), page.render(chrome)));
        }
    }
    pages
}

fn account<'a>(authority: &'a AuthorityName, person: Person<'a>) -> SignedInAccount<'a> {
    let since = NOW - Duration::from_secs(300);
    SignedInAccount {
        authority,
        person,
        name: None,
        since,
        ends_unused: NOW + Duration::from_secs(3_300),
        ends_at_latest: since + Duration::from_secs(28_800),
    }
}

fn ada() -> Person<'static> {
    Person { shown: Some("ada@contoso.example"), kind: AccountKind::Work, membership: Membership::Member, organisation: Some("Contoso") }
}

fn cy() -> Person<'static> {
    Person { shown: Some("cy@outlook.example"), kind: AccountKind::Personal, membership: Membership::Unknown, organisation: None }
}

fn place(path: &str) -> ReturnTo {
    ReturnTo::parse(path, &origin(), &Origins::new(origin(), vec![])).expect("a place")
}

/// What the page's forms can send about sessions, in the order of the Tab key.
fn choices(page: &Page) -> Vec<String> {
    let buttons = tags(&page.html).into_iter().filter(|tag| tag.value("name") == Some(SESSION_FIELD));
    buttons.filter_map(|tag| tag.value("value").map(str::to_owned)).collect()
}

fn links(page: &Page) -> Vec<String> {
    tags(&page.html).into_iter().filter(|tag| tag.name == "a").filter_map(|tag| tag.value("href").map(str::to_owned)).collect()
}

#[test]
fn everybody_who_is_signed_in_is_listed_with_times_and_ways_on() {
    let (work, personal) = (AuthorityName::work(), AuthorityName::personal());
    let accounts = [SignedInAccount { name: Some("Ada Lovelace"), ..account(&work, ada()) }, account(&personal, cy())];
    let back = place("/work/?a=b");
    let more = [AccountKind::Customer];
    let shown = SessionPage { accounts: &accounts, more: &more, reach: Reach::Everywhere, return_to: Some(&back), now: NOW };
    let page = shown.render(&chrome_of(&branding("Orders")));
    assert_eq!((page.status, text_of(&page.html, "h1")), (StatusCode::OK, "You are signed in with 2 accounts".to_owned()));
    let text = text_of(&page.html, "main");
    for told in [
        "Ada Lovelace · Work or school account · Contoso",
        "cy@outlook.example",
        "Personal account",
        "5 minutes ago",
        "5 Nov 2026, 13:58 UTC",
        "in 55 minutes",
        "in 7 hours 55 minutes",
        "Add a customer account",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(page.html.contains("datetime=\"2026-11-05T13:58:22Z\""));
    assert_eq!(choices(&page), ["work", "personal", EVERYTHING.1, EVERYWHERE.1]);
    let here = "return_to=%2F.auth%2Fsession%3Freturn_to%3D%252Fwork%252F%253Fa%253Db";
    let expected = [
        format!("/.auth/sign-in?authority=work&prompt=select_account&{here}"),
        format!("/.auth/sign-in?authority=personal&prompt=select_account&{here}"),
        format!("/.auth/sign-in?account=customer&prompt=select_account&{here}"),
        "/work/?a=b".to_owned(),
    ];
    assert_eq!(links(&page)[..4], expected);
    let page = SessionPage { reach: Reach::Here, ..shown }.render(&chrome_of(&branding("Orders")));
    assert_eq!(choices(&page), ["work", "personal", EVERYTHING.1]);
}

#[test]
fn one_account_is_not_asked_which_and_one_in_its_last_hour_is_told_one_end() {
    let work = AuthorityName::work();
    let mut only = account(&work, ada());
    let page_within = |reach, only: SignedInAccount<'_>| {
        SessionPage { accounts: &[only], more: &[], reach, return_to: None, now: NOW }.render(&chrome_of(&branding("Orders")))
    };
    let page = |only| page_within(Reach::Everywhere, only);
    let lasting = page(only);
    assert_eq!(text_of(&lasting.html, "h1"), "You are signed in");
    assert_eq!(choices(&lasting), ["work", EVERYWHERE.1]);
    assert_eq!(choices(&page_within(Reach::Here, only)), ["work"]);
    assert!(lasting.html.contains("Ends if unused") && lasting.html.contains("Ends at the latest"));
    only.ends_at_latest = only.ends_unused;
    let ending = page(only);
    assert!(!ending.html.contains("Ends if unused") && ending.html.contains("Ends at the latest"));
}

#[test]
fn a_way_on_too_long_to_come_back_to_is_left_out() {
    let long = format!("/{}", "%20".repeat(600));
    let back = place(&long);
    let chrome = chrome_of(&branding("Orders"));
    let link = chrome.add_link(AccountKind::Work, Some(&back));
    assert_eq!(link, "/.auth/sign-in?account=work&prompt=select_account&return_to=%2F.auth%2Fsession");
    assert!(chrome.session_link(Some(&back)).contains("%2520"), "the page itself is told");
}

#[test]
fn the_question_offers_one_all_here_and_everywhere_and_says_what_each_does() {
    let (work, personal) = (AuthorityName::work(), AuthorityName::personal());
    let sessions = [OpenSession { authority: &work, person: ada() }, OpenSession { authority: &personal, person: cy() }];
    let (here, everywhere) = (Reach::Here, Reach::Everywhere);
    for (reach, count, expected) in [
        (everywhere, 1, &["*", "everywhere"][..]),
        (everywhere, 2, &["work", "personal", "*", "everywhere"]),
        (here, 1, &["*"]),
        (here, 2, &["work", "personal", "*"]),
    ] {
        let page = ConfirmSignOut { sessions: &sessions[..count], reach, return_to: None }.render(&chrome_of(&branding("Orders")));
        assert_eq!(choices(&page), expected);
        let tags = tags(&page.html);
        for button in tags.iter().filter(|tag| tag.name == "button") {
            let hint = button.value("aria-describedby").expect("every choice is explained");
            assert!(tags.iter().any(|tag| tag.value("id") == Some(hint)), "{hint}");
        }
        assert!(links(&page).contains(&"/.auth/session".to_owned()));
    }
}

#[test]
fn whoever_signed_out_is_told_what_ended_and_what_did_not() {
    let chrome = chrome_of(&branding("Orders"));
    let (nobody, left, two) = (Still::SignedIn(&[]), &[cy()][..], &[ada(), cy()][..]);
    let work = Some(Ended::Account(AccountKind::Work));
    let still = "You are still signed in with your personal account cy@outlook.example.";
    for (ended, still, heading, text) in [
        (work, nobody, "You are signed out", "This browser is no longer signed in to Orders."),
        (Some(Ended::Everything), nobody, "You are signed out", "This browser is no longer signed in to Orders."),
        (None, nobody, "You are signed out", "This browser is no longer signed in to Orders."),
        (Some(Ended::Everywhere), nobody, "You are signed out everywhere", "on every other device"),
        (work, Still::SignedIn(left), "Your work or school account is signed out", still),
        (work, Still::SignedIn(two), "Your work or school account is signed out", still),
        (None, Still::SignedIn(left), "You are signed in", still),
        (Some(Ended::Everything), Still::SignedIn(left), "You are signed in", still),
        (work, Still::Unknown, "Your work or school account is signed out", "can't look up"),
        (None, Still::Unknown, "You are signed out", "can't look up"),
    ] {
        let page = SignedOut { ended, still, return_to: None }.render(&chrome);
        assert_eq!(text_of(&page.html, "h1"), heading, "{ended:?}");
        assert!(text_of(&page.html, "main").contains(text), "{ended:?}: {}", text_of(&page.html, "main"));
        let leads_on = matches!(still, Still::SignedIn([_, ..]));
        assert_eq!(links(&page).contains(&"/.auth/session".to_owned()), leads_on, "{ended:?}");
    }
}

#[test]
fn a_refusal_of_somebody_signed_in_leads_to_who_is_signed_in() {
    use super::{REFERENCE, ReasonPage, Who};
    let target = ReturnTo::front_page(&origin());
    let chrome = chrome_of(&branding("Orders"));
    let page = |who| ReasonPage { who, return_to: Some(&target), ..ReasonPage::new(super::Reason::WorkAccountNotAllowed, REFERENCE) };
    let link = "/.auth/session?return_to=%2F".to_owned();
    assert!(links(&page(Who::SignedIn(ada())).render(&chrome)).contains(&link));
    for who in [Who::Nobody, Who::TurnedAway(ada()), Who::Typed("ada@contoso.example")] {
        assert!(!links(&page(who).render(&chrome)).contains(&link));
    }
}
