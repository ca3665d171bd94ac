//! Where questions about groups go, and what answers are worth.

use proptest::prelude::*;

use super::*;

fn group(number: usize) -> Arc<str> {
    format!("7d0e0000-0000-4000-8000-{number:012x}").into()
}

fn groups(count: usize) -> Vec<Arc<str>> {
    (0..count).map(group).collect()
}

#[test]
fn each_cloud_has_its_own_graph_and_nobody_else_has_one() {
    const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";
    let graph = |issuer: &str, nature| {
        let issuer = ExpectedIssuer::parse(&issuer.replace('*', CONTOSO)).expect("an issuer");
        Graph::of(&issuer, nature).map(|graph| graph.url().to_string())
    };
    for (issuer, host) in [
        ("https://login.microsoftonline.com/organizations/v2.0", Some("https://graph.microsoft.com")),
        ("https://login.microsoftonline.com/*/v2.0", Some("https://graph.microsoft.com")),
        ("https://login.microsoftonline.com/contoso.com/v2.0", Some("https://graph.microsoft.com")),
        ("https://login.windows.net/*/v2.0", Some("https://graph.microsoft.com")),
        ("https://login.microsoftonline.us/*/v2.0", Some("https://graph.microsoft.us")),
        ("https://login.usgovcloudapi.net/*/v2.0", Some("https://graph.microsoft.us")),
        ("https://login.partner.microsoftonline.cn/*/v2.0", Some("https://microsoftgraph.chinacloudapi.cn")),
        ("https://login.chinacloudapi.cn/*/v2.0", Some("https://microsoftgraph.chinacloudapi.cn")),
        ("https://contoso.ciamlogin.com/*/v2.0", None),
        ("https://login.microsoftonline.com.evil.example/*/v2.0", None),
        ("https://login.microsoftonline.com:8443/*/v2.0", None),
        ("http://login.microsoftonline.com/*/v2.0", None),
        ("https://graph.microsoft.com/*/v2.0", None),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", None),
        ("https://idp.example", None),
    ] {
        let expected = host.map(|host| format!("{host}/v1.0/me/checkMemberObjects"));
        assert_eq!(graph(issuer, Nature::Production), expected, "{issuer}");
    }
}

#[test]
fn a_development_identity_provider_is_asked_at_its_own_origin() {
    for (issuer, expected) in [
        ("http://127.0.0.1:8081/organizations/v2.0", Some("http://127.0.0.1:8081/graph/v1.0/me/checkMemberObjects")),
        ("https://login.microsoftonline.com/organizations/v2.0", Some("https://graph.microsoft.com/v1.0/me/checkMemberObjects")),
        ("http://127.0.0.1:8081/generic", None),
    ] {
        let issuer = ExpectedIssuer::parse(issuer).expect("an issuer");
        assert_eq!(Graph::of(&issuer, Nature::Development).as_ref().map(|graph| graph.url().as_str()), expected, "{issuer:?}");
    }
}

#[test]
fn twenty_groups_make_a_question() {
    for (count, lengths) in [(0, &[][..]), (1, &[1]), (20, &[20]), (21, &[20, 1]), (200, &[20; 10])] {
        let groups = groups(count);
        assert_eq!(questions(&groups).map(|question| question.0.len()).collect::<Vec<_>>(), lengths, "{count}");
        let asked: Vec<_> = questions(&groups).flat_map(|question| question.0).cloned().collect();
        assert_eq!(asked, groups);
    }
    let groups = groups(2);
    let body = questions(&groups).next().expect("a question").body();
    assert_eq!(body, r#"{"ids":["7d0e0000-0000-4000-8000-000000000000","7d0e0000-0000-4000-8000-000000000001"]}"#);
}

fn read(body: &str) -> Result<Vec<Arc<str>>, GroupsFailed> {
    Question(&groups(3)).read(200, None, body.as_bytes())
}

#[test]
fn only_groups_that_were_asked_about_count() {
    let (one, two) = (group(0), group(2));
    let full =
        format!(r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#Collection(Edm.String)","value":["{two}","{one}"]}}"#);
    for (body, expected) in [
        (r#"{"value":[]}"#.to_owned(), vec![]),
        (full, vec![one.clone(), two.clone()]),
        (format!(r#"{{"value":["{}","staff","{}"]}}"#, group(3), one.to_uppercase()), vec![one.clone()]),
        (format!(r#"{{"value":["{two}","{two}"]}}"#), vec![two.clone()]),
    ] {
        assert_eq!(read(&body), Ok(expected), "{body}");
    }
}

#[test]
fn what_cannot_be_read_is_no_answer() {
    let many = format!(r#"{{"value":["{}"]}}"#, "x".repeat(MAX_BYTES));
    let deep = format!(r#"{{"value":[],"x":{}{}}}"#, "[".repeat(20), "]".repeat(20));
    for body in
        ["", "<html>", "[]", "{}", r#"{"value":null}"#, r#"{"value":"x"}"#, r#"{"value":[1]}"#, r#"{"value":[],"value":[]}"#, &many, &deep]
    {
        assert!(matches!(read(body), Err(GroupsFailed::Unavailable { ask_again: ASK_AGAIN, .. })), "{}", &body[..body.len().min(60)]);
    }
}

#[test]
fn refusals_are_told_apart_from_what_passes() {
    let seconds = Duration::from_secs;
    let later = |status: u16, ask_again| GroupsFailed::Unavailable { ask_again, why: format!("status {status}") };
    for (status, retry_after, expected) in [
        (401, None, GroupsFailed::TokenRefused),
        (403, Some(seconds(7)), GroupsFailed::NotPermitted),
        (400, None, GroupsFailed::Unusable(400)),
        (404, None, GroupsFailed::Unusable(404)),
        (302, None, GroupsFailed::Unusable(302)),
        (204, None, GroupsFailed::Unusable(204)),
        (408, None, later(408, seconds(5))),
        (429, None, later(429, seconds(5))),
        (429, Some(seconds(0)), later(429, seconds(1))),
        (429, Some(seconds(17)), later(429, seconds(17))),
        (500, None, later(500, seconds(5))),
        (503, Some(seconds(300)), later(503, seconds(300))),
        (503, Some(seconds(301)), later(503, seconds(300))),
        (503, Some(Duration::MAX), later(503, seconds(300))),
    ] {
        let body = br#"{"value":["7d0e0000-0000-4000-8000-000000000000"]}"#;
        assert_eq!(Question(&groups(1)).read(status, retry_after, body), Err(expected), "{status}");
    }
}

proptest! {
    #[test]
    fn no_answer_admits_anybody_to_a_group_that_was_not_asked_about(status in 200_u16..600, body in ".*", listed in proptest::collection::vec(0_usize..40, 0..30)) {
        let about = groups(20);
        let listed: Vec<_> = listed.into_iter().map(group).collect();
        let proper = serde_json::json!({ "value": listed }).to_string();
        for body in [&body, &proper] {
            if let Ok(member_of) = Question(&about).read(status, None, body.as_bytes()) {
                prop_assert!(status == 200 && member_of.iter().all(|group| about.contains(group)));
            }
        }
    }
}
