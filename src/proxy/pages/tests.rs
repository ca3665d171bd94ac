//! Every page, held against what all pages promise: a plain structure, no scripts, nothing from elsewhere, and outside
//! text that stays text.

use std::time::Duration;

use url::Url;

use super::assets::Assets;
use super::chrome::Chrome;
use super::form_not_sent::FormNotSent;
use super::notice::{Person, Reference};
use super::reason::{ProviderDetails, ReasonPage, Who};
use super::sign_in::{AddressPage, Carried, ChooseKindPage, ContinuePage, Errand, NotAWebAddress, Remember, SignInNotice};
use super::sign_out::{ConfirmSignOut, OpenSession, Reach};
use super::*;
use crate::domain::account::{AccountKind, Membership};
use crate::domain::authority::AuthorityName;
use crate::domain::branding::Branding;
use crate::domain::decision::DecisionId;
use crate::domain::origin::Origin;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::time::Timestamp;

mod markup;
mod sessions;
mod style;

use markup::{Tag, tags, text_of};

const REFERENCE: Reference = Reference { decision: DecisionId::from_random(7), at: Timestamp::from_unix_seconds(1_793_887_402) };

fn origin() -> Origin {
    Origin::parse("https://orders.example.com").expect("an origin")
}

fn chrome_of(branding: &Branding) -> Chrome {
    Chrome::new(branding, &origin(), "/.auth", &Assets::new(branding))
}

fn branding(name: &str) -> Branding {
    Branding {
        name: Some(name.into()),
        logo: Some(("image/png", vec![1])),
        support: Some("mailto:help@contoso.example".into()),
        privacy_url: Some("https://contoso.example/privacy".into()),
        terms_url: Some("https://contoso.example/terms".into()),
        ..Branding::default()
    }
}

/// Every page in every shape that changes its structure, with `text` wherever text from outside can stand.
fn all_pages(text: &str) -> Vec<(String, Page)> {
    let chrome = chrome_of(&branding(text));
    let target = ReturnTo::front_page(&origin());
    let carried = Carried { return_to: &target, prompt: Some(text), remember: Remember::Offered };
    let address = AddressPage { kinds: &AccountKind::ALL, carried, typed: text, problem: None, notice: Some(SignInNotice::SessionEnded) };
    let wrong = AddressPage { problem: Some(Reason::IdentifierInvalid), notice: None, ..address };
    let choose = ChooseKindPage { kinds: &AccountKind::ALL, identifier: Some(text), carried };
    let url = Url::parse("https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?a=1&b=2").expect("a URL");
    let person = Person { shown: Some(text), kind: AccountKind::Work, membership: Membership::Member, organisation: Some(text) };
    let (work, personal) = (AuthorityName::work(), AuthorityName::personal());
    let sessions = [OpenSession { authority: &work, person }, OpenSession { authority: &personal, person }];
    let mut pages = vec![
        ("address".to_owned(), address.render(&chrome)),
        ("address with a problem".to_owned(), wrong.render(&chrome)),
        ("choose kind".to_owned(), choose.render(&chrome)),
        ("continue".to_owned(), ContinuePage::new(&url, Errand::SignIn).expect("https").render(&chrome)),
        ("continue signing out".to_owned(), ContinuePage::new(&url, Errand::SignOut).expect("https").render(&chrome)),
        ("form not sent".to_owned(), FormNotSent { open_again: &target, reference: REFERENCE }.render(&chrome)),
        (
            "sign out of two".to_owned(),
            ConfirmSignOut { sessions: &sessions, reach: Reach::Everywhere, return_to: Some(&target) }.render(&chrome),
        ),
        ("sign out of one".to_owned(), ConfirmSignOut { sessions: &sessions[..1], reach: Reach::Here, return_to: None }.render(&chrome)),
        ("sign out of nothing".to_owned(), ConfirmSignOut { sessions: &[], reach: Reach::Here, return_to: None }.render(&chrome)),
    ];
    pages.extend(sessions::pages(&chrome, person, text));
    for reason in Reason::ALL {
        let page = ReasonPage {
            who: Who::SignedIn(person),
            return_to: Some(&target),
            retry_after: Some(Duration::from_secs(30)),
            organisations: &[text, text],
            help: Some(text),
            provider: ProviderDetails { code: Some(text), correlation_id: Some(text) },
            ..ReasonPage::new(*reason, REFERENCE)
        };
        pages.push((reason.code().to_owned(), page.render(&chrome)));
        pages.push((format!("{} before leaving", reason.code()), ReasonPage { who: Who::Typed(text), ..page }.render(&chrome)));
        pages.push((format!("{} bare", reason.code()), ReasonPage::new(*reason, REFERENCE).render(&chrome)));
    }
    pages
}

