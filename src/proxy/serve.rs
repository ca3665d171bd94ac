//! The life of a request, on one screen: read → own endpoint? → route → who? → decide → forward, or say why not.

use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use http::{Method, Response, StatusCode, request};
use tokio::time::Instant;

use super::body::{self, Body};
use super::call::{Call, Verdict};
use super::challenge::{challenge, deny};
use super::endpoints;
use super::forward::leash::{Ending, Leash};
use super::forward::{Forwarder, OwnCookies as CookieRules, Passage, WebSocket};
use super::generation::{Generation, InForce, View};
use super::identity::Identity;
use super::lasting::Opener;
use super::listen::{ConnectionInfo, Known};
use super::opening::Recall;
use super::request_body::RequestBody;
use super::respond::{self, Redirect, Reply, Told};
use super::{caches, sessions};
use crate::domain::destination::{Forward, Upstreams};
use crate::domain::interaction::Interaction;
use crate::domain::policy::{Decision, Permit};
use crate::domain::reason::Reason;
use crate::domain::route::Route;
use crate::domain::written::Fingerprint;
use crate::protocol::cookies::{self, Dialect, OwnCookies};
use crate::telemetry::{Line, Recorder};

/// One core's view of the proxy: what all share, and connections to upstreams of its own.
#[derive(Debug)]
pub struct Proxy {
    in_force: InForce,
    view: View,
    forwarder: Forwarder,
    recorder: Recorder,
}

/// Our cookies stay between the browser and us, in both directions.
const COOKIES: CookieRules = CookieRules { write_others: cookies::write_others, is_own: cookies::is_own };

/// A request on its way through: how to answer it, and what of it is passed on. In a box: it goes through many hands.
struct Passing<'a> {
    reply: Reply<'a>,
    head: request::Parts,
    body: RequestBody,
    /// The other end of the connection.
    address: IpAddr,
}

/// What became of a request.
struct Answer {
    response: Response<Body>,
    verdict: Verdict,
}

impl Proxy {
    /// A proxy for one core.
    #[must_use]
    pub fn new(in_force: &InForce, forwarder: Forwarder, recorder: Recorder) -> Self {
        Self { in_force: in_force.clone(), view: in_force.view(), forwarder, recorder }
    }

    /// Answers a request. Nothing fails silently: whatever goes wrong has a reason, a page and a line in the log.
    pub async fn serve(self: Rc<Self>, request: http::Request<RequestBody>, connection: ConnectionInfo) -> Response<Body> {
        // One for the whole request: what judges it at its beginning judges it at its end.
        let generation = self.view.generation();
        let shared = &*generation.shared;
        let call = Call::at(shared.sign_in.clock.now());
        let address = connection.peer.ip();
        let (head, body) = request.into_parts();
        let method = head.method.clone();
        let read = match connection.known {
            Known::BySight => shared.reader.read(&head, address),
            Known::ByWord => shared.reader.read_of_stranger(&head, address),
        };
        match read {
            Ok(visit) => {
                let reply = Reply { shared, call: &call, visit: &visit };
                let answer = self.answer(Box::new(Passing { reply, head, body, address }), &generation).await;
                self.log(shared.fingerprint, &call, &method, visit.target.path(), visit.client, answer)
            }
            Err(reason) => {
                let interaction = Interaction::of(&head.method, &head.headers);
                let response = respond::tell_unread(shared, &call, interaction, reason);
                let answer = Answer { response: body::own(response), verdict: Verdict::not_let_in(reason) };
                self.log(shared.fingerprint, &call, &method, head.uri.path(), address, answer)
            }
        }
    }

    async fn answer(&self, request: Box<Passing<'_>>, generation: &Generation) -> Answer {
        let reply = request.reply;
        if reply.shared.rules.is_own(reply.visit.target.path()) {
            let Generation { endpoints, shared, .. } = generation;
            let asking = endpoints::ask(endpoints, shared, *reply.call, reply.visit, request.head, request.body);
            return aside(asking).await.into();
        }
        match reply.shared.route_of(reply.visit) {
            Ok(route) => self.routed(request, route, &generation.recall).await,
            Err(reason) => reply.refuse_for(reason).into(),
        }
    }

    async fn routed(&self, request: Box<Passing<'_>>, route: &Route, recall: &Recall) -> Answer {
        let (reply, headers) = (request.reply, &request.head.headers);
        let own = OwnCookies::read(headers, Dialect::of(&reply.visit.origin));
        let identity = match Identity::of(reply, recall, route, headers, &own).await {
            Ok(identity) => identity,
            Err(reason) => return reply.refuse_for(reason).on(route).into(),
        };
        let mut answer: Answer = match identity.decide(route, headers, &reply.shared.rules.origins) {
            Decision::Allow(permit, reason) => {
                let session = identity.session_of(&permit);
                let renewed = match session {
                    Some(kept) if sessions::wants_renewal(reply, kept) => aside(sessions::renewal(reply, kept, &own)).await,
                    Some(_) | None => Vec::new(),
                };
                let lasts = identity.lasts(&permit, reply.shared.lifetimes, reply.call.now);
                let opener = session.map(|kept| Opener { kept, in_force: &self.in_force });
                let session = opener.as_ref().map(|opener| opener as &dyn Ending);
                let leash = lasts.map(|lasts| Leash { until: Instant::from_std(reply.call.arrived) + lasts, session });
                let mut answer = self.admit(request, route, &permit, reason, leash).await;
                if route.access.requirements().is_some() && answer.response.status() != StatusCode::SWITCHING_PROTOCOLS {
                    caches::mark(answer.response.headers_mut(), permit.principal(), renewed);
                }
                answer
            }
            Decision::Challenge(reason) => aside(challenge(reply, route, reason, &own)).await.into(),
            Decision::Deny { reason, who } => {
                let rewritten = who.and_then(|who| identity.session_of_person(who)).map(|kept| sessions::rewritten(reply, kept, &own));
                deny(reply, route, reason, who).with_cookies(rewritten.unwrap_or_default()).into()
            }
        };
        answer.verdict = answer.verdict.bidding_farewell(reply.shared, identity.farewells());
        answer
    }

