//! Asking about groups: when, about which, and what becomes of the answers.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::*;
use crate::domain::account::AccountKind;
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::made_up::MadeUp;
use crate::domain::session::{Lifetimes, Session};
use crate::flow::freshen::Flights;
use crate::flow::keeper::{Copy, Place};
use crate::flow::ports::{Entropy, Provider, ProviderUnavailable};
use crate::protocol::authorize::ResponseMode;
use crate::protocol::keys::KeySet;
use crate::protocol::metadata::Metadata;
use crate::protocol::seal::KeyRing;
use crate::protocol::session_record::{SessionRecord, Tokens};
use crate::protocol::token::{CodeGrant, RedeemError, RefreshedTokens, TokenResponse};

const G1: &str = "7d0e0000-0000-4000-8000-0000000000f1";
const G2: &str = "7d0e0000-0000-4000-8000-0000000000f2";

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|&name| name.into()).collect()
}

fn asked(about: &[&str], member_of: &[&str]) -> Groups {
    Groups::Asked { about: names(about), member_of: names(member_of) }
}

/// An authority that knows its answers beforehand, and what it was asked.
struct Scripted {
    answers: Mutex<VecDeque<Result<Vec<Arc<str>>, GroupsFailed>>>,
    questions: Mutex<Vec<Vec<Arc<str>>>>,
    refreshes: AtomicU64,
    /// An answer takes one.
    gate: Semaphore,
}

#[async_trait]
impl Provider for Scripted {
    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderUnavailable> {
        Err(ProviderUnavailable("not asked here".into()))
    }

    async fn keys(&self) -> Result<Arc<KeySet>, ProviderUnavailable> {
        Err(ProviderUnavailable("not asked here".into()))
    }

    async fn newer_keys(&self, _known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        None
    }

    async fn redeem(&self, _grant: CodeGrant<'_>) -> Result<TokenResponse, RedeemError> {
        Err(RedeemError::Unavailable("not asked here".into()))
    }

    async fn refresh(&self, spent: &Secret<String>) -> Result<RefreshedTokens, RedeemError> {
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        match &**spent.expose() {
            "good" => Ok(RefreshedTokens { access_token: Some(token()), ..RefreshedTokens::default() }),
            _ => Err(RedeemError::GrantRefused("invalid_grant".into())),
        }
    }

    async fn member_of(&self, access_token: &Secret<String>, groups: &[Arc<str>]) -> Result<Vec<Arc<str>>, GroupsFailed> {
        assert_eq!(access_token.expose(), "the-access-token");
        self.questions.lock().expect("no panic while locked").push(groups.to_vec());
        self.gate.acquire().await.expect("never closed").forget();
        self.answers.lock().expect("no panic while locked").pop_front().unwrap_or(Err(GroupsFailed::NoGraph))
    }
}

#[derive(Default)]
struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_800_000_000 + self.0.load(Ordering::SeqCst))
    }
}

impl Entropy for Hands {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

struct World {
    provider: Arc<Scripted>,
    authority: Arc<Authority>,
    clock: Arc<Hands>,
    questions: Arc<OpenQuestions>,
    keeper: Keeper,
}

impl World {
    fn new(answers: impl IntoIterator<Item = Result<Vec<Arc<str>>, GroupsFailed>>) -> Self {
        let answers: VecDeque<_> = answers.into_iter().collect();
        let provider = Arc::new(Scripted {
            gate: Semaphore::new(1000),
            answers: Mutex::new(answers),
            questions: Mutex::default(),
            refreshes: AtomicU64::new(0),
        });
        let authority = Authority {
            name: AuthorityName::work(),
            kind: AccountKind::Work,
            issuer: ExpectedIssuer::parse("https://login.microsoftonline.com/organizations/v2.0").expect("an issuer"),
            client_id: "app".into(),
            scopes: vec![],
            response_mode: ResponseMode::Query,
            extra_params: vec![],
            provider: Arc::clone(&provider) as Arc<dyn Provider>,
        };
        let clock = Arc::new(Hands::default());
        let questions = Arc::new(OpenQuestions::new(names(&[G1, G2]).into(), Arc::clone(&clock) as Arc<dyn Clock>));
        let keeper = Keeper {
            store: None,
            revocations: Arc::default(),
            decreed: Arc::default(),
            attendance: Arc::default(),
            flights: Arc::new(Flights::new(tokio::runtime::Handle::current())),
            questions: Arc::clone(&questions),
            lifetimes: Lifetimes { idle: Duration::from_secs(3600), max: Duration::from_secs(28_800) },
            keys: Arc::new(KeyRing::new(vec![Secret::new([1; 32])]).expect("a key")),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::clone(&clock) as Arc<dyn Entropy>,
        };
        Self { provider, authority: Arc::new(authority), clock, questions, keeper }
    }

