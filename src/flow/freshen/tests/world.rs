//! One process, the clock that it goes by, and around it a provider and a store.

mod provider;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
use crate::protocol::seal::KeyRing;
use crate::protocol::secret::Secret;
use crate::protocol::session_cookie::Carried;
use crate::protocol::session_record::{SessionRecord, Ticket, Tokens};
pub(super) use provider::{FakeProvider, Manner};
pub(super) use store::{FakeStore, Fault};

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

/// How often something gives way to others before it goes on.
#[derive(Default)]
pub(super) struct Slowness(AtomicU64);

impl Slowness {
    pub(super) fn set(&self, times: u64) {
        self.0.store(times, Ordering::SeqCst);
    }

    async fn dawdle(&self) {
        for _ in 0..self.0.load(Ordering::SeqCst) {
            yield_now().await;
        }
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
