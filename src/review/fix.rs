//! What would change a refusal, and whom that would let in besides: a way out that hides its price is no advice.

use crate::domain::decision::Judged;
use crate::domain::made_up::SOME_TENANT;
use crate::domain::reason::Reason;
use crate::domain::route::Route;
use crate::domain::rules::Rules;

/// What to do about a decision, if a change of the configuration, at the provider or by the person would alter it.
pub(super) fn fix(reason: Reason, rules: &Rules, route: Option<&Route>, who: Option<&Judged>) -> Option<String> {
    let route = route.map_or("this route", |route| route.name.as_str());
    let tenant = who
        .and_then(|who| who.tenant)
        .filter(|id| *id != SOME_TENANT)
        .map(|id| rules.tenant(id).map_or_else(|| format!("\"{id}\""), |tenant| format!("\"{}\"", tenant.key)));
    let tenant = tenant.as_deref().unwrap_or("their tenant");
    let advice = match reason {
        Reason::AuthorityNotAllowed => {
            let authority = who.map_or("it", |who| who.authority.as_str());
            format!("adding \"{authority}\" to `authorities` of {route} admits everybody there who passes its other checks")
        }
        Reason::CustomerAccountNotAllowed => {
            format!("adding \"customer\" to `accounts` of {route} also admits every other customer account")
        }
        Reason::GroupRequired => format!(
            "put them into one of the groups (a session learns of it at the next sign-in), or add one of theirs to `groups` of {route}, which admits all of its members"
        ),
        Reason::GroupsOverage => {
            "at the app registration, let tokens list only groups assigned to the application, or grant the delegated permission GroupMember.Read.All of Microsoft Graph, by which they are asked for; or ask for an app role in `roles`".to_owned()
        }
        Reason::GroupsUnavailable => {
            "the authority is asked again with the next request; about groups that were named since, at the next sign-in".to_owned()
        }
        Reason::GuestNotAllowed => format!(
            "guests = \"work\" on {route} also admits every guest whose home is a work account; guests = \"allow\" every guest of its tenants"
        ),
        Reason::InsufficientScope => {
            format!("the caller must ask for a token with an audience, the scopes and a role of `bearer` of {route}")
        }
        Reason::MembershipUnknown => {
            "add the optional claim `acct` to the ID token at the app registration; guests = \"allow\" would admit every guest as well"
                .to_owned()
        }
        Reason::PersonalAccountNotAllowed => format!(
            "accounts = [\"work\", \"personal\"] on {route} also admits every personal account; consider inviting the person as a guest, with guests = \"allow\""
        ),
        Reason::PersonalGuestNotAllowed => {
            format!("guests = \"allow\" on {route} also admits every other guest of its tenants, whatever their home")
        }
        Reason::TenantNotAllowed => format!("adding {tenant} to `tenants` of {route} admits everybody of that organisation"),
        Reason::WorkAccountNotAllowed => {
            format!("adding \"work\" to `accounts` of {route} also admits work accounts of every organisation, unless `tenants` names some")
        }
        Reason::NoRoute => "no route has this host, path and method; the first that matches would take it".to_owned(),
        Reason::SignInRequired | Reason::SessionExpired => "signing in; what comes then depends on the account".to_owned(),
        Reason::InvalidToken => format!("a token for one of the audiences in `bearer` of {route}, from one of its authorities"),
        Reason::BadRequest => "the path, host or form can be read in two ways; it must be sent in its one normal form".to_owned(),
        Reason::BodyTooLarge
        | Reason::Cancelled
        | Reason::Configuration
        | Reason::ConsentRequired
        | Reason::FlowExpired
        | Reason::HeadersTooLarge
        | Reason::IdentifierInvalid
        | Reason::IdpError
        | Reason::IdpUnavailable
        | Reason::Public
        | Reason::RateLimited
        | Reason::SessionStoreUnavailable
        | Reason::SignedIn
        | Reason::UpstreamTimeout
        | Reason::UpstreamUnavailable => return None,
    };
    Some(advice)
}

#[cfg(test)]
mod tests;
