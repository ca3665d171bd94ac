//! Who asks: the access token or the sessions that a request brings to a route, and what the route decides about them.
//! There is one way from a request to a decision, for those we forward and those that a proxy in front asks about.

use std::time::Duration;

use http::{HeaderMap, header};

use super::forward::origin_is_ours;
use super::opening::Opening;
use super::respond::Reply;
use super::sessions::{Past, Sessions};
use crate::domain::origin::Origins;
use crate::domain::policy::{AccessGrant, Decision, Permit, Presented, Subject};
use crate::domain::principal::{Groups, Principal};
use crate::domain::reason::Reason;
use crate::domain::route::{Access, BearerRequirements, Requirements, Route};
use crate::domain::session::{Lifetimes, Session};
use crate::domain::time::Timestamp;
use crate::flow::authority::NotJudged;
use crate::flow::bearer;
use crate::flow::freshen::Whereabouts;
use crate::flow::groups::Known;
use crate::flow::keeper::Kept;
use crate::protocol::cookies::OwnCookies;
use crate::protocol::secret::Secret;

/// Who a request comes from.
#[derive(Debug, Default)]
pub(super) struct Identity {
    sessions: Sessions,
    token: Token,
}

#[derive(Debug, Default)]
enum Token {
    Bad,
    Good(Box<(Principal, AccessGrant)>),
    #[default]
    None,
}

impl Identity {
    /// Finds out who asks: an access token where the route takes them, otherwise the sessions of its authorities.
    ///
    /// # Errors
    /// [`Reason::IdpUnavailable`] if a token cannot be judged now, [`Reason::SessionStoreUnavailable`] if a session cannot
    /// be read now, [`Reason::BadRequest`] if there are several tokens.
    pub(super) async fn of(
        reply: Reply<'_>,
        opening: &impl Opening,
        route: &Route,
        headers: &HeaderMap,
        own: &OwnCookies<'_>,
    ) -> Result<Self, Reason> {
        let Some(wanted) = route.access.requirements() else { return Ok(Self::default()) };
        if let Some(accepted) = &route.bearer
            && let Some(raw) = bearer_token(headers)?
        {
            return Box::pin(Self::of_token(reply, route, wanted, accepted, raw)).await;
        }
        let sessions = match Self::sessions(reply, opening, wanted, own).await {
            // Open routes go on: for them, nobody is known.
            Err(Reason::SessionStoreUnavailable) if matches!(route.access, Access::Optional(_)) => Sessions::default(),
            read => read?,
        };
        // Most people's are in their token.
        let are_known = sessions.live.iter().all(|kept| matches!(kept.session().principal.groups, Groups::Listed(_)));
        let sessions = if are_known { sessions } else { Box::pin(ask_about_groups(reply, route, sessions)).await };
        Ok(Self { sessions, token: Token::None })
    }

    async fn of_token(
        reply: Reply<'_>,
        route: &Route,
        wanted: &Requirements,
        accepted: &BearerRequirements,
        raw: Secret<String>,
    ) -> Result<Self, Reason> {
        let sign_in = &reply.shared.sign_in;
        let judged = bearer::judge(&sign_in.authorities, &wanted.authorities, &raw, &accepted.audiences, &*sign_in.clock);
        let token = match judged.await {
            Ok(Some(token)) => Token::Good(Box::new(token)),
            Ok(None) => Token::Bad,
            Err(NotJudged::Defect(defect)) => {
                tracing::info!(route = %route.name, %defect, "An access token for route {} does not hold: {defect}", route.name);
                Token::Bad
            }
            Err(NotJudged::Unavailable(_)) => return Err(Reason::IdpUnavailable),
        };
        Ok(Self { sessions: Sessions::default(), token })
    }

    async fn sessions(reply: Reply<'_>, opening: &impl Opening, wanted: &Requirements, own: &OwnCookies<'_>) -> Result<Sessions, Reason> {
        let Reply { shared, call, visit } = reply;
        let sessions = Sessions::read(shared, opening, own, &visit.origin, &wanted.authorities, call.now).await?;
        let mut sessions = sessions.freshened(shared, call.now).await;
        if sessions.live.is_empty() && sessions.past == Past::None {
            // Whoever is signed in elsewhere may have to be told that this is not taken here.
            let others: Vec<_> = shared.sign_in.authorities.keys().filter(|name| !wanted.authorities.contains(name)).collect();
            let elsewhere = Sessions::read(shared, opening, own, &visit.origin, others, call.now).await?.live.into_iter();
            sessions.live = elsewhere.filter(|kept| wanted.heeds(&kept.session().principal)).collect();
        }
        Ok(sessions)
    }