    fn pass(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn asked(&self) -> Vec<Vec<Arc<str>>> {
        self.provider.questions.lock().expect("no panic while locked").clone()
    }

    /// A session of which nothing was asked but this, and with this refresh token.
    fn known(&self, about: &[&str], refresh_token: Option<&str>) -> Kept {
        let mut kept = self.open(9);
        let since = refresh_token.map(|_| self.clock.now());
        Arc::make_mut(&mut kept.record).session.principal.groups = asked(about, about);
        let refresh_token = refresh_token.map(|token| Secret::new(token.into()));
        Arc::make_mut(&mut kept.record).tokens =
            Tokens { refresh_token, fresh_since: since, fresh_until: since.map(|since| since + REMEMBERED), ..Tokens::default() };
        kept
    }

    fn refreshes(&self) -> u64 {
        self.provider.refreshes.load(Ordering::SeqCst)
    }

    /// A configuration that names these groups.
    fn reload(&mut self, named: &[&str]) {
        self.questions = Arc::new(OpenQuestions::new(names(named).into(), Arc::clone(&self.clock) as Arc<dyn Clock>));
        self.keeper.questions = Arc::clone(&self.questions);
    }

    async fn ask_anew(&self, kept: &Kept) -> Known {
        self.questions.ask_again(&self.keeper, &self.authority, kept).await
    }

    async fn ask_again(&self, kept: &Kept) -> Option<Kept> {
        match self.questions.ask_again(&self.keeper, &self.authority, kept).await {
            Known::Anew(kept) => Some(kept),
            Known::Still => None,
            other @ (Known::Ended | Known::OnlyAtSignIn) => panic!("{other:?}"),
        }
    }

    /// A session of which nothing was learnt yet.
    fn open(&self, number: u8) -> Kept {
        let at = self.clock.now();
        let session = Session {
            id: SessionId([number; 16]),
            principal: somebody(Groups::NOT_ASKED),
            signed_in_at: at,
            last_seen: at,
            sign_out_hint: None,
            provider_session: None,
        };
        let tokens = Tokens { access_token: Some(token()), ..Tokens::default() };
        Kept { record: Arc::new(SessionRecord { session, tokens }), place: Place::Cookie, copy: Copy::UpToDate }
    }
}

fn token() -> Secret<String> {
    Secret::new("the-access-token".into())
}

fn somebody(groups: Groups) -> Principal {
    MadeUp { groups, ..MadeUp::of(AccountKind::Work) }.principal(AuthorityName::work())
}

fn down(seconds: u64) -> GroupsFailed {
    GroupsFailed::Unavailable { ask_again: Duration::from_secs(seconds), why: "status 503".into() }
}

#[tokio::test]
async fn what_is_learnt_depends_on_what_the_token_said_and_the_authority_answers() {
    let listed = || Groups::Listed(names(&[G2]));
    let postponed = Completion::Postponed(Duration::from_secs(9));
    for (before, answer, after, completion) in [
        (Groups::Overage, Ok(names(&[G1])), asked(&[G1, G2], &[G1]), Completion::Done),
        (Groups::Overage, Ok(vec![]), asked(&[G1, G2], &[]), Completion::Done),
        (Groups::Overage, Err(GroupsFailed::NoGraph), Groups::Overage, Completion::Done),
        (Groups::Overage, Err(GroupsFailed::NotPermitted), Groups::Overage, Completion::Done),
        (Groups::Overage, Err(GroupsFailed::TokenRefused), Groups::Overage, Completion::Done),
        (Groups::Overage, Err(GroupsFailed::Unusable(400)), Groups::Overage, Completion::Done),
        (Groups::Overage, Err(down(9)), Groups::NOT_ASKED, postponed),
        (Groups::NOT_ASKED, Ok(names(&[G2])), asked(&[G1, G2], &[G2]), Completion::Done),
        (Groups::NOT_ASKED, Err(down(9)), Groups::NOT_ASKED, postponed),
        (asked(&[G1], &[G1]), Err(down(9)), asked(&[G1], &[G1]), postponed),
        // A token that was kept has grown old; that another could not ask either is not said.
        (Groups::NOT_ASKED, Err(GroupsFailed::TokenRefused), Groups::NOT_ASKED, Completion::Done),
        (Groups::NOT_ASKED, Err(GroupsFailed::NotPermitted), Groups::Overage, Completion::Done),
        (listed(), Ok(names(&[G1])), listed(), Completion::Done),
    ] {
        let world = World::new([answer.clone()]);
        let mut who = somebody(before.clone());
        let completed = complete(&world.authority, &mut who, Some(&token()), &names(&[G1, "staff", G2])).await;
        assert_eq!((&who.groups, completed), (&after, completion), "{before:?} {answer:?}");
        let expected = if before == listed() { vec![] } else { vec![names(&[G1, G2])] };
        assert_eq!(world.asked(), expected, "names that are no object ids are not asked about");
    }
}

#[tokio::test]
async fn without_an_access_token_nobody_is_asked() {
    let world = World::new([Ok(names(&[G1]))]);
    let mut who = somebody(Groups::Overage);
    assert_eq!(complete(&world.authority, &mut who, None, &names(&[G1])).await, Completion::Done);
    assert_eq!((who.groups, world.asked().len()), (Groups::Overage, 0));
}

#[tokio::test]
async fn no_more_groups_are_asked_about_than_the_bound() {
    let world = World::new([Ok(vec![])]);
    let named: Vec<Arc<str>> = (0..250).map(|number| format!("7d0e0000-0000-4000-8000-{number:012x}").into()).collect();
    let mut who = somebody(Groups::Overage);
    assert_eq!(complete(&world.authority, &mut who, Some(&token()), &named).await, Completion::Done);
    assert_eq!(world.asked(), [named[..graph::MOST_GROUPS].to_vec()]);
    assert!(who.groups.tell_of(&named[199]) && !who.groups.tell_of(&named[200]));
}

#[test]
fn the_access_token_is_kept_only_where_a_question_is_open() {
    assert!(Completion::Done.still_needs(Some(token())).is_none());
    assert!(Completion::Postponed(Duration::ZERO).still_needs(Some(token())).is_some());
}

#[tokio::test]
async fn an_answer_is_kept_and_the_access_token_goes() {
    let world = World::new([Ok(names(&[G1]))]);
    let kept = world.ask_again(&world.open(1)).await.expect("an answer");
    assert_eq!(kept.session().principal.groups, asked(&[G1, G2], &[G1]));
    assert!(kept.record.tokens.access_token.is_none());
    assert_eq!(kept.copy, Copy::Outdated, "the browser is given it");
    assert!(world.ask_again(&kept).await.is_none(), "nothing is open any more");
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn nobody_asks_again_before_its_time() {
    let world = World::new([Err(down(17)), Err(down(5)), Ok(names(&[G1]))]);
    let open = world.open(1);
    world.questions.postpone(open.session().id, Duration::from_secs(5));
    for (pass, is_answered, questions) in
        [(0, false, 0), (4, false, 0), (1, false, 1), (16, false, 1), (1, false, 2), (4, false, 2), (1, true, 3)]
    {
        world.pass(pass);
        assert_eq!((world.ask_again(&open).await.is_some(), world.asked().len()), (is_answered, questions), "{pass}");
    }
    // Another request that came with the old cookie.
    world.pass(59);
    assert!(world.ask_again(&open).await.is_some());
    assert_eq!(world.asked().len(), 3);
    world.pass(1);
    assert!(world.ask_again(&open).await.is_some());
    assert_eq!(world.asked().len(), 4);
}

#[tokio::test]
async fn sessions_do_not_wait_for_each_others_time() {
    let world = World::new([Err(down(300)), Ok(names(&[G1]))]);
    assert!(world.ask_again(&world.open(1)).await.is_none());
    assert!(world.ask_again(&world.open(2)).await.is_some());
    assert!(world.ask_again(&world.open(1)).await.is_none());
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test]
async fn of_many_requests_at_once_one_asks_and_all_share_the_answer() {
    for (answer, is_answered) in [(Ok(names(&[G2])), true), (Err(down(5)), false)] {
        let world = World::new([answer]);
        let open = world.open(1);
        let answers = join_all((0..20).map(|_| world.ask_again(&open))).await;
        assert!(answers.iter().all(|answer| answer.is_some() == is_answered));
        assert_eq!(world.asked().len(), 1);
    }
}

#[tokio::test]
async fn whoever_goes_away_while_it_is_asked_loses_nobody_the_answer() {
    let world = World::new([Ok(names(&[G1]))]);
    world.provider.gate.forget_permits(1000);
    let open = world.open(1);
    {
        let gone = world.ask_again(&open);
        let mut gone = std::pin::pin!(gone);
        while world.asked().is_empty() {
            assert!(futures_util::poll!(&mut gone).is_pending());
            tokio::task::yield_now().await;
        }
    }
    world.provider.gate.add_permits(1);
    let kept = world.ask_again(&open).await.expect("the answer to the first one's question");
    assert_eq!(kept.session().principal.groups, asked(&[G1, G2], &[G1]));
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn what_can_never_be_told_is_not_asked_again() {
    for (answer, groups) in [(GroupsFailed::NotPermitted, Groups::Overage), (GroupsFailed::TokenRefused, Groups::NOT_ASKED)] {
        let world = World::new([Err(answer)]);
        let kept = world.ask_again(&world.open(1)).await.expect("an end");
        assert_eq!(kept.session().principal.groups, groups);
        assert!(kept.record.tokens.access_token.is_none());
    }
}

#[tokio::test]
async fn a_session_is_refreshed_to_ask_about_what_routes_name_since() {
    let mut world = World::new([Ok(names(&[G2])), Err(GroupsFailed::TokenRefused), Err(GroupsFailed::TokenRefused)]);
    let before = world.known(&[G1], Some("good"));
    world.pass(5);
    world.reload(&[G1, G2]);
    let all = join_all((0..20).map(|_| world.ask_anew(&before))).await;
    for known in all {
        let Known::Anew(kept) = known else { panic!("{known:?}") };
        assert_eq!(kept.session().principal.groups, asked(&[G1, G2], &[G2]));
        assert!(matches!(world.ask_anew(&kept).await, Known::Still), "there is nothing left to ask");
    }
    assert_eq!((world.asked().len(), world.refreshes()), (1, 1));
}

#[tokio::test]
async fn a_refresh_that_tells_no_more_is_not_repeated_at_once() {
    let mut world = World::new([Err(GroupsFailed::TokenRefused), Err(GroupsFailed::TokenRefused)]);
    let before = world.known(&[G1], Some("good"));
    world.pass(5);
    world.reload(&[G1, G2]);
    world.pass(1);
    let Known::Anew(kept) = world.ask_anew(&before).await else { panic!("refreshed") };
    assert_eq!(kept.session().principal.groups, asked(&[G1], &[G1]));
    for (pass, refreshes) in [(0, 1), (1, 1), (58, 1), (1, 2)] {
        world.pass(pass);
        let known = world.ask_anew(&kept).await;
        assert_eq!((world.refreshes(), matches!(known, Known::Still)), (refreshes, refreshes == 1), "{known:?}");
    }
}

#[tokio::test]
async fn a_refusal_to_refresh_for_the_groups_ends_the_session() {
    let mut world = World::new([]);
    let before = world.known(&[G1], Some("bad"));
    world.pass(5);
    world.reload(&[G1, G2]);
    assert!(matches!(world.ask_anew(&before).await, Known::Ended));
}

#[tokio::test]
async fn without_a_refresh_token_a_new_sign_in_asks_and_nobody_goes_round_in_circles() {
    let mut world = World::new([]);
    let before = world.known(&[G1], None);
    world.pass(5);
    world.reload(&[G1, "staff"]);
    assert!(matches!(world.ask_anew(&before).await, Known::Still), "nobody is asked about names");
    world.reload(&[G1, G2]);
    assert!(matches!(world.ask_anew(&before).await, Known::OnlyAtSignIn));
    world.pass(1);
    let signed_in_since = world.known(&[G1], None);
    for (pass, is_worth_it) in [(0, false), (59, false), (1, true)] {
        world.pass(pass);
        let known = world.ask_anew(&signed_in_since).await;
        assert_eq!(matches!(known, Known::OnlyAtSignIn), is_worth_it, "{known:?}");
    }
}
