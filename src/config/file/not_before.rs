//! `[[session.not_before]]`: whose sessions from before a moment are over. Names are looked up later.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use toml::value::{Datetime, Offset};

use super::forms;
use super::reader::Reader;
use super::setting::{Located, Refusal, Setting};
use crate::config::problem::{Code, Problem, Span};
use crate::domain::named_user::NamedUser;
use crate::domain::session::SessionId;

/// One entry.
#[derive(Debug)]
pub(crate) struct NotBeforeSection {
    pub(crate) at: Setting<DateTime<Utc>>,
    pub(crate) user: Setting<NamedUser>,
    pub(crate) tenant: Setting<String>,
    pub(crate) session: Setting<SessionId>,
    pub(crate) why: Setting<String>,
}

impl NotBeforeSection {
    /// The keys that say whom it means, with their names.
    pub(crate) fn whom(&self) -> impl Iterator<Item = (&'static str, Span)> {
        fn key<T>(name: &'static str, setting: &Setting<T>) -> Option<(&'static str, Span)> {
            setting.given().map(|given| (name, given.key))
        }
        [key("user", &self.user), key("tenant", &self.tenant), key("session", &self.session)].into_iter().flatten()
    }
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> NotBeforeSection {
    let at = moment(reader);
    reader.require("at", &at, "sessions that began up to this moment are over: at = 2026-11-22T10:00:00Z");
    NotBeforeSection {
        at,
        user: reader.parsed("user", user),
        tenant: reader.parsed("tenant", forms::short_text),
        session: reader.parsed("session", session),
        why: reader.parsed("why", forms::reason),
    }
}

fn moment(reader: &mut Reader<'_, '_>) -> Setting<DateTime<Utc>> {
    let wanted = "a date and time without quotes, with its offset, like 2026-11-22T10:00:00Z";
    let written = reader.value("at", wanted, |_, item| {
        let written = *item.get_ref().as_datetime()?;
        written.date.zip(written.time).map(|_| written)
    });
    if let Setting::Given(Located { value, at, key }) = written {
        return match in_utc(value) {
            Some(value) => Setting::Given(Located { value, at, key }),
            None => {
                let refusal = Refusal::malformed("whose clock is this? add Z for UTC, or an offset, like +01:00");
                reader.findings().report(refusal.at(at, "at", reader.place()));
                Setting::Broken
            }
        };
    }
    if written.is_absent() { Setting::Absent } else { Setting::Broken }
}

/// `None` without an offset: then the moment depends on where the machine believes to be.
fn in_utc(written: Datetime) -> Option<DateTime<Utc>> {
    let (date, time) = written.date.zip(written.time)?;
    let offset = match written.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => minutes,
    };
    let date = NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())?;
    // A leap second is the last of its minute: whole seconds are what is compared.
    let second = time.second.unwrap_or(0).min(59);
    let time = NaiveTime::from_hms_opt(time.hour.into(), time.minute.into(), second.into())?;
    Some((date.and_time(time) - TimeDelta::minutes(offset.into())).and_utc())
}

fn user(text: &str) -> Result<NamedUser, Refusal> {
    NamedUser::parse(text).map_err(|_| Refusal::malformed("expected oid@tid with GUIDs for both, or sub@host with the host of the issuer"))
}

fn session(text: &str) -> Result<SessionId, Refusal> {
    SessionId::parse(text).ok_or_else(|| Refusal::malformed("expected the 32 hexadecimal digits by which lists name a session"))
}

/// Reports keys that name different people.
pub(crate) fn report_contradiction(section: &NotBeforeSection, report: impl FnOnce(Problem)) -> bool {
    let mut named = section.whom();
    let (Some((first, first_at)), Some((second, second_at))) = (named.next(), named.next()) else { return false };
    let title = format!("an entry of `not_before` names a {first} and a {second}");
    report(Problem::new(Code::Conflict, second_at, title).label("make two entries of it, or remove one").context(first_at, "the first"));
    true
}
