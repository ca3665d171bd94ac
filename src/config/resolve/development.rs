//! Authorities on this machine. Only its metadata document says whether one is a development provider, at which anybody
//! can be anybody, and that is read when the proxy runs: here it can only be foreseen.

use crate::config::AuthoritySettings;
use crate::config::file::File;
use crate::config::problem::{Code, Findings, Problem};

/// Warns of them, all at once, unless `[dev]` says what is meant.
pub(crate) fn warn(file: &File, authorities: &[AuthoritySettings], findings: &Findings) {
    let is_clear_and_here = |authority: &&AuthoritySettings| authority.discovery.scheme() == "http" && authority.is_on_loopback();
    let mut here = authorities.iter().filter(is_clear_and_here).filter_map(|authority| {
        let section = file.authorities.iter().find(|section| section.name == authority.name)?;
        let written = section.discovery.given().map(|url| url.at).or_else(|| section.issuer.given().map(|issuer| issuer.at));
        Some((&authority.name, written.unwrap_or(section.at)))
    });
    let Some((name, at)) = here.next().filter(|_| file.dev_allow.is_absent()) else { return };
    let title = format!("the authority `{name}` is on this machine: a development provider would be refused");
    let problem = Problem::new(Code::PerhapsDevelopment, at, title).label("its metadata document will tell");
    let problem = here.fold(problem, |problem, (name, at)| problem.context(at, format!("and so will that of `{name}`")));
    findings.report(
        problem
            .note("if it is a development provider, as of `homerealm dev-idp`: write [dev] allow = true, and never in production")
            .note("if it is a provider of your own: write [dev] allow = false, and nothing more is said"),
    );
}
