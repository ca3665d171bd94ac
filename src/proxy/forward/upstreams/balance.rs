//! Which member gets a request: of two by chance among the fittest, the one with fewer requests under way. That comes
//! close to the least loaded of all, and never sends everybody to the same one at once.
//!
//! Nobody is refused by what is written down here: if all members are avoided, they are tried all the same.

use std::cell::Cell;

/// What speaks for a member and against it, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fitness {
    Well,
    /// It has no connection to spare: a request would wait.
    Full,
    Avoided,
    Unwell,
}

/// A member as one request sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) fitness: Fitness,
    /// Requests under way there.
    pub(super) load: u32,
}

/// Chooses among the members of a group, numbered from zero. `look` gives `None` for those that are out of the question;
/// `None`: all are.
pub(super) fn choose(members: usize, look: impl Fn(usize) -> Option<Look>, chance: &Chance) -> Option<usize> {
    let looks = || (0..members).filter_map(|at| look(at).map(|look| (at, look)));
    let best = looks().map(|(_, look)| look.fitness).min()?;
    let fittest = || looks().filter(|(_, look)| look.fitness == best);
    let count = fittest().count();
    let first = chance.below(count);
    // Another one than the first, each as likely.
    let second = (first + 1 + chance.below(count.saturating_sub(1))) % count;
    let mut pair =
        fittest().enumerate().filter(|(number, _)| [first, second].contains(number)).map(|(number, found)| (number != first, found));
    let (_, one) = pair.next()?;
    let Some((_, other)) = pair.next() else { return Some(one.0) };
    match one.1.load.cmp(&other.1.load) {
        std::cmp::Ordering::Less => Some(one.0),
        std::cmp::Ordering::Greater => Some(other.0),
        // Chance, not the order of the file.
        std::cmp::Ordering::Equal => Some(if first < second { one.0 } else { other.0 }),
    }
}

/// Numbers by chance, for nothing that has to be secret: the same seed gives the same ones.
#[derive(Debug)]
pub(super) struct Chance(Cell<u64>);

impl Chance {
    pub(super) const fn seeded(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// A number below `bound`; zero if there is none.
    fn below(&self, bound: usize) -> usize {
        let next = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(next);
        let wide = u128::from(super::super::ids::mix(next)) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(fitness: Fitness, load: u32) -> Option<Look> {
        Some(Look { fitness, load })
    }

    /// How often each member is chosen in ten thousand times.
    fn shares(members: &[Option<Look>]) -> Vec<usize> {
        let chance = Chance::seeded(7);
        let mut shares = vec![0; members.len()];
        for _ in 0..10_000 {
            shares[choose(members.len(), |at| members[at], &chance).expect("somebody")] += 1;
        }
        shares
    }

    #[test]
    fn equals_get_equal_shares() {
        let shares = shares(&[look(Fitness::Well, 3); 4]);
        assert!(shares.iter().all(|share| (2_200..=2_800).contains(share)), "{shares:?}");
    }

    #[test]
    fn of_two_the_one_with_less_to_do_is_taken_and_the_busiest_of_several_never() {
        assert_eq!(shares(&[look(Fitness::Well, 5), look(Fitness::Well, 4)]), [0, 10_000]);
        let shares = shares(&[look(Fitness::Well, 1), look(Fitness::Well, 9), look(Fitness::Well, 0), look(Fitness::Well, 1)]);
        assert!(shares[1] == 0 && shares[2] > shares[0] && shares[0] > 0 && shares[3] > 0, "{shares:?}");
    }

    #[test]
    fn the_fittest_come_first_however_much_they_have_to_do() {
        use Fitness::{Avoided, Full, Unwell, Well};
        for (members, expected) in [
            (vec![look(Avoided, 0), look(Well, 99), look(Unwell, 0)], vec![0, 10_000, 0]),
            (vec![look(Avoided, 0), look(Full, 99), look(Unwell, 0)], vec![0, 10_000, 0]),
            (vec![look(Unwell, 0), look(Avoided, 9)], vec![0, 10_000]),
            (vec![None, look(Unwell, 9)], vec![0, 10_000]),
        ] {
            assert_eq!(shares(&members), expected, "{members:?}");
        }
    }

    #[test]
    fn if_all_are_avoided_they_are_tried_all_the_same() {
        let shares = shares(&[look(Fitness::Unwell, 0); 2]);
        assert!(shares.iter().all(|share| *share > 4_000), "{shares:?}");
        assert_eq!(choose(2, |_| None, &Chance::seeded(7)), None, "only who has been tried is not");
        assert_eq!(choose(0, |_| None, &Chance::seeded(7)), None);
    }
}
