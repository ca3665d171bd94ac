//! Sessions and their end as an operator sees them: at the admin listener and from a terminal, with sessions in cookies.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::browser::{Browser, Page};
use crate::support::dev_idp::DevIdp;
use crate::support::logs::audit_lines;
use crate::support::process::{free_ports, homerealm};
use crate::support::proxy::{Proxy, head};
use crate::support::raw::{self, Answer};
use crate::support::upstream::Upstream;

const ADA: &str = "ada@contoso.example";
const BO: &str = "bo@fabrikam.example";
const CY: &str = "cy@outlook.example";
const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const ADAS_ID: &str = "ada00000-0000-4000-8000-000000000001@3a0c0000-0000-4000-8000-0000000000aa";

/// A proxy with an admin listener and an audit log in a file, and three people who are signed in.
struct World {
    idp: DevIdp,
    proxy: Proxy,
    admin: u16,
    people: [(Browser, &'static str); 3],
    _app: Upstream,
}

const KINDS: [(&str, &str); 3] = [(ADA, "work"), (BO, "work"), (CY, "personal")];

impl World {
    async fn start(identity: &str) -> Self {
        let (idp, app, port) = (DevIdp::start(), Upstream::start(), free_ports(2));
        let admin = port + 1;
        let (head, authorities, origin) = (head(port), idp.configuration(), app.origin());
        let proxy = Proxy::start(
            port,
            &format!(
                "{head}{authorities}[admin]\nlisten = \"127.0.0.1:{admin}\"\n\
                 [telemetry]\naccess_log = \"off\"\naudit = {{ to = \"file:audit.log\", identity = \"{identity}\" }}\n\
                 [[routes]]\naccounts = [\"work\", \"personal\"]\nupstream = \"{origin}\"\n"
            ),
        );
        let mut world = Self { idp, proxy, admin, people: KINDS.map(|(who, _)| (Browser::default(), who)), _app: app };
        for number in 0..world.people.len() {
            world.sign_in(number).await;
        }
        world.proxy.process.wait_for_port(admin);
        world
    }

    async fn sign_in(&mut self, number: usize) {
        let (browser, who) = &mut self.people[number];
        let page = self.idp.sign_in(&self.proxy, browser, who, KINDS[number].1, "/desk").await;
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/desk"), "{}", page.text());
    }

    /// Who of the three is signed in, as the proxy tells each of them at their next request.
    async fn signed_in(&mut self) -> Vec<&'static str> {
        let mut signed_in = Vec::new();
        for (browser, who) in &mut self.people {
            let page: Page = browser.fetch(&self.proxy.url("/desk")).await;
            match page.status.as_u16() {
                200 => signed_in.push(*who),
                status => {
                    assert_eq!((status, page.json()["code"].as_str()), (401, Some("session_expired")), "{who}: {}", page.body);
                }
            }
        }
        signed_in
    }

    /// Signs in again whoever is not. A sign-in within the second of a revocation is ended by it as well: it is tried until
    /// that has passed.
    async fn sign_in_again(&mut self) {
        let patience = Instant::now() + Duration::from_secs(60);
        for ((browser, who), (_, kind)) in self.people.iter_mut().zip(KINDS) {
            while browser.fetch(&self.proxy.url("/desk")).await.status != 200 {
                assert!(Instant::now() < patience, "{who} cannot sign in again");
                *browser = Browser::default();
                self.idp.sign_in(&self.proxy, browser, who, kind, "/desk").await;
            }
        }
        assert_eq!(self.signed_in().await, [ADA, BO, CY]);
    }

    fn file(&self) -> PathBuf {
        self.proxy.file("homerealm.toml")
    }

    fn sessions(&self, arguments: &[&str]) -> Told {
        let output = homerealm().arg("sessions").args(arguments).arg("-c").arg(self.file()).stdin(Stdio::null()).output();
        Told::of(&output.expect("the binary"))
    }

    async fn post(&self, form: &str, headers: &str) -> Answer {
        let (port, length) = (self.admin, form.len());
        let head = format!(
            "POST /sessions/revoke HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\nconnection: close\r\n"
        );
        raw::exchange(port, format!("{head}{headers}\r\n{form}").as_bytes()).await
    }

    fn audited(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.proxy.file("audit.log")).expect("an audit log");
        audit_lines(&text)
    }
}

