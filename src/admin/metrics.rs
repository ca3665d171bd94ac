//! `/metrics`: Prometheus' text format, version 0.0.4.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header;

use super::control::sessions::Source;
use super::control::{Control, Outcome};
use super::router::Admin;
use crate::domain::account::AccountKind;
use crate::domain::time::Timestamp;
use crate::telemetry::streams::{Ending, StreamKind, Streams};

/// The text of all series.
pub(super) async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&admin)).into_response()
}

fn text(admin: &Admin) -> String {
    let mut text = String::new();
    let counters = admin.journal.counters();
    let mut decisions = Family::new("homerealm_decisions_total", "Requests decided.", "counter");
    for (route, label, count) in counters.decisions.iter() {
        let (outcome, reason) = (label.outcome.as_str(), label.reason.code());
        decisions.add(&[("route", route), ("outcome", outcome), ("reason", reason), ("kind", kind_label(label.kind))], count);
    }
    decisions.write(&mut text);
    let help = "Requests let in that would have been refused, had their route enforced what it states.";
    let mut shadowed = Family::new("homerealm_shadow_refusals_total", help, "counter");
    for (route, label, count) in counters.would_be_refusals.iter() {
        shadowed.add(&[("route", route), ("reason", label.reason.code()), ("kind", kind_label(label.kind))], count);
    }
    shadowed.write(&mut text);
    write_streams(&mut text, admin.journal.streams());
    write_revocations(&mut text, admin);
    write_configuration(&mut text, &*admin.control);
    let mut build = Family::new("homerealm_build_info", "The version that runs.", "gauge");
    build.add(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    build.write(&mut text);
    text
}

fn write_streams(text: &mut String, streams: &Streams) {
    let mut open = Family::new("homerealm_streams_open", "WebSockets, event streams and gRPC answers that are open.", "gauge");
    let help = "WebSockets, event streams and gRPC answers that have ended, by what ended them.";
    let mut ended = Family::new("homerealm_streams_ended_total", help, "counter");
    for kind in StreamKind::ALL {
        open.add(&[("kind", kind.as_str())], streams.open(kind));
        for ending in Ending::ALL {
            ended.add(&[("kind", kind.as_str()), ("by", ending.as_str())], streams.ended(kind, ending));
        }
    }
    open.write(text);
    ended.write(text);
}

fn write_revocations(text: &mut String, admin: &Admin) {
    let help = "Orders to end sessions, by whom they meant and how far they got.";
    let mut orders = Family::new("homerealm_session_revocations_total", help, "counter");
    for (scope, reach, count) in admin.orders.counts() {
        orders.add(&[("scope", scope), ("reach", reach.as_str())], count);
    }
    orders.write(text);
    let counts = admin.control.sessions().counts();
    let help = "Entries of the list of revocations, by where they come from.";
    let mut in_force = Family::new("homerealm_session_revocations", help, "gauge");
    in_force.add(&[("from", Source::Configuration.as_str())], counts.configuration as u64);
    in_force.add(&[("from", Source::Running.as_str())], counts.running as u64);
    in_force.write(text);
}

fn write_configuration(text: &mut String, control: &dyn Control) {
    let live = control.live();
    let (succeeded, at) = last_reload(control, live.since);
    let help = "Whether the last reload of the configuration was successful.";
    let mut successful = Family::new("homerealm_config_last_reload_successful", help, "gauge");
    successful.add(&[], u64::from(succeeded));
    successful.write(text);
    let help = "When the configuration was last read successfully.";
    let mut moment = Family::new("homerealm_config_last_reload_success_timestamp_seconds", help, "gauge");
    moment.add(&[], at.unix_seconds());
    moment.write(text);
    let mut info = Family::new("homerealm_config_info", "The configuration in force.", "gauge");
    info.add(&[("fingerprint", &live.fingerprint.to_string())], 1);
    info.write(text);
}

/// Starting counts as a reload that was successful: it would not run otherwise.
fn last_reload(control: &dyn Control, since: Timestamp) -> (bool, Timestamp) {
    let Some(reload) = control.last_reload() else { return (true, since) };
    let succeeded = match reload.outcome {
        Outcome::Applied | Outcome::Unchanged => true,
        Outcome::Refused { .. } => false,
    };
    (succeeded, reload.last_success)
}

const fn kind_label(kind: Option<AccountKind>) -> &'static str {
    match kind {
        Some(kind) => kind.as_str(),
        None => "none",
    }
}

/// The series of one name.
struct Family {
    name: &'static str,
    help: &'static str,
    sort: &'static str,
    /// In order, and each of them once: a series that is there twice makes the whole text unreadable.
    series: BTreeMap<String, u64>,
}

impl Family {
    const fn new(name: &'static str, help: &'static str, sort: &'static str) -> Self {
        Self { name, help, sort, series: BTreeMap::new() }
    }

    fn add(&mut self, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        *self.series.entry(labels).or_default() += value;
    }

    fn write(&self, text: &mut String) {
        let _infallible = write!(text, "# HELP {0} {1}\n# TYPE {0} {2}\n", self.name, self.help, self.sort);
        for (labels, value) in &self.series {
            let _infallible = writeln!(text, "{}{labels} {value}", self.name);
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
