//! Who waits may go away at any moment, and so may the process: no refresh token is lost by the one, and no session ends by
//! the other.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, poll};
use tokio::runtime::{Builder, Handle};
use tokio::task::yield_now;

use super::world::{Fault, Keeping, LIFE, World, token};
use crate::flow::keeper::Kept;
use crate::protocol::session_cookie::Carried;

/// A row of numbers that looks random and is the same at every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).expect("small")
    }
}

struct Waiter {
    request: BoxFuture<'static, Option<Kept>>,
    /// After so many polls they go away.
    patience: usize,
}

fn waiter(world: &World, carried: &Carried, patience: usize) -> Waiter {
    let (world, carried) = (world.clone(), carried.clone());
    Waiter { request: async move { world.request(&carried).await }.boxed(), patience }
}

/// Polls them in random order until each has an answer or has gone away. Yields the answers.
async fn drive(mut waiters: Vec<Waiter>, dice: &mut Dice) -> Vec<Option<Kept>> {
    let mut answers = Vec::new();
    while !waiters.is_empty() {
        let at = dice.roll(waiters.len());
        if waiters[at].patience == 0 {
            drop(waiters.swap_remove(at));
            continue;
        }
        waiters[at].patience -= 1;
        if let std::task::Poll::Ready(answer) = poll!(&mut waiters[at].request) {
            answers.push(answer);
            drop(waiters.swap_remove(at));
        }
        // A flight goes on by some steps, or by none.
        for _ in 0..dice.roll(3) {
            yield_now().await;
        }
        // Timers need the runtime to look up from its tasks.
        if dice.roll(8) == 0 {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    }
    answers
}

fn check_provider(world: &World, most: usize, what: &str) {
    let grant = world.provider.grant.lock().expect("no panic while locked");
    assert!(grant.spent.len() <= most, "{what}: more than was due: {:?}", grant.spent);
    let spent: HashSet<_> = grant.spent.iter().collect();
    assert_eq!(spent.len(), grant.spent.len(), "{what}: a token was spent twice: {:?}", grant.spent);
    assert!(grant.good.is_some(), "{what}: the grant is dead");
}

/// How long nothing at all may happen before it is a hang.
const HANG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn whoever_goes_away_at_whichever_moment_no_token_is_lost_or_spent_twice() {
    for keeping in [Keeping::Cookies, Keeping::Store] {
        for patience in 0..24 {
            for seed in 0..6 {
                let what = format!("{keeping:?}, {patience} polls, seed {seed}");
                let run = one_run(keeping, patience, seed, &what);
                tokio::time::timeout(HANG, run).await.unwrap_or_else(|_| panic!("{what}: somebody hangs"));
            }
        }
    }
}

async fn one_run(keeping: Keeping, patience: usize, seed: u64, what: &str) {
    let mut dice = Dice(seed * 1000 + patience as u64);
    let world = World::new(keeping, Handle::current());
    // Another process only where there is something to share.
    let worlds = match keeping {
        Keeping::Cookies => vec![world.clone()],
        Keeping::Store => vec![world.clone(), world.another(Handle::current())],
    };
    let old = world.sign_in().await;
    let mut carried = old.clone();
    for generation in 1..=2 {
        world.pass(LIFE);
        world.provider.slowness.set(dice.roll(4) as u64);
        world.store.slowness.set(dice.roll(3) as u64);
        if dice.roll(3) == 0 {
            world.store.held().faults.extend([Fault::Unknown, Fault::NotDone]);
        }
        let mut waiters = Vec::new();
        for at in 0..2 + dice.roll(4) {
            // One goes away at the moment in question, the others sooner or later or not at all.
            let patience = match at {
                0 => patience,
                _ if dice.roll(2) == 0 => dice.roll(24),
                _ => usize::MAX,
            };
            waiters.push(waiter(&worlds[dice.roll(worlds.len())], &carried, patience));
        }
        for answer in drive(waiters, &mut dice).await {
            assert!(answer.is_some(), "{what}: a session ended");
        }
        for world in &worlds {
            world.settled().await;
        }
        check_provider(&world, generation, what);
        // Whoever comes next, with whatever they carry, has the one token that is good, and it is this generation's.
        for carried in [&old, &carried] {
            let kept = world.request(carried).await.expect("signed in");
            world.settled().await;
            check_provider(&world, generation, what);
            let good = format!("t{generation}");
            assert_eq!(world.provider.good().as_deref(), Some(&*good), "{what}");
            assert_eq!(token(&kept.record), Some(&*good), "{what}");
            if keeping == Keeping::Store {
                assert_eq!(token(&world.stored(carried).expect("a record")), Some(&*good), "{what}");
            }
        }
        // The browser may or may not have got what the answers gave it.
        if dice.roll(2) == 0 {
            carried = world.request(&carried).await.expect("signed in").carried();
        }
    }
}

fn process() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

#[test]
fn a_process_that_dies_at_whichever_moment_ends_no_session() {
    let mut ways = HashSet::new();
    for steps in 0..60 {
        let (world, carried) = {
            let dies = process();
            let world = World::new(Keeping::Store, dies.handle().clone());
            let carried = dies.block_on(async {
                let carried = world.sign_in().await;
                world.pass(LIFE);
                world.provider.slowness.set(2);
                world.store.slowness.set(2);
                let mut request = world.request(&carried).boxed();
                for _ in 0..steps {
                    if poll!(&mut request).is_ready() {
                        break;
                    }
                    yield_now().await;
                }
                drop(request);
                carried
            });
            (world, carried)
        };
        // Its tasks are gone with it, and some time later so is its claim.
        world.store.run_out();
        let next = process();
        let other = world.another(next.handle().clone());
        let kept = next.block_on(async {
            let kept = other.request(&carried).await;
            other.settled().await;
            kept
        });
        let kept = kept.unwrap_or_else(|| panic!("the session ended after {steps} steps"));
        let spent = world.provider.grant.lock().expect("no panic while locked").spent.clone();
        match token(&kept.record) {
            // Its answer was lost, or had not been written: nothing more is asked.
            None => assert_eq!(spent, ["t0", "t0"], "{steps} steps"),
            // It had not asked yet, or had written everything.
            Some(token) => assert_eq!((token, spent.len()), ("t1", 1), "{steps} steps"),
        }
        ways.insert(token(&kept.record).map(str::to_owned));
    }
    assert_eq!(ways.len(), 2, "both ways to die were tried");
}