    async fn admit(
        &self,
        request: Box<Passing<'_>>,
        route: &Route,
        permit: &Permit<'_>,
        reason: Reason,
        leash: Option<Leash<'_>>,
    ) -> Answer {
        let reply = request.reply;
        let verdict = Verdict::admitted(reply.shared, route, permit, reason);
        match route.destination.of(permit.principal().map(|who| who.kind)) {
            None => reply.refuse_for(Reason::NoRoute).on(route).into(),
            Some(Forward::Redirect(url)) => Told::new(respond::redirect(Redirect::Found, url.as_str()), verdict).into(),
            Some(Forward::Upstream(upstreams)) => {
                let under_way = UnderWay { proxy: self, reply, method: request.head.method.clone(), verdict: Some(verdict) };
                match (self.forward(request, route, upstreams, permit, leash).await, under_way.answered()) {
                    (Ok(response), verdict) => Answer { response, verdict },
                    (Err(told), _) => told.on(route).into(),
                }
            }
        }
    }

    async fn forward(
        &self,
        request: Box<Passing<'_>>,
        route: &Route,
        upstreams: &Arc<Upstreams>,
        permit: &Permit<'_>,
        leash: Option<Leash<'_>>,
    ) -> Result<Response<Body>, Told> {
        let Passing { reply, head, body, address } = *request;
        let passage = Passage {
            group: reply.shared.upstreams.at_work(upstreams),
            target: &reply.visit.target,
            strip_prefix: route.strip_prefix.as_ref(),
            rules: &route.headers,
            timeouts: route.timeouts,
            max_body: route.max_body,
            websocket: if route.websocket { WebSocket::Allowed } else { WebSocket::Dropped },
            leash,
            address,
            peer: reply.visit.peer,
            origin: &reply.visit.origin,
            cookies: COOKIES,
        };
        // It lasts longest and is by far the largest: what waits for the head of the next request has no room for it.
        let forwarding = aside(self.forwarder.forward(permit, passage, http::Request::from_parts(head, body)));
        forwarding.await.map_err(|error| {
            let reason = error.reason();
            tracing::warn!(route = %route.name, reason = reason.code(), %error, "Route {}: {error}", route.name);
            let back = reply.wanted();
            let mut page = reply.about(reason);
            page.return_to = Some(&back);
            reply.refuse(&page)
        })
    }

    fn log(&self, fingerprint: Fingerprint, call: &Call, method: &Method, path: &str, client: IpAddr, answer: Answer) -> Response<Body> {
        self.record(fingerprint, call, method, path, client, (answer.response.status(), answer.verdict));
        answer.response
    }

    fn record(
        &self,
        fingerprint: Fingerprint,
        call: &Call,
        method: &Method,
        path: &str,
        client: IpAddr,
        (status, verdict): (StatusCode, Verdict),
    ) {
        let (decision, events) = verdict.record(call.id);
        let answered = std::time::Instant::now();
        self.recorder.record(&Line {
            at: call.now,
            decision: &decision,
            events: &events,
            method,
            path,
            status,
            took: answered - call.arrived,
            client,
            fingerprint,
            answered,
        });
    }
}

/// A request that an upstream may have seen. If its client goes before the answer, all of it is dropped, and yet it has a
/// line in the log.
struct UnderWay<'a> {
    proxy: &'a Proxy,
    reply: Reply<'a>,
    method: Method,
    verdict: Option<Verdict>,
}

/// What the log says of a client that has gone: nobody is answered with it. nginx made the number known.
const CLIENT_HAS_GONE: u16 = 499;

impl UnderWay<'_> {
    /// There is an answer, whatever it is.
    fn answered(mut self) -> Verdict {
        self.verdict.take().expect("taken once, here or when it is dropped")
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(verdict) = self.verdict.take() {
            let Reply { shared, call, visit } = self.reply;
            let status = StatusCode::from_u16(CLIENT_HAS_GONE).expect("three digits");
            self.proxy.record(shared.fingerprint, call, &self.method, visit.target.path(), visit.client, (status, verdict));
        }
    }
}

/// A future in a place of its own: within that of the request, which is moved several times before it is begun, it would
/// be moved with it, and every connection would have room for it.
fn aside<T>(large: impl Future<Output = T>) -> Pin<Box<impl Future<Output = T>>> {
    Box::pin(large)
}

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        Self { response: body::own(told.response), verdict: told.verdict }
    }
}
