//! `/sessions`: who is signed in, what can be said where nobody knows, and orders that end sessions.

use std::sync::PoisonError;

use serde_json::json;

use super::*;
use crate::admin::control::sessions::{Counts, InForce, Known, Listed, NotListed, Revoked, Sessions, Source, Wanted};
use crate::domain::revocation::{Reach, Revocation, Whom};
use crate::domain::session::{SessionId, Summary};

const ADA: &str = "ada00000-0000-4000-8000-000000000001@3a0c0000-0000-4000-8000-0000000000aa";

/// Sessions that a test makes up, listed two at a time.
pub(super) struct MadeUp(Mutex<State>);

struct State {
    sessions: Result<Vec<Known>, NotListed>,
    in_force: InForce,
    reach: Reach,
    ordered: Vec<(Whom, String)>,
}

impl Default for MadeUp {
    fn default() -> Self {
        let (sessions, in_force) = (Err(NotListed::InCookies), InForce::default());
        Self(Mutex::new(State { sessions, in_force, reach: Reach::Process, ordered: Vec::new() }))
    }
}

impl MadeUp {
    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn ordered(&self) -> Vec<(Whom, String)> {
        self.with(|state| state.ordered.clone())
    }
}

#[async_trait]
impl Sessions for MadeUp {
    async fn list(&self, wanted: &Wanted, from: Option<&str>) -> Result<Listed, NotListed> {
        let all = self.with(|state| state.sessions.clone())?;
        let start = from.map_or(0, |text| text.parse().expect("a cursor of ours"));
        let part = all.iter().skip(start).take(2).filter(|known| wanted.fits(known)).cloned();
        Ok(Listed { sessions: part.collect(), next: (start + 2 < all.len()).then(|| (start + 2).to_string()) })
    }

    async fn find(&self, id: SessionId) -> Result<Option<Known>, NotListed> {
        Ok(self.with(|state| state.sessions.clone())?.into_iter().find(|known| known.summary.id == id))
    }

    async fn revoke(&self, whom: Whom, why: &str) -> Revoked {
        self.with(|state| {
            state.ordered.push((whom.clone(), why.to_owned()));
            let trouble = match state.reach {
                Reach::Process | Reach::Store => None,
                Reach::ProcessStoreFailed => Some("the session store fails: <nobody> answers".to_owned()),
                Reach::Nowhere => Some("the list of revocations is full".to_owned()),
            };
            Revoked {
                id: DecisionId::from_random(5),
                revocation: Revocation { whom, at: NOW, why: why.into() },
                reach: state.reach,
                trouble,
            }
        })
    }

    async fn revocations(&self) -> InForce {
        self.with(|state| state.in_force.clone())
    }

    fn counts(&self) -> Counts {
        Counts { configuration: 0, running: self.with(|state| state.ordered.len()) }
    }
}

/// An order as browsers and programs send it.
pub(super) fn order(form: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = request("POST", "/sessions/revoke", headers);
    request.headers_mut().insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().expect("a media type"));
    *request.body_mut() = Body::from(form.to_owned());
    request
}

fn known(id: u8, kind: AccountKind, user: &str, hour: u64) -> Known {
    let signed_in_at = NOW + Duration::from_secs(hour * 3600);
    let authority = match kind {
        AccountKind::Personal => AuthorityName::personal(),
        AccountKind::Customer | AccountKind::Work => AuthorityName::work(),
    };
    let summary = Summary {
        id: SessionId([id; 16]),
        authority,
        kind,
        user: user.into(),
        tenant: user.rsplit_once('@').and_then(|(_, tenant)| TenantId::parse(tenant).ok()),
        signed_in_at,
        last_seen: signed_in_at + Duration::from_secs(60),
        provider_session: Some("sid-that-nobody-sees".into()),
    };
    Known { summary, pseudonym: Some(format!("{id:016x}")), ends_at: signed_in_at + Duration::from_secs(3600) }
}

