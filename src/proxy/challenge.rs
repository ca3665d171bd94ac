//! What somebody gets who is not let in: the way to a sign-in if that can change the answer, otherwise the reason.

use super::audit::Incident;
use super::call::Verdict;
use super::departure::{Leaving, Way, depart};
use super::endpoints;
use super::pages::form_not_sent::FormNotSent;
use super::pages::notice::Person;
use super::pages::reason::Who;
use super::respond::{self, Redirect, Reply, Told};
use crate::domain::interaction::Interaction;
use crate::domain::origin::Origin;
use crate::domain::principal::Principal;
use crate::domain::reason::Reason;
use crate::domain::return_to::ReturnTo;
use crate::domain::route::Route;
use crate::domain::sign_in_page::SignInPage;
use crate::protocol::authorize::Prompt;
use crate::protocol::cookies::OwnCookies;
use crate::telemetry::audit::Happening;

/// Nobody is signed in. People are led to a sign-in; programs are told that one is needed.
pub(super) async fn challenge(reply: Reply<'_>, route: &Route, reason: Reason, own: &OwnCookies<'_>) -> Told {
    let Reply { shared, visit, .. } = reply;
    if !visit.interaction.leads_to_sign_in(route.unauthenticated, &visit.method) {
        return tell_to_sign_in(reply, route, reason);
    }
    let back = reply.wanted();
    let prompt = endpoints::prompt(None, own);
    let only = route.access.requirements().and_then(|wanted| shared.rules.directory.only_authority(wanted));
    if let (SignInPage::Auto, Prompt::Default, Some(only)) = (shared.rules.page, prompt, only) {
        let leaving = Leaving { typed: None, hint: None, prompt, way: Way::Redirect };
        return depart(reply, &only.name, route, &back, leaving, own).await;
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", &place(&back, &visit.origin));
    if reason == Reason::SessionExpired {
        query.append_pair("notice", reason.code());
    }
    let location = format!("{}?{}", respond::own_url(shared, &visit.origin, "/sign-in"), query.finish());
    Told::new(respond::redirect(Redirect::Found, &location), Verdict::challenge(reason)).on(route)
}

/// The 401: a page with the way to a sign-in, or a problem document that names it.
pub(super) fn tell_to_sign_in(reply: Reply<'_>, route: &Route, reason: Reason) -> Told {
    let back = reply.wanted();
    let mut page = reply.about(reason);
    page.return_to = Some(&back);
    let response = match reply.visit.interaction {
        Interaction::Submission => FormNotSent { open_again: &back, reference: reply.reference() }.render(reply.chrome()).into_response(),
        Interaction::Grpc | Interaction::Navigation | Interaction::Program => reply.tell(&page),
    };
    Told::new(response, Verdict::challenge(reason)).on(route)
}

/// Somebody is known, or brought a token, and is not let in.
pub(super) fn deny(reply: Reply<'_>, route: &Route, reason: Reason, who: Option<&Principal>) -> Told {
    let back = reply.wanted();
    let mut page = reply.about(reason);
    page.return_to = Some(&back);
    page.who = who.map_or(Who::Nobody, |who| Who::SignedIn(Person::of(who, reply.shared.organisation_of(who))));
    let told = Told::new(reply.tell(&page), Verdict::not_let_in(reason).on(route).about(who));
    match who {
        Some(who) => told.audited(reply.shared, Incident::to(Happening::Refused, who)),
        None => told,
    }
}

/// A return target as a parameter: a path where it is at the origin that is asked.
fn place(target: &ReturnTo, here: &Origin) -> String {
    if target.origin() == here { target.path_and_query().to_owned() } else { target.to_url() }
}
