//! A provider whose refresh tokens are good for one time, a store that can be made to fail, and a clock that stands still.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::runtime::Handle as Runtime;
use tokio::task::yield_now;

use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::principal::{Groups, Principal};
use crate::domain::session::{Lifetimes, Session, SessionId};
use crate::domain::time::Timestamp;
use crate::flow::authority::Authority;
use crate::flow::freshen::{Flights, Freshened, Pace};
use crate::flow::groups::OpenQuestions;
use crate::flow::keeper::{Keeper, Kept, Opened, Place};
use crate::flow::ports::*;
use crate::protocol::authorize::ResponseMode;
use crate::protocol::jwt::forge::{P256, key_set, patched};
use crate::protocol::keys::KeySet;
use crate::protocol::metadata::Metadata;
use crate::protocol::seal::KeyRing;
use crate::protocol::secret::Secret;
use crate::protocol::session_cookie::Carried;
use crate::protocol::session_record::{Handle, SessionRecord, Ticket, Tokens};
use crate::protocol::token::{CodeGrant, HomeTenant, RedeemError, RefreshedTokens, TokenResponse};

pub(in crate::flow::freshen) const SIGNED_IN: u64 = 1_800_000_000;
pub(in crate::flow::freshen) const LIFE: u64 = 600;

/// A session whose claims hold for this long.
pub(in crate::flow::freshen) fn record(token: &str, since: Timestamp, until: Timestamp) -> SessionRecord {
    let principal = Principal {
        authority: AuthorityName::work(),
        issuer: "https://op.example".into(),
        subject: "ada".into(),
        tenant: None,
        object: None,
        kind: AccountKind::Work,
        membership: Membership::Member,
        home: Home::ThisTenant,
        name: None,
        preferred_username: None,
        verified_email: None,
        groups: Groups::Listed(vec!["before".into()]),
        roles: vec![],
    };
    let session =
        Session { id: SessionId([7; 16]), principal, signed_in_at: since, last_seen: since, sign_out_hint: None, provider_session: None };
    let tokens =
        Tokens { refresh_token: Some(Secret::new(token.into())), fresh_since: Some(since), fresh_until: Some(until), ..Tokens::default() };
    SessionRecord { session, tokens }
}

pub(in crate::flow::freshen) fn token(record: &SessionRecord) -> Option<&str> {
    record.tokens.refresh_token.as_ref().map(|token| token.expose().as_str())
}

pub(in crate::flow::freshen) fn groups(record: &SessionRecord) -> Vec<&str> {
    match &record.session.principal.groups {
        Groups::Listed(groups) => groups.iter().map(|group| &**group).collect(),
        Groups::Asked { .. } | Groups::Overage => vec!["overage"],
    }
}

/// A clock that goes when it is told to.
pub(super) struct Clockwork(AtomicU64);

impl Clock for Clockwork {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// Differs at every call.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        buffer.iter_mut().zip(count.iter().cycle()).for_each(|(byte, count)| *byte = *count);
    }
}

/// What a provider does with a refresh token.
#[derive(Debug, Clone)]
pub(super) enum Manner {
    /// Rotates it, and puts these claims into the ID token.
    Rotates(Value),
    /// Rotates it, and sends no ID token.
    SaysNothing,
    /// Rotates it, and then the connection breaks.
    Breaks,
    /// Rotates it, and answers with what cannot be read.
    Mumbles,
    /// Rotates it, and hides the home tenant.
    HidesHome,
    /// Does not listen.
    Down,
    /// `invalid_client`
    RefusesClient,
    /// `interaction_required`
    WantsPerson,
}

/// A provider with reuse detection: a token that comes twice ends the grant.
pub(super) struct FakeProvider {
    metadata: Arc<Metadata>,
    keys: Arc<KeySet>,
    pub(super) grant: Mutex<Grant>,
    /// How often a refresh gives way to others before and after the token is taken.
    pub(super) slowness: AtomicU64,
}

pub(super) struct Grant {
    pub(super) manner: Manner,
    /// The one that is good; `None`: the grant is dead.
    pub(super) good: Option<String>,
    pub(super) spent: Vec<String>,
    pub(super) asked: usize,
    clock: Arc<Clockwork>,
}

