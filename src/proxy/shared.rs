//! What every request needs to know and none may change: one value per configuration, behind one `Arc`.

use std::sync::Arc;

use super::audit::Naming;
use super::forward::upstreams::Fleet;
use super::hearing::Hearing;
use super::pages::assets::Assets;
use super::pages::chrome::Chrome;
use super::rate_limit::RateLimit;
use super::visit::{Reader, Visit};
use crate::domain::origin::Origin;
use crate::domain::principal::Principal;
use crate::domain::reason::Reason;
use crate::domain::route::{NoMatch, Route};
use crate::domain::rules::Rules;
use crate::domain::session::Lifetimes;
use crate::domain::written::Fingerprint;
use crate::flow::keeper::Keeper;
use crate::flow::ports::TenantLookup;
use crate::flow::sign_in::SignIn;
use crate::protocol::seal::KeyRing;

/// The shared state.
pub struct Shared {
    /// Reads request heads.
    pub reader: Reader,
    /// Everything that decides.
    pub rules: Arc<Rules>,
    /// What its routes forward to.
    pub upstreams: Fleet,
    /// Names the configuration.
    pub fingerprint: Fingerprint,
    /// Asks the authority about a domain, if the configuration wants that.
    pub lookup: Option<Arc<dyn TenantLookup>>,
    /// Begins and finishes sign-ins.
    pub sign_in: SignIn,
    /// Seals sessions.
    pub keys: Arc<KeyRing>,
    /// Keeps sessions, and ends them.
    pub keeper: Keeper,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
    /// Whether the page offers to remember choices.
    pub remembering: Remembering,
    /// Bounds sign-in posts, across generations.
    pub rate_limit: Arc<RateLimit>,
    /// Bounds what providers, or whoever says that they are, tell us of ended sessions; across generations.
    pub hearing: Arc<Hearing>,
    /// How the audit log names people; `None`: there is no such log.
    pub naming: Option<Naming>,
    /// Style sheet, icons and logo.
    pub assets: Assets,
    /// The frame of pages, by origin.
    pub chromes: Vec<(Origin, Chrome)>,
}

/// `remember_accounts`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembering {
    /// The box is there.
    Offered,
    /// Nothing is remembered.
    Off,
}

impl Shared {
    /// The frame for pages at one of our origins.
    #[must_use]
    pub fn chrome(&self, origin: &Origin) -> &Chrome {
        let known = self.chromes.iter().find(|(of, _)| of == origin);
        &known.unwrap_or(&self.chromes[0]).1
    }

    /// What pages call the organisation of an account, if it has a name here.
    #[must_use]
    pub fn organisation_of(&self, who: &Principal) -> Option<&str> {
        self.rules.tenant(who.tenant?).map(|tenant| tenant.name.as_str())
    }

    /// The one route for a request.
    ///
    /// # Errors
    /// [`Reason::NoRoute`], or [`Reason::BadRequest`] for a path that two servers could read as two routes.
    pub fn route_of(&self, visit: &Visit) -> Result<&Route, Reason> {
        self.rules.routes.find(&visit.target, &visit.method).map_err(|none| match none {
            NoMatch::Ambiguous => Reason::BadRequest,
            NoMatch::NoRoute => Reason::NoRoute,
        })
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("origins", &self.rules.origins)
            .field("routes", &self.rules.routes.routes().len())
            .finish_non_exhaustive()
    }
}
