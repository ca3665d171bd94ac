//! The domains under which Microsoft gives out personal mailboxes. No organisation can verify one of them as its own,
//! so an address there is a personal account beyond doubt. Absence proves nothing: a personal account may have any
//! address.
//!
//! Written out and not matched by pattern: `live.` and `hotmail.` exist under top-level domains where they belong to
//! somebody else, and a wrong entry turns people away while a missing one only asks them. `personal_domains` adds to
//! the list.

use crate::domain::address::Domain;

/// `outlook.` and these.
const OUTLOOK: &[&str] = &[
    "at", "be", "cl", "co.id", "co.il", "co.th", "com", "com.ar", "com.au", "com.br", "com.gr", "com.pe", "com.tr", "com.vn", "cz", "de",
    "dk", "es", "fr", "hu", "ie", "in", "it", "jp", "kr", "lv", "my", "ph", "pt", "sa", "sg", "sk",
];

/// `hotmail.` and these.
const HOTMAIL: &[&str] = &[
    "be", "ca", "ch", "cl", "co.id", "co.il", "co.in", "co.jp", "co.kr", "co.nz", "co.th", "co.uk", "co.za", "com", "com.ar", "com.au",
    "com.br", "com.hk", "com.mx", "com.tr", "com.tw", "com.vn", "cz", "de", "dk", "es", "fi", "fr", "gr", "hu", "it", "jp", "lt", "lv",
    "my", "nl", "no", "ph", "rs", "se", "sg", "sk",
];

/// `live.` and these.
const LIVE: &[&str] = &[
    "at", "be", "ca", "cl", "cn", "co.in", "co.kr", "co.uk", "co.za", "com", "com.ar", "com.au", "com.co", "com.mx", "com.my", "com.pe",
    "com.ph", "com.pk", "com.pt", "com.sg", "com.ve", "de", "dk", "fi", "fr", "hk", "ie", "in", "it", "jp", "nl", "no", "ph", "ru", "se",
];

/// Whether every address at this very domain is a personal account. Subdomains do not count.
pub(super) fn contains(domain: &Domain) -> bool {
    match domain.as_str().split_once('.') {
        Some(("hotmail", rest)) => HOTMAIL.contains(&rest),
        Some(("live", rest)) => LIVE.contains(&rest),
        Some(("msn" | "passport" | "windowslive", rest)) => rest == "com",
        Some(("outlook", rest)) => OUTLOOK.contains(&rest),
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(domain: &str, expected: bool) {
        assert_eq!(contains(&Domain::parse(domain).expect("a domain")), expected, "{domain}");
    }

    #[test]
    fn the_families_are_known_with_their_country_forms_in_any_case() {
        for domain in [
            "outlook.com",
            "outlook.de",
            "outlook.co.th",
            "outlook.com.br",
            "hotmail.com",
            "hotmail.co.uk",
            "live.com",
            "live.nl",
            "live.com.mx",
            "msn.com",
            "passport.com",
            "windowslive.com",
            "HotMail.Co.UK",
        ] {
            check(domain, true);
        }
    }

    #[test]
    fn look_alikes_and_subdomains_are_not() {
        for domain in [
            "outlook.evil-corp.com",
            "live.nl.example",
            "live.contoso.com",
            "hotmail.example",
            "outlook.co.contoso.com",
            "www.outlook.com",
            "mail.live.com",
            "myhotmail.com",
            "hotmail-support.com",
            "msn.de",
            "microsoft.com",
            "gmail.com",
            "contoso.com",
        ] {
            check(domain, false);
        }
    }
}