impl FakeProvider {
    fn new(clock: Arc<Clockwork>) -> Self {
        let document = json!({
            "issuer": "https://op.example",
            "authorization_endpoint": "https://op.example/authorize",
            "token_endpoint": "https://op.example/token",
            "jwks_uri": "https://op.example/keys",
        });
        let expected = ExpectedIssuer::parse("https://op.example").expect("an issuer");
        Self {
            metadata: Arc::new(Metadata::read(document.to_string().as_bytes(), &expected).expect("metadata")),
            keys: Arc::new(key_set(&[P256.jwk()])),
            grant: Mutex::new(Grant { manner: Manner::SaysNothing, good: Some("t0".into()), spent: vec![], asked: 0, clock }),
            slowness: AtomicU64::new(0),
        }
    }

    pub(super) fn set(&self, manner: Manner) {
        self.grant.lock().expect("no panic while locked").manner = manner;
    }

    pub(super) fn revoke(&self) {
        self.grant.lock().expect("no panic while locked").good = None;
    }

    /// The first token is good again, as if nothing had been spent.
    pub(super) fn restore(&self) {
        self.grant.lock().expect("no panic while locked").good = Some("t0".into());
    }

    pub(super) fn asked(&self) -> usize {
        self.grant.lock().expect("no panic while locked").asked
    }

    pub(super) fn good(&self) -> Option<String> {
        self.grant.lock().expect("no panic while locked").good.clone()
    }

    async fn dawdle(&self) {
        for _ in 0..self.slowness.load(Ordering::SeqCst) {
            yield_now().await;
        }
    }
}

impl Grant {
    fn spend(&mut self, token: &str) -> Result<RefreshedTokens, RedeemError> {
        self.asked += 1;
        match &self.manner {
            Manner::Down => return Err(RedeemError::Unavailable("down".into())),
            Manner::RefusesClient => return Err(RedeemError::ClientRefused("invalid_client".into())),
            Manner::WantsPerson => return Err(RedeemError::Provider("interaction_required".into())),
            Manner::Rotates(_) | Manner::SaysNothing | Manner::Breaks | Manner::Mumbles | Manner::HidesHome => {}
        }
        self.spent.push(token.to_owned());
        if self.good.as_deref() != Some(token) {
            self.good = None;
            return Err(RedeemError::GrantRefused("invalid_grant".into()));
        }
        let next = format!("t{}", self.spent.len());
        self.good = Some(next.clone());
        let id_token = match &self.manner {
            Manner::Breaks => return Err(RedeemError::Unanswered("broken".into())),
            Manner::Mumbles => return Err(RedeemError::Unreadable("not JSON".into())),
            Manner::Rotates(claims) => Some(Secret::new(self.id_token(claims))),
            Manner::HidesHome => Some(Secret::new(self.id_token(&json!({})))),
            Manner::SaysNothing | Manner::Down | Manner::RefusesClient | Manner::WantsPerson => None,
        };
        Ok(RefreshedTokens {
            id_token,
            access_token: Some(Secret::new("access".into())),
            refresh_token: Some(Secret::new(next)),
            expires_in: Some(Duration::from_secs(LIFE)),
            home_tenant: if matches!(self.manner, Manner::HidesHome) { HomeTenant::Unreadable } else { HomeTenant::Untold },
        })
    }

    fn id_token(&self, claims: &Value) -> String {
        let now = self.clock.now().unix_seconds();
        let usual = json!({ "iss": "https://op.example", "aud": "app", "sub": "ada", "iat": now, "exp": now + LIFE, "groups": ["after"] });
        P256.token("ES256", &patched(usual, claims))
    }
}

#[async_trait]
impl Provider for FakeProvider {
    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderUnavailable> {
        Ok(Arc::clone(&self.metadata))
    }

    async fn keys(&self) -> Result<Arc<KeySet>, ProviderUnavailable> {
        Ok(Arc::clone(&self.keys))
    }

    async fn newer_keys(&self, _known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        None
    }

    async fn redeem(&self, _grant: CodeGrant<'_>) -> Result<TokenResponse, RedeemError> {
        Err(RedeemError::Unavailable("nobody signs in here".into()))
    }

    async fn refresh(&self, token: &Secret<String>) -> Result<RefreshedTokens, RedeemError> {
        self.dawdle().await;
        let answer = self.grant.lock().expect("no panic while locked").spend(token.expose());
        self.dawdle().await;
        answer
    }
}

/// How a store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Before it does anything.
    NotDone,
    /// After it has done it.
    Unknown,
}

