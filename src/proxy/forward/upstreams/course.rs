//! The way of one request from member to member, until one answers or nothing more may be tried.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::again::{Again, Failed, MOST_OTHERS, Sent, may_try_again};
use super::balance::{Fitness, Look, choose};
use super::desk::{Desk, UnderWay};
use super::standing::Condition;
use super::{Group, Member};

/// Where a request has been.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Course<'a> {
    desk: &'a Desk,
    group: &'a Group,
    /// By their numbers in the group.
    tried: [Option<usize>; 1 + MOST_OTHERS],
    sent: Sent,
    /// Whether it is the one request that tries a member again.
    is_trial: bool,
    /// How often it has gone to the same member again.
    repeats: usize,
}

/// Where a request is to go now.
#[derive(Debug)]
pub(in crate::proxy::forward) struct Turn {
    pub(in crate::proxy::forward) member: Arc<Member>,
    pub(in crate::proxy::forward) connections: Connections,
    /// To be kept for as long as the request is under way; `None` where nobody counts.
    pub(in crate::proxy::forward) under_way: Option<UnderWay>,
}

/// On which connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy::forward) enum Connections {
    /// The first that is to be had.
    Any,
    /// A new one: an old one has just failed.
    New,
}

impl<'a> Course<'a> {
    /// The beginning of a request's way, and where that is.
    pub(in crate::proxy::forward) fn begin(desk: &'a Desk, group: &'a Group) -> (Self, Turn) {
        let mut course = Self { desk, group, tried: [None; 1 + MOST_OTHERS], sent: Sent::Never, repeats: 0, is_trial: false };
        let first = course.next().unwrap_or(0);
        course.tried[0] = Some(first);
        let turn = course.turn(first, Connections::Any);
        (course, turn)
    }

    /// Where to go after a failure; `None`: nowhere. Whoever is at fault is avoided for a while.
    pub(in crate::proxy::forward) fn after(&mut self, failed: Failed, why: &dyn fmt::Display) -> Option<Turn> {
        let again = may_try_again(failed, self.sent);
        if matches!(failed, Failed::Unheard(_)) {
            self.sent = Sent::Once;
        }
        let here = self.tried.iter().flatten().last().copied();
        if let Some(here) = here.filter(|_| failed.is_its_fault() && self.group.members.len() > 1) {
            if self.is_trial {
                self.group.members[here].failed_again();
            } else {
                self.group.members[here].failed(why);
            }
        }
        let place = self.tried.iter().position(Option::is_none);
        match again {
            Again::Never => None,
            Again::Elsewhere | Again::ElsewhereOrHere => match place.and_then(|place| Some((place, self.next()?))) {
                Some((place, elsewhere)) => {
                    self.tried[place] = Some(elsewhere);
                    Some(self.turn(elsewhere, Connections::Any))
                }
                None if again == Again::ElsewhereOrHere && self.repeats < MOST_OTHERS => {
                    self.repeats += 1;
                    here.map(|here| self.turn(here, Connections::New))
                }
                None => None,
            },
        }
    }

    fn turn(&self, at: usize, connections: Connections) -> Turn {
        let member = &self.group.members[at];
        Turn { member: Arc::clone(member), connections, under_way: self.desk.begin(self.group, member) }
    }

    fn next(&mut self) -> Option<usize> {
        let (members, tried) = (&self.group.members, self.tried);
        let is_new = |at: usize| !tried.contains(&Some(at));
        if members.len() == 1 {
            return is_new(0).then_some(0);
        }
        let now = Instant::now();
        // Whoever is due gets the one request by which it can show that it works.
        let due = (0..members.len()).find(|at| is_new(*at) && members[*at].standing.condition(now) == Condition::Due);
        let trial = due.filter(|at| members[*at].standing.may_try(now));
        self.is_trial = trial.is_some();
        if trial.is_some() {
            return trial;
        }
        choose(members.len(), |at| is_new(at).then(|| self.look(&members[at], now)), &self.desk.chance)
    }

