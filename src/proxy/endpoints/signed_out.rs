//! `GET {prefix}/signed-out`: where authorities send people back to. What was ended before they left is noted in the browser,
//! because an authority comes back to a fixed address; what was not ended is looked up.

use std::time::Duration;

use axum::Extension;
use http::HeaderMap;

use super::Asked;
use crate::domain::account::AccountKind;
use crate::domain::origin::Origin;
use crate::domain::reason::Reason;
use crate::flow::keeper::Kept;
use crate::protocol::cookies::{Dialect, Keep, OwnCookies, Presence, SameSite, SetCookie};
use crate::proxy::call::Verdict;
use crate::proxy::opening::Afresh;
use crate::proxy::pages::notice::Person;
use crate::proxy::pages::sign_out::{EVERYWHERE, Ended, SignedOut, Still};
use crate::proxy::respond::Told;
use crate::proxy::sessions::Sessions;

const NAME: &str = "ended";

const EVERYTHING: &str = "all";

/// Longer than an authority's own sign-out takes.
const NOTE_LASTS: Duration = Duration::from_secs(10 * 60);

/// Notes what was ended, for when the browser comes back. It is believed as it is: it changes a sentence.
pub(super) fn note(ended: Ended, origin: &Origin) -> SetCookie {
    let value = match ended {
        Ended::Account(kind) => kind.as_str(),
        Ended::Everything => EVERYTHING,
        Ended::Everywhere => EVERYWHERE.1,
    };
    Dialect::of(origin).set(NAME, value, Keep::For(NOTE_LASTS), SameSite::Lax)
}

fn noted(own: &OwnCookies<'_>) -> Option<Ended> {
    match own.presence(NAME) {
        Presence::Once(EVERYTHING) => Some(Ended::Everything),
        Presence::Once(value) if value == EVERYWHERE.1 => Some(Ended::Everywhere),
        Presence::Once(value) => AccountKind::parse(value).map(Ended::Account),
        Presence::Absent | Presence::Ambiguous => None,
    }
}

pub(super) async fn show(Extension(asked): Extension<Asked>, headers: HeaderMap) -> Told {
    let origin = &asked.visit.origin;
    let own = OwnCookies::read(&headers, Dialect::of(origin));
    let authorities = asked.shared.sign_in.authorities.keys();
    let sessions = Sessions::read(&asked.shared, &Afresh, &own, origin, authorities, asked.call.now).await;
    let people: Option<Vec<_>> = sessions.as_ref().ok().map(|sessions| people(&asked, &sessions.live));
    let still = people.as_deref().map_or(Still::Unknown, Still::SignedIn);
    let page = SignedOut { ended: noted(&own), still, return_to: None }.render(asked.reply().chrome());
    let told = Told::new(page.into_response(), Verdict::allow(Reason::Public));
    match own.presence(NAME) {
        Presence::Absent => told,
        Presence::Ambiguous | Presence::Once(_) => told.with_cookies([Dialect::of(origin).delete(NAME)]),
    }
}

/// Those who are signed in with these sessions, as pages show them.
pub(super) fn people<'a>(asked: &'a Asked, sessions: &'a [Kept]) -> Vec<Person<'a>> {
    let principals = sessions.iter().map(|kept| &kept.session().principal);
    principals.map(|who| Person::of(who, asked.shared.organisation_of(who))).collect()
}