/// A store in memory.
#[derive(Default)]
pub(super) struct FakeStore {
    pub(super) held: Mutex<Held>,
    /// How often each answer gives way to others first.
    pub(super) slowness: AtomicU64,
}

#[derive(Default)]
pub(super) struct Held {
    records: HashMap<Handle, Stored>,
    /// Who claims, and whether the lease has run out.
    claims: HashMap<Handle, (Holder, Lease)>,
    /// How the next writes (settle, remove) end.
    pub(super) faults: VecDeque<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    Holds,
    RanOut,
}

impl FakeStore {
    pub(super) fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().expect("no panic while locked")
    }

    /// Time passes for whoever claims and says nothing more.
    pub(super) fn run_out(&self) {
        self.held().claims.values_mut().for_each(|(_, lease)| *lease = Lease::RanOut);
    }

    pub(super) fn record(&self, ticket: &Ticket) -> Option<SessionRecord> {
        let sealed = self.held().records.get(&ticket.handle)?.sealed.clone();
        Some(ticket.open(&sealed, &mut Vec::new()).expect("ours"))
    }

    pub(super) fn is_claimed(&self, ticket: &Ticket) -> bool {
        self.held().claims.contains_key(&ticket.handle)
    }

    async fn dawdle(&self) {
        for _ in 0..self.slowness.load(Ordering::SeqCst) {
            yield_now().await;
        }
    }

    async fn write<T>(&self, work: impl FnOnce(&mut Held) -> T) -> Result<T, StoreFailed> {
        self.dawdle().await;
        let mut held = self.held();
        match held.faults.pop_front() {
            None => Ok(work(&mut held)),
            Some(Fault::NotDone) => Err(StoreFailed::NotDone("full".into())),
            Some(Fault::Unknown) => {
                work(&mut held);
                Err(StoreFailed::Unknown("slow".into()))
            }
        }
    }
}

#[async_trait]
impl SessionStore for FakeStore {
    async fn read(&self, handle: Handle) -> Result<Read, StoreFailed> {
        self.dawdle().await;
        Ok(Read { record: self.held().records.get(&handle).cloned(), revocations: 0 })
    }

    async fn insert(&self, handle: Handle, record: &Stored) -> Result<Inserted, StoreFailed> {
        self.held().records.insert(handle, record.clone());
        Ok(Inserted::Done)
    }

    async fn replace(&self, handle: Handle, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        self.dawdle().await;
        let mut held = self.held();
        Ok(match held.records.get_mut(&handle) {
            None => Replaced::Gone,
            Some(there) if there.version != known => Replaced::Outdated,
            Some(there) => {
                *there = record.clone();
                Replaced::Done
            }
        })
    }

    async fn remove(&self, handle: Handle) -> Result<(), StoreFailed> {
        self.write(|held| {
            held.records.remove(&handle);
            held.claims.remove(&handle);
        })
        .await
    }

    async fn claim(&self, handle: Handle, holder: Holder, _lease: Duration) -> Result<Claim, StoreFailed> {
        self.dawdle().await;
        let mut held = self.held();
        if !held.records.contains_key(&handle) {
            return Ok(Claim::Gone);
        }
        let before = match held.claims.get(&handle) {
            Some((_, Lease::Holds)) => return Ok(Claim::Taken),
            Some((_, Lease::RanOut)) => Before::Abandoned,
            None => Before::Settled,
        };
        held.claims.insert(handle, (holder, Lease::Holds));
        Ok(Claim::Ours(before))
    }

    async fn prolong(&self, handle: Handle, holder: Holder, _lease: Duration) -> Result<bool, StoreFailed> {
        Ok(self.held().claims.get(&handle) == Some(&(holder, Lease::Holds)))
    }

    async fn settle(&self, handle: Handle, holder: Holder, known: u64, record: &Stored) -> Result<Replaced, StoreFailed> {
        self.write(|held| {
            let is_ours = held.claims.get(&handle).is_some_and(|(claims, _)| *claims == holder);
            let Some(there) = held.records.get_mut(&handle) else { return Replaced::Gone };
            if !is_ours && there.version != known {
                return Replaced::Outdated;
            }
            *there = record.clone();
            held.claims.remove(&handle);
            Replaced::Done
        })
        .await
    }

    async fn release(&self, handle: Handle, holder: Holder) -> Result<(), StoreFailed> {
        self.dawdle().await;
        let mut held = self.held();
        if held.claims.get(&handle).is_some_and(|(claims, _)| *claims == holder) {
            held.claims.remove(&handle);
        }
        Ok(())
    }