    /// What the route decides. A page of another site's may open a WebSocket with our cookies, and no browser asks first:
    /// so a session opens none for it.
    pub(super) fn decide<'a>(&'a self, route: &Route, headers: &HeaderMap, origins: &Origins) -> Decision<'a> {
        let (one, several);
        let people: &[&Principal] = match &*self.sessions.live {
            [kept] => {
                one = [&kept.session().principal];
                &one
            }
            live => {
                several = live.iter().map(|kept| &kept.session().principal).collect::<Vec<_>>();
                &several
            }
        };
        let decision = route.decide(self.presented(people));
        if let Decision::Allow(permit, _) = &decision
            && self.session_of(permit).is_some()
            && opens_channel(headers)
            && !origin_is_ours(headers, origins)
        {
            return Decision::Deny { reason: Reason::BadRequest, who: None };
        }
        decision
    }

    fn presented<'s, 'a>(&'a self, people: &'s [&'a Principal]) -> Presented<'s, 'a> {
        match (&self.token, people, self.sessions.past) {
            (Token::Bad, _, _) => Presented::BadToken,
            (Token::Good(token), _, _) => Presented::Token { principal: &token.0, grant: &token.1 },
            (Token::None, [], Past::Ended) => Presented::OnlyEnded,
            (Token::None, [], Past::None) => Presented::Nothing,
            (Token::None, people, _) => Presented::Sessions(people),
        }
    }

    /// How long whoever was let in may stay at all: what they opened, like a WebSocket, ends with it. `None` if nobody is
    /// known.
    #[must_use]
    pub(super) fn lasts(&self, permit: &Permit<'_>, lifetimes: Lifetimes, now: Timestamp) -> Option<Duration> {
        permit.principal()?;
        if let Token::Good(token) = &self.token {
            return Some(token.1.expires_at.since(now));
        }
        Some(lifetimes.max.saturating_sub(now.since(self.session_of(permit)?.session().signed_in_at)))
    }

    /// Sessions of this browser that their authority has ended: for the audit log, and not for anybody's eyes after that.
    pub(super) fn farewells(&self) -> &[Session] {
        &self.sessions.farewells
    }

    /// The session of the person who was let in; `None` if they came with a token, or if nobody is known.
    #[must_use]
    pub(super) fn session_of(&self, permit: &Permit<'_>) -> Option<&Kept> {
        self.session_of_person(permit.principal()?)
    }

    /// The session of somebody who was judged.
    #[must_use]
    pub(super) fn session_of_person(&self, who: &Principal) -> Option<&Kept> {
        self.sessions.live.iter().find(|kept| std::ptr::eq(&kept.session().principal, who))
    }
}

/// Where nothing but the answer about somebody's groups is missing, their authority is asked again. A session for which only
/// a new sign-in can ask counts as ended on this route, which says so and leads to one; where the route only tries what it
/// would refuse, it goes on.
async fn ask_about_groups(reply: Reply<'_>, route: &Route, mut sessions: Sessions) -> Sessions {
    let Reply { shared, .. } = reply;
    for kept in std::mem::take(&mut sessions.live) {
        let who = &kept.session().principal;
        let (reason, is_let_in) = match route.judge(Subject { principal: who, grant: None }) {
            Ok(permit) => (permit.would_be_refused(), true),
            Err(reason) => (Some(reason), false),
        };
        let known = match shared.sign_in.authorities.get(&who.authority) {
            Some(authority) if reason == Some(Reason::GroupsUnavailable) => {
                shared.sign_in.questions.ask_again(&shared.keeper, authority, &kept).await
            }
            Some(_) | None => Known::Still,
        };
        match known {
            Known::Anew(kept) => sessions.live.push(kept),
            Known::Ended => sessions.ended_late(Whereabouts::of_kept(&kept), shared),
            Known::OnlyAtSignIn if !is_let_in => sessions.outgrown(),
            Known::OnlyAtSignIn | Known::Still => sessions.live.push(kept),
        }
    }
    sessions
}

/// Proxies that ask about a request drop `Upgrade`, but hand on the fields that only a browser's own handshake has.
fn opens_channel(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE) || headers.contains_key(header::SEC_WEBSOCKET_KEY)
}

/// The token of `Authorization: Bearer`, if that is what it is (RFC 6750 §2.1). Two such fields cannot be read one way.
fn bearer_token(headers: &HeaderMap) -> Result<Option<Secret<String>>, Reason> {
    let mut fields = headers.get_all(header::AUTHORIZATION).into_iter();
    let Some(first) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(Reason::BadRequest);
    }
    let credentials = first.to_str().unwrap_or_default().split_once(' ');
    let token = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim().to_owned());
    Ok(token.map(Secret::new))
}
