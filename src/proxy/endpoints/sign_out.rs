//! `{prefix}/sign-out`: a page that asks (a mere link must not sign anybody out), and the end of sessions here and at
//! the authority.

use axum::Extension;
use axum::extract::Request;
use http::HeaderMap;

use super::form::{self, Fields};
use super::{Asked, prompt, signed_out};
use crate::domain::authority::AuthorityName;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::session::Session;
use crate::flow::keeper::Kept;
use crate::protocol::cookies::{Dialect, OwnCookies};
use crate::protocol::logout::LogoutRequest;
use crate::protocol::session_cookie;
use crate::proxy::audit::Incident;
use crate::proxy::call::Verdict;
use crate::proxy::pages::notice::Person;
use crate::proxy::pages::sign_in::{ContinuePage, field};
use crate::proxy::pages::sign_out::{ConfirmSignOut, EVERYTHING, Ended, OpenSession, SESSION_FIELD, SignedOut, Still};
use crate::proxy::respond::{self, Told};
use crate::proxy::sessions::Sessions;
use crate::telemetry::audit::Happening;

/// `GET`: asks.
pub(super) async fn confirm(Extension(asked): Extension<Asked>, headers: HeaderMap) -> Told {
    let fields = match Fields::parse(asked.visit.target.query().unwrap_or_default().as_bytes()) {
        Ok(fields) => fields,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    let live = match sessions(&asked, &OwnCookies::read(&headers, Dialect::of(&asked.visit.origin))).await {
        Ok(live) => live,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    let open: Vec<_> = live
        .iter()
        .map(|kept| {
            let who = &kept.session().principal;
            OpenSession { authority: &who.authority, person: Person::of(who, asked.shared.organisation_of(who)) }
        })
        .collect();
    let back = return_to(&asked, &fields);
    let page = ConfirmSignOut { sessions: &open, return_to: back.as_ref() };
    Told::new(page.render(asked.shared.chrome(&asked.visit.origin)).into_response(), Verdict::allow(Reason::Public))
}

/// `POST`: ends one session, or all of them; then the authority is told.
pub(super) async fn post(Extension(asked): Extension<Asked>, request: Request) -> Told {
    let (head, body) = request.into_parts();
    if !form::is_our_own(&head.headers, &asked.visit) {
        return asked.reply().refuse_for(Reason::BadRequest);
    }
    let fields = match form::posted(&head.headers, body).await.and_then(|body| Fields::parse(&body)) {
        Ok(fields) => fields,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    let origin = &asked.visit.origin;
    let own = OwnCookies::read(&head.headers, Dialect::of(origin));
    let which = fields.value(SESSION_FIELD).unwrap_or(EVERYTHING.1);
    let everything = which == EVERYTHING.1;
    if !everything && !asked.shared.sign_in.authorities.keys().any(|name| name.as_str() == which) {
        return asked.reply().refuse_for(Reason::BadRequest);
    }
    let meant = |name: &str| everything || name == which;
    let live = match sessions(&asked, &own).await {
        Ok(live) => live,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    let (ended, still): (Vec<_>, Vec<_>) = live.into_iter().partition(|kept| meant(kept.session().principal.authority.as_str()));
    for kept in &ended {
        if let Err(error) = asked.shared.keeper.end(kept, "signed out").await {
            tracing::error!(fault = "session store", %error, "A session could not be ended");
            return asked.reply().refuse_for(Reason::SessionStoreUnavailable);
        }
    }
    // The local end comes first, and does not hang on the authority: cookies go even if they cannot be read any more.
    let mut cookies = vec![prompt::ask_for_account(origin)];
    if everything {
        // Unfinished attempts, and sessions of authorities that the configuration does not name any more.
        let ours = own.names().filter(|name| name.starts_with("a-") || name.starts_with("s-"));
        cookies.extend(ours.map(|name| Dialect::of(origin).delete(name)));
    } else if let Ok(authority) = AuthorityName::parse(which) {
        cookies.extend(session_cookie::clear(&own, &authority, origin));
    }
    let chrome = asked.shared.chrome(origin);
    let at_authority = match ended.first() {
        Some(kept) => end_session_url(&asked, kept.session()).await,
        None => None,
    };
    let back = return_to(&asked, &fields);
    let what = match ended.first() {
        Some(kept) if !everything => Some(Ended::Account(kept.session().principal.kind)),
        Some(_) => Some(Ended::Everything),
        None => None,
    };
    let response = match at_authority.as_ref().map(ContinuePage::new) {
        Some(Ok(page)) => {
            cookies.extend(what.map(|what| signed_out::note(what, origin)));
            page.render(chrome).into_response()
        }
        Some(Err(_)) | None => {
            let still = signed_out::people(&asked, &still);
            let page = SignedOut { ended: what, still: Still::SignedIn(&still), return_to: back.as_ref() };
            page.render(chrome).into_response()
        }
    };
    let who = ended.first().map(|kept| &kept.session().principal);
    let told = Told::new(response, Verdict::allow(Reason::Public).about(who)).with_cookies(cookies);
    ended.iter().fold(told, |told, kept| told.audited(&asked.shared, Incident::to(Happening::SessionEnded, &kept.session().principal)))
}

async fn sessions(asked: &Asked, own: &OwnCookies<'_>) -> Result<Vec<Kept>, Reason> {
    let authorities = asked.shared.sign_in.authorities.keys();
    Ok(Sessions::read(&asked.shared, own, &asked.visit.origin, authorities, asked.call.now).await?.live)
}

/// Where the person came from, if that can be gone back to.
pub(super) fn return_to(asked: &Asked, fields: &Fields) -> Option<ReturnTo> {
    ReturnTo::parse(fields.value(field::RETURN_TO)?, &asked.visit.origin, &asked.shared.rules.origins).ok()
}

/// RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 §2), if the authority has it and is known well enough.
async fn end_session_url(asked: &Asked, session: &Session) -> Option<url::Url> {
    let authority = asked.shared.sign_in.authorities.get(&session.principal.authority)?;
    let metadata = authority.provider.metadata().await.ok()?;
    let back = respond::own_url(&asked.shared, &asked.visit.origin, "/signed-out");
    Some(
        LogoutRequest {
            endpoint: metadata.end_session_endpoint.as_ref()?,
            client_id: &authority.client_id,
            post_logout_redirect_uri: &back,
            logout_hint: session.sign_out_hint.as_deref(),
        }
        .to_url(),
    )
}