    async fn revoke(&self, _entry: &str, _until: Timestamp) -> Result<u64, StoreFailed> {
        Ok(0)
    }

    async fn revocations(&self, _after: u64) -> Result<(u64, Vec<String>), StoreFailed> {
        Ok((0, vec![]))
    }

    async fn list(&self, _from: Option<Cursor>) -> Result<Listed, StoreFailed> {
        Ok(Listed { records: vec![], next: None })
    }
}

/// One process, and what it shares with others.
#[derive(Clone)]
pub(super) struct World {
    pub(super) keeper: Keeper,
    pub(super) authority: Arc<Authority>,
    pub(super) provider: Arc<FakeProvider>,
    pub(super) store: Arc<FakeStore>,
    clock: Arc<Clockwork>,
}

/// Where sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    Cookies,
    Store,
}

/// Patient enough for a busy machine, and quick where tests wait.
fn pace() -> Pace {
    Pace {
        patience: Duration::from_secs(60),
        look: Duration::from_millis(1),
        others: Duration::from_millis(20),
        first_pause: Duration::from_millis(1),
        ..Pace::default()
    }
}

impl World {
    pub(super) fn new(keeping: Keeping, runtime: Runtime) -> Self {
        let clock = Arc::new(Clockwork(AtomicU64::new(SIGNED_IN)));
        let provider = Arc::new(FakeProvider::new(Arc::clone(&clock)));
        let authority = Authority {
            name: AuthorityName::work(),
            kind: AccountKind::Work,
            issuer: ExpectedIssuer::parse("https://op.example").expect("an issuer"),
            client_id: "app".into(),
            scopes: vec![],
            response_mode: ResponseMode::Query,
            extra_params: vec![],
            provider: Arc::<FakeProvider>::clone(&provider),
        };
        let store = Arc::<FakeStore>::default();
        let keeper = Keeper {
            store: (keeping == Keeping::Store).then(|| Arc::<FakeStore>::clone(&store) as Arc<dyn SessionStore>),
            revocations: Arc::default(),
            decreed: Arc::default(),
            attendance: Arc::default(),
            flights: Arc::new(Flights::with_pace(runtime, pace())),
            questions: Arc::new(OpenQuestions::new([].into(), Arc::<Clockwork>::clone(&clock))),
            lifetimes: Lifetimes { idle: Duration::from_secs(3600), max: Duration::from_secs(8 * 3600) },
            keys: Arc::new(KeyRing::new(vec![Secret::new([1; 32])]).expect("a key")),
            clock: Arc::<Clockwork>::clone(&clock),
            entropy: Arc::new(Counting(AtomicU64::new(1))),
        };
        Self { keeper, authority: Arc::new(authority), provider, store, clock }
    }

    /// Another process that shares the store and the provider.
    pub(super) fn another(&self, runtime: Runtime) -> Self {
        let keeper = Keeper { flights: Arc::new(Flights::with_pace(runtime, pace())), revocations: Arc::default(), ..self.keeper.clone() };
        Self { keeper, ..self.clone() }
    }

    /// Somebody signs in, and this is what their browser carries.
    pub(super) async fn sign_in(&self) -> Carried {
        let now = self.now();
        let kept = self.keeper.begin(record("t0", now, now + Duration::from_secs(LIFE))).await.expect("a store that works");
        kept.carried()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A request that carries this; `None`: its session is over.
    pub(super) async fn request(&self, carried: &Carried) -> Option<Kept> {
        let now = self.now();
        match self.keeper.open(carried.clone(), now).await.expect("a store that can be read") {
            Opened::Ended => None,
            Opened::Live(kept) => match self.keeper.freshen(kept, &self.authority, now).await {
                Freshened::Ended => None,
                Freshened::Live(kept) => Some(kept),
            },
        }
    }

    /// What is under way comes to its end.
    pub(super) async fn settled(&self) {
        self.keeper.flights.landed().await;
    }

    pub(super) fn stored(&self, carried: &Carried) -> Option<SessionRecord> {
        match carried {
            Carried::Whole(_) => None,
            Carried::Ticket(ticket) => self.store.record(ticket),
        }
    }
}

/// The way to the record that a browser carries.
pub(super) fn ticket(kept: &Kept) -> &Ticket {
    match &kept.place {
        Place::Store { ticket, .. } => ticket,
        Place::Cookie => panic!("kept in cookies"),
    }
}