    fn look(&self, member: &Arc<Member>, now: Instant) -> Look {
        let fitness = match member.standing.condition(now) {
            Condition::Well if member.bound.as_ref().is_some_and(super::limit::Bound::is_full) => Fitness::Full,
            Condition::Well => Fitness::Well,
            // Somebody else was faster to try.
            Condition::Avoided | Condition::Due => Fitness::Avoided,
            Condition::Unwell => Fitness::Unwell,
        };
        Look { fitness, load: self.desk.load(member) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::super::again::Connection;
    use super::super::tests::group;
    use super::*;

    const TEST: &str = "a test";

    fn name(turn: &Turn) -> String {
        turn.member.upstream().to_string()
    }

    #[test]
    fn every_member_is_tried_once_and_no_more_than_three_others() {
        for (members, tries) in [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (9, 4)] {
            let urls: Vec<_> = (0..members).map(|number| format!("http://app-{number}")).collect();
            let group = group(&urls, None);
            let desk = Desk::new(7);
            let (mut course, turn) = Course::begin(&desk, &group);
            let mut seen = vec![name(&turn)];
            while let Some(turn) = course.after(Failed::NotConnected, &TEST) {
                assert_eq!(turn.connections, Connections::Any);
                seen.push(name(&turn));
            }
            assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (tries, tries), "{members} members: {seen:?}");
        }
    }

    #[test]
    fn after_an_old_connection_the_only_member_gets_a_new_one() {
        let (desk, group) = (Desk::new(7), group(&["http://app"], None));
        let (mut course, _) = Course::begin(&desk, &group);
        let again = course.after(Failed::Unsent(Connection::Old), &TEST).expect("once more");
        assert_eq!((name(&again).as_str(), again.connections), ("http://app", Connections::New));
        assert!(course.after(Failed::Unsent(Connection::New), &TEST).is_none(), "a new one that fails is no accident");
    }

    #[test]
    fn among_several_an_old_connection_that_fails_leads_elsewhere() {
        let (desk, group) = (Desk::new(7), group(&["http://a", "http://b"], None));
        let (mut course, first) = Course::begin(&desk, &group);
        let second = course.after(Failed::Unheard(Connection::Old), &TEST).expect("elsewhere");
        assert!(name(&first) != name(&second) && second.connections == Connections::Any);
        assert!(course.after(Failed::Unheard(Connection::New), &TEST).is_none(), "twice is as often as anything is sent");
    }

    #[tokio::test(start_paused = true)]
    async fn who_failed_gets_nothing_until_it_is_due_and_then_one_request() {
        let (desk, group) = (Desk::new(7), group(&["http://a", "http://b", "http://c"], None));
        let count = |times: usize| (0..times).filter(|_| name(&Course::begin(&desk, &group).1) == "http://b").count();
        assert!(count(300) > 50);
        group.members[1].failed(&TEST);
        tokio::time::advance(Duration::from_millis(999)).await;
        assert_eq!(count(300), 0);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(count(300), 1, "one tries");
        group.members[1].worked();
        assert!(count(300) > 50, "it is back");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_in_time_gets_nothing_for_a_while() {
        for (failed, is_avoided) in [(Failed::Late, true), (Failed::BrokeOff(Connection::Old), false), (Failed::ForGood, false)] {
            let (desk, group) = (Desk::new(7), group(&["http://a", "http://b", "http://c"], None));
            let (mut course, turn) = Course::begin(&desk, &group);
            let here = name(&turn);
            assert!(course.after(failed, &TEST).is_none(), "it may have been carried out");
            drop(turn);
            let times = (0..300).filter(|_| name(&Course::begin(&desk, &group).1) == here).count();
            assert_eq!(times == 0, is_avoided, "{failed:?}: {times} times");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_comes_to_nothing_is_followed_by_another_after_the_same_pause() {
        let (desk, group) = (Desk::new(7), group(&["http://a", "http://b", "http://c"], None));
        let count = || (0..100).filter(|_| name(&Course::begin(&desk, &group).1) == "http://b").count();
        group.members[1].failed(&TEST);
        // Its client gives up before it is known what becomes of it, once without a word and once with one.
        for failed in [None, Some(Failed::ForGood)] {
            tokio::time::advance(Duration::from_secs(1)).await;
            let (mut course, trial) = Course::begin(&desk, &group);
            assert_eq!(name(&trial), "http://b");
            assert_eq!(count(), 0, "one at a time");
            assert!(failed.and_then(|failed| course.after(failed, &TEST)).is_none());
            drop((course, trial));
            tokio::time::advance(Duration::from_millis(999)).await;
            assert_eq!(count(), 0);
            tokio::time::advance(Duration::from_millis(1)).await;
            assert_eq!(count(), 1, "{failed:?}: it is not shut out, and not for longer than before");
        }
        // Counterpart: one that fails.
        tokio::time::advance(Duration::from_secs(1)).await;
        let (mut course, trial) = Course::begin(&desk, &group);
        assert_eq!(name(&trial), "http://b");
        course.after(Failed::NotConnected, &TEST).expect("elsewhere");
        for expected in [0, 1] {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert_eq!(count(), expected);
        }
    }

    #[test]
    fn if_all_have_failed_all_are_tried() {
        let (desk, group) = (Desk::new(7), group(&["http://a", "http://b"], None));
        group.members.iter().for_each(|member| member.failed(&TEST));
        let (mut course, first) = Course::begin(&desk, &group);
        let second = course.after(Failed::NotConnected, &TEST).expect("the other one");
        assert_ne!(name(&first), name(&second));
        assert!(course.after(Failed::NotConnected, &TEST).is_none());
    }
}
