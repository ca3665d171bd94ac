//! The life of a request, on one screen: read → own endpoint? → route → who? → decide → forward, or say why not.

use std::sync::Arc;
use tokio::time::Instant;

use http::{HeaderMap, Response, header, request};
use hyper::body::Incoming;

use super::body::{self, Body};
use super::call::{Call, Verdict};
use super::endpoints::{self, From as Sender, Leaving, Way};
use super::forward::{Forwarder, OwnCookies as CookieRules, Passage, WebSocket, origin_is_ours};
use super::listen::ConnectionInfo;
use super::pages::form_not_sent::FormNotSent;
use super::pages::notice::Person;
use super::pages::reason::{ReasonPage, Who};
use super::respond::{self, Redirect, Told};
use super::sessions::{Past, Sessions};
use super::shared::Shared;
use super::visit::Visit;
use crate::config::SignInPage;
use crate::domain::interaction::Interaction;
use crate::domain::origin::Origin;
use crate::domain::policy::{Decision, Permit, Presented};
use crate::domain::principal::Principal;
use crate::domain::reason::Reason;
use crate::domain::route::{Forward, NoMatch, Route, Unauthenticated};
use crate::domain::session::{Session, Standing};
use crate::flow::bearer;
use crate::protocol::authorize::Prompt;
use crate::protocol::cookies::{self, Dialect, OwnCookies, SetCookie};
use crate::protocol::secret::Secret;
use crate::protocol::session_cookie;
use crate::telemetry::access_log::Line;

/// One core's view of the proxy: what all share, and connections to upstreams of its own.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    endpoints: axum::Router,
    forwarder: Forwarder,
}

/// Our cookies stay between the browser and us, in both directions.
const COOKIES: CookieRules = CookieRules { strip: cookies::strip_own, is_own: cookies::is_own };

/// What became of a request.
struct Answer {
    response: Response<Body>,
    verdict: Verdict,
}

impl Proxy {
    /// A proxy for one core.
    #[must_use]
    pub fn new(shared: Arc<Shared>, forwarder: Forwarder) -> Self {
        Self { endpoints: endpoints::router(&shared.prefix), shared, forwarder }
    }

    /// Answers a request. Nothing fails silently: whatever goes wrong has a reason, a page and a line in the log.
    pub async fn serve(&self, request: http::Request<Incoming>, connection: ConnectionInfo) -> Response<Body> {
        let call = Call::at(self.shared.sign_in.clock.now());
        let (head, body) = request.into_parts();
        let (method, peer) = (head.method.clone(), connection.peer.ip());
        match self.shared.reader.read(&head, peer) {
            Ok(visit) => {
                let answer = self.answer(&call, &visit, head, body, connection).await;
                self.log(&call, &method, visit.target.path(), visit.client, answer)
            }
            Err(reason) => {
                let interaction = Interaction::of(&head.method, &head.headers);
                let response = respond::tell_unread(&self.shared, &call, interaction, reason);
                let answer = Answer { response: body::own(response), verdict: Verdict::not_let_in(reason) };
                self.log(&call, &method, head.uri.path(), peer, answer)
            }
        }
    }

    fn log(&self, call: &Call, method: &http::Method, path: &str, client: std::net::IpAddr, answer: Answer) -> Response<Body> {
        let decision = answer.verdict.record(call.id);
        let status = answer.response.status();
        self.shared.access_log.write(&Line { at: call.now, decision: &decision, method, path, status, took: call.took(), client });
        answer.response
    }

    async fn answer(&self, call: &Call, visit: &Visit, head: request::Parts, body: Incoming, connection: ConnectionInfo) -> Answer {
        if self.shared.is_own(visit.target.path()) {
            return endpoints::ask(&self.endpoints, &self.shared, *call, visit, head, body).await.into();
        }
        match self.shared.routes.find(&visit.target, &visit.method) {
            Ok(route) => self.routed(call, visit, route, head, body, connection).await,
            Err(NoMatch::NoRoute) => self.refuse(call, visit, &self.about(call, Reason::NoRoute)).into(),
            Err(NoMatch::Ambiguous) => self.refuse(call, visit, &self.about(call, Reason::BadRequest)).into(),
        }
    }

