//! `{prefix}/sign-out`: a page that asks (a mere link must not sign anybody out), and the end of sessions here and at
//! the authority.

use std::cmp::Reverse;

use axum::Extension;
use axum::extract::Request;
use http::HeaderMap;

use super::form::{self, Fields};
use super::{Asked, prompt, signed_out};
use crate::domain::authority::AuthorityName;
use crate::domain::origin::Origin;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::revocation::{Revocation, Whom};
use crate::flow::keeper::{Kept, NotRevoked};
use crate::protocol::cookies::{Dialect, OwnCookies, SetCookie};
use crate::protocol::logout::LogoutRequest;
use crate::protocol::session_cookie;
use crate::proxy::audit::Incident;
use crate::proxy::call::Verdict;
use crate::proxy::opening::Afresh;
use crate::proxy::pages::notice::Person;
use crate::proxy::pages::sign_in::{ContinuePage, Errand, field};
use crate::proxy::pages::sign_out::{ConfirmSignOut, EVERYTHING, EVERYWHERE, Ended, OpenSession, Reach, SESSION_FIELD, SignedOut, Still};
use crate::proxy::respond::{self, Told};
use crate::proxy::sessions::{Past, Sessions};
use crate::telemetry::audit::Happening;

/// `GET`: asks.
pub(super) async fn confirm(Extension(asked): Extension<Asked>, headers: HeaderMap) -> Told {
    let fields = match Fields::parse(asked.visit.target.query().unwrap_or_default().as_bytes()) {
        Ok(fields) => fields,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    let read = match sessions(&asked, &OwnCookies::read(&headers, Dialect::of(&asked.visit.origin))).await {
        Ok(read) => read,
        Err(reason) => return not_now(&asked, reason),
    };
    let open: Vec<_> = read
        .live
        .iter()
        .map(|kept| {
            let who = &kept.session().principal;
            OpenSession { authority: &who.authority, person: Person::of(who, asked.shared.organisation_of(who)) }
        })
        .collect();
    let back = return_to(&asked, &fields);
    let page = ConfirmSignOut { sessions: &open, reach: reach(&asked), return_to: back.as_ref() };
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
    let Some(which) = Which::asked(&asked, fields.value(SESSION_FIELD)) else { return asked.reply().refuse_for(Reason::BadRequest) };
    let Sessions { live, past, .. } = match sessions(&asked, &own).await {
        Ok(sessions) => sessions,
        Err(reason) => return not_now(&asked, reason),
    };
    let (ended, still): (Vec<_>, Vec<_>) = live.into_iter().partition(|kept| which.means(&kept.session().principal.authority));
    // The local end comes first, and does not hang on the authority. While it fails, nobody is told that they are signed
    // out, and the cookies stay. What has ended nevertheless is told to the audit log.
    let (incidents, all) = end_all(&asked, &ended, &which).await;
    let audited = |told: Told| incidents.iter().fold(told, |told, incident| told.audited(&asked.shared, *incident));
    if let Err(error) = all {
        tracing::error!(fault = "session store", %error, "A session could not be ended");
        return audited(not_now(&asked, Reason::SessionStoreUnavailable));
    }
    let mut cookies = which.cookies(&own, origin);
    let chrome = asked.shared.chrome(origin);
    let at_authority = match ended.first() {
        Some(kept) => end_session_url(&asked, kept).await,
        None => None,
    };
    let back = return_to(&asked, &fields);
    let what = ended.first().map(|kept| which.ended(kept, within(reach(&asked), past)));
    let response = match at_authority.as_ref().map(|url| ContinuePage::new(url, Errand::SignOut)) {
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
    audited(Told::new(response, Verdict::allow(Reason::Public).about(who)).with_cookies(cookies))
}

/// What is to end.
enum Which {
    /// All sessions of this browser, and all others of the same people.
    Everywhere,
    /// All sessions of this browser.
    Everything,
    /// This browser's session at one authority.
    At(AuthorityName),
}

impl Which {
    /// What the form says; `None` if that is nothing.
    fn asked(asked: &Asked, field: Option<&str>) -> Option<Self> {
        match field {
            None => Some(Self::Everything),
            Some(value) if value == EVERYTHING.1 => Some(Self::Everything),
            Some(value) if value == EVERYWHERE.1 => Some(Self::Everywhere),
            Some(name) => {
                let name = AuthorityName::parse(name).ok()?;
                asked.shared.sign_in.authorities.contains_key(&name).then_some(Self::At(name))
            }
        }
    }

    fn means(&self, authority: &AuthorityName) -> bool {
        match self {
            Self::Everywhere | Self::Everything => true,
            Self::At(name) => name == authority,
        }
    }

    /// What that ended, this session with it. No more is promised than what lasts.
    fn ended(&self, kept: &Kept, reach: Reach) -> Ended {
        match (self, reach) {
            (Self::Everywhere, Reach::Everywhere) => Ended::Everywhere,
            (Self::Everywhere, Reach::Here) | (Self::Everything, _) => Ended::Everything,
            (Self::At(_), _) => Ended::Account(kept.session().principal.kind),
        }
    }

    /// What the audit log calls that.
    const fn happening(&self, reach: Reach) -> Happening {
        match (self, reach) {
            (Self::Everywhere, Reach::Everywhere) => Happening::SessionEndedEverywhere,
            (Self::Everywhere, Reach::Here) | (Self::Everything | Self::At(_), _) => Happening::SessionEnded,
        }
    }

    /// Cookies go even if they cannot be read any more.
    fn cookies(&self, own: &OwnCookies<'_>, origin: &Origin) -> Vec<SetCookie> {
        let mut cookies = vec![prompt::ask_for_account(origin)];
        match self {
            Self::Everywhere | Self::Everything => {
                // Unfinished attempts, and sessions of authorities that the configuration does not name any more.
                let ours = own.names().filter(|name| name.starts_with("a-") || name.starts_with("s-"));
                cookies.extend(ours.map(|name| Dialect::of(origin).delete(name)));
            }
            Self::At(authority) => cookies.extend(session_cookie::clear(own, authority, origin)),
        }
        cookies
    }
}

/// Sessions elsewhere end for good only if all who serve them read the same list, and it outlives them. What is in cookies
/// alone may be good again for another process.
pub(super) fn reach(asked: &Asked) -> Reach {
    match asked.shared.keeper.store {
        Some(_) => Reach::Everywhere,
        None => Reach::Here,
    }
}

/// Of an account whose session here had ended before, nobody knows whether that reached the others: a store may have failed
/// when its person asked for the same the first time.
const fn within(reach: Reach, past: Past) -> Reach {
    match past {
        Past::Ended => Reach::Here,
        Past::None => reach,
    }
}

/// Ends sessions until one cannot be ended, and says what that came to.
async fn end_all<'a>(asked: &Asked, sessions: &'a [Kept], which: &Which) -> (Vec<Incident<'a>>, Result<(), NotRevoked>) {
    let mut incidents = Vec::new();
    for kept in sessions {
        let who = &kept.session().principal;
        match end(asked, kept, which).await {
            Ok(()) => incidents.push(Incident::to(which.happening(reach(asked)), who)),
            Err(error) => {
                // The others were not told, but it lets nobody in here any more.
                let is_over_here = asked.shared.keeper.is_revoked(kept.session());
                incidents.extend(is_over_here.then(|| Incident::to(Happening::SessionEnded, who)));
                return (incidents, Err(error));
            }
        }
    }
    (incidents, Ok(()))
}

/// Ends a session, and, if that is asked for, its person's others.
async fn end(asked: &Asked, kept: &Kept, which: &Which) -> Result<(), NotRevoked> {
    let keeper = &asked.shared.keeper;
    let is_over_already = match which {
        Which::Everywhere => {
            let whom = Whom::User(kept.session().principal.id().to_string().into());
            keeper.revoke(Revocation { whom, at: asked.call.now, why: "signed out everywhere".into() }).await?;
            keeper.is_revoked(kept.session())
        }
        Which::Everything | Which::At(_) => false,
    };
    match keeper.end(kept, "signed out").await {
        // This session was among those, whoever serves it.
        Err(error) if is_over_already => {
            tracing::warn!(fault = "session store", %error, "The record of a session that has ended could not be removed");
            Ok(())
        }
        // A copy of the cookie would be good until its time is over. That must not keep anybody in here.
        Err(NotRevoked::Full(full)) => {
            tracing::error!(%full, "Somebody signed out, and it could not be noted that copies of their cookie are worth nothing");
            Ok(())
        }
        ended => ended,
    }
}

/// It cannot be done at the moment: the way on is to try again, since whoever wanted to leave still does.
fn not_now(asked: &Asked, reason: Reason) -> Told {
    let origin = &asked.visit.origin;
    let again = ReturnTo::parse(&respond::own_url(&asked.shared, origin, "/sign-out"), origin, &asked.shared.rules.origins).ok();
    let mut page = asked.reply().about(reason);
    page.return_to = again.as_ref();
    asked.reply().refuse(&page)
}

/// Whoever signed in last comes first.
async fn sessions(asked: &Asked, own: &OwnCookies<'_>) -> Result<Sessions, Reason> {
    let authorities = asked.shared.sign_in.authorities.keys();
    let mut sessions = Sessions::read(&asked.shared, &Afresh, own, &asked.visit.origin, authorities, asked.call.now).await?;
    sessions.live.sort_by_cached_key(|kept| (Reverse(kept.session().signed_in_at), kept.session().principal.authority.clone()));
    Ok(sessions)
}

/// Where the person came from, if that can be gone back to.
pub(super) fn return_to(asked: &Asked, fields: &Fields) -> Option<ReturnTo> {
    ReturnTo::parse(fields.value(field::RETURN_TO)?, &asked.visit.origin, &asked.shared.rules.origins).ok()
}

/// RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 §2), if the authority has it and is known well enough.
async fn end_session_url(asked: &Asked, kept: &Kept) -> Option<url::Url> {
    let session = kept.session();
    let authority = asked.shared.sign_in.authorities.get(&session.principal.authority)?;
    let metadata = authority.provider.metadata().await.ok()?;
    let back = respond::own_url(&asked.shared, &asked.visit.origin, "/signed-out");
    Some(
        LogoutRequest {
            endpoint: metadata.end_session_endpoint.as_ref()?,
            client_id: &authority.client_id,
            post_logout_redirect_uri: &back,
            logout_hint: session.sign_out_hint.as_deref(),
            id_token: kept.record.tokens.id_token.as_ref(),
        }
        .to_url(),
    )
}
