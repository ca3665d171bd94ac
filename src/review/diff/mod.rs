//! What a change of the configuration does to people: who gains access and who loses it, where, and which lines say so.
//!
//! No rule is written down here a second time. Two files are compared by sending made-up people with made-up requests
//! through the functions that decide when somebody really comes: [`crate::domain::route::RouteTable::find_among`],
//! [`Route::decide`] and [`Route::judge`]. What is left to this module is to think of every sort of request
//! (`requests`, `paths`) and of every sort of person (`people`, `realms`) that the two files could tell apart, and to put
//! what becomes of them into few words (`crowd`, `words`, `asked`).
//!
//! Somebody has access if their request would be forwarded once they have signed in with any authority that can vouch for
//! them; who is let in without signing in has access, too, and so has whoever a route with `enforce = false` would refuse.
//! Not looked at: other letter cases and path parameters, hosts that nobody can ask for, and what an app does itself.

mod asked;
mod crowd;
mod destinations;
mod gate;
mod json;
mod paths;
mod people;
mod realms;
mod requests;
mod settings;
mod text;
mod words;

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use self::asked::{Among, asked};
use self::crowd::crowds;
use self::gate::{Gate, Refusal, compare};
use self::people::Universe;
use self::realms::Realms;
use self::words::Words;
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::route::{Access, Position, Route, RouteName};
use crate::domain::rules::Rules;
use crate::review::words::lists::listed;

pub use self::asked::Asked;
pub use self::crowd::{Belongings, Crowd, Means, Organisations};
pub use self::json::json;
pub use self::paths::TooManyOverlaps;
pub use self::people::{Belonging, Held, Organisation, Token};
pub use self::text::{Style, text};

/// Everything that two files do differently, in the order of the new file's routes.
#[derive(Debug)]
pub struct Diff {
    /// The old file's name and the new one's.
    pub files: [String; 2],
    /// What changes.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Debug)]
pub struct Change {
    /// For better or worse.
    pub direction: Direction,
    /// Which requests.
    pub asked: Asked,
    /// Who.
    pub who: Who,
    /// Who, or what changes, in words.
    pub phrase: String,
    /// The route in the old file, and the line that refuses or admits; `None`: no route takes these requests there.
    pub old: Option<Place>,
    /// As `old`, in the new file.
    pub new: Option<Place>,
}

/// For better or worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// They get in, and did not before.
    Gain,
    /// They got in, and do not any more.
    Lose,
    /// They get in as before, and something else changes.
    Change,
}

/// Whom a change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// These people.
    Crowd(Crowd),
    /// Everybody, without signing in; but for these people, who keep their access if they sign in.
    Everybody(Vec<Crowd>),
    /// Whoever gets in.
    Whoever,
}

/// Where a file says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The route.
    pub route: RouteName,
    /// The line that decides, in its file.
    pub position: Position,
}

impl Diff {
    /// How many changes have this direction.
    #[must_use]
    pub fn count(&self, direction: Direction) -> usize {
        self.changes.iter().filter(|change| change.direction == direction).count()
    }
}

impl Change {
    /// The route it is told under.
    #[must_use]
    pub fn route(&self) -> Option<&RouteName> {
        self.new.as_ref().or(self.old.as_ref()).map(|place| &place.route)
    }
}

/// Compares what two files decide.
///
/// # Errors
/// [`TooManyOverlaps`]: then nothing can be said, and nothing is.
pub fn diff(old: &Rules, new: &Rules) -> Result<Diff, TooManyOverlaps> {
    let requests = requests::find(old, new)?;
    let mut comparison = Comparison::of(old, new);
    let among = if old.routes.routes().len().max(new.routes.routes().len()) > 1 { Among::Others } else { Among::Alone };
    let mut pairs: Vec<_> = requests.found.iter().collect();
    pairs.sort_by_key(|((old, new), _)| (new.unwrap_or(usize::MAX), *old));
    let mut changes = Vec::new();
    for ((at_old, at_new), reach) in pairs {
        let places = (*at_old, *at_new);
        let [old, new] = comparison.routes(places);
        let asked = asked(&requests, reach, old, new, among);
        changes.extend(comparison.changes(places, &asked));
    }
    Ok(Diff { files: [old, new].map(|rules| rules.file_name.clone()), changes })
}