#[test]
fn every_page_has_one_heading_one_main_part_a_language_and_a_title_made_of_both() {
    for (name, page) in all_pages("Orders") {
        let tags = tags(&page.html);
        let count = |wanted: &str| tags.iter().filter(|tag| tag.name == wanted).count();
        assert_eq!((count("h1"), count("main"), count("title"), count("/html")), (1, 1, 1, 1), "{name}");
        assert!(tags.iter().any(|tag| tag.name == "html" && tag.value("lang") == Some("en")), "{name}");
        let expected = format!("{} - Orders", text_of(&page.html, "h1"));
        assert_eq!(text_of(&page.html, "title").trim_start_matches("Error: "), expected, "{name}");
        assert_eq!(text_of(&page.html, "title"), page.title, "{name}");
    }
}

#[test]
fn no_page_has_scripts_or_styles_in_it_and_ids_are_unique() {
    for (name, page) in all_pages("Orders") {
        let mut ids = std::collections::HashSet::new();
        for tag in tags(&page.html) {
            assert!(!["script", "style", "iframe", "object", "embed", "base"].contains(&&*tag.name), "{name}: {}", tag.name);
            for (attribute, value) in &tag.attributes {
                assert!(attribute != "style" && !attribute.starts_with("on"), "{name}: {attribute}");
                assert!(!value.trim_start().to_lowercase().starts_with("javascript:"), "{name}: {value}");
                assert!(attribute != "id" || ids.insert(value.clone()), "{name}: {value}");
            }
        }
    }
}

#[test]
fn everything_a_page_loads_and_every_form_stays_at_our_origin() {
    for (name, page) in all_pages("Orders") {
        for tag in tags(&page.html) {
            match &*tag.name {
                "link" => assert!(tag.value("href").is_some_and(|url| url.starts_with("/.auth/assets/")), "{name}"),
                "img" => assert!(tag.value("src").is_some_and(|url| url.starts_with("/.auth/assets/")), "{name}"),
                "form" => {
                    assert!(tag.value("action").is_some_and(|url| url.starts_with("/.auth/sign-")), "{name}");
                    assert_eq!(tag.value("method"), Some("post"), "{name}");
                }
                _ => assert!(tag.value("src").is_none() && tag.value("formaction").is_none(), "{name}"),
            }
        }
    }
}

#[test]
fn every_reason_has_its_status_its_sentence_and_a_way_on() {
    let chrome = chrome_of(&Branding::default());
    for reason in Reason::ALL {
        let page = ReasonPage::new(*reason, REFERENCE).render(&chrome);
        assert_eq!(page.status.as_u16(), reason.status(), "{}", reason.code());
        assert_eq!(text_of(&page.html, "h1"), reason.title(), "{}", reason.code());
        assert!(page.html.contains("7000-0000") && page.html.contains("2026-11-05T14:03:22Z"), "{}", reason.code());
        let ways = tags(&page.html).iter().filter(|tag| tag.value("class") == Some("button primary")).count();
        assert_eq!(ways, 1, "{}", reason.code());
    }
}

#[test]
fn a_personal_account_on_a_work_route_reads_the_sentence_and_can_choose_another_account() {
    let target = ReturnTo::front_page(&origin());
    let page = ReasonPage { return_to: Some(&target), ..ReasonPage::new(Reason::PersonalAccountNotAllowed, REFERENCE) };
    let page = page.render(&chrome_of(&branding("Orders")));
    let sentence = "You can't sign in here with a personal account. Use your work or school account instead.";
    assert_eq!((page.status, text_of(&page.html, "h1")), (StatusCode::FORBIDDEN, sentence.to_owned()));
    let way = tags(&page.html).into_iter().find(|tag| tag.value("class") == Some("button primary")).expect("a way on");
    assert_eq!(way.value("href"), Some("/.auth/sign-in?prompt=select_account&return_to=%2F"));
}

/// Hostile text changes what is read, never what is built: the tags and the names of their attributes stay the same.
#[test]
fn text_from_outside_stays_text_in_every_field() {
    const PAYLOADS: [&str; 8] = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' autofocus onfocus='alert(1)",
        "\" style=\"display:none",
        "</title></main><h1>Gotcha</h1>",
        "--><svg onload=alert(1)>",
        "{{ 7 * 7 }}{% raw %}",
        "&quot;&gt;&lt;script&gt;\u{0}\u{202e}",
    ];
    let shape = |page: &Page| -> Vec<(String, Vec<String>)> {
        let names = |tag: Tag| (tag.name, tag.attributes.into_iter().map(|(name, _)| name).collect());
        tags(&page.html).into_iter().map(names).collect()
    };
    let harmless: Vec<_> = all_pages("somebody").iter().map(|(_, page)| shape(page)).collect();
    for payload in PAYLOADS {
        for ((name, page), expected) in all_pages(payload).iter().zip(&harmless) {
            assert_eq!(&shape(page), expected, "{name}: {payload}");
            assert!(!page.html.contains('\u{0}') && !page.html.contains("49{"), "{name}: {payload}");
            assert!(!payload.starts_with(['<', '"']) || !page.html.contains(payload), "{name}: {payload}");
        }
    }
}

