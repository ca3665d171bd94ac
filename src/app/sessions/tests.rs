//! Sessions as the admin listener sees them, with a store that can fail.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::adapters::session_store::memory::MemoryStore;
use crate::adapters::session_store::time::MachineTime;
use crate::app::generation::Lasting;
use crate::config;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::principal::{Groups, Principal};
use crate::domain::session::Session;
use crate::flow::ports::{Claim, Holder, Inserted, Listed as Part, Read, Replaced, SessionStore, Stored};
use crate::protocol::session_record::{Handle, SessionRecord};
use crate::telemetry::logs::Destination;

const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const ADA: &str = "ada00000-0000-4000-8000-000000000001";

/// A store in memory that stops answering when it is told to. Nothing here renews records.
struct Brittle {
    memory: Arc<MemoryStore>,
    is_gone: AtomicBool,
}

impl Brittle {
    fn answers(&self) -> Result<&MemoryStore, StoreFailed> {
        if self.is_gone.load(Ordering::Relaxed) { Err(StoreFailed::NotDone("it is gone".into())) } else { Ok(&self.memory) }
    }
}

#[async_trait]
impl SessionStore for Brittle {
    async fn read(&self, handle: Handle) -> Result<Read, StoreFailed> {
        self.answers()?.read(handle).await
    }
    async fn insert(&self, handle: Handle, record: &Stored) -> Result<Inserted, StoreFailed> {
        self.answers()?.insert(handle, record).await
    }
    async fn replace(&self, _: Handle, _: u64, _: &Stored) -> Result<Replaced, StoreFailed> {
        Ok(Replaced::Gone)
    }
    async fn remove(&self, handle: Handle) -> Result<(), StoreFailed> {
        self.answers()?.remove(handle).await
    }
    async fn claim(&self, _: Handle, _: Holder, _: Duration) -> Result<Claim, StoreFailed> {
        Ok(Claim::Gone)
    }
    async fn prolong(&self, _: Handle, _: Holder, _: Duration) -> Result<bool, StoreFailed> {
        Ok(false)
    }
    async fn settle(&self, _: Handle, _: Holder, _: u64, _: &Stored) -> Result<Replaced, StoreFailed> {
        Ok(Replaced::Gone)
    }
    async fn release(&self, _: Handle, _: Holder) -> Result<(), StoreFailed> {
        Ok(())
    }
    async fn revoke(&self, entry: &str, until: Timestamp) -> Result<u64, StoreFailed> {
        self.answers()?.revoke(entry, until).await
    }
    async fn revocations(&self, after: u64) -> Result<(u64, Vec<String>), StoreFailed> {
        self.answers()?.revocations(after).await
    }
    async fn list(&self, from: Option<Cursor>) -> Result<Part, StoreFailed> {
        self.answers()?.list(from).await
    }
}

/// A desk, and what stands behind it.
struct World {
    desk: Desk,
    shared: Arc<Shared>,
    store: Arc<Brittle>,
    logs: Arc<Logs>,
    directory: tempfile::TempDir,
}

#[derive(Clone, Copy)]
enum Place {
    Cookies,
    Store,
}

fn world(place: Place, identity: &str) -> World {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("audit.log");
    let text = format!(
        "version = 1\npublic_url = \"https://orders.example.com\"\nclient = {{ id = \"x\", secret_env = \"S\" }}\n\
         telemetry.audit = {{ to = \"file:{}\", identity = \"{identity}\" }}\n\
         [authorities.idp]\nissuer = \"http://127.0.0.1:9/idp\"\nkind = \"customer\"\n\
         [authorities.work]\nissuer = \"http://127.0.0.1:9/organizations/v2.0\"\n\
         [[routes]]\naccounts = [\"work\", \"customer\"]\nauthorities = [\"work\", \"idp\"]\nupstream = \"http://127.0.0.1:9\"\n",
        path.display()
    );
    let environment = |_: &str| Some("secret".to_owned());
    let config = config::parse_with(&text, "test.toml", Path::new("."), &environment, chrono::NaiveDate::default());
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let memory = MemoryStore::start(Arc::new(MachineTime::default()));
    let store = Arc::new(Brittle { memory, is_gone: AtomicBool::new(false) });
    let kept = match place {
        Place::Cookies => None,
        Place::Store => Some(Arc::<Brittle>::clone(&store) as Arc<dyn SessionStore>),
    };
    let lasting = Lasting::new(config.audit.as_ref(), kept, CancellationToken::new()).expect("TLS");
    let (shared, _) = lasting.build(config, None).expect("a generation");
    let logs = Arc::new(Logs::start(None, Some(Destination::File(path))).expect("a log"));
    let in_force = InForce::new(shared);
    World { desk: Desk::new(in_force.clone(), &logs), shared: in_force.shared(), store, logs, directory }
}

