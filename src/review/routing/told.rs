//! A routing as text for people and as JSON.

use serde_json::{Value, json};

use super::{Answer, End, Routing, Start, Typed, Way};
use crate::domain::address::{Identifier, Shape};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::realm::How;
use crate::domain::rules::Rules;
use crate::domain::sign_in_page::SignInPage;

impl Routing<'_> {
    /// The lines of it. The address in them is as it was typed.
    #[must_use]
    pub fn lines(&self, rules: &Rules, typed: &Identifier) -> Vec<String> {
        let words = Words { rules, typed, clue: self.clue };
        let mut lines =
            vec![format!("SIGN-IN {}   route \"{}\" ({}:{})", typed.as_str(), self.route.name, rules.file_name, self.route.position.line)];
        lines.push(match self.start {
            Start::Led => "  start    whoever is not signed in is sent to the sign-in".to_owned(),
            Start::Let => "  start    nobody has to sign in here; a link may lead to the sign-in".to_owned(),
            Start::Told => "  start    whoever is not signed in gets 401, which names the sign-in".to_owned(),
        });
        for page in [SignInPage::Always, SignInPage::Auto] {
            let in_force = if page == rules.page { "  (in force)" } else { "" };
            lines.push(format!("  page = \"{}\"{in_force}", word(page)));
            let told = match (page, self.at_once) {
                (SignInPage::Auto, Some(only)) => vec![format!("at once to {}: the only possible authority", words.place(&only.name))],
                (SignInPage::Auto, None) => vec!["as with \"always\": more than one authority is possible".to_owned()],
                (SignInPage::Always, _) => words.typed(&self.typed),
            };
            lines.extend(told.into_iter().map(|line| format!("    {line}")));
        }
        lines
    }

    /// The same facts for programs. The address is not among them.
    #[must_use]
    pub fn json(&self, rules: &Rules) -> Value {
        let typed = match &self.typed {
            Typed::Known(way) => way_json(way),
            Typed::Asked { domain, answers } => json!({
                "lookup": domain.as_str(),
                "answers": answers.iter().map(|(answer, way)| {
                    let mut told = way_json(way);
                    told["answer"] = match answer {
                        Answer::Tenants(names) => json!(names),
                        Answer::AnotherTenant => json!("another_tenant"),
                        Answer::NoTenant => json!("no_tenant"),
                        Answer::Silence => json!("silence"),
                    };
                    told
                }).collect::<Vec<_>>(),
            }),
        };
        json!({
            "route": { "name": self.route.name.as_str(), "place": format!("{}:{}", rules.file_name, self.route.position.line) },
            "start": match self.start {
                Start::Led => "redirect",
                Start::Let => "let_in",
                Start::Told => "401",
            },
            "page": word(rules.page),
            "at_once_with_auto": self.at_once.map(|only| only.name.as_str()),
            "typed": typed,
        })
    }
}

const fn word(page: SignInPage) -> &'static str {
    match page {
        SignInPage::Always => "always",
        SignInPage::Auto => "auto",
    }
}

fn way_json(way: &Way) -> Value {
    match way {
        Way::Straight(end) => end_json(end),
        Way::Ask(kinds) => {
            let choices = kinds.iter().map(|(kind, end)| (kind.as_str().to_owned(), end_json(end)));
            json!({ "ask": choices.collect::<serde_json::Map<_, _>>() })
        }
    }
}

fn end_json(end: &End) -> Value {
    match end {
        End::Go { authority, how } => json!({ "go": authority.as_str(), "how": how_code(*how) }),
        End::Refused(reason) => json!({ "refused": reason.code() }),
    }
}

const fn how_code(how: How) -> &'static str {
    match how {
        How::Chosen => "chosen",
        How::ConsumerDomain => "consumer_domain",
        How::Domains => "domains",
        How::Lookup => "lookup",
        How::OnlyOne => "only_one",
        How::Remembered => "remembered",
        How::Syntax => "syntax",
    }
}

struct Words<'a> {
    rules: &'a Rules,
    typed: &'a Identifier,
    clue: Option<How>,
}

