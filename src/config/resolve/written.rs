//! Where the keys of a route are written: what decisions are traced to.

use super::Surroundings;
use crate::config::file::routes::{RouteKeys as Keys, RouteSection};
use crate::config::file::setting::Setting;
use crate::domain::written::{RouteKeys, Table, Written};

pub(crate) fn written(section: &RouteSection, defaults: &Keys, around: &Surroundings<'_>) -> RouteKeys {
    let (own, places) = (&section.keys, Places { around });
    RouteKeys {
        matched: places.of(&section.matched, Table::Route),
        auth: places.either(&own.auth, &defaults.auth),
        accounts: places.either(&own.accounts, &defaults.accounts),
        authorities: places.either(&own.authorities, &defaults.authorities),
        tenants: places.either(&own.tenants, &defaults.tenants),
        guests: places.either(&own.guests, &defaults.guests),
        groups: places.either(&own.groups, &defaults.groups),
        roles: places.either(&own.roles, &defaults.roles),
        bearer: places.either(&own.bearer, &defaults.bearer),
        enforce: places.either(&own.enforce, &defaults.enforce),
    }
}

struct Places<'a> {
    around: &'a Surroundings<'a>,
}

impl Places<'_> {
    fn of<T>(&self, setting: &Setting<T>, table: Table) -> Option<Written> {
        setting.given().map(|located| Written { position: (self.around.position)(located.key), table })
    }

    fn either<T>(&self, own: &Setting<T>, defaults: &Setting<T>) -> Option<Written> {
        self.of(own, Table::Route).or_else(|| self.of(defaults, Table::Defaults))
    }
}
