//! `[telemetry]`, `[dev]` and `[admin]`: of the last, only that there is none.

use super::reader::Reader;
use super::setting::Setting;
use crate::config::AccessLog;

pub(crate) fn read_access_log(reader: &mut Reader<'_, '_>) -> Setting<AccessLog> {
    let section = reader.table("telemetry", "[telemetry]", |reader| {
        reader.unavailable("audit", |_| false);
        reader.unavailable("otlp", |value| value.as_bool() == Some(false));
        reader.choice("access_log", &[("json", AccessLog::Json), ("human", AccessLog::Human), ("off", AccessLog::Off)])
    });
    flatten(section)
}

pub(crate) fn read_dev(reader: &mut Reader<'_, '_>) -> Setting<bool> {
    flatten(reader.table("dev", "[dev]", |reader| reader.boolean("allow")))
}

pub(crate) fn read_admin(reader: &mut Reader<'_, '_>) {
    reader.unavailable("admin", |value| {
        let listen = value.as_table().filter(|table| table.len() == 1).and_then(|table| table.get("listen"));
        listen.is_some_and(|listen| listen.get_ref().as_str() == Some("off"))
    });
}

fn flatten<T>(section: Setting<Setting<T>>) -> Setting<T> {
    match section {
        Setting::Given(located) => located.value,
        Setting::Absent => Setting::Absent,
        Setting::Broken => Setting::Broken,
    }
}