/// Whether somebody of this name signed in at Contoso: only Ada does. Each worker hands its lines over in its own time.
fn is_of_a_sign_in(audited: &[Value], user: &Value) -> bool {
    let signed_in = |line: &&Value| line["event"] == "authn_login_success" && line["account.tenant"] == CONTOSO;
    audited.iter().filter(signed_in).any(|line| line["user"] == *user)
}

/// What a command printed.
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    #[track_caller]
    fn assert(&self, code: i32, out: &[&str], err: &[&str]) {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        for (text, expected) in [(&self.out, out), (&self.err, err)] {
            assert!(expected.iter().all(|part| text.contains(part)), "{expected:?} in\n{}\n{}", self.out, self.err);
        }
    }
}

#[tokio::test]
async fn sessions_end_by_user_by_organisation_and_all_and_whoever_is_meant_may_come_back() {
    let mut world = World::start("full").await;
    assert_eq!(world.signed_in().await, [ADA, BO, CY]);

    let told = world.sessions(&["revoke", "--user", &ADAS_ID.to_uppercase(), "--reason", "lost \"laptop\""]);
    told.assert(
        0,
        &["over at this process", "other replicas", "\n\n[[session.not_before]]\nat = 20", &format!("\nuser = \"{ADAS_ID}\"\n")],
        &[],
    );
    assert!(told.out.trim_end().ends_with("why = \"lost \\\"laptop\\\"\""), "{}", told.out);
    assert_eq!(world.signed_in().await, [BO, CY]);
    world.sign_in_again().await;

    let told = world.sessions(&["revoke", "--tenant", "contoso", "--reason", "phished", "--yes", "--format", "json"]);
    told.assert(0, &[], &[]);
    let told_as_json: Value = told.out.parse().expect("JSON");
    assert_eq!((&told_as_json["reach"], &told_as_json["revocation"]["tenant"]), (&"process".into(), &CONTOSO.into()), "{told_as_json}");
    assert_eq!(world.signed_in().await, [BO, CY]);
    world.sign_in_again().await;

    let told = world.sessions(&["revoke", "--all", "--reason", "key leaked", "--yes"]);
    told.assert(0, &["Z\nwhy = \"key leaked\"\n"], &[]);
    assert!(world.signed_in().await.is_empty());
    world.sign_in_again().await;

    // Nobody can list what is in cookies, but what was revoked is known.
    let told = world.sessions(&["list"]);
    told.assert(1, &["everybody", "Contoso", ADAS_ID, "key leaked", "phished", "running"], &["kept in cookies"]);
    assert!(told.out.find("key leaked") < told.out.find("phished") && told.out.find("phished") < told.out.find(ADAS_ID), "{}", told.out);
    let told = world.sessions(&["list", "--format", "json"]);
    let document: Value = told.out.parse().expect("JSON");
    assert!(told.code == Some(1) && document["sessions"].is_null() && document["revocations"]["total"] == 3, "{document}");

    world.proxy.process.stop();
    let audited = world.audited();
    let orders: Vec<_> = audited.iter().filter(|line| line["event"] == "revocation_ordered").collect();
    let told: Vec<_> =
        orders.iter().map(|line| (line["scope"].as_str().expect("a word"), line["why"].as_str().expect("a reason"))).collect();
    assert_eq!(told, [("user", "lost \"laptop\""), ("tenant", "phished"), ("all", "key leaked")]);
    assert_eq!((&orders[0]["user"], &orders[1]["account.tenant"]), (&ADAS_ID.into(), &CONTOSO.into()));
    assert_eq!(orders[1]["decision_id"], told_as_json["decision_id"], "the one that was told");
    assert!(is_of_a_sign_in(&audited, &orders[0]["user"]), "she has one name in the log: {audited:#?}");
}

