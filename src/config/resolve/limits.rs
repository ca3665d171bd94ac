//! How much of everything clients get: what is given, and defaults for the rest.

use crate::config::LimitSettings;
use crate::config::file::File;
use crate::config::file::setting::Setting;
use crate::config::problem::{Code, Findings, Problem};

/// A broken limit is as good as any: nothing starts with it.
pub(crate) fn resolve(file: &File, findings: &Findings) -> LimitSettings {
    let usual = LimitSettings::default();
    let section = &file.limits;
    let limits = LimitSettings {
        connections: given(&section.connections, usual.connections),
        connections_per_client: given(&section.connections_per_client, usual.connections_per_client),
        head_timeout: given(&section.head_timeout, usual.head_timeout),
        keep_alive: given(&section.keep_alive, usual.keep_alive),
        write_stall: given(&section.write_stall, usual.write_stall),
        shutdown: given(&section.shutdown, usual.shutdown),
        http2_streams: given(&section.http2_streams, usual.http2_streams),
    };
    if let Some(per_client) = section.connections_per_client.given().filter(|per_client| per_client.value > limits.connections) {
        let title = "`connections_per_client` in [limits] has no effect";
        let problem = Problem::new(Code::NoEffect, per_client.key, title).label(format!("there are only {} in all", limits.connections));
        findings.report(match section.connections.given() {
            Some(all) => problem.context(all.at, "as many as this"),
            None => problem,
        });
    }
    limits
}

fn given<T: Copy>(setting: &Setting<T>, usual: T) -> T {
    setting.value().copied().unwrap_or(usual)
}
