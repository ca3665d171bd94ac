//! How many connections there may be: in the whole process, and of one client. Counted when a connection comes and when it
//! goes, never in between.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of all workers together.
#[derive(Debug, Clone)]
pub(super) struct Places {
    count: u32,
    all: Arc<Semaphore>,
    clients: Arc<Clients>,
}

/// One of them, taken. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _one_of_all: OwnedSemaphorePermit,
    _one_of_the_client: Option<Seat>,
}

/// This client has as many connections as one may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany {
    /// Whether it is the first that was refused since the client last had none: worth telling.
    pub(super) is_first: bool,
}

/// Whoever has connections, in a few parts that are locked apart from each other.
#[derive(Debug)]
struct Clients {
    each: usize,
    parts: [Mutex<HashMap<Client, Count>>; 16],
    hasher: RandomState,
}

/// What counts as one client: an IPv4 address, or the network that one customer gets of IPv6 (RFC 6177 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    V4([u8; 4]),
    V6([u8; 8]),
}

#[derive(Debug, Default)]
struct Count {
    open: usize,
    was_refused: bool,
}

#[derive(Debug)]
struct Seat {
    clients: Arc<Clients>,
    client: Client,
}

impl Places {
    /// So many in all, and so many for each client.
    pub(super) fn new(all: usize, each: usize) -> Self {
        let clients = Clients { each, parts: Default::default(), hasher: RandomState::new() };
        let count = u32::try_from(all.min(Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self { count, all: Arc::new(Semaphore::new(count as usize)), clients: Arc::new(clients) }
    }

    /// Waits until none is taken, of whichever worker.
    pub(super) async fn emptied(&self) {
        let _all = self.all.acquire_many(self.count).await;
    }

    /// Waits for a free place.
    pub(super) async fn free(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.all).acquire_owned().await.expect("nobody closes the semaphore")
    }

    /// Gives it to a client.
    pub(super) fn take(&self, free: OwnedSemaphorePermit, client: IpAddr) -> Result<Place, TooMany> {
        let client = Client::from(client);
        let mut counts = self.clients.part(client);
        let count = counts.entry(client).or_default();
        if count.open >= self.clients.each {
            return Err(TooMany { is_first: !std::mem::replace(&mut count.was_refused, true) });
        }
        count.open += 1;
        Ok(Place { _one_of_all: free, _one_of_the_client: Some(Seat { clients: Arc::clone(&self.clients), client }) })
    }

    /// Gives it to somebody who speaks for many.
    pub(super) const fn take_uncounted(free: OwnedSemaphorePermit) -> Place {
        Place { _one_of_all: free, _one_of_the_client: None }
    }
}

impl Clients {
    fn part(&self, client: Client) -> std::sync::MutexGuard<'_, HashMap<Client, Count>> {
        let part = usize::try_from(self.hasher.hash_one(client) % 16).expect("less than 16");
        self.parts[part].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.clients.part(self.client).entry(self.client) {
            count.get_mut().open -= 1;
            if count.get().open == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_has_its_places_and_others_have_theirs() {
        let places = Places::new(10, 2);
        let client = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut taken = Vec::new();
        for (who, expected) in [
            ("192.0.2.7", Ok(())),
            ("::ffff:192.0.2.7", Ok(())),
            ("192.0.2.7", Err(TooMany { is_first: true })),
            ("192.0.2.7", Err(TooMany { is_first: false })),
            ("192.0.2.8", Ok(())),
            ("2001:db8::1", Ok(())),
            ("2001:db8::2:1", Ok(())),
            ("2001:db8::3", Err(TooMany { is_first: true })),
            ("2001:db8:0:1::1", Ok(())),
        ] {
            let place = places.take(places.free().await, client(who));
            assert_eq!(place.as_ref().map(drop).map_err(|refused| *refused), expected, "{who}");
            taken.extend(place);
        }
        assert_eq!(places.all.available_permits(), 4);
        taken.clear();
        assert_eq!(places.all.available_permits(), 10);
        assert!(places.clients.parts.iter().all(|part| part.lock().expect("no panic").is_empty()), "nobody is remembered");
        assert!(places.take(places.free().await, client("192.0.2.7")).is_ok());
    }
}