    async fn routed(
        &self,
        call: &Call,
        visit: &Visit,
        route: &Route,
        head: request::Parts,
        body: Incoming,
        connection: ConnectionInfo,
    ) -> Answer {
        let identity = match self.identify(call, visit, route, &head.headers).await {
            Ok(identity) => identity,
            Err(reason) => return self.refuse(call, visit, &self.about(call, reason)).on(route),
        };
        let people: Vec<&Principal> = identity.sessions.live.iter().map(|session| &session.principal).collect();
        match route.decide(identity.presented(&people)) {
            Decision::Allow(permit, reason) => {
                let session = identity.session_of(&permit);
                if session.is_some() && head.headers.contains_key(header::UPGRADE) && !origin_is_ours(&head.headers, &self.shared.origins) {
                    return self.refuse(call, visit, &self.about(call, Reason::BadRequest)).on(route);
                }
                let verdict = Verdict::allow(reason).on(route).about(permit.principal());
                let renewal = session.and_then(|session| self.renewal(call, visit, session, &head.headers));
                let mut answer = self.forward(call, visit, route, permit, session, head, body, connection, verdict).await;
                for cookie in renewal.into_iter().flatten() {
                    answer.response.headers_mut().append(header::SET_COOKIE, cookie.into_header_value());
                }
                answer
            }
            Decision::Challenge(reason) => self.challenge(call, visit, route, reason, &head.headers).await.on(route),
            Decision::Deny { reason, who } => self.deny(call, visit, route, reason, who).into(),
        }
    }

    /// Who asks: an access token where the route takes them, otherwise the sessions of its authorities.
    async fn identify(&self, call: &Call, visit: &Visit, route: &Route, headers: &HeaderMap) -> Result<Identity, Reason> {
        let Some(wanted) = route.access.requirements() else { return Ok(Identity::default()) };
        if let (Some(bearer), Some(raw)) = (&route.bearer, bearer_token(headers)) {
            let (raw, sign_in) = (raw?, &self.shared.sign_in);
            let judged = bearer::judge(&sign_in.authorities, &wanted.authorities, &raw, &bearer.audiences, &*sign_in.clock);
            let token = match judged.await {
                Ok(Some(token)) => Token::Good(Box::new(token)),
                Ok(None) => Token::Bad,
                Err(crate::flow::authority::NotJudged::Defect(defect)) => {
                    tracing::info!(route = %route.name, %defect, "An access token for route {} does not hold: {defect}", route.name);
                    Token::Bad
                }
                Err(crate::flow::authority::NotJudged::Unavailable(_)) => return Err(Reason::IdpUnavailable),
            };
            return Ok(Identity { sessions: Sessions::default(), token });
        }
        let mut sessions = Sessions::read(&self.shared, headers, &visit.origin, &wanted.authorities, call.now);
        if sessions.live.is_empty() && sessions.past == Past::None {
            // Whoever is signed in elsewhere with a kind of account that is not taken here is told so, and not merely
            // asked to sign in. A kind that is taken may sign in again, where the route says.
            let others = self.shared.sign_in.authorities.keys().filter(|name| !wanted.authorities.contains(name));
            let elsewhere = Sessions::read(&self.shared, headers, &visit.origin, others, call.now);
            sessions.live = elsewhere.live.into_iter().filter(|session| wanted.check_kind(session.principal.kind).is_err()).collect();
        }
        Ok(Identity { sessions, token: Token::None })
    }

