//! The demo's start page, served by the sample app behind the proxy's public route `/`.

use askama::Template;
use axum::Router;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};

use super::grid::{self, Cell, Ending};
use super::settings::Ports;
use crate::config::Config;
use crate::dev_idp::directory::{self, Person};
use crate::domain::reason::Reason;
use crate::domain::route::{Access, Route};

#[derive(Template)]
#[template(path = "demo/templates/start.html")]
struct StartPage {
    provider: String,
    routes: Vec<Column>,
    people: Vec<Row>,
}

struct Column {
    name: String,
    link: String,
    rule: String,
}

struct Row {
    person: &'static Person,
    kinds: String,
    cells: Vec<Shown>,
}

struct Shown {
    route: String,
    link: String,
    code: String,
    parts: Vec<Part>,
}

struct Part {
    class: &'static str,
    text: String,
}

const STYLE: &str = include_str!("templates/start.css");

/// The start page for this configuration.
///
/// # Errors
/// What askama says, which for a template checked at compile time means out of memory.
pub fn router(config: &Config, ports: Ports) -> Result<Router, askama::Error> {
    let page = Html(page(config, ports).render()?);
    let style = ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE);
    Ok(Router::new()
        .route("/", get(move || async move { (StatusCode::OK, [(header::CONTENT_SECURITY_POLICY, POLICY)], page).into_response() }))
        .route("/sample-app/start.css", get(move || async move { style.into_response() })))
}

const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");

fn page(config: &Config, ports: Ports) -> StartPage {
    let routes: Vec<_> = config.rules.routes.routes().iter().filter(|route| !matches!(route.name.as_str(), "assets" | "start")).collect();
    let people = directory::people().iter().map(|person| Row {
        person,
        kinds: person.accounts.iter().map(directory::Account::description).collect::<Vec<_>>().join(" · "),
        cells: routes.iter().map(|route| shown(&grid::cell(config, &ports.provider_origin(), person, route), route)).collect(),
    });
    StartPage {
        provider: ports.provider_origin(),
        people: people.collect(),
        routes: routes.iter().map(|route| Column { name: route.name.to_string(), link: link(route), rule: rule(route) }).collect(),
    }
}

/// A path that the route's pattern matches.
fn link(route: &Route) -> String {
    let pattern = route.matcher.path.as_ref().map_or("/", |pattern| pattern.as_str());
    pattern.trim_end_matches("**").to_owned()
}

fn rule(route: &Route) -> String {
    let wanted = match &route.access {
        Access::Public | Access::Optional(_) => return "everybody".into(),
        Access::Required(wanted) | Access::Shadowed { enforced: wanted, .. } => wanted,
    };
    let kinds: Vec<_> = wanted.kinds.iter().map(crate::domain::account::AccountKind::as_str).collect();
    let tenants = if wanted.tenants.is_empty() { "" } else { " of Contoso" };
    let guests = match wanted.guests {
        crate::domain::route::Guests::Allow => ", with guests",
        crate::domain::route::Guests::Deny | crate::domain::route::Guests::Work => "",
    };
    let bearer = if route.bearer.is_some() { ", or an access token" } else { "" };
    format!("{}{tenants}{guests}{bearer}", kinds.join(" or "))
}

fn shown(cell: &Cell, route: &Route) -> Shown {
    let parts = match cell {
        Cell::Asked(endings) => endings
            .iter()
            .map(|(kind, ending)| Part { class: class(*ending), text: format!("{}: {}", kind.as_str(), ending.words()) })
            .collect(),
        Cell::Open => vec![Part { class: "in", text: "open".into() }],
        Cell::Unauthorised => vec![Part { class: "ask", text: "401 until signed in".into() }],
        Cell::Sent(ending) => vec![Part { class: class(*ending), text: ending.words().into() }],
    };
    Shown { route: route.name.to_string(), link: link(route), code: cell.code(), parts }
}

const fn class(ending: Ending) -> &'static str {
    match ending {
        Ending::Judged(Reason::SignedIn) => "in",
        Ending::NoSuchAccount | Ending::ProviderFails => "fault",
        Ending::Judged(_) | Ending::RefusedEarly(_) => "out",
    }
}