/// What two gates do differently, whatever their routes are called.
struct Verdict {
    door: Door,
    gain: Vec<(Refusal, Crowd)>,
    lose: Vec<(Refusal, Crowd)>,
}

/// Whether people need to sign in.
enum Door {
    /// Now they need to: what is left to those who do.
    Closed(Vec<Crowd>),
    /// Now they need not.
    Opened,
    Same,
}

/// What the comparison of single routes needs to know.
struct Comparison<'a> {
    rules: [&'a Rules; 2],
    realms: Realms,
    words: Words,
    /// Routes that let the same people in have the same number, which is the place of the first of them; of each file.
    gates: [Vec<usize>; 2],
    /// What was found out, by numbers of gates.
    known: HashMap<(Option<usize>, Option<usize>), Rc<Verdict>>,
}

impl<'a> Comparison<'a> {
    fn of(old: &'a Rules, new: &'a Rules) -> Self {
        let gates = [old, new].map(|rules| {
            let routes = rules.routes.routes();
            let mut first: Vec<usize> = Vec::new();
            let number = |(at, route): (usize, &Route)| {
                first.iter().copied().find(|first| same_gate(&routes[*first], route)).unwrap_or_else(|| {
                    first.push(at);
                    at
                })
            };
            routes.iter().enumerate().map(number).collect()
        });
        Self { rules: [old, new], realms: Realms::of(old, new), words: Words::of(old, new), gates, known: HashMap::new() }
    }

    fn routes(&self, (old, new): requests::Pair) -> [Option<&'a Route>; 2] {
        [(0, old), (1, new)].map(|(file, at)| at.map(|at| &self.rules[file].routes.routes()[at]))
    }

    fn directories(&self) -> [&'a Path; 2] {
        self.rules.map(|rules| Path::new(&rules.file_name).parent().unwrap_or(Path::new("")))
    }

    fn changes(&mut self, places: requests::Pair, asked: &Asked) -> Vec<Change> {
        let routes = self.routes(places);
        let verdict = self.verdict(places);
        let mut changes: Vec<_> = self.at_the_door(&verdict, routes, asked).into_iter().collect();
        for (direction, crowds) in [(Direction::Gain, &verdict.gain), (Direction::Lose, &verdict.lose)] {
            for (refusal, crowd) in crowds {
                let refused = |route: &Route| match refusal {
                    Refusal::NoRoute => route.position,
                    Refusal::Route(reason) => route.decided_at(*reason),
                };
                let [old, new] = placed(direction, routes, refused);
                let (phrase, asked, who) = (self.words.crowd(crowd), asked.clone(), Who::Crowd(crowd.clone()));
                changes.push(Change { direction, asked, who, phrase, old, new });
            }
        }
        if let [Some(before), Some(after)] = routes {
            let [old, new] = placed(Direction::Change, routes, |route| route.position);
            changes.extend(settings::changes(before, after, self.directories()).into_iter().map(|phrase| {
                let (asked, who) = (asked.clone(), Who::Whoever);
                Change { direction: Direction::Change, asked, who, phrase, old: old.clone(), new: new.clone() }
            }));
        }
        changes
    }

    fn at_the_door(&self, verdict: &Verdict, routes: [Option<&Route>; 2], asked: &Asked) -> Option<Change> {
        let (direction, left) = match &verdict.door {
            Door::Same => return None,
            Door::Opened => (Direction::Gain, Vec::new()),
            Door::Closed(left) => (Direction::Lose, left.clone()),
        };
        let phrase = match direction {
            Direction::Gain | Direction::Change => "everybody, without signing in".to_owned(),
            Direction::Lose if left.is_empty() => "everybody".to_owned(),
            Direction::Lose => {
                let left = left.iter().map(|crowd| self.words.crowd(crowd)).collect();
                format!("everybody but {}, who must sign in now", listed(left, "and"))
            }
        };
        let asks = |route: &Route| route.written.auth.map_or(route.position, |written| written.position);
        let [old, new] = placed(direction, routes, asks);
        Some(Change { direction, asked: asked.clone(), who: Who::Everybody(left), phrase, old, new })
    }