impl World {
    /// Somebody signs in: so long ago, at `work` if they have a tenant.
    async fn sign_in(&self, id: u8, who: &str, tenant: Option<TenantId>, ago: u64) {
        let now = self.shared.keeper.clock.now() - Duration::from_secs(ago);
        let (authority, kind, issuer) = match tenant {
            Some(tenant) => (AuthorityName::work(), AccountKind::Work, format!("http://127.0.0.1:9/{tenant}/v2.0")),
            None => (AuthorityName::parse("idp").expect("a name"), AccountKind::Customer, "http://127.0.0.1:9/idp".to_owned()),
        };
        let principal = Principal {
            authority,
            issuer: issuer.into(),
            subject: who.into(),
            tenant,
            object: tenant.map(|_| who.into()),
            kind,
            membership: Membership::Unknown,
            home: Home::Unknown,
            name: Some("Ada".into()),
            preferred_username: Some("ada@contoso.example".into()),
            verified_email: None,
            groups: Groups::Listed(vec![]),
            roles: vec![],
        };
        let provider_session = Some(format!("sid-{id}").into());
        let session =
            Session { id: SessionId([id; 16]), principal, signed_in_at: now, last_seen: now, sign_out_hint: None, provider_session };
        self.shared.keeper.begin(SessionRecord::bare(session)).await.expect("the store answers");
    }

    async fn ids(&self, wanted: &Wanted) -> Vec<u8> {
        let listed = self.desk.list(wanted, None).await.expect("the store answers");
        assert_eq!(listed.next, None);
        listed.sessions.iter().map(|known| known.summary.id.0[0]).collect()
    }

    /// What stands in the audit log, once it is closed.
    fn audited(self) -> Vec<serde_json::Value> {
        let Self { desk, shared, logs, directory, .. } = self;
        drop((desk, shared));
        Arc::into_inner(logs).expect("the desk does not hold it").close();
        let text = std::fs::read_to_string(directory.path().join("audit.log")).expect("a log");
        text.lines().map(|line| line.parse().expect("JSON")).collect()
    }
}

fn contoso() -> TenantId {
    TenantId::parse(CONTOSO).expect("a GUID")
}

#[tokio::test]
async fn sessions_that_are_good_are_listed_newest_first_and_found_by_their_id() {
    let world = world(Place::Store, "full");
    for (id, who, tenant, ago) in [
        (1, ADA, Some(contoso()), 60),
        (2, "cy", None, 30),
        (3, ADA, Some(contoso()), 10),
        // Idle for longer than an hour.
        (4, "over", None, 3_700),
    ] {
        world.sign_in(id, who, tenant, ago).await;
    }
    assert_eq!(world.ids(&Wanted::default()).await, [3, 2, 1]);
    assert_eq!(world.ids(&Wanted { kind: Some(AccountKind::Customer), ..Wanted::default() }).await, [2]);
    assert_eq!(world.ids(&Wanted { user: Some(format!("{ADA}@{CONTOSO}")), ..Wanted::default() }).await, [3, 1]);
    let found = world.desk.find(SessionId([2; 16])).await.expect("the store answers").expect("it is there");
    assert_eq!((&*found.summary.user, found.pseudonym), ("cy@127.0.0.1", None));
    assert_eq!(found.ends_at, found.summary.last_seen + Duration::from_secs(3_600));
    for gone in [4, 5] {
        assert!(world.desk.find(SessionId([gone; 16])).await.expect("the store answers").is_none(), "{gone}");
    }
}