#[test]
fn the_continue_page_moves_to_exactly_the_given_address_and_shows_the_way() {
    let text = "https://login.example/a?x='\"><script>alert(1)</script>&y=1;url=javascript:alert(1)#'onload=";
    let url = Url::parse(text).expect("a URL");
    let page = ContinuePage::new(&url, Errand::SignIn).expect("https").render(&chrome_of(&branding("Orders")));
    let tags = tags(&page.html);
    let refresh = tags.iter().find(|tag| tag.value("http-equiv") == Some("refresh")).expect("a refresh");
    assert_eq!(refresh.value("content"), Some(&*format!("0;url={url}")));
    let link = tags.iter().find(|tag| tag.name == "a").expect("a link");
    assert_eq!(link.value("href"), Some(url.as_str()));
    assert_eq!(text_of(&page.html, "h1"), "Taking you to login.example");
}

#[test]
fn the_continue_page_says_what_for() {
    let url = Url::parse("https://login.example/a").expect("a URL");
    let lede = |errand| {
        let page = ContinuePage::new(&url, errand).expect("https").render(&chrome_of(&branding("Orders")));
        text_of(&page.html, "main")
    };
    assert!(lede(Errand::SignIn).contains("You sign in there, then come back to Orders."));
    let out = lede(Errand::SignOut);
    assert!(out.contains("Taking you to login.example") && out.contains("to sign out there as well") && !out.contains("sign in"), "{out}");
}

#[test]
fn the_continue_page_leads_to_web_servers_only() {
    for (text, expected) in
        [("https://login.example/", true), ("http://127.0.0.1:8081/", true), ("javascript:alert(1)", false), ("data:,x", false)]
    {
        let url = Url::parse(text).expect("a URL");
        assert_eq!(ContinuePage::new(&url, Errand::SignIn).err(), (!expected).then_some(NotAWebAddress), "{text}");
    }
}

#[test]
fn a_wrong_address_is_announced_in_the_title_and_next_to_the_field_and_kept() {
    let chrome = chrome_of(&branding("Orders"));
    let target = ReturnTo::front_page(&origin());
    let carried = Carried { return_to: &target, prompt: None, remember: Remember::NotOffered };
    let first = AddressPage { kinds: &[AccountKind::Work], carried, typed: "", problem: None, notice: None };
    let field = |page: &Page| tags(&page.html).into_iter().find(|tag| tag.value("id") == Some("identifier")).expect("a field");

    let page = first.render(&chrome);
    assert_eq!((page.status, &*page.title), (StatusCode::OK, "Sign in - Orders"));
    assert_eq!((field(&page).value("aria-invalid"), field(&page).value("aria-describedby")), (None, Some("hint")));

    let page = AddressPage { typed: "ada", problem: Some(Reason::IdentifierInvalid), ..first }.render(&chrome);
    assert_eq!((page.status, &*page.title), (StatusCode::UNPROCESSABLE_ENTITY, "Error: Sign in - Orders"));
    assert_eq!((field(&page).value("aria-invalid"), field(&page).value("aria-describedby")), (Some("true"), Some("hint problem")));
    assert_eq!(field(&page).value("value"), Some("ada"));
    assert!(text_of(&page.html, "main").contains(Reason::IdentifierInvalid.title()));
}