    #[expect(clippy::too_many_arguments, reason = "the whole request is handed over, and each part is used once")]
    async fn forward(
        &self,
        call: &Call,
        visit: &Visit,
        route: &Route,
        permit: Permit<'_>,
        session: Option<&Session>,
        head: request::Parts,
        body: Incoming,
        connection: ConnectionInfo,
        verdict: Verdict,
    ) -> Answer {
        match route.destination.of(permit.principal().map(|who| who.kind)) {
            None => self.refuse(call, visit, &self.about(call, Reason::NoRoute)).on(route),
            Some(Forward::Redirect(url)) => Answer { response: body::own(respond::redirect(Redirect::Found, url.as_str())), verdict },
            Some(Forward::Upstream(upstream)) => {
                let passage = Passage {
                    upstream,
                    target: &visit.target,
                    rules: &route.headers,
                    timeouts: route.timeouts,
                    max_body: route.max_body,
                    websocket: if route.websocket { WebSocket::Allowed } else { WebSocket::Dropped },
                    ends_at: session.map(|session| self.end_of(call, session)),
                    address: connection.peer.ip(),
                    peer: visit.peer,
                    origin: &visit.origin,
                    cookies: COOKIES,
                };
                match self.forwarder.forward(&permit, passage, http::Request::from_parts(head, body)).await {
                    Ok(response) => Answer { response, verdict },
                    Err(error) => {
                        let reason = error.reason();
                        tracing::warn!(route = %route.name, reason = reason.code(), %error, "Route {}: {error}", route.name);
                        let mut page = self.about(call, reason);
                        let back = respond::wanted(&self.shared, visit);
                        page.return_to = Some(&back);
                        self.refuse(call, visit, &page).on(route)
                    }
                }
            }
        }
    }

    fn end_of(&self, call: &Call, session: &Session) -> Instant {
        match session.standing(self.shared.lifetimes, call.now) {
            Standing::Live { left } => Instant::now() + left,
            Standing::Ended => Instant::now(),
        }
    }

    /// The session cookie written again, once it is old enough to be worth it.
    fn renewal(&self, call: &Call, visit: &Visit, session: &Session, headers: &HeaderMap) -> Option<Vec<SetCookie>> {
        if !session.is_due_for_renewal(self.shared.lifetimes, call.now) {
            return None;
        }
        let seen = Session { last_seen: call.now, ..session.clone() };
        let own = OwnCookies::read(headers, Dialect::of(&visit.origin));
        let mut random = |buffer: &mut [u8]| self.shared.sign_in.entropy.fill(buffer);
        session_cookie::write(&seen, &own, &visit.origin, &self.shared.keys, &mut random).ok()
    }

    /// Nobody is signed in. People are led to a sign-in; programs are told that one is needed.
    async fn challenge(&self, call: &Call, visit: &Visit, route: &Route, reason: Reason, headers: &HeaderMap) -> Told {
        let shared = &self.shared;
        let back = respond::wanted(shared, visit);
        let safe = matches!(visit.method, http::Method::GET | http::Method::HEAD);
        let lead = match (route.unauthenticated, visit.interaction) {
            (Unauthenticated::Auto, Interaction::Navigation) => true,
            (Unauthenticated::Redirect, _) => safe,
            (Unauthenticated::Auto, Interaction::Grpc | Interaction::Program | Interaction::Submission) => false,
            (Unauthenticated::Refuse, _) => false,
        };
        if !lead {
            let mut page = self.about(call, reason);
            page.return_to = Some(&back);
            let response = match visit.interaction {
                Interaction::Submission => FormNotSent { open_again: &back, reference: respond::reference(call) }
                    .render(shared.chrome(&visit.origin))
                    .into_response(),
                Interaction::Grpc | Interaction::Navigation | Interaction::Program => respond::tell(shared, call, visit, &page),
            };
            return Told::new(response, Verdict::challenge(reason));
        }
        let own = OwnCookies::read(headers, Dialect::of(&visit.origin));
        let prompt = endpoints::prompt(None, &own);
        let only = route.access.requirements().and_then(|wanted| shared.directory.only_authority(wanted));
        if let (SignInPage::Auto, Prompt::Default, Some(only)) = (shared.page, prompt, only) {
            let leaving = Leaving { typed: None, hint: None, prompt, way: Way::Redirect };
            let from = Sender { shared, call, visit };
            return endpoints::depart(from, &only.name, route, &back, leaving, &own).await;
        }
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("return_to", &place(&back, &visit.origin));
        if reason == Reason::SessionExpired {
            query.append_pair("notice", reason.code());
        }
        let location = format!("{}?{}", respond::own_url(shared, &visit.origin, "/sign-in"), query.finish());
        Told::new(respond::redirect(Redirect::Found, &location), Verdict::challenge(reason))
    }