    fn verdict(&mut self, (old, new): requests::Pair) -> Rc<Verdict> {
        let gates = (old.map(|at| self.gates[0][at]), new.map(|at| self.gates[1][at]));
        if let Some(known) = self.known.get(&gates) {
            return known.clone();
        }
        let verdict = Rc::new(self.judge(gates));
        self.known.insert(gates, verdict.clone());
        verdict
    }

    fn judge(&self, gates: requests::Pair) -> Verdict {
        let routes = self.routes(gates);
        let mut verdict = Verdict { door: Door::Same, gain: Vec::new(), lose: Vec::new() };
        if let [Some(old), Some(new)] = routes
            && same_gate(old, new)
            && self.same_vouchers(new)
        {
            return verdict;
        }
        let [old, new] = [0, 1].map(|file| routes[file].map(|route| Gate::of(route, &self.realms.vouchers[file])));
        let is_open = |gate: &Option<Gate<'_>>| gate.as_ref().is_some_and(Gate::is_open);
        let universe = Universe::of(&self.realms, routes[0], routes[1]);
        let together = |sorts| crowds(sorts, &self.realms, &universe);
        match (is_open(&old), is_open(&new)) {
            (true, true) => {}
            (false, true) => verdict.door = Door::Opened,
            (true, false) => {
                let outcome = compare(&self.realms, &universe, None, new.as_ref());
                verdict.door = Door::Closed(together(&outcome.let_in));
            }
            (false, false) => {
                let outcome = compare(&self.realms, &universe, old.as_ref(), new.as_ref());
                let told = |(refusal, sorts): (&Refusal, _)| together(sorts).into_iter().map(|crowd| (*refusal, crowd)).collect::<Vec<_>>();
                verdict.gain = outcome.gain.iter().flat_map(told).collect();
                verdict.lose = outcome.lose.iter().flat_map(told).collect();
            }
        }
        verdict
    }

    /// Whether the authorities of a route speak for the same people in both files.
    fn same_vouchers(&self, route: &Route) -> bool {
        let of = |file: usize, name: &AuthorityName| self.realms.vouchers[file].iter().find(|voucher| voucher.name == *name);
        let wanted = route.access.requirements();
        wanted.into_iter().flat_map(|wanted| &wanted.authorities).all(|name| match (of(0, name), of(1, name)) {
            (Some(old), Some(new)) => old.realm == new.realm && old.voice == new.voice,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        })
    }
}

/// The places of a change: in the file that refuses the line that does, in the other one the route.
fn placed(direction: Direction, [old, new]: [Option<&Route>; 2], refused: impl Fn(&Route) -> Position) -> [Option<Place>; 2] {
    let at = |route: &Route, position| Place { route: route.name.clone(), position };
    let refuses = |route: Option<&Route>| route.map(|route| at(route, refused(route)));
    let admits = |route: Option<&Route>| route.map(|route| at(route, route.position));
    match direction {
        Direction::Gain => [refuses(old), admits(new)],
        Direction::Lose => [admits(old), refuses(new)],
        Direction::Change => [admits(old), admits(new)],
    }
}

/// Whether two routes let the same people in, by what they say.
fn same_gate(one: &Route, other: &Route) -> bool {
    let asks = |access: &Access| match access {
        Access::Public | Access::Optional(_) => false,
        Access::Required(_) | Access::Shadowed { .. } => true,
    };
    let leads = |route: &Route| AccountKind::ALL.map(|kind| route.destination.of(Some(kind)).is_some());
    asks(&one.access) == asks(&other.access)
        && (!asks(&one.access) || one.access.requirements() == other.access.requirements())
        && one.bearer == other.bearer
        && leads(one) == leads(other)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
