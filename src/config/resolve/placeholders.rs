//! Ids that somebody has still to write: those of the starter files, which nobody can have (RFC 9562 §5.9).

use crate::config::file::File;
use crate::config::file::client::ClientSection;
use crate::config::file::setting::Setting;
use crate::config::problem::{Code, Findings, Problem, Span};

const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// Warns of them, all at once.
pub(crate) fn warn(file: &File, findings: &Findings) {
    let mut places: Vec<Span> = client(&file.client).into_iter().collect();
    for authority in &file.authorities {
        places.extend(authority.issuer.given().filter(|issuer| issuer.value.text.contains(NIL)).map(|issuer| issuer.at));
        places.extend(client(&authority.client));
    }
    places.extend(file.tenants.iter().filter_map(|tenant| tenant.id.given()).filter(|id| id.value.to_string() == NIL).map(|id| id.at));
    places.sort_by_key(|at| at.start);
    let Some((first, others)) = places.split_first() else { return };
    let problem = Problem::new(Code::Placeholder, *first, "an id of nothing but zeros is nobody's").label("write your own here");
    findings.report(others.iter().fold(problem, |problem, at| problem.context(*at, "and here")));
}

fn client(section: &Setting<ClientSection>) -> Option<Span> {
    section.value()?.id.given().filter(|id| id.value.contains(NIL)).map(|id| id.at)
}
