//! `/decisions`, with paths and names that are hostile.

use super::*;

const HOSTILE: &str = "/<script>alert(1)</script>\"'&\u{202e}";

fn world() -> World {
    let world = World::new();
    world.note(&decision(1, decision::Outcome::Challenge, Reason::SignInRequired, Some("finance")), "/finance/q1");
    let refused =
        DecisionRecord { who: somebody(AccountKind::Work), ..decision(2, decision::Outcome::Deny, Reason::GroupRequired, Some("finance")) };
    world.note(&refused, HOSTILE);
    let tried = DecisionRecord {
        who: somebody(AccountKind::Work),
        would_refuse: Some(Reason::GuestNotAllowed),
        ..decision(3, decision::Outcome::Allow, Reason::SignedIn, Some("shop"))
    };
    world.note(&tried, "/basket");
    world.note(&decision(4, decision::Outcome::Error, Reason::NoRoute, None), "/nowhere");
    world
}

fn id(of: u64) -> String {
    DecisionId::from_random(of).to_string()
}

#[tokio::test]
async fn decisions_are_found_by_each_of_their_labels_newest_first() {
    let world = world();
    let cases: [(&str, &[u64]); 16] = [
        ("", &[4, 3, 2, 1]),
        ("?outcome=", &[4, 3, 2, 1]),
        ("?outcome=deny", &[2]),
        ("?outcome=allow", &[3]),
        ("?reason=group_required", &[2]),
        ("?reason=guest_not_allowed", &[3]),
        ("?reason=idp_error", &[]),
        ("?route=finance", &[2, 1]),
        ("?route=of-an-earlier-configuration", &[]),
        ("?kind=work", &[3, 2]),
        ("?kind=none", &[4, 1]),
        ("?kind=personal", &[]),
        ("?limit=2", &[4, 3]),
        ("?limit=1&kind=work", &[3]),
        ("?route=finance&kind=work&outcome=deny&reason=group_required", &[2]),
        ("?route=finance&outcome=allow", &[]),
    ];
    for (query, expected) in cases {
        let (status, found) = world.json(&format!("/decisions{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}");
        let found: Vec<_> =
            found.as_array().expect("a list").iter().map(|one| one["decision_id"].as_str().expect("an id").to_owned()).collect();
        assert_eq!(found, expected.iter().map(|number| id(*number)).collect::<Vec<_>>(), "{query}");
        let (_, page) = world.page(&format!("/decisions{query}")).await;
        for number in 1..=4 {
            assert_eq!(page.contains(&format!("href=\"/decisions/{}\"", id(number))), expected.contains(&number), "{query} {number}");
        }
    }
}

#[tokio::test]
async fn a_question_that_nothing_can_fit_is_told_so() {
    let world = world();
    for query in ["outcome=denied", "reason=nonsense", "kind=enterprise", "limit=0", "limit=1001", "limit=many", "limit=-1"] {
        let (status, body) = world.get(&format!("/decisions?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {body}");
    }
    assert_eq!(world.get("/decisions?limit=1000").await.0, StatusCode::OK);
}

#[tokio::test]
async fn no_path_becomes_markup() {
    let world = world();
    world.note(&decision(5, decision::Outcome::Deny, Reason::GroupRequired, Some("<img src=x>")), "/x");
    let asked = [
        "/decisions".to_owned(),
        format!("/decisions/{}", id(2)),
        format!("/decisions/{}", id(5)),
        "/decisions?route=%3Cimg%3E%22%27".into(),
    ];
    for path in asked {
        let (status, page) = world.page(&path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("alert(1)</"), "{path}: {page}");
    }
}

#[tokio::test]
async fn one_decision_is_found_as_people_type_its_id_and_told_step_by_step() {
    let world = world();
    let typed = id(2).to_lowercase().replace('-', "");
    let (status, told) = world.json(&format!("/decisions/{typed}")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((told["decision_id"].as_str(), told["url.path"].as_str()), (Some(&*id(2)), Some(HOSTILE)));
    assert_eq!(told["config.fingerprint"], "abababababab");
    assert_eq!(told["account.tenant"], CONTOSO);

    let (_, page) = world.page(&format!("/decisions/{}", id(2))).await;
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("<span class=\"")).map(words).collect();
    let expected = [
        "passed\">ok host = &#34;orders.example.com&#34;, path = &#34;/finance/**&#34; homerealm.toml:17</span>",
        "passed\">ok auth = &#34;required&#34; by default signed in</span>",
        "passed\">ok accounts = &#34;work&#34; homerealm.toml:9 [defaults] work account</span>",
        "passed\">ok authorities = [&#34;work&#34;] by default signed in at &#34;work&#34;</span>",
        "passed\">ok tenants = [&#34;contoso&#34;] homerealm.toml:18 of Contoso &#60;Ltd&#62;</span>",
        "passed\">ok guests = &#34;deny&#34; by default guest, at home in another organisation</span>",
        "failed\">FAIL groups = [&#34;7d0e0000…&#34;] or roles = [&#34;Reader&#34;] homerealm.toml:19</span></pre>",
    ];
    assert_eq!(lines, expected, "{page}");
    assert!(page.contains("Contoso &#60;Ltd&#62;") && page.contains("href=\"/config#L18\""), "{page}");

    let (_, page) = world.page(&format!("/decisions/{}", id(3))).await;
    assert!(page.contains("Enforced, it would have refused") && page.contains("FAIL   guests"), "{page}");
    let (_, page) = world.page(&format!("/decisions/{}", id(1))).await;
    assert!(page.contains("FAIL   auth") && page.contains("nobody was judged"), "{page}");
}

#[tokio::test]
async fn a_decision_of_an_earlier_configuration_says_so() {
    let world = world();
    let old =
        DecisionRecord { who: somebody(AccountKind::Work), ..decision(9, decision::Outcome::Deny, Reason::GroupRequired, Some("finance")) };
    world.notebook.note(&Line {
        at: NOW,
        events: &[],
        decision: &old,
        method: &Method::GET,
        path: "/",
        status: StatusCode::FORBIDDEN,
        took: Duration::ZERO,
        client: [127, 0, 0, 1].into(),
        fingerprint: Fingerprint([1; 6]),
        answered: std::time::Instant::now(),
    });
    let (_, page) = world.page(&format!("/decisions/{}", id(9))).await;
    assert!(page.contains("010101010101") && page.contains("not in force any more") && !page.contains("href=\"/config#L"), "{page}");
}

#[tokio::test]
async fn a_decision_that_is_gone_is_told_with_a_way_on() {
    let world = world();
    for (path, way_on) in [("/decisions/7K3F-9QXD", "homerealm explain 7K3F-9QXD"), ("/decisions/no-decision-id", "7K3F-9QXD")] {
        let (status, text) = world.get(path).await;
        assert!(status == StatusCode::NOT_FOUND && text.contains(way_on), "{path}: {text}");
        let (status, page) = world.page(path).await;
        assert!(status == StatusCode::NOT_FOUND && page.contains(way_on) && page.contains("href=\"/decisions\""), "{path}: {page}");
        let (status, told) = world.json(path).await;
        assert!(status == StatusCode::NOT_FOUND && told["error"].as_str().is_some_and(|error| error.contains(way_on)), "{path}: {told}");
    }
    assert_eq!(world.journal.newest(10, |_| true).len(), 4);
}

#[tokio::test]
async fn before_anybody_came_the_page_says_so() {
    let world = World::new();
    assert!(world.page("/decisions").await.1.contains("Nobody has asked for anything yet"));
    assert_eq!(world.json("/decisions").await.1, serde_json::json!([]));
}