    fn deny(&self, call: &Call, visit: &Visit, route: &Route, reason: Reason, who: Option<&Principal>) -> Told {
        let back = respond::wanted(&self.shared, visit);
        let organisation = who.and_then(|who| self.shared.tenant_names.get(&who.tenant?)).map(String::as_str);
        let mut page = self.about(call, reason);
        page.return_to = Some(&back);
        page.who = who.map_or(Who::Nobody, |who| Who::SignedIn(Person::of(who, organisation)));
        let response = respond::tell(&self.shared, call, visit, &page);
        Told::new(response, Verdict::not_let_in(reason).on(route).about(who))
    }

    fn about(&self, call: &Call, reason: Reason) -> ReasonPage<'static> {
        ReasonPage::new(reason, respond::reference(call))
    }

    fn refuse(&self, call: &Call, visit: &Visit, page: &ReasonPage<'_>) -> Told {
        Told::new(respond::tell(&self.shared, call, visit, page), Verdict::not_let_in(page.reason))
    }
}

/// Who a request comes from.
#[derive(Debug, Default)]
struct Identity {
    sessions: Sessions,
    token: Token,
}

#[derive(Debug, Default)]
enum Token {
    Bad,
    Good(Box<(Principal, crate::domain::policy::AccessGrant)>),
    #[default]
    None,
}

impl Identity {
    fn presented<'a>(&'a self, people: &'a [&'a Principal]) -> Presented<'a> {
        match (&self.token, people, self.sessions.past) {
            (Token::Bad, _, _) => Presented::BadToken,
            (Token::Good(token), _, _) => Presented::Token { principal: &token.0, grant: &token.1 },
            (Token::None, [], Past::Ended) => Presented::OnlyEnded,
            (Token::None, [], Past::None) => Presented::Nothing,
            (Token::None, people, _) => Presented::Sessions(people),
        }
    }

    /// The session of the person who was let in.
    fn session_of(&self, permit: &Permit<'_>) -> Option<&Session> {
        let who = permit.principal()?;
        self.sessions.live.iter().find(|session| std::ptr::eq(&session.principal, who))
    }
}

/// The token of `Authorization: Bearer`, if that is what it is (RFC 6750 §2.1). Two such fields cannot be read one way.
fn bearer_token(headers: &HeaderMap) -> Option<Result<Secret<String>, Reason>> {
    let mut fields = headers.get_all(header::AUTHORIZATION).into_iter();
    let first = fields.next()?.to_str().unwrap_or_default();
    let (scheme, token) = first.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Some(if fields.next().is_some() { Err(Reason::BadRequest) } else { Ok(Secret::new(token.trim().to_owned())) })
}

/// A return target as a parameter: a path where it is at the origin that is asked.
fn place(target: &crate::domain::return_to::ReturnTo, here: &Origin) -> String {
    if target.origin() == here { target.path_and_query().to_owned() } else { target.to_url() }
}

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        Self { response: body::own(told.response), verdict: told.verdict }
    }
}

impl Told {
    fn on(mut self, route: &Route) -> Answer {
        self.verdict = self.verdict.on(route);
        self.into()
    }
}
