//! Sending the browser to an authority: from our sign-in page, or straight from a route where nothing is to be asked.

use super::audit::Incident;
use super::call::Verdict;
use super::pages::sign_in::{ContinuePage, Errand};
use super::respond::{self, Redirect, Reply, Told};
use crate::domain::account::AccountKind;
use crate::domain::authority::AuthorityName;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::route::Route;
use crate::flow::sign_in::{Departure, Wish};
use crate::protocol::authorize::Prompt;
use crate::protocol::cookies::OwnCookies;
use crate::telemetry::audit::Happening;

/// How to send the browser on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A page that moves on: after a form.
    Page,
    /// A redirect: after a link.
    Redirect,
}

/// What goes along.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving<'a> {
    pub(super) typed: Option<&'a str>,
    pub(super) hint: Option<AccountKind>,
    pub(super) prompt: Prompt,
    pub(super) way: Way,
}

/// Begins an attempt and sends the browser to the authority.
pub(super) async fn depart(
    reply: Reply<'_>,
    authority: &AuthorityName,
    route: &Route,
    return_to: &ReturnTo,
    leaving: Leaving<'_>,
    own: &OwnCookies<'_>,
) -> Told {
    let Reply { shared, visit, .. } = reply;
    let fail = |reason: Reason| {
        let mut page = reply.about(reason);
        page.return_to = Some(return_to);
        reply.refuse(&page).on(route).audited(shared, Incident::at(Happening::SignInFailed, authority))
    };
    let Some(authority) = shared.sign_in.authorities.get(authority) else { return fail(Reason::Configuration) };
    let wish = Wish {
        authority,
        origin: &visit.origin,
        route: &route.name,
        return_to,
        login_hint: leaving.typed,
        hint: leaving.hint,
        prompt: leaving.prompt,
    };
    let Departure { url, cookies } = match shared.sign_in.begin(&wish, own).await {
        Ok(departure) => departure,
        Err(error) => {
            tracing::warn!(authority = %authority.name, %error, "The metadata of {} cannot be read, so nobody can be sent there", authority.name);
            return fail(Reason::IdpUnavailable);
        }
    };
    let response = match leaving.way {
        Way::Redirect => respond::redirect(Redirect::Found, url.as_str()),
        Way::Page => match ContinuePage::new(&url, Errand::SignIn) {
            Ok(page) => page.render(shared.chrome(&visit.origin)).into_response(),
            Err(_) => return fail(Reason::Configuration),
        },
    };
    Told::new(response, Verdict::challenge(Reason::SignInRequired).on(route)).with_cookies(cookies)
}
