//! Refusals and failures as answers: a page for people, a problem document for programs, a status for gRPC. One place,
//! so that no branch forgets one of the three.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::call::{Call, Verdict};
use super::pages::chrome::Chrome;
use super::pages::notice::Reference;
use super::pages::reason::ReasonPage;
use super::problem::Problem;
use super::shared::Shared;
use super::visit::Visit;
use crate::domain::interaction::Interaction;
use crate::domain::origin::Origin;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::route::Route;
use crate::protocol::cookies::SetCookie;

/// An answer of our own, and what was decided.
#[derive(Debug)]
pub struct Told {
    /// The answer.
    pub response: Response<Bytes>,
    /// The decision.
    pub verdict: Verdict,
}

impl Told {
    /// An answer with its verdict.
    #[must_use]
    pub const fn new(response: Response<Bytes>, verdict: Verdict) -> Self {
        Self { response, verdict }
    }

    /// The answer, with the route that decided.
    #[must_use]
    pub fn on(mut self, route: &Route) -> Self {
        self.verdict = self.verdict.on(route);
        self
    }

    /// The answer with cookies set.
    #[must_use]
    pub fn with_cookies(mut self, cookies: impl IntoIterator<Item = SetCookie>) -> Self {
        for cookie in cookies {
            self.response.headers_mut().append(header::SET_COOKIE, cookie.into_header_value());
        }
        self
    }
}

/// What an answer of our own to a request is made of.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// What all requests share.
    pub shared: &'a Shared,
    /// This one's id and moment.
    pub call: &'a Call,
    /// What was read of it.
    pub visit: &'a Visit,
}

impl Reply<'_> {
    /// A page about a reason, to be filled in.
    #[must_use]
    pub const fn about(self, reason: Reason) -> ReasonPage<'static> {
        let passes = matches!(reason, Reason::GroupsUnavailable | Reason::IdpUnavailable | Reason::SessionStoreUnavailable);
        let retry_after = if passes { Some(RETRY_SOON) } else { None };
        ReasonPage { retry_after, ..ReasonPage::new(reason, self.reference()) }
    }

    /// How to quote the decision.
    #[must_use]
    pub const fn reference(self) -> Reference {
        reference(self.call)
    }

    /// The page that was asked for, as a place to come back to after a sign-in; the front page where it cannot be one.
    #[must_use]
    pub fn wanted(self) -> ReturnTo {
        let origin = &self.visit.origin;
        let wanted = ReturnTo::parse(self.visit.target.path_and_query(), origin, &self.shared.rules.origins);
        wanted.unwrap_or_else(|_| ReturnTo::front_page(origin))
    }

    /// The frame of pages at the origin that was asked.
    #[must_use]
    pub fn chrome(&self) -> &Chrome {
        self.shared.chrome(&self.visit.origin)
    }

    /// A reason, told in the form that the client understands.
    #[must_use]
    pub fn tell(self, page: &ReasonPage<'_>) -> Response<Bytes> {
        match self.visit.interaction {
            Interaction::Navigation | Interaction::Submission => page.render(self.chrome()).into_response(),
            Interaction::Program => self.problem(page).json(self.chrome()),
            Interaction::Grpc => self.problem(page).grpc(),
        }
    }

    /// The reason of a page as programs are told it.
    #[must_use]
    pub const fn problem<'p>(self, page: &ReasonPage<'p>) -> Problem<'p> {
        Problem { return_to: page.return_to, retry_after: page.retry_after, detail: page.help, ..Problem::new(page.reason, self.call.id) }
    }

    /// Does not let somebody in.
    #[must_use]
    pub fn refuse(self, page: &ReasonPage<'_>) -> Told {
        Told::new(self.tell(page), Verdict::not_let_in(page.reason))
    }

    /// Does not let somebody in, and has no more to say than why.
    #[must_use]
    pub fn refuse_for(self, reason: Reason) -> Told {
        self.refuse(&self.about(reason))
    }
}

/// A reason for a request whose target or host could not be read: nothing of it can be trusted to go back to.
///
/// A gRPC client gets the HTTP status as well: gRPC's own answers all have 200, which a proxy in front that asks
/// `check` about a request, and named a host that is not ours, would take for a yes.
#[must_use]
pub fn tell_unread(shared: &Shared, call: &Call, interaction: Interaction, reason: Reason) -> Response<Bytes> {
    let chrome = shared.chrome(shared.rules.origins.first());
    match interaction {
        Interaction::Navigation | Interaction::Submission => ReasonPage::new(reason, reference(call)).render(chrome).into_response(),
        Interaction::Grpc | Interaction::Program => Problem::new(reason, call.id).json(chrome),
    }
}

const fn reference(call: &Call) -> Reference {
    Reference { decision: call.id, at: call.now }
}

/// Sends a browser on. 302 answers a GET; after a POST it is 303 (RFC 9110 §15.4.4), so that the method changes.
#[must_use]
pub fn redirect(status: Redirect, location: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = match status {
        Redirect::Found => StatusCode::FOUND,
        Redirect::SeeOther => StatusCode::SEE_OTHER,
    };
    super::pages::add_page_headers(response.headers_mut());
    match HeaderValue::try_from(location) {
        Ok(location) => {
            response.headers_mut().insert(header::LOCATION, location);
        }
        // Locations are URLs that were parsed; one that does not fit a header leads nowhere rather than somewhere else.
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}

/// Which redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    /// 302
    Found,
    /// 303
    SeeOther,
}

/// How long to wait before a provider or store is asked again.
pub const RETRY_SOON: Duration = Duration::from_secs(5);

/// The absolute URL of one of our endpoints.
#[must_use]
pub fn own_url(shared: &Shared, origin: &Origin, endpoint: &str) -> String {
    format!("{origin}{}{endpoint}", shared.rules.prefix)
}
