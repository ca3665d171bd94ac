//! The provider's own session: a cookie that remembers who signed in last, so that the next app (or the same one,
//! after a refusal) gets them without asking. It protects nothing, since anybody can sign in as anybody here.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::ambient;
use super::directory::{self, Account, Person};

const NAME: &str = "homerealm_dev_idp";

/// Who signed in last in this browser.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The person.
    pub(super) person: &'static Person,
    /// The account they used.
    pub(super) account: &'static Account,
    /// `sid`
    pub(super) id: String,
}

impl Session {
    /// A new session.
    pub(super) fn start(person: &'static Person, account: &'static Account) -> Self {
        Self { person, account, id: ambient::guid() }
    }

    /// The session of a request, if it has one that still makes sense.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let value = lines.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))?;
        let (key, id) = value.split_once('.')?;
        let everybody = directory::people().iter().flat_map(|person| person.accounts.iter().map(move |account| (person, account)));
        let (person, account) = everybody.into_iter().find(|(_, account)| account.key == key)?;
        let plain = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        plain.then(|| Self { person, account, id: id.into() })
    }

    /// Remembers it in the browser.
    pub(super) fn keep(&self, headers: &mut HeaderMap) {
        set(headers, &format!("{NAME}={}.{}; Path=/; HttpOnly; SameSite=Lax", self.account.key, self.id));
    }

    /// Forgets whatever the browser has.
    pub(super) fn forget(headers: &mut HeaderMap) {
        set(headers, &format!("{NAME}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
    }
}

fn set(headers: &mut HeaderMap, cookie: &str) {
    let cookie = HeaderValue::from_str(cookie).expect("account keys and GUIDs are ASCII");
    headers.append(SET_COOKIE, cookie);
}
