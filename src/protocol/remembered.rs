//! The kinds of account that were chosen for addresses typed in this browser, if the operator lets us remember them.
//! One sealed cookie with marks of the addresses, not the addresses: whoever opens it in spite of the seal reads none.
//! A hint like any other; what cannot be read is as good as nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cookies::{Dialect, Keep, OwnCookies, Presence, SameSite, SetCookie};
use super::seal::{Fingerprint, KeyRing, Purpose, Random};
use crate::domain::account::AccountKind;
use crate::domain::origin::Origin;
use crate::domain::time::Timestamp;

/// How long a choice is remembered.
pub const LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// So many choices are remembered; one more forgets the oldest.
pub const MAX_CHOICES: usize = 5;

const NAME: &str = "r";

/// The remembered choices, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered(Vec<Choice>);

/// A change here raises the number in [`Purpose::Remembered`]'s label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Choice {
    address: Fingerprint,
    kind: AccountKind,
    chosen_at: Timestamp,
}

impl Remembered {
    /// Reads the choices of this browser, expired ones left out.
    #[must_use]
    pub fn read(own: &OwnCookies<'_>, origin: &Origin, keys: &KeyRing, now: Timestamp) -> Self {
        let Presence::Once(sealed) = own.presence(NAME) else { return Self::default() };
        let Ok(plaintext) = keys.open(Purpose::Remembered, &[origin.as_str()], sealed) else { return Self::default() };
        let Ok((mut choices, [])) = postcard::take_from_bytes::<Vec<Choice>>(&plaintext) else { return Self::default() };
        choices.retain(|choice| choice.chosen_at <= now && now.since(choice.chosen_at) < LIFETIME);
        choices.truncate(MAX_CHOICES);
        Self(choices)
    }

    /// What was chosen for an address.
    #[must_use]
    pub fn kind_of(&self, address: &str, keys: &KeyRing) -> Option<AccountKind> {
        if self.0.is_empty() {
            return None;
        }
        let address = folded(address);
        keys.fingerprints(&address).find_map(|mark| self.0.iter().find(|choice| choice.address == mark)).map(|choice| choice.kind)
    }

    /// Adds a choice in front; an older one for the same address goes.
    pub fn remember(&mut self, address: &str, kind: AccountKind, keys: &KeyRing, now: Timestamp) {
        let address = folded(address);
        for mark in keys.fingerprints(&address) {
            self.0.retain(|choice| choice.address != mark);
        }
        self.0.insert(0, Choice { address: keys.fingerprint(&address), kind, chosen_at: now });
        self.0.truncate(MAX_CHOICES);
    }

    /// The cookie that keeps them.
    pub fn cookie(&self, origin: &Origin, keys: &KeyRing, random: &mut Random<'_>) -> SetCookie {
        let plaintext = postcard::to_allocvec(&self.0).expect("bytes and numbers can be written");
        let sealed = keys.seal(Purpose::Remembered, &[origin.as_str()], &plaintext, random);
        Dialect::of(origin).set(NAME, &sealed, Keep::For(LIFETIME), SameSite::Lax)
    }

    /// Takes the cookie away: "forget this browser".
    pub fn deletion(origin: &Origin) -> SetCookie {
        Dialect::of(origin).delete(NAME)
    }
}

/// Case does not matter in any address that people sign in with.
fn folded(address: &str) -> String {
    address.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::COOKIE;

    use super::*;
    use crate::protocol::secret::Secret;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn origin() -> Origin {
        Origin::parse("https://orders.example.com").expect("an origin")
    }

    fn ring(keys: &[u8]) -> KeyRing {
        KeyRing::new(keys.iter().map(|key| Secret::new([*key; 32])).collect()).expect("at least one key")
    }

    fn sent_back(cookie: &SetCookie) -> HeaderMap {
        let text = cookie.as_header_value().to_str().expect("ASCII");
        let pair = text.split(';').next().unwrap_or_default();
        HeaderMap::from_iter([(COOKIE, pair.parse().expect("a field value"))])
    }

    fn read(cookie: &SetCookie, keys: &KeyRing, now: Timestamp) -> Remembered {
        let headers = sent_back(cookie);
        Remembered::read(&OwnCookies::read(&headers, Dialect::Host), &origin(), keys, now)
    }

    fn of(addresses: &[(&str, AccountKind)], keys: &KeyRing) -> Remembered {
        let mut remembered = Remembered::default();
        for (address, kind) in addresses {
            remembered.remember(address, *kind, keys, NOW);
        }
        remembered
    }

    #[test]
    fn a_choice_comes_back_in_any_case_and_for_its_address_only() {
        let keys = ring(&[1]);
        let cookie = of(&[("Dee@Contoso.example", AccountKind::Personal)], &keys).cookie(&origin(), &keys, &mut |b| b.fill(1));
        let remembered = read(&cookie, &keys, NOW);
        assert_eq!(remembered.kind_of(" dee@contoso.EXAMPLE", &keys), Some(AccountKind::Personal));
        assert_eq!(remembered.kind_of("ada@contoso.example", &keys), None);
    }

    #[test]
    fn the_newest_choice_for_an_address_counts() {
        let keys = ring(&[1]);
        let remembered = of(&[("a@b.example", AccountKind::Personal), ("A@b.example", AccountKind::Work)], &keys);
        assert_eq!(remembered.kind_of("a@b.example", &keys), Some(AccountKind::Work));
        assert_eq!(remembered.0.len(), 1);
    }

    #[test]
    fn the_sixth_choice_forgets_the_first() {
        let keys = ring(&[1]);
        let addresses = ["a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example", "f@x.example"];
        let remembered = of(&addresses.map(|address| (address, AccountKind::Work)), &keys);
        assert_eq!(addresses.map(|address| remembered.kind_of(address, &keys).is_some()), [false, true, true, true, true, true]);
    }

    #[test]
    fn a_choice_lasts_ninety_days() {
        let keys = ring(&[1]);
        let cookie = of(&[("a@b.example", AccountKind::Work)], &keys).cookie(&origin(), &keys, &mut |b| b.fill(1));
        let second = Duration::from_secs(1);
        for (now, left) in [(NOW, 1), (NOW + LIFETIME - second, 1), (NOW + LIFETIME, 0), (NOW - second, 0)] {
            assert_eq!(read(&cookie, &keys, now).0.len(), left, "{now:?}");
        }
    }

    #[test]
    fn choices_survive_a_new_key_in_front() {
        let (old, new) = (ring(&[1]), ring(&[2, 1]));
        let cookie = of(&[("a@b.example", AccountKind::Work)], &old).cookie(&origin(), &old, &mut |b| b.fill(1));
        let mut remembered = read(&cookie, &new, NOW);
        assert_eq!(remembered.kind_of("a@b.example", &new), Some(AccountKind::Work));
        remembered.remember("a@b.example", AccountKind::Personal, &new, NOW);
        assert_eq!(remembered.kind_of("a@b.example", &new), Some(AccountKind::Personal));
        assert_eq!(remembered.0.len(), 1);
        assert_eq!(read(&cookie, &ring(&[2]), NOW), Remembered::default());
    }

    #[test]
    fn no_address_stands_in_what_is_sealed() {
        let written = postcard::to_allocvec(&of(&[("marked@b.example", AccountKind::Work)], &ring(&[1])).0).expect("written");
        assert!(memchr::memmem::find(&written, b"marked").is_none());
    }

    #[test]
    fn a_deleted_cookie_remembers_nothing() {
        assert_eq!(read(&Remembered::deletion(&origin()), &ring(&[1]), NOW), Remembered::default());
    }
}
