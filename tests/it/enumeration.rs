//! The sign-in page must not tell who exists: its answer depends on the domain and the route, never on the local part.

use http::StatusCode;

use crate::support::browser::{Browser, Page};
use crate::support::demo::Demo;

/// The answer without what differs from request to request by design: what was typed, the sealed attempt, the decision.
fn essence(page: &Page, typed: &str) -> (StatusCode, Vec<String>, String) {
    let encoded: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
    let local = typed.split('@').next().unwrap_or_default();
    let mut text = page.body.replace(typed, "TYPED").replace(&encoded, "TYPED").replace(&format!(">{local}<wbr>"), ">LOCAL<wbr>");
    for parameter in ["state=", "nonce=", "code_challenge="] {
        text = blanked(&text, parameter, &['&', '"']);
    }
    text = blanked(&text, "<code>", &['<']);
    text = blanked(&text, "<time", &['/']);
    let mut names: Vec<_> = page.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (page.status, names, text)
}

fn blanked(text: &str, label: &str, ends: &[char]) -> String {
    let mut pieces = text.split(label);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(label);
        out.push_str(piece.find(ends).map_or("", |end| &piece[end..]));
    }
    out
}

#[tokio::test]
async fn existing_and_invented_local_parts_get_the_same_answer() {
    let demo = Demo::start();
    for route in ["/work/", "/personal/", "/any/", "/contoso/", "/partners/"] {
        for (existing, invented) in [
            ("ada@contoso.example", "zzz@contoso.example"),
            ("dee@contoso.example", "qqq@contoso.example"),
            ("cy@outlook.example", "xx@outlook.example"),
            ("gil@gmail.example", "xyz@gmail.example"),
            ("bo@fabrikam.example", "no@fabrikam.example"),
        ] {
            let mut answers = Vec::new();
            for typed in [existing, invented] {
                let mut browser = Browser::default();
                let page = browser.open(&demo.url(route)).await;
                let form = page.forms().into_iter().find(|form| form.method == "post").expect("a form");
                let action = page.url.join(&form.action).expect("an action");
                let mut fields = form.fields.clone();
                fields.retain(|(name, _)| name != "identifier");
                fields.push(("identifier".into(), typed.into()));
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
                let answer = browser.send(http::Method::POST, action, &headers, body).await;
                answers.push(essence(&answer, typed));
            }
            assert_eq!(answers[0], answers[1], "{existing} and {invented} on {route}");
        }
    }
}
