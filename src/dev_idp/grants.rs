//! What was issued and may still be used: authorization codes (RFC 6749 §4.1.2), refresh tokens (§6), and the access tokens
//! that our own Graph takes. In memory, bounded, the oldest dropped.

use std::collections::{HashMap, VecDeque};

use super::ambient;
use super::authority::Authority;
use super::directory::{Account, Person};
use super::fault::Fault;
use super::mischief::Mischief;

/// How long a code may be spent, in seconds.
const CODE_LIFETIME: u64 = 60;
/// How many codes, and how many refresh tokens, are remembered.
const CAPACITY: usize = 10_000;

/// Who granted what to whom.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) authority: Authority,
    pub(super) person: &'static Person,
    pub(super) account: &'static Account,
    pub(super) scope: String,
    pub(super) session: String,
    pub(super) wants_client_info: bool,
}

impl Grant {
    /// Whether a word of the scope was granted.
    pub(super) fn grants(&self, word: &str) -> bool {
        self.scope.split(' ').any(|granted| granted == word)
    }
}

/// What a code stands for beside the grant.
#[derive(Debug, Clone)]
pub(super) struct CodeGrant {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    /// SHA-256 of the verifier, base64url (RFC 7636 §4.2).
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) mischief: Mischief,
}

#[derive(Debug)]
enum Code {
    Fresh { granted: Box<CodeGrant>, until: u64 },
    Spent,
}

/// Everything issued.
#[derive(Debug)]
pub(super) struct Grants {
    codes: Bounded<Code>,
    refresh_tokens: Bounded<Grant>,
    access_tokens: Bounded<Access>,
    /// By `sid`: where people went from there.
    visits: Bounded<Vec<Visit>>,
}

/// What an access token for Graph stands for.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) account: &'static Account,
    pub(super) mischief: Mischief,
    /// When it ends.
    pub(super) until: u64,
}

/// An app that somebody went to with a session of ours.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
}

/// How many apps of one session are remembered.
const MOST_VISITS: usize = 32;

impl Default for Grants {
    fn default() -> Self {
        Self {
            codes: Bounded::new(CAPACITY),
            refresh_tokens: Bounded::new(CAPACITY),
            access_tokens: Bounded::new(CAPACITY),
            visits: Bounded::new(CAPACITY),
        }
    }
}

impl Grants {
    /// Issues a code.
    pub(super) fn issue_code(&mut self, granted: CodeGrant, now: u64) -> String {
        let code = ambient::unguessable();
        self.remember(&granted);
        self.codes.insert(code.clone(), Code::Fresh { granted: Box::new(granted), until: now + CODE_LIFETIME });
        code
    }

    /// Spends a code. Whatever comes of it, it is spent.
    pub(super) fn spend_code(&mut self, code: &str, now: u64) -> Result<CodeGrant, Fault> {
        let entry = self.codes.entries.get_mut(code).ok_or(Fault::CodeUnknown)?;
        match std::mem::replace(entry, Code::Spent) {
            Code::Fresh { granted, until } if now < until => Ok(*granted),
            Code::Fresh { .. } => Err(Fault::CodeUnknown),
            Code::Spent => Err(Fault::CodeSpent),
        }
    }

    fn remember(&mut self, granted: &CodeGrant) {
        let CodeGrant { grant, redirect_uri, .. } = granted;
        let visit = Visit { grant: grant.clone(), redirect_uri: redirect_uri.clone() };
        match self.visits.entries.get_mut(&grant.session) {
            Some(visits) => {
                visits.retain(|known| known.redirect_uri != *redirect_uri || known.grant.client_id != grant.client_id);
                if visits.len() == MOST_VISITS {
                    visits.remove(0);
                }
                visits.push(visit);
            }
            None => self.visits.insert(grant.session.clone(), vec![visit]),
        }
    }

    /// Where people went with a session that is over.
    pub(super) fn end_session(&mut self, session: &str) -> Vec<Visit> {
        self.visits.entries.get_mut(session).map(std::mem::take).unwrap_or_default()
    }

    /// Issues a refresh token.
    pub(super) fn issue_refresh_token(&mut self, grant: Grant) -> String {
        let token = ambient::unguessable();
        self.refresh_tokens.insert(token.clone(), grant);
        token
    }

    /// Remembers an access token.
    pub(super) fn note_access_token(&mut self, token: String, access: Access) {
        self.access_tokens.insert(token, access);
    }

    /// What an access token that still holds stands for.
    pub(super) fn access(&mut self, token: &str, now: u64) -> Option<&mut Access> {
        self.access_tokens.entries.get_mut(token).filter(|access| now < access.until)
    }

    /// Spends a refresh token: each is good for one answer, which brings the next.
    pub(super) fn spend_refresh_token(&mut self, token: &str) -> Result<Grant, Fault> {
        self.refresh_tokens.entries.remove(token).ok_or(Fault::CodeUnknown)
    }
}

/// A map of the most recent insertions.
#[derive(Debug)]
struct Bounded<T> {
    entries: HashMap<String, T>,
    order: VecDeque<String>,
    capacity: usize,
}

impl<T> Bounded<T> {
    fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), capacity }
    }

    fn insert(&mut self, key: String, value: T) {
        if self.order.len() == self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        self.order.push_back(key.clone());
        self.entries.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev_idp::directory;

    fn granted() -> CodeGrant {
        let person = &directory::people()[0];
        let grant = Grant {
            client_id: "app".into(),
            authority: Authority::Organizations,
            person,
            account: &person.accounts[0],
            scope: "openid".into(),
            session: "s".into(),
            wants_client_info: false,
        };
        CodeGrant { grant, redirect_uri: "http://localhost/".into(), challenge: "c".into(), nonce: None, mischief: Mischief::Nothing }
    }

    #[test]
    fn a_code_holds_for_a_minute_and_not_longer() {
        let mut grants = Grants::default();
        let (young, old) = (grants.issue_code(granted(), 1_000), grants.issue_code(granted(), 1_000));
        assert!(grants.spend_code(&young, 1_059).is_ok());
        assert_eq!(grants.spend_code(&old, 1_060).err(), Some(Fault::CodeUnknown));
        assert_eq!(grants.spend_code(&young, 1_059).err(), Some(Fault::CodeSpent));
    }

    #[test]
    fn beyond_the_capacity_the_oldest_goes() {
        let mut codes = Bounded::new(2);
        for key in ["a", "b", "c"] {
            codes.insert(key.into(), ());
        }
        assert_eq!((codes.entries.len(), codes.order.len()), (2, 2));
        assert!(!codes.entries.contains_key("a") && codes.entries.contains_key("c"));
    }
}