#[tokio::test]
async fn the_page_ends_sessions_by_a_form_and_a_hashed_log_calls_people_by_their_hash() {
    let mut world = World::start("hashed").await;
    let origin = format!("http://localhost:{}", world.admin);
    let mut operator = Browser::default();
    let page = operator.open(&format!("{origin}/sessions")).await;
    assert!(page.text().contains("Sessions are kept in cookies") && page.text().contains("Revocations in force None."), "{}", page.text());
    let refused = operator.press(&page, "End", &[("user", ADA), ("reason", "x")]).await;
    assert_eq!((refused.status.as_u16(), &*refused.heading()), (422, "Nothing was ended"), "{}", refused.text());
    assert_eq!(world.signed_in().await, [ADA, BO, CY]);

    let ended = operator.press(&page, "End", &[("user", ADAS_ID), ("reason", "<b>lost</b>")]).await;
    assert_eq!((ended.status.as_u16(), &*ended.heading()), (200, "Sessions were ended"), "{}", ended.text());
    assert!(ended.text().contains("[[session.not_before]]") && !ended.body.contains("<b>lost"), "{}", ended.body);
    assert_eq!(world.signed_in().await, [BO, CY]);
    let page = operator.open(&format!("{origin}/sessions")).await;
    assert!(page.text().contains(ADAS_ID) && page.text().contains("<b>lost</b>"), "{}", page.text());

    world.proxy.process.stop();
    let audited = world.audited();
    let order = audited.iter().find(|line| line["event"] == "revocation_ordered").expect("a line");
    assert!(order["why"] == "<b>lost</b>" && is_of_a_sign_in(&audited, &order["user"]), "{audited:#?}");
    assert!(!order.to_string().contains("ada0"), "{order}");
}

#[tokio::test]
async fn orders_of_other_sites_and_for_other_names_end_nothing() {
    let mut world = World::start("full").await;
    let (admin, form) = (world.admin, "all=true&reason=x");
    for (headers, expected) in [
        ("host: rebound.example\r\n".to_owned(), 421),
        (format!("host: localhost:{admin}\r\norigin: https://evil.example\r\n"), 403),
        (format!("host: localhost:{admin}\r\norigin: null\r\n"), 403),
        (format!("host: localhost:{admin}\r\norigin: http://localhost:{}\r\n", world.proxy.port), 403),
        (format!("host: localhost:{admin}\r\nsec-fetch-site: cross-site\r\n"), 403),
    ] {
        let answer = world.post(form, &headers).await;
        assert_eq!(answer.status(), expected, "{headers}: {answer:?}");
    }
    assert_eq!(world.signed_in().await, [ADA, BO, CY]);
    let answer = world.post(form, &format!("host: localhost:{admin}\r\norigin: http://localhost:{admin}\r\n")).await;
    assert!(answer.status() == 200 && answer.0.contains(r#""reach":"process""#), "{answer:?}");
    assert!(world.signed_in().await.is_empty());
}

#[tokio::test]
async fn the_command_says_what_is_wrong_and_ends_with_the_right_code() {
    let mut world = World::start("full").await;
    let id = "07070707070707070707070707070707";
    for (arguments, code, err) in [
        (&["list", "--tenant", "fabrikam"][..], 2, "no organisation"),
        (&["show", id], 1, "kept in cookies"),
        (&["show", "7"], 2, "32 hexadecimal digits"),
        (&["revoke", "--user", ADA, "--reason", "x"], 2, "Addresses name nobody"),
        (&["revoke", "--tenant", "nobodys", "--reason", "x", "--yes"], 2, "no organisation"),
        (&["revoke", "--all", "--reason", "x"], 2, "Say --yes"),
        (&["revoke", "--tenant", "contoso", "--reason", "x"], 2, "Say --yes"),
        (&["revoke", "--all", "--yes"], 2, "--reason"),
        (&["revoke", id, "--all", "--reason", "x", "--yes"], 2, "cannot be used with"),
        (&["revoke", "--all", "--reason", "a\nb", "--yes"], 2, "on one line"),
        (&["revoke"], 2, "required"),
        (&[], 2, "Usage"),
    ] {
        let told = world.sessions(arguments);
        assert_eq!(told.code, Some(code), "{arguments:?}: {}{}", told.out, told.err);
        assert!(told.err.contains(err) && told.out.is_empty(), "{arguments:?}: {}{}", told.out, told.err);
    }
    world.sessions(&["revoke", id, "--reason", "x"]).assert(0, &[&format!("session = \"{id}\"")], &[]);
    world.proxy.process.stop();
    assert_eq!(world.audited().iter().filter(|line| line["event"] == "revocation_ordered").count(), 1);
    let help = homerealm().args(["sessions", "--help"]).output().expect("the binary");
    assert!(String::from_utf8_lossy(&help.stdout).contains("homerealm sessions revoke --user"));
    let nowhere = homerealm().args(["sessions", "list", "--admin", "127.0.0.1:1"]).output().expect("the binary");
    Told::of(&nowhere).assert(1, &[], &["nobody answers on the admin listener"]);
}
