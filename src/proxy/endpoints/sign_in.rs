//! `{prefix}/sign-in`: the page that asks for an address, and what becomes of the answer.
//!
//! A posted form is answered with a page that moves on by itself, never with a redirect: browsers hold the whole chain
//! of redirects after a form against `form-action`, and a provider sends people on to places we cannot know.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use http::HeaderMap;

use super::form::{self, Fields};
use super::guarded::{self, Means};
use super::{Asked, prompt};
use crate::domain::account::AccountKind;
use crate::domain::address::Identifier;
use crate::domain::authority::AuthorityName;
use crate::domain::interaction::Interaction;
use crate::domain::realm::{Realm, TenantOfDomain};
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::route::{Requirements, Route};
use crate::domain::sign_in_page::SignInPage;
use crate::protocol::authorize::Prompt;
use crate::protocol::cookies::{Dialect, OwnCookies};
use crate::protocol::remembered::Remembered;
use crate::proxy::audit::Incident;
use crate::proxy::call::Verdict;
use crate::proxy::departure::{Leaving, Way, depart};
use crate::proxy::pages::reason::Who;
use crate::proxy::pages::sign_in::{AddressPage, Carried, ChooseKindPage, Remember, SignInNotice, field};
use crate::proxy::respond::{self, Redirect, Told};
use crate::proxy::shared::Remembering;
use crate::telemetry::audit::Happening;

/// What a sign-in is for.
struct Purpose<'a> {
    asked: &'a Asked,
    return_to: ReturnTo,
    /// The authority that a link of ours names.
    named: Option<&'a AuthorityName>,
    route: &'a Route,
    wanted: &'a Requirements,
    prompt: Prompt,
    remember: Remember,
}