fn id(of: u8) -> String {
    SessionId([of; 16]).to_string()
}

fn world() -> World {
    let world = World::new();
    let cy = "<script>alert(1)</script>@idp.example";
    let sessions = vec![
        known(1, AccountKind::Work, ADA, 3),
        known(2, AccountKind::Personal, cy, 2),
        known(3, AccountKind::Work, &ADA.replace("ada0", "bea0"), 1),
    ];
    world.control.sessions.with(|state| state.sessions = Ok(sessions));
    world
}

fn ids(document: &serde_json::Value) -> Vec<&str> {
    document["sessions"].as_array().expect("a list").iter().map(|session| session["id"].as_str().expect("an id")).collect()
}

async fn give(world: &World, form: &str) -> (StatusCode, serde_json::Value) {
    let (status, _, body) = world.ask(order(form, &[("host", "localhost:9090")])).await;
    (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{form}: {error}: {body}")))
}

#[tokio::test]
async fn sessions_are_told_a_part_at_a_time_and_by_identifiers_only() {
    let world = world();
    let (status, first) = world.json("/sessions").await;
    assert_eq!((status, ids(&first)), (StatusCode::OK, vec![&*id(1), &*id(2)]));
    assert_eq!((first["kept_in"].as_str(), first["next"].as_str()), (Some("store"), Some("2")));
    let (_, last) = world.json("/sessions?from=2").await;
    assert_eq!((ids(&last), last["next"].as_str()), (vec![&*id(3)], None));
    let ada = json!({
        "id": id(1), "kind": "work", "authority": "work", "user": ADA, "user_in_audit_log": "0000000000000001",
        "tenant": CONTOSO, "tenant_name": "Contoso <Ltd>",
        "signed_in_at": "2027-01-15T11:00:00Z", "last_seen": "2027-01-15T11:01:00Z", "ends_at": "2027-01-15T12:00:00Z",
    });
    assert_eq!(first["sessions"][0], ada);
    assert_eq!(world.json(&format!("/sessions/{}", id(1))).await, (StatusCode::OK, ada));

    let (_, page) = world.page("/sessions").await;
    assert!(page.contains(&format!("href=\"/sessions/{}\"", id(1))) && page.contains("href=\"/sessions?from=2\""), "{page}");
    assert!(page.contains("Contoso &#60;Ltd&#62;") && page.matches("action=\"/sessions/revoke\"").count() == 3, "{page}");
    assert!(!page.contains("<script") && !page.contains("sid-that-nobody-sees") && !first.to_string().contains("sid-that"), "{page}");
    let (_, page) = world.page(&format!("/sessions/{}", id(1))).await;
    assert!(page.contains("0000000000000001") && page.contains("2027-01-15 12:00:00 UTC") && page.contains("required"), "{page}");
}

#[tokio::test]
async fn sessions_are_found_by_kind_authority_organisation_and_either_name() {
    let world = world();
    let (all, first, second) = (vec![id(1), id(2)], vec![id(1)], vec![id(2)]);
    for (query, expected) in [
        ("", &all),
        ("kind=work", &first),
        ("kind=personal", &second),
        ("kind=customer", &vec![]),
        ("authority=personal", &second),
        ("tenant=contoso", &first),
        (&*format!("tenant={}", CONTOSO.to_uppercase()), &first),
        (&*format!("user={}", ADA.to_uppercase().replace('@', "%40")), &first),
        ("user=0000000000000002", &second),
        ("user=ada&kind=work", &vec![]),
    ] {
        let (status, found) = world.json(&format!("/sessions?{query}")).await;
        assert_eq!((status, ids(&found)), (StatusCode::OK, expected.iter().map(String::as_str).collect()), "{query}");
        // What is more may fit: the question goes on with the same filter.
        let (_, page) = world.page(&format!("/sessions?{query}")).await;
        assert_eq!(page.contains("&#38;from=2") || page.contains("&amp;from=2"), !query.is_empty(), "{query}: {page}");
    }
    for query in [
        "kind=enterprise",
        "tenant=fabrikam",
        "authority=No%20Name",
        "authority=nobodys",
        "user=ada%40contoso.example",
        &format!("user=ada%40{CONTOSO}"),
        &format!("user=ada%40contoso.example%40{CONTOSO}"),
    ] {
        let (status, body) = world.get(&format!("/sessions?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {body}");
        assert!(!body.contains("ada"), "{query}: {body}");
    }
    assert!(world.get("/sessions?tenant=fabrikam").await.1.contains("one of contoso"));
}

#[tokio::test]
async fn cookies_a_failing_store_and_nobody_are_three_answers() {
    let world = World::new();
    let cases = [
        (Err(NotListed::InCookies), 200, json!({ "kept_in": "cookies", "sessions": null, "error": null }), "kept in cookies", 501),
        (
            Err(NotListed::Failed("the session store fails: <gone>".into())),
            503,
            json!({ "kept_in": "store", "sessions": null, "error": "the session store fails: <gone>" }),
            "fails: &#60;gone&#62;",
            503,
        ),
        (Ok(vec![]), 200, json!({ "kept_in": "store", "sessions": [], "error": null }), "Nobody is signed in", 404),
    ];
    for (sessions, expected, document, on_page, status_of_one) in cases {
        world.control.sessions.with(|state| state.sessions = sessions);
        let (status, told) = world.json("/sessions").await;
        assert_eq!(status.as_u16(), expected);
        for (key, value) in document.as_object().expect("an object") {
            assert_eq!(&told[key], value, "{key} in {told}");
        }
        let (status, page) = world.page("/sessions").await;
        assert_eq!(status.as_u16(), expected);
        assert!(page.contains(on_page) && page.contains("action=\"/sessions/revoke\""), "{page}");
        for accept in ["*/*", "application/json", "text/html"] {
            let (status, body) = world.get_as(accept, &format!("/sessions/{}", id(9))).await;
            assert_eq!(status.as_u16(), status_of_one, "{accept}: {body}");
        }
    }
    assert_eq!(world.get("/sessions/nonsense").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn revocations_are_told_with_reasons_those_that_mean_most_people_first() {
    let world = World::new();
    let entry = |whom, hour: u64, why: &str| Revocation { whom, at: NOW + Duration::from_secs(hour * 3600), why: why.into() };
    let mut entries: Vec<_> =
        (0..200).map(|number| (Source::Running, entry(Whom::Session(SessionId([number; 16])), 9, "signed out"))).collect();
    entries.push((Source::Running, entry(Whom::AtProvider(AuthorityName::work(), "sid-that-nobody-sees".into()), 8, "back-channel")));
    entries.push((Source::Running, entry(Whom::User(ADA.into()), 0, "<i>lost</i>")));
    entries.push((Source::Running, entry(Whom::User("later@idp.example".into()), 1, "x")));
    entries.push((Source::Configuration, entry(Whom::Everybody, 0, "key leaked")));
    entries.push((Source::Running, entry(Whom::Tenant(TenantId::parse(CONTOSO).expect("a GUID")), 0, "phished")));
    world.control.sessions.with(|state| state.in_force = InForce { entries, trouble: Some("it is gone".into()) });
    let (_, told) = world.json("/sessions").await;
    let told = &told["revocations"];
    assert_eq!((told["total"].as_u64(), told["trouble"].as_str()), (Some(205), Some("it is gone")));
    let entries = told["entries"].as_array().expect("a list");
    let scopes: Vec<_> = entries.iter().map(|entry| entry["scope"].as_str().expect("a word")).collect();
    assert_eq!((&scopes[..6], scopes.len()), (&["all", "tenant", "user", "user", "provider_session", "session"][..], 200));
    assert_eq!(entries[0], json!({ "scope": "all", "not_before": "2027-01-15T08:00:00Z", "why": "key leaked", "from": "configuration" }));
    assert_eq!((entries[2]["user"].as_str(), entries[3]["user"].as_str()), (Some("later@idp.example"), Some(ADA)));
    assert_eq!(entries[1]["tenant_name"], "Contoso <Ltd>");
    let (_, page) = world.page("/sessions").await;
    for text in
        ["key leaked", "&#60;i&#62;lost&#60;/i&#62;", "somebody whom work signed out", "These 200 of 205", "may be missing: it is gone"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("sid-that-nobody-sees") && !told.to_string().contains("sid-that-nobody-sees"));
}

#[tokio::test]
async fn an_order_means_exactly_one_and_has_a_reason() {
    let world = World::new();
    let tenant = TenantId::parse(CONTOSO).expect("a GUID");
    let long = "ü".repeat(200);
    let right = [
        (format!("session={}&reason=x", id(7)), Whom::Session(SessionId([7; 16])), "x"),
        (format!("user={}&tenant=&reason=%20lost+laptop%20", ADA.to_uppercase()), Whom::User(ADA.into()), "lost laptop"),
        ("user=Sub@LOGIN.microsoftonline.com&reason=x".into(), Whom::User("Sub@login.microsoftonline.com".into()), "x"),
        ("tenant=contoso&reason=x".into(), Whom::Tenant(tenant), "x"),
        (format!("tenant={CONTOSO}&reason={long}"), Whom::Tenant(tenant), &long),
        ("all=true&session=&user=&reason=x".into(), Whom::Everybody, "x"),
    ];
    for (form, whom, why) in &right {
        let (status, told) = give(&world, form).await;
        assert_eq!(status, StatusCode::OK, "{form}: {told}");
        assert_eq!(world.control.sessions.ordered().last(), Some(&(whom.clone(), (*why).to_owned())), "{form}");
    }
    let wrong = [
        ("", 422),
        ("reason=x", 422),
        ("all=true", 422),
        ("all=true&reason=+", 422),
        ("all=true&tenant=contoso&reason=x", 422),
        ("all=yes&reason=x", 422),
        ("session=7&reason=x", 422),
        ("user=ada&reason=x", 422),
        ("user=ada@contoso.example&reason=x", 422),
        (&*format!("user=ada@{CONTOSO}&reason=x"), 422),
        (&*format!("user=ada@contoso.example@{CONTOSO}&reason=x"), 422),
        ("tenant=fabrikam&reason=x", 422),
        ("all=true&reason=a%0Ab", 422),
        ("all=true&reason=a%1Bb", 422),
        (&*format!("all=true&reason={long}x"), 422),
        ("all=true&all=true&reason=x", 400),
        ("everybody=true&reason=x", 400),
    ];
    for (form, expected) in wrong {
        let (status, told) = give(&world, form).await;
        assert_eq!(status.as_u16(), expected, "{form}: {told}");
        let error = told["error"].as_str().expect("a sentence");
        assert!(error.len() > 20 && !error.contains("ada@"), "{form}: {error}");
        let (status, _, page) = world.ask(order(form, &[("host", "localhost"), ("accept", "text/html")])).await;
        assert!(status.as_u16() == expected && page.contains("Nothing was ended"), "{form}: {page}");
    }
    let mut text = order("all=true&reason=x", &[("host", "localhost")]);
    text.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().expect("a media type"));
    assert_eq!(world.ask(text).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(world.control.sessions.ordered().len(), right.len());
}

#[tokio::test]
async fn an_order_that_does_not_say_how_long_it_is_is_measured() {
    let world = World::new();
    for (length, expected) in [(4_000, StatusCode::OK), (5_000, StatusCode::PAYLOAD_TOO_LARGE)] {
        let mut streamed = order("", &[("host", "localhost")]);
        let padding = format!("all=true&reason=x{}", "%20".repeat(length / 3));
        let parts = [padding].map(|part| Ok::<_, std::io::Error>(bytes::Bytes::from(part)));
        *streamed.body_mut() = Body::from_stream(futures_util::stream::iter(parts));
        assert_eq!(world.ask(streamed).await.0, expected, "{length}");
    }
    assert_eq!(world.control.sessions.ordered().len(), 1);
}

#[tokio::test]
async fn an_answer_says_how_far_an_order_got_and_what_makes_it_last() {
    let line =
        "[[session.not_before]]\nat = 2027-01-15T08:00:00Z\nuser = \"it's \\\"me\\\"@login.microsoftonline.com\"\nwhy = \"a \\\\ b\"";
    let cases = [
        (Reach::Process, 200, "until it is started again", "Sessions were ended", true),
        (Reach::Store, 200, "every process that keeps its sessions in this store", "Sessions were ended", false),
        (Reach::ProcessStoreFailed, 503, "or nobody knows whether they were", "in this process only", true),
        (Reach::Nowhere, 503, "Nothing was ended", "Nothing was ended", true),
    ];
    for (reach, expected, sentence, heading, has_line) in cases {
        let world = World::new();
        world.control.sessions.with(|state| state.reach = reach);
        let form = "user=it's+\"me\"@login.microsoftonline.com&reason=a+\\+b";
        let (status, told) = give(&world, form).await;
        assert_eq!((status.as_u16(), told["reach"].as_str()), (expected, Some(reach.as_str())));
        assert!(told["means"].as_str().is_some_and(|means| means.contains(sentence)), "{told}");
        assert_eq!(told["decision_id"], DecisionId::from_random(5).to_string());
        assert_eq!(told["configuration"].as_str(), has_line.then_some(line));
        assert_eq!(told["error"].is_null(), expected == 200, "{told}");
        assert_eq!((told["revocation"]["scope"].as_str(), told["revocation"]["why"].as_str()), (Some("user"), Some("a \\ b")));
        let (status, _, page) = world.ask(order(form, &[("host", "localhost"), ("accept", "text/html")])).await;
        assert_eq!(status.as_u16(), expected);
        assert!(page.contains(heading) && !page.contains("<nobody>"), "{page}");
        let metrics = world.get("/metrics").await.1;
        let series = format!("homerealm_session_revocations_total{{scope=\"user\",reach=\"{}\"}} 2", reach.as_str());
        assert!(metrics.contains(&series) && metrics.contains("homerealm_session_revocations{from=\"running\"} 2"), "{metrics}");
    }
}

#[test]
fn what_is_to_be_written_down_can_be_read_as_often_as_it_is_written() {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let reason = format!("it's \"\\u0041\" \u{2028}{}", "x".repeat(200 - 15));
    assert_eq!(reason.chars().count(), 200);
    let mut text = CONFIGURATION.to_owned();
    let sub = "user=it's+\"me\"@login.microsoftonline.com";
    let forms = ["all=true", "tenant=contoso", &format!("user={ADA}"), sub, &format!("session={}", id(7))];
    for form in forms {
        let reason: String = url::form_urlencoded::byte_serialize(reason.as_bytes()).collect();
        let (status, told) = runtime.block_on(give(&world, &format!("{form}&reason={reason}")));
        assert_eq!(status, StatusCode::OK, "{told}");
        text.push_str(told["configuration"].as_str().expect("a table"));
        text.push('\n');
    }
    let day = chrono::NaiveDate::from_ymd_opt(2027, 1, 15).expect("a day of the calendar");
    let environment = |_: &str| Some("s3cret-that-nobody-sees".to_owned());
    let config = config::parse_with(&text, "homerealm.toml", Path::new(""), &environment, day).unwrap_or_else(|told| panic!("{told}"));
    let ordered = world.control.sessions.ordered();
    let read: Vec<_> = config.session.not_before.iter().collect();
    assert_eq!((ordered.len(), read.len()), (forms.len(), forms.len()));
    for (whom, why) in &ordered {
        assert!(read.iter().any(|entry| entry.whom == *whom && *entry.why == **why && entry.at == NOW), "{whom:?}");
    }
}
