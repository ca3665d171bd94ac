//! `homerealm explain`: why somebody was let in, asked to sign in or refused, would be, or where an address would lead.
//! Only the configuration is read, and, for a real decision, the log or the admin listener of the proxy that made it.

mod decision;
mod person;
mod request;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::print::{Colour, Format};
use super::{Verdict, check, print};
use crate::config::{self, KnownRules};
use crate::domain::address::Identifier;
use crate::domain::decision::DecisionId;
use crate::domain::rules::Rules;
use crate::review::explain::Explanation;
use crate::review::judgement::judge;
use crate::review::routing::{NoSignIn, Routing};
use decision::Source;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A decision's id, as it stands on the page and in the log, and `-` to read the log from standard input; or, with --as
    /// and --sign-in, a URL or path, with or without a method in front
    #[arg(required = true, num_args = 1..=2, value_names = ["ID|METHOD|URL", "-|URL"])]
    what: Vec<String>,

    /// A made-up person: nobody, or kind=work,tenant=contoso,membership=guest,… with any of kind, email, tenant, membership,
    /// home, groups, roles (a+b), authority, audiences, scopes
    #[arg(long = "as", value_name = "PERSON", conflicts_with_all = ["sign_in", "admin"])]
    someone: Option<String>,

    /// An address, phone number or Skype name that somebody types on the sign-in page
    #[arg(long, value_name = "ADDRESS", conflicts_with = "admin")]
    sign_in: Option<String>,

    /// The configuration file; by default homerealm.toml, then /etc/homerealm/homerealm.toml. Its secrets need not be there
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where the proxy's admin listener is, like 127.0.0.1:9090; by default as the configuration says
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,

    /// How it is told
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

/// Something explained, for both readers.
struct Told {
    lines: Vec<String>,
    document: Value,
}

/// Why nothing can be explained.
enum Failure {
    /// The arguments cannot be meant so.
    Usage(String),
    /// They can, and it did not work.
    Error(String),
}

pub(super) fn main(arguments: &Arguments) -> Verdict {
    let Some(file) = check::find(arguments.config.clone()) else { return Verdict::Errors };
    let known = match config::rules_of(&file) {
        Ok(known) => known,
        Err(report) => {
            print::report(&report, Colour::Auto);
            return Verdict::Errors;
        }
    };
    let rules = &*known.rules;
    let told = match (&arguments.someone, &arguments.sign_in) {
        (Some(someone), _) => made_up(someone, &arguments.what, rules),
        (None, Some(typed)) => sign_in(typed, &arguments.what, rules),
        (None, None) => real(arguments, &file, &known),
    };
    match told {
        Ok(told) => {
            match arguments.format {
                Format::Human => told.lines.iter().for_each(print::line),
                Format::Json => print::line(serde_json::to_string_pretty(&told.document).expect("a document of texts and numbers")),
            }
            Verdict::Fine
        }
        Err(Failure::Usage(why)) => complain(&why, Verdict::Usage),
        Err(Failure::Error(why)) => complain(&why, Verdict::Errors),
    }
}

fn complain(why: &str, verdict: Verdict) -> Verdict {
    print::complaint(format_args!("homerealm explain: {}", print::Foreign(why)));
    verdict
}

fn made_up(someone: &str, words: &[String], rules: &Rules) -> Result<Told, Failure> {
    let someone = person::read(someone, rules).map_err(|why| Failure::Usage(format!("--as: {why}")))?;
    let request = request::read(words, rules).map_err(Failure::Usage)?;
    if rules.is_own(request.target.path()) {
        return Err(Failure::Usage(own(rules)));
    }
    let judgement = judge(rules, &someone, &request.method, &request.target);
    let explanation = Explanation::of(rules, &judgement);
    Ok(Told { lines: explanation.lines(), document: json!(explanation) })
}

fn sign_in(typed: &str, words: &[String], rules: &Rules) -> Result<Told, Failure> {
    let typed = Identifier::parse(typed).map_err(|error| Failure::Usage(format!("--sign-in: {error}")))?;
    let request = request::read(words, rules).map_err(Failure::Usage)?;
    match Routing::of(rules, &typed, &request.method, &request.target) {
        Ok(routing) => Ok(Told { lines: routing.lines(rules, &typed), document: routing.json(rules) }),
        Err(NoSignIn::NoRoute(reason)) => {
            Err(Failure::Error(format!("nobody gets to a sign-in from there: {} {}", reason.status(), reason.code())))
        }
        Err(NoSignIn::Own) => Err(Failure::Usage(own(rules))),
        Err(NoSignIn::Public) => Err(Failure::Error("nobody gets to a sign-in from there: the route asks nobody who they are".into())),
    }
}

fn own(rules: &Rules) -> String {
    format!("no route decides about what is below {}: it is Homerealm's own", rules.prefix)
}

fn real(arguments: &Arguments, file: &std::path::Path, known: &KnownRules) -> Result<Told, Failure> {
    let (id, rest) = arguments.what.split_first().ok_or_else(|| Failure::Usage("which decision?".into()))?;
    let id = DecisionId::parse(id).ok_or_else(|| Failure::Usage(not_an_id(id)))?;
    let source = match (rest, &arguments.admin) {
        ([dash], None) if dash == "-" => Source::Log,
        ([], Some(_)) => Source::Admin,
        ([], None) => Source::either(),
        _ => return Err(Failure::Usage("behind a decision's id comes nothing but -, and that not together with --admin".into())),
    };
    let recorded = decision::find(id, source, arguments.admin.as_deref(), file).map_err(Failure::Error)?;
    Ok(decision::told(&recorded, known))
}

fn not_an_id(text: &str) -> String {
    let hint = if text.contains('/') { "; to ask about a request, say who comes: --as kind=work, or --as nobody" } else { "" };
    format!("{text} is no decision id: one looks like 7K3F-9QXD{hint}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Rules with two origins, two tenants and three authorities.
    pub(super) fn rules() -> Arc<Rules> {
        let text = r#"
            version = 1
            public_url = "https://orders.example.com"
            public_urls = ["https://shop.example.com:8443"]
            client = { id = "x", secret_env = "S" }
            tenants.contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa", name = "Contoso" }
            tenants.fabrikam = { id = "3a0c0000-0000-4000-8000-0000000000bb", name = "Fabrikam" }
            authorities.contoso = { issuer = "https://login.microsoftonline.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0" }
            routes = [{ upstream = "http://127.0.0.1:3000", accounts = ["work", "personal"] }]
        "#;
        let environment = |_: &str| Some("secret".to_owned());
        let parsed = config::parse_with(text, "homerealm.toml", std::path::Path::new("."), &environment, chrono::NaiveDate::default());
        parsed.unwrap_or_else(|report| panic!("{report}")).rules
    }

    #[test]
    fn a_request_without_a_person_is_no_decision() {
        assert!(not_an_id("/finance").contains("--as nobody") && !not_an_id("finance").contains("--as"));
    }
}
