//! Keys of a route that have no effect beside its `auth`.

use super::routes::Scope;
use crate::config::file::routes::{Auth, RouteSection};
use crate::config::file::setting::Setting;
use crate::config::problem::{Code, Problem, Span};

/// Reports what a route says about people whom it does not look at.
pub(crate) fn report_without_effect(section: &RouteSection, auth: Auth, scope: &Scope<'_>) {
    let keys = &section.keys;
    let about_people = [
        ("accounts", key_of(&keys.accounts)),
        ("tenants", key_of(&keys.tenants)),
        ("guests", key_of(&keys.guests)),
        ("groups", key_of(&keys.groups)),
        ("roles", key_of(&keys.roles)),
        ("authorities", key_of(&keys.authorities)),
        ("bearer", key_of(&keys.bearer)),
    ];
    let written = section.keys.auth.or(&scope.file.defaults.auth).given().map(|auth| auth.at);
    let report = |key: &str, at: Span, why: &str| {
        let problem = Problem::new(Code::NoEffect, at, format!("`{key}` has no effect on this route")).label("remove this key");
        scope.around.findings.report(match written {
            Some(auth) => problem.context(auth, why),
            None => problem,
        });
    };
    if let Some(at) = key_of(&keys.enforce) {
        report("enforce", at, "nobody who signs in is refused");
    }
    if auth == Auth::None {
        for (key, at) in about_people {
            if let Some(at) = at {
                report(key, at, "nobody is asked who they are");
            }
        }
    }
    if let Some(at) = key_of(&keys.unauthenticated) {
        report("unauthenticated", at, "nobody has to sign in");
    }
}

fn key_of<T>(setting: &Setting<T>) -> Option<Span> {
    setting.given().map(|located| located.key)
}