#[tokio::test]
async fn what_is_revoked_is_listed_no_more() {
    let world = world(Place::Store, "full");
    for id in 1..=5 {
        world.sign_in(id, if id < 3 { ADA } else { "bea" }, Some(contoso()), 10 * u64::from(id)).await;
    }
    world.sign_in(6, "cy", None, 60).await;
    let user = Whom::User(format!("{ADA}@{CONTOSO}").into());
    for (whom, left) in [
        (Whom::Session(SessionId([5; 16])), &[1, 2, 3, 4, 6][..]),
        (user, &[3, 4, 6]),
        (Whom::AtProvider(AuthorityName::work(), "sid-4".into()), &[3, 6]),
        (Whom::Tenant(contoso()), &[6]),
        (Whom::Everybody, &[]),
    ] {
        let revoked = world.desk.revoke(whom.clone(), "a test").await;
        assert_eq!((revoked.reach, revoked.trouble), (Reach::Store, None), "{whom:?}");
        assert_eq!(world.ids(&Wanted::default()).await, left, "{whom:?}");
    }
    assert_eq!(world.desk.counts(), Counts { configuration: 0, running: 5 });
    let Revocations { entries, trouble } = world.desk.revocations().await;
    assert_eq!((entries.len(), trouble), (5, None));
    assert!(entries.iter().all(|(source, entry)| *source == Source::Running && &*entry.why == "a test"));
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended_until_enough_fits() {
    let world = world(Place::Store, "full");
    for number in 0..600_u64 {
        let who = if number == 400 { "rare".to_owned() } else { format!("user-{number}") };
        world.sign_in(u8::try_from(number % 200).expect("small"), &who, None, number % 60).await;
    }
    let (mut seen, mut from) = (0, None);
    loop {
        let part = world.desk.list(&Wanted::default(), from.as_deref()).await.expect("the store answers");
        assert!(part.sessions.is_sorted_by_key(|known| Reverse(known.summary.signed_in_at)));
        seen += part.sessions.len();
        from = part.next;
        if from.is_none() {
            break;
        }
        assert!(part.sessions.len() >= ENOUGH);
    }
    assert!(seen >= 590, "ids that are made twice are told once: {seen}");
    // Somebody rare is found in one go, wherever they are.
    let wanted = Wanted { user: Some("rare@127.0.0.1".into()), ..Wanted::default() };
    let part = world.desk.list(&wanted, None).await.expect("the store answers");
    assert_eq!((part.sessions.len(), part.next), (1, None));
    assert!(world.desk.list(&Wanted::default(), Some("nonsense")).await.is_err());
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_an_order_counts_here_all_the_same() {
    let world = world(Place::Store, "full");
    world.sign_in(1, "cy", None, 60).await;
    world.store.is_gone.store(true, Ordering::Relaxed);
    let failed = |error: Option<NotListed>| matches!(error, Some(NotListed::Failed(why)) if why.contains("it is gone"));
    assert!(failed(world.desk.list(&Wanted::default(), None).await.err()));
    assert!(failed(world.desk.find(SessionId([1; 16])).await.err()));
    let revoked = world.desk.revoke(Whom::Everybody, "a test").await;
    assert_eq!(revoked.reach, Reach::ProcessStoreFailed);
    assert!(revoked.trouble.is_some_and(|why| why.contains("it is gone")));
    let in_force = world.desk.revocations().await;
    assert_eq!(in_force.entries.len(), 1, "it counts here");
    assert!(in_force.trouble.is_some_and(|why| why.contains("it is gone")));
    world.shared.keeper.tell_what_is_untold().await;
    world.store.is_gone.store(false, Ordering::Relaxed);
    assert!(world.ids(&Wanted::default()).await.is_empty());
    let told = || async { world.store.revocations(0).await.expect("the store answers").1.len() };
    assert_eq!(told().await, 0);
    for _ in 0..2 {
        world.shared.keeper.tell_what_is_untold().await;
        assert_eq!(told().await, 1, "what it could not be told then it is told now, once");
    }
    let audited = world.audited();
    assert_eq!((audited.len(), audited[0]["reach"].as_str()), (1, Some("process_store_failed")));
}

#[tokio::test]
async fn with_cookies_nobody_can_list_and_an_order_counts_in_this_process() {
    let world = world(Place::Cookies, "full");
    assert_eq!(world.desk.list(&Wanted::default(), None).await.err(), Some(NotListed::InCookies));
    assert_eq!(world.desk.find(SessionId([1; 16])).await.err(), Some(NotListed::InCookies));
    let revoked = world.desk.revoke(Whom::Tenant(contoso()), "a test").await;
    assert_eq!((revoked.reach, revoked.trouble), (Reach::Process, None));
    assert_eq!(world.desk.revocations().await.entries, [(Source::Running, revoked.revocation)]);
}

#[tokio::test]
async fn the_audit_log_has_every_order_under_the_id_that_was_told() {
    let world = world(Place::Cookies, "full");
    let user = format!("{ADA}@{CONTOSO}");
    let revoked = world.desk.revoke(Whom::User(user.as_str().into()), "lost laptop").await;
    let (id, at) = (revoked.id.to_string(), revoked.revocation.at.unix_seconds());
    let [line] = world.audited().try_into().expect("one line");
    for (key, value) in [
        ("event", "revocation_ordered"),
        ("decision_id", &id),
        ("scope", "user"),
        ("user", &user),
        ("why", "lost laptop"),
        ("reach", "process"),
    ] {
        assert_eq!(line[key], value, "{key} in {line}");
    }
    assert_eq!(line["not_before"], at);
}

#[tokio::test]
async fn a_hashed_audit_log_calls_people_as_it_does_when_they_sign_in() {
    let world = world(Place::Store, "hashed");
    world.sign_in(1, ADA, Some(contoso()), 10).await;
    world.sign_in(2, "cy", None, 20).await;
    let listed = world.desk.list(&Wanted::default(), None).await.expect("the store answers").sessions;
    let names: Vec<_> = listed.into_iter().map(|known| (known.summary.user, known.pseudonym.expect("another name"))).collect();
    let ada = crate::domain::principal::UserId::Directory { tenant: contoso(), object: ADA };
    assert_eq!(names[0].1, world.shared.keys.pseudonym(ada).to_string());
    assert_eq!(world.ids(&Wanted { user: Some(names[0].1.clone()), ..Wanted::default() }).await, [1]);
    for (user, _) in &names {
        world.desk.revoke(Whom::User(Arc::clone(user)), "a test").await;
    }
    // Whose issuer is open is called by a hash of the text, never by the text.
    world.desk.revoke(Whom::User("ada@elsewhere.example".into()), "a test").await;
    let told: Vec<_> = world.audited().iter().map(|line| line["user"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(told[0], names[0].1);
    assert!(told[2].starts_with("text:") && told[2].len() == 37, "{told:?}");
    assert!(told.iter().all(|name| !name.contains('@')), "{told:?}");
}