impl Words<'_> {
    fn typed(&self, typed: &Typed<'_>) -> Vec<String> {
        match typed {
            Typed::Known(way) => self.way("our page comes first, then ", way),
            Typed::Asked { domain, answers } => {
                let mut lines = vec![format!("our page comes first, then an authority is asked whose domain {domain} is:")];
                for (answer, way) in answers {
                    let mut told = self.way("", way).into_iter();
                    lines.extend(told.next().map(|first| format!("  {:<24} {first}", answer_words(answer, answers))));
                    lines.extend(told.map(|line| format!("  {:<24} {line}", "")));
                }
                lines
            }
        }
    }

    fn way(&self, before: &str, way: &Way) -> Vec<String> {
        match way {
            Way::Straight(end) => self.end(before, end),
            Way::Ask(kinds) => {
                let mut lines = vec![format!("{before}the question which account:")];
                for (kind, end) in kinds {
                    let mut told = self.end("", end).into_iter();
                    lines.extend(told.next().map(|first| format!("  {:<9} {first}", kind.as_str())));
                    lines.extend(told.map(|line| format!("  {:<9} {line}", "")));
                }
                lines
            }
        }
    }

    fn end(&self, before: &str, end: &End) -> Vec<String> {
        match end {
            End::Go { authority, how } => {
                let why = self.why(*how).map(|why| format!(": {why}")).unwrap_or_default();
                vec![format!("{before}to {}{why}", self.place(authority))]
            }
            End::Refused(reason) => {
                let why = self.clue.and_then(|how| self.why(how)).map(|why| format!(": {why}")).unwrap_or_default();
                vec![
                    format!("{before}a refusal, before anybody leaves{why}"),
                    format!("{} {}", reason.status(), reason.code()),
                    format!("\"{}\"", reason.title()),
                ]
            }
        }
    }

    /// An authority and what it is.
    fn place(&self, name: &AuthorityName) -> String {
        let what = match self.rules.authority(name).map(|authority| &authority.issuer) {
            None => return format!("\"{name}\""),
            Some(ExpectedIssuer::Consumers { .. }) => "consumers".to_owned(),
            Some(ExpectedIssuer::Organizations { .. }) => "organizations".to_owned(),
            Some(ExpectedIssuer::Tenant { tenant, .. }) => {
                self.rules.tenant(*tenant).map_or_else(|| format!("tenant {tenant}"), |tenant| tenant.name.clone())
            }
            Some(ExpectedIssuer::TenantOfDomain { .. }) => "one tenant".to_owned(),
            Some(ExpectedIssuer::Template { prefix, suffix }) => format!("{prefix}{{tenantid}}{suffix}"),
            Some(ExpectedIssuer::Exact(issuer)) => issuer.clone(),
        };
        format!("\"{name}\" ({what})")
    }

    /// `None`: what was chosen or answered stands on the same line already.
    fn why(&self, how: How) -> Option<String> {
        let typed = match self.typed.shape() {
            Shape::Email { domain } => domain.as_str(),
            Shape::Phone => "a phone number",
            Shape::Skype => "a Skype name",
        };
        match how {
            How::Chosen | How::Lookup | How::Remembered => None,
            How::ConsumerDomain => Some(format!("{typed} is a domain of personal accounts")),
            How::Domains => Some(format!("{typed} is in `domains` of the file")),
            How::OnlyOne => Some("the only possible authority".to_owned()),
            How::Syntax => Some(format!("it is {typed}")),
        }
    }
}

fn answer_words(answer: &Answer<'_>, all: &[(Answer<'_>, Way)]) -> String {
    let is_named = |(answer, _): &(Answer<'_>, Way)| matches!(answer, Answer::Tenants(_));
    match answer {
        Answer::Tenants(names) => names.join(", "),
        Answer::AnotherTenant if all.iter().any(is_named) => "another organisation's".to_owned(),
        Answer::AnotherTenant => "an organisation's".to_owned(),
        Answer::NoTenant => "no organisation's".to_owned(),
        Answer::Silence => "no answer".to_owned(),
    }
}