#[test]
fn what_the_forms_carry_along_arrives_under_the_documented_names() {
    use super::sign_in::field;
    let chrome = chrome_of(&branding("Orders"));
    let target = ReturnTo::front_page(&origin());
    let carried = Carried { return_to: &target, prompt: Some("select_account"), remember: Remember::Chosen };
    let kinds = [AccountKind::Work, AccountKind::Personal];
    let page = ChooseKindPage { kinds: &kinds, identifier: Some("dee@contoso.example"), carried }.render(&chrome);
    let sent: Vec<(String, String)> =
        tags(&page.html).iter().filter_map(|tag| Some((tag.value("name")?.to_owned(), tag.value("value")?.to_owned()))).collect();
    let expected = [
        (field::RETURN_TO, "/"),
        (field::IDENTIFIER, "dee@contoso.example"),
        (field::PROMPT, "select_account"),
        (field::REMEMBER, "on"),
        (field::ACCOUNT, "work"),
        (field::ACCOUNT, "personal"),
    ];
    assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn every_visible_field_has_a_label() {
    for (name, page) in all_pages("Orders") {
        let tags = tags(&page.html);
        for input in tags.iter().filter(|tag| tag.name == "input" && tag.value("type") != Some("hidden")) {
            let labelled =
                tags.iter().any(|tag| tag.name == "label" && tag.value("for").is_some() && tag.value("for") == input.value("id"));
            assert!(labelled, "{name}");
        }
    }
}

#[test]
fn the_answer_forbids_scripts_frames_caches_and_foreign_forms() {
    let page = ReasonPage { retry_after: Some(Duration::from_secs(30)), ..ReasonPage::new(Reason::RateLimited, REFERENCE) };
    let response = page.render(&chrome_of(&Branding::default())).into_response();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let field = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    assert_eq!(field("content-security-policy"), Some(CONTENT_SECURITY_POLICY));
    assert_eq!(field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(field("cache-control"), Some("no-store"));
    assert_eq!(field("referrer-policy"), Some("same-origin"));
    assert_eq!(field("x-frame-options"), Some("DENY"));
    assert_eq!(field("vary"), Some("Cookie"));
    assert_eq!(field("retry-after"), Some("30"));
    assert_eq!(field("www-authenticate"), None);
    assert_eq!(field("content-length"), Some(&*response.body().len().to_string()));
}

#[test]
fn a_page_of_status_401_names_a_challenge_that_makes_no_browser_ask_for_a_password() {
    for (name, page) in all_pages("Orders") {
        let response = page.into_response();
        let challenge = response.headers().get("www-authenticate").and_then(|value| value.to_str().ok());
        let expected = (response.status() == StatusCode::UNAUTHORIZED).then_some("Bearer realm=\"orders.example.com\"");
        assert_eq!(challenge, expected, "{name}");
    }
}

#[test]
fn a_mail_for_help_names_the_decision_and_other_schemes_are_not_linked() {
    let page = ReasonPage::new(Reason::Configuration, REFERENCE);
    let link = |support: &str| {
        let branding = Branding { support: Some(support.into()), ..branding("Orders") };
        let tags = tags(&page.render(&chrome_of(&branding)).html);
        tags.into_iter().find(|tag| tag.value("class") == Some("button primary")).and_then(|tag| tag.value("href").map(str::to_owned))
    };
    let subject = "Orders%3A%20sign-in%2C%20reference%207000-0000";
    assert_eq!(link("mailto:help@contoso.example"), Some(format!("mailto:help@contoso.example?subject={subject}")));
    assert_eq!(link("https://help.contoso.example/x"), Some("https://help.contoso.example/x".into()));
    assert_eq!(link("javascript:alert(1)"), Some("/".into()));
}

#[test]
fn a_return_target_is_one_query_value_whatever_is_in_it() {
    assert_eq!(chrome::query_value("/a?b=c&d=<é> \"'#+%"), "%2Fa%3Fb%3Dc%26d%3D%3C%C3%A9%3E%20%22%27%23%2B%25");
    let chrome = chrome_of(&Branding::default());
    let elsewhere = ReturnTo::front_page(&Origin::parse("https://shop.example.com").expect("an origin"));
    assert_eq!(chrome.place(&elsewhere), "https://shop.example.com/");
    assert_eq!(chrome.place(&ReturnTo::front_page(&origin())), "/");
}

#[test]
fn long_text_is_cut_and_control_characters_are_dropped() {
    assert_eq!(clipped("ab\u{0}\n\u{1b}c", 3), "abc");
    assert_eq!(clipped("abcd", 3), "abc…");
    assert_eq!(clipped("ééé", 3), "ééé");
}

#[test]
fn people_are_not_shown_jargon() {
    for reason in Reason::ALL {
        let text = words::of(*reason).text.to_lowercase();
        for word in ["tenant", "csrf", "cookie", "401", "azure", "idp", "enterprise", "corporate", "redirect", "state"] {
            assert!(!text.contains(word), "{}: {word}", reason.code());
        }
    }
}

#[test]
fn nothing_but_our_own_drawings_escapes_escaping() {
    let templates = [
        include_str!("templates/address.html"),
        include_str!("templates/choose_kind.html"),
        include_str!("templates/confirm_sign_out.html"),
        include_str!("templates/continue.html"),
        include_str!("templates/everywhere.html"),
        include_str!("templates/footer.html"),
        include_str!("templates/layout.html"),
        include_str!("templates/notice.html"),
        include_str!("templates/session.html"),
    ];
    for template in templates {
        let unescaped = template.matches("safe").count();
        assert_eq!(unescaped, template.matches(".svg()|safe }}").count());
        assert!(!template.contains("escape"));
    }
}
