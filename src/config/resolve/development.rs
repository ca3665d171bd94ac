//! Authorities on this machine. Only its metadata document says whether one is a development provider, at which anybody
//! can be anybody, and that is read when the proxy runs: here it can only be foreseen.

use crate::config::AuthoritySettings;
use crate::config::file::File;
use crate::config::problem::{Code, Findings, Problem};

/// Warns of each, unless `[dev]` says what is meant.
pub(crate) fn warn(file: &File, authorities: &[AuthoritySettings], findings: &Findings) {
    let is_clear_and_here = |authority: &&AuthoritySettings| authority.discovery.scheme() == "http" && authority.is_on_loopback();
    for authority in authorities.iter().filter(is_clear_and_here).filter(|_| file.dev_allow.is_absent()) {
        let Some(section) = file.authorities.iter().find(|section| section.name == authority.name) else { continue };
        let written = section.discovery.given().map(|url| url.at).or_else(|| section.issuer.given().map(|issuer| issuer.at));
        let title = format!("the authority `{}` is on this machine: a development provider would be refused", authority.name);
        let problem = Problem::new(Code::PerhapsDevelopment, written.unwrap_or(section.at), title).label("its metadata document will tell");
        findings.report(
            problem
                .note("if it is a development provider, as of `homerealm dev-idp`: write [dev] allow = true, and never in production")
                .note("if it is a provider of your own: write [dev] allow = false, and nothing more is said"),
        );
    }
}
