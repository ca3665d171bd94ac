//! What every request needs to know and none may change: one value per configuration, behind one `Arc`.

use std::collections::HashMap;
use std::sync::Arc;

use super::pages::assets::Assets;
use super::pages::chrome::Chrome;
use super::rate_limit::RateLimit;
use super::visit::{Reader, Visit};
use crate::domain::account::TenantId;
use crate::domain::origin::{Origin, Origins};
use crate::domain::principal::Principal;
use crate::domain::realm::Directory;
use crate::domain::reason::Reason;
use crate::domain::route::{NoMatch, Route, RouteTable};
use crate::domain::session::Lifetimes;
use crate::domain::sign_in_page::SignInPage;
use crate::flow::ports::TenantLookup;
use crate::flow::sign_in::SignIn;
use crate::protocol::seal::KeyRing;

/// The shared state.
pub struct Shared {
    /// Reads request heads.
    pub reader: Reader,
    /// Where we are reached.
    pub origins: Origins,
    /// Own endpoints: never proxied.
    pub prefix: String,
    /// The routes.
    pub routes: RouteTable,
    /// What home realm discovery knows.
    pub directory: Directory,
    /// Asks the authority about a domain, if the configuration wants that.
    pub lookup: Option<Arc<dyn TenantLookup>>,
    /// Begins and finishes sign-ins.
    pub sign_in: SignIn,
    /// Seals sessions.
    pub keys: Arc<KeyRing>,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
    /// Whether our page comes first.
    pub page: SignInPage,
    /// Whether the page offers to remember choices.
    pub remembering: Remembering,
    /// Bounds sign-in posts.
    pub rate_limit: RateLimit,
    /// Style sheet, icons and logo.
    pub assets: Assets,
    /// The frame of pages, by origin.
    pub chromes: Vec<(Origin, Chrome)>,
    /// What pages call a tenant.
    pub tenant_names: HashMap<TenantId, String>,
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
        self.tenant_names.get(&who.tenant?).map(String::as_str)
    }

    /// The one route for a request.
    ///
    /// # Errors
    /// [`Reason::NoRoute`], or [`Reason::BadRequest`] for a path that two servers could read as two routes.
    pub fn route_of(&self, visit: &Visit) -> Result<&Route, Reason> {
        self.routes.find(&visit.target, &visit.method).map_err(|none| match none {
            NoMatch::Ambiguous => Reason::BadRequest,
            NoMatch::NoRoute => Reason::NoRoute,
        })
    }

    /// Whether a path is one of ours: the prefix itself or below it.
    #[must_use]
    pub fn is_own(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("origins", &self.origins).field("routes", &self.routes.routes().len()).finish_non_exhaustive()
    }
}