/// `GET`: the page, or, where nothing is to be asked, straight on.
pub(super) async fn page(Extension(asked): Extension<Asked>, headers: HeaderMap) -> Told {
    let fields = match Fields::parse(asked.visit.target.query().unwrap_or_default().as_bytes()) {
        Ok(fields) => fields,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    let own = OwnCookies::read(&headers, Dialect::of(&asked.visit.origin));
    let purpose = match Purpose::read(&asked, &fields, &own) {
        Ok(purpose) => purpose,
        Err(reason) => return asked.reply().refuse_for(reason),
    };
    if *purpose.return_to.origin() != *asked.visit.origin {
        return purpose.elsewhere();
    }
    let typed = fields.value("login_hint");
    if let Some((place, chosen)) = purpose.straight_on(typed, fields.value(field::ACCOUNT), &own).await {
        return purpose.follow(place, typed, chosen, Way::Redirect, &own).await;
    }
    let notice = match fields.value("notice") {
        Some("session_expired") => Some(SignInNotice::SessionEnded),
        Some(_) | None => None,
    };
    purpose.address_page(typed.unwrap_or_default(), None, notice)
}

/// `POST`: the typed address.
pub(super) async fn post(Extension(asked): Extension<Asked>, request: Request) -> Told {
    let (head, body) = request.into_parts();
    if !form::is_our_own(&head.headers, &asked.visit) {
        return asked.reply().refuse_for(Reason::BadRequest);
    }
    if let Err(too_many) = asked.shared.rate_limit.count(asked.visit.client, asked.call.now) {
        let mut page = asked.reply().about(Reason::RateLimited);
        page.retry_after = Some(Duration::from_secs(too_many.retry_after_seconds));
        return asked.reply().refuse(&page).audited(&asked.shared, Incident::new(Happening::SignInFailed));
    }
    match read_post(&asked, &head.headers, body).await {
        Ok(told) => told,
        Err(reason) => asked.reply().refuse_for(reason),
    }
}

async fn read_post(asked: &Asked, headers: &HeaderMap, body: Body) -> Result<Told, Reason> {
    let body = form::posted(headers, body).await?;
    let fields = Fields::parse(&body)?;
    let own = OwnCookies::read(headers, Dialect::of(&asked.visit.origin));
    let purpose = Purpose::read(asked, &fields, &own)?;
    if *purpose.return_to.origin() != *asked.visit.origin {
        // No page of ours has such a form.
        return Err(Reason::BadRequest);
    }
    let chosen = match fields.value(field::ACCOUNT) {
        Some(kind) => Some(AccountKind::parse(kind).ok_or(Reason::BadRequest)?),
        None => None,
    };
    let written = fields.value(field::IDENTIFIER).unwrap_or_default();
    let typed = match (Identifier::parse(written), chosen) {
        (Ok(typed), _) => typed,
        // "Sign-in options": a kind without an address.
        (Err(_), Some(kind)) if written.is_empty() => {
            return Ok(purpose.follow(purpose.place_of_kind(kind), None, chosen, Way::Page, &own).await);
        }
        (Err(_), _) => return Ok(purpose.address_page(written, Some(Reason::IdentifierInvalid), None)),
    };
    let place = purpose.place(&typed, chosen, &own).await;
    let told = purpose.follow(place, Some(typed.as_str()), chosen, Way::Page, &own).await;
    Ok(match chosen {
        Some(kind) => purpose.remember(told, &typed, kind, &own),
        None => told,
    })
}

impl<'a> Purpose<'a> {
    fn read(asked: &'a Asked, fields: &Fields, own: &OwnCookies<'_>) -> Result<Self, Reason> {
        let shared = &*asked.shared;
        let origin = &asked.visit.origin;
        let return_to = match fields.value(field::RETURN_TO) {
            Some(text) => ReturnTo::parse(text, origin, &shared.rules.origins).map_err(|_| Reason::BadRequest)?,
            None => ReturnTo::front_page(origin),
        };
        // A page of our own is nothing to come back to, but for the one that shows who is signed in.
        let leads_back = !asked.is_own(&return_to) || asked.is_session_page(&return_to);
        let return_to = if leads_back { return_to } else { ReturnTo::front_page(origin) };
        let named = match fields.value(field::AUTHORITY) {
            Some(name) => Some(shared.sign_in.authorities.keys().find(|known| known.as_str() == name).ok_or(Reason::BadRequest)?),
            None => None,
        };
        let means = match (named, fields.value(field::ACCOUNT).and_then(AccountKind::parse)) {
            (Some(named), _) => Means::At(named),
            (None, Some(kind)) => Means::Of(kind),
            (None, None) => Means::Any,
        };
        let (route, wanted) = guarded::route_for(&shared.rules, &return_to, means).ok_or(Reason::NoRoute)?;
        let remember = match (shared.remembering, fields.value(field::REMEMBER)) {
            (Remembering::Off, _) => Remember::NotOffered,
            (Remembering::Offered, Some(_)) => Remember::Chosen,
            (Remembering::Offered, None) => Remember::Offered,
        };
        Ok(Self { asked, return_to, named, route, wanted, prompt: prompt(fields.value(field::PROMPT), own), remember })
    }

    /// Cookies belong to one origin: whoever wants to go to another of ours signs in there.
    fn elsewhere(&self) -> Told {
        let Asked { shared, visit, .. } = self.asked;
        let there = respond::own_url(shared, self.return_to.origin(), "/sign-in");
        let location = format!("{there}?{}", visit.target.query().unwrap_or_default());
        Told::new(respond::redirect(Redirect::Found, &location), Verdict::challenge(Reason::SignInRequired).on(self.route))
    }

    /// Where a link leads without a page of ours: an authority or a kind that it names, or the one place that is possible. Only a
    /// person's own navigation may start an attempt: an image or a prefetch must not fill the browser with cookies. Links
    /// count like posts, because an address in one may have to be looked up.
    async fn straight_on(&self, typed: Option<&str>, kind: Option<&str>, own: &OwnCookies<'_>) -> Option<(Realm, Option<AccountKind>)> {
        let Asked { shared, call, visit } = self.asked;
        if visit.interaction != Interaction::Navigation {
            return None;
        }
        if let Some(named) = self.named {
            return Some((self.place_at(named), None));
        }
        let chosen = kind.and_then(AccountKind::parse);
        let skips_page = shared.rules.page == SignInPage::Auto && self.prompt == Prompt::Default;
        if chosen.is_none() && !skips_page {
            return None;
        }
        let place = match (typed.map(Identifier::parse), chosen) {
            (Some(Ok(typed)), chosen) => {
                shared.rate_limit.count(visit.client, call.now).ok()?;
                self.place(&typed, chosen, own).await
            }
            (Some(Err(_)) | None, Some(kind)) => self.place_of_kind(kind),
            (Some(Err(_)) | None, None) => self.only_place()?,
        };
        // Without a choice, questions and refusals come after the page, when somebody has said who they are.
        (chosen.is_some() || matches!(place, Realm::Known { .. })).then_some((place, chosen))
    }

    /// Goes where the ladder leads.
    async fn follow(&self, place: Realm, typed: Option<&str>, chosen: Option<AccountKind>, way: Way, own: &OwnCookies<'_>) -> Told {
        match place {
            Realm::Ask(kinds) => self.choose(&kinds, typed),
            Realm::Known { authority, .. } => self.go(&authority, typed, chosen, way, own).await,
            Realm::Refused(reason) => self.refuse(reason, typed),
        }
    }

    /// The ladder, with a look-up only where it could matter.
    async fn place(&self, typed: &Identifier, chosen: Option<AccountKind>, own: &OwnCookies<'_>) -> Realm {
        let shared = &self.asked.shared;
        let remembered = self.remembered(own).kind_of(typed.as_str(), &self.asked.shared.keys);
        let needed = shared.rules.directory.lookup_needed(typed, chosen, remembered, self.wanted);
        let looked_up = match (needed, &shared.lookup) {
            (Some(domain), Some(lookup)) => lookup.tenant_of(domain).await,
            (Some(_) | None, _) => TenantOfDomain::Unknown,
        };
        shared.rules.directory.discover(typed, chosen, remembered, looked_up, self.wanted)
    }

    fn place_of_kind(&self, kind: AccountKind) -> Realm {
        match self.asked.shared.rules.directory.authority_of_kind(kind, self.wanted) {
            Some(known) => Realm::Known { authority: known.name.clone(), how: crate::domain::realm::How::Chosen },
            None => Realm::Refused(self.wanted.check_kind(kind).err().unwrap_or(Reason::AuthorityNotAllowed)),
        }
    }

    fn place_at(&self, authority: &AuthorityName) -> Realm {
        if self.wanted.authorities.contains(authority) {
            Realm::Known { authority: authority.clone(), how: crate::domain::realm::How::Chosen }
        } else {
            Realm::Refused(Reason::AuthorityNotAllowed)
        }
    }

    fn only_place(&self) -> Option<Realm> {
        let only = self.asked.shared.rules.directory.only_authority(self.wanted)?;
        Some(Realm::Known { authority: only.name.clone(), how: crate::domain::realm::How::OnlyOne })
    }

    fn remembered(&self, own: &OwnCookies<'_>) -> Remembered {
        let Asked { shared, call, visit } = self.asked;
        match shared.remembering {
            Remembering::Off => Remembered::default(),
            Remembering::Offered => Remembered::read(own, &visit.origin, &shared.keys, call.now),
        }
    }

    /// Seals the choice into the browser's cookie, if the person ticked the box.
    fn remember(&self, told: Told, typed: &Identifier, kind: AccountKind, own: &OwnCookies<'_>) -> Told {
        let Asked { shared, call, visit } = self.asked;
        match self.remember {
            Remember::NotOffered | Remember::Offered => told,
            Remember::Chosen => {
                let mut remembered = self.remembered(own);
                remembered.remember(typed.as_str(), kind, &shared.keys, call.now);
                let mut random = |buffer: &mut [u8]| shared.sign_in.entropy.fill(buffer);
                told.with_cookies([remembered.cookie(&visit.origin, &shared.keys, &mut random)])
            }
        }
    }

    async fn go(&self, authority: &AuthorityName, typed: Option<&str>, hint: Option<AccountKind>, way: Way, own: &OwnCookies<'_>) -> Told {
        depart(self.asked.reply(), authority, self.route, &self.return_to, Leaving { typed, hint, prompt: self.prompt, way }, own).await
    }

    fn carried(&self) -> Carried<'_> {
        let prompt = match self.prompt {
            Prompt::Default => None,
            Prompt::SelectAccount => Some(prompt::SELECT_ACCOUNT),
        };
        Carried { return_to: &self.return_to, prompt, remember: self.remember }
    }

    fn address_page(&self, typed: &str, problem: Option<Reason>, notice: Option<SignInNotice>) -> Told {
        let kinds: Vec<_> = self.wanted.kinds.iter().filter(|kind| self.has_authority_for(*kind)).collect();
        let page = AddressPage { kinds: &kinds, carried: self.carried(), typed, problem, notice };
        let response = page.render(self.asked.shared.chrome(&self.asked.visit.origin)).into_response();
        let verdict = problem.map_or(Verdict::challenge(Reason::SignInRequired), Verdict::not_let_in);
        Told::new(response, verdict.on(self.route))
    }

    fn has_authority_for(&self, kind: AccountKind) -> bool {
        self.asked.shared.rules.directory.authority_of_kind(kind, self.wanted).is_some()
    }

    fn choose(&self, kinds: &[AccountKind], identifier: Option<&str>) -> Told {
        let page = ChooseKindPage { kinds, identifier, carried: self.carried() };
        let response = page.render(self.asked.shared.chrome(&self.asked.visit.origin)).into_response();
        Told::new(response, Verdict::challenge(Reason::SignInRequired).on(self.route))
    }

    fn refuse(&self, reason: Reason, typed: Option<&str>) -> Told {
        let mut page = self.asked.reply().about(reason);
        page.return_to = Some(&self.return_to);
        page.who = typed.map_or(Who::Nobody, Who::Typed);
        self.asked.reply().refuse(&page).on(self.route).audited(&self.asked.shared, Incident::new(Happening::SignInFailed))
    }
}
