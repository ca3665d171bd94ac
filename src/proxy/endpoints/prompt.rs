//! Whether the provider is to ask which account. After a refusal or a sign-out the browser carries a note for a while:
//! otherwise single sign-on would sign the same account in again, and the person would be stuck.

use std::time::Duration;

use crate::domain::origin::Origin;
use crate::protocol::authorize::Prompt;
use crate::protocol::cookies::{Dialect, Keep, OwnCookies, Presence, SameSite, SetCookie};

const NAME: &str = "prompt";

/// The value, in cookie and query alike.
pub(super) const SELECT_ACCOUNT: &str = "select_account";

/// Longer than anybody needs to try again.
const NOTE_LASTS: Duration = Duration::from_secs(10 * 60);

/// What the provider is to ask: by the request's own parameter, or by the note.
pub(in crate::proxy) fn prompt(parameter: Option<&str>, own: &OwnCookies<'_>) -> Prompt {
    let noted = match own.presence(NAME) {
        Presence::Once(note) => note == SELECT_ACCOUNT,
        Presence::Absent | Presence::Ambiguous => false,
    };
    if noted || parameter == Some(SELECT_ACCOUNT) { Prompt::SelectAccount } else { Prompt::Default }
}

/// Leaves the note.
pub(in crate::proxy) fn ask_for_account(origin: &Origin) -> SetCookie {
    Dialect::of(origin).set(NAME, SELECT_ACCOUNT, Keep::For(NOTE_LASTS), SameSite::Lax)
}

/// Takes the note away: somebody has signed in and was let in.
pub(super) fn no_more(origin: &Origin) -> SetCookie {
    Dialect::of(origin).delete(NAME)
}
