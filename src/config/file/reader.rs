//! Reads a parsed TOML table key by key. Every value keeps its place, every problem is reported and reading goes on:
//! serde would stop at the first one, and would lose the places inside tables that may also be strings.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::setting::{Located, Parse, Setting};
use crate::config::mask::names_a_secret;
use crate::config::problem::{Code, Findings, Problem, Shown, Span, did_you_mean, nearest};

/// More entries of one list are not looked at: some checks compare every one with every other.
pub(crate) const MOST_ENTRIES: usize = 1000;

type Item<'r, 'i> = &'r Spanned<DeValue<'i>>;

/// One table on its way to becoming a section.
pub(crate) struct Reader<'r, 'i> {
    table: &'r DeTable<'i>,
    place: String,
    header: Span,
    asked: Vec<&'static str>,
    /// Those of them that only a later version has.
    unavailable: Vec<&'static str>,
    findings: &'r Findings,
}

impl<'r, 'i> Reader<'r, 'i> {
    /// Reads a table: `body` asks for the keys it knows, all others are reported. `place` is what messages call the
    /// table.
    pub(crate) fn read<T>(
        table: &'r DeTable<'i>,
        header: Span,
        place: impl Into<String>,
        findings: &'r Findings,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mut reader = Self { table, place: place.into(), header, asked: Vec::new(), unavailable: Vec::new(), findings };
        let section = body(&mut reader);
        reader.report_unknown();
        section
    }

    /// Where the table starts.
    pub(crate) const fn header(&self) -> Span {
        self.header
    }

    /// What messages call the table.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) const fn findings(&self) -> &'r Findings {
        self.findings
    }

    /// Whether the key is there, whatever its value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether there is a key of almost this name.
    pub(crate) fn has_misspelt(&self, key: &str) -> bool {
        self.table.keys().any(|written| nearest(written.get_ref(), [key]).is_some())
    }

    /// Whether the table has a literal secret, which is reported as such.
    pub(crate) fn has_secret_in_file(&self) -> bool {
        self.table.keys().any(|key| names_a_secret(key.get_ref()))
    }

    fn ask(&mut self, key: &'static str) -> Option<(Span, Item<'r, 'i>)> {
        self.asked.push(key);
        self.table.get_key_value(key).map(|(key, value)| (key.span().into(), value))
    }

    fn wrong_type<T>(&self, key: &str, item: Item<'_, '_>, wanted: &str) -> Setting<T> {
        let title = format!("wrong type for `{key}` in {}", self.place);
        let label = format!("expected {wanted}, found {}", type_of(item.get_ref()));
        self.findings.report(Problem::new(Code::WrongType, item.span().into(), title).label(label));
        Setting::Broken
    }

    /// Runs `convert` on the value of a key, if it is there.
    pub(crate) fn value<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        convert: impl FnOnce(&mut Self, Item<'r, 'i>) -> Option<T>,
    ) -> Setting<T> {
        let Some((key_at, item)) = self.ask(key) else { return Setting::Absent };
        match convert(self, item) {
            Some(value) => Setting::Given(Located { value, at: item.span().into(), key: key_at }),
            None => self.wrong_type(key, item, wanted),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Setting<bool> {
        self.value(key, "true or false", |_, item| item.get_ref().as_bool())
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, key: &'static str) -> Setting<i64> {
        self.value(key, "a whole number", |_, item| {
            let integer = item.get_ref().as_integer()?;
            i64::from_str_radix(integer.as_str(), integer.radix()).ok()
        })
    }

    /// A date without a time.
    pub(crate) fn date(&mut self, key: &'static str) -> Setting<chrono::NaiveDate> {
        self.value(key, "a date without quotes, like 2027-01-31", |_, item| {
            let date = item.get_ref().as_datetime().filter(|moment| moment.time.is_none())?.date?;
            chrono::NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())
        })
    }

    /// A text, parsed.
    pub(crate) fn parsed<T>(&mut self, key: &'static str, parse: Parse<T>) -> Setting<T> {
        let Some((key_at, item)) = self.ask(key) else { return Setting::Absent };
        match self.parse_item(key, item, "a string", parse) {
            Some(value) => Setting::Given(Located { value, at: item.span().into(), key: key_at }),
            None => Setting::Broken,
        }
    }

    fn parse_item<T>(&self, key: &str, item: Item<'_, '_>, wanted: &str, parse: Parse<T>) -> Option<T> {
        let Some(text) = item.get_ref().as_str() else {
            self.wrong_type::<T>(key, item, wanted);
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(refusal) => {
                if refusal.code == Code::SecretInFile {
                    self.findings.hide(item.span().into());
                }
                self.findings.report(refusal.at(item.span().into(), key, &self.place));
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Setting<T> {
        let Some((key_at, item)) = self.ask(key) else { return Setting::Absent };
        let Some(word) = item.get_ref().as_str() else {
            return self.wrong_type(key, item, &format!("one of {}", listed(words.iter().map(|(word, _)| *word))));
        };
        match words.iter().find(|(known, _)| *known == word) {
            Some((_, value)) => Setting::Given(Located { value: *value, at: item.span().into(), key: key_at }),
            None => {
                self.unknown_word(key, word, item.span().into(), words.iter().map(|(word, _)| *word));
                Setting::Broken
            }
        }
    }

    /// Reports a word that the key does not know.
    pub(crate) fn unknown_word(&self, key: &str, word: &str, at: Span, known: impl Iterator<Item = &'static str> + Clone) {
        let title = format!("unknown value {} for `{key}` in {}", Shown(word), self.place);
        let expected = format!("expected one of {}", listed(known.clone()));
        self.findings.report(Problem::new(Code::UnknownValue, at, title).label(did_you_mean(word, known, &expected)));
    }

    /// A list of texts, each parsed.
    pub(crate) fn list<T>(&mut self, key: &'static str, parse: Parse<T>) -> Setting<Vec<Located<T>>> {
        let Some((key_at, item)) = self.ask(key) else { return Setting::Absent };
        let Some(items) = item.get_ref().as_array() else { return self.wrong_type(key, item, "a list of strings") };
        if items.len() > MOST_ENTRIES {
            let title = format!("more than {MOST_ENTRIES} entries of `{key}` in {}", self.place);
            self.findings.report(Problem::new(Code::TooMany, key_at, title).label("lists are for what somebody keeps by hand"));
            return Setting::Broken;
        }
        let values: Vec<_> = items.iter().map(|item| self.list_item(key, item, key_at, parse)).collect();
        match values.into_iter().collect() {
            Some(value) => Setting::Given(Located { value, at: item.span().into(), key: key_at }),
            None => Setting::Broken,
        }
    }

    /// A text or a list of texts, each parsed.
    pub(crate) fn one_or_more<T>(&mut self, key: &'static str, parse: Parse<T>) -> Setting<Vec<Located<T>>> {
        let single = self.table.get(key).is_some_and(|item| !item.get_ref().is_array());
        if !single {
            return self.list(key, parse);
        }
        let Some((key_at, item)) = self.ask(key) else { return Setting::Absent };
        let value = self.parse_item(key, item, "a string or a list of strings", parse);
        value.map_or(Setting::Broken, |value| {
            let at = item.span().into();
            Setting::Given(Located { value: vec![Located { value, at, key: key_at }], at, key: key_at })
        })
    }

    fn list_item<T>(&self, key: &str, item: Item<'_, '_>, key_at: Span, parse: Parse<T>) -> Option<Located<T>> {
        let value = self.parse_item(key, item, "a string in the list", parse)?;
        Some(Located { value, at: item.span().into(), key: key_at })
    }

    /// A table with keys of its own.
    pub(crate) fn table<T>(&mut self, key: &'static str, place: &str, body: impl FnOnce(&mut Reader<'r, 'i>) -> T) -> Setting<T> {
        let findings = self.findings;
        self.value(key, "a table", |_, item| {
            let table = item.get_ref().as_table()?;
            Some(Reader::read(table, item.span().into(), place, findings, body))
        })
    }

    /// A table whose keys are names: calls `body` with each name, its place and its value.
    pub(crate) fn names(&mut self, key: &'static str, mut body: impl FnMut(&Self, &'r str, Span, Item<'r, 'i>)) -> Setting<()> {
        self.value(key, "a table", |reader, item| {
            for (name, value) in item.get_ref().as_table()? {
                body(reader, name.get_ref(), name.span().into(), value);
            }
            Some(())
        })
    }

    /// Like [`Self::names`], the values being texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Setting<Vec<(Located<String>, String)>> {
        let mut texts = Vec::new();
        let setting = self.names(key, |reader, name, name_at, item| match item.get_ref().as_str() {
            Some(text) => texts.push((Located { value: name.to_owned(), at: item.span().into(), key: name_at }, text.to_owned())),
            None => {
                reader.wrong_type::<()>(&Shown(name).to_string().replace('`', ""), item, "a string");
            }
        });
        match setting {
            Setting::Absent => Setting::Absent,
            Setting::Broken => Setting::Broken,
            Setting::Given(located) => Setting::Given(Located { value: texts, at: located.at, key: located.key }),
        }
    }

    /// A list of tables; messages call each by its `name`, if it has one.
    pub(crate) fn tables<T>(&mut self, key: &'static str, body: fn(&mut Reader<'r, 'i>) -> T) -> Setting<Vec<T>> {
        let findings = self.findings;
        let section = self.place.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let path = section.map_or_else(|| key.to_owned(), |section| format!("{section}.{key}"));
        self.value(key, "a list of tables", |_, item| {
            let read = |item: Item<'r, 'i>| {
                let table = item.get_ref().as_table()?;
                let name = table.get("name").and_then(|name| name.get_ref().as_str());
                let place = name.map_or_else(|| format!("[[{path}]]"), |name| format!("[[{path}]] {}", Shown(name)));
                Some(Reader::read(table, item.span().into(), place, findings, body))
            };
            item.get_ref().as_array()?.iter().map(read).collect()
        })
    }

    /// Reports a key of this version's future, unless its value is what this version does anyway.
    pub(crate) fn unavailable(&mut self, key: &'static str, is_default: fn(&DeValue<'_>) -> bool) {
        self.unavailable.push(key);
        let Some((key_at, item)) = self.ask(key) else { return };
        if !is_default(item.get_ref()) {
            let title = format!("`{key}` in {} is not available in this version", self.place);
            self.findings.report(Problem::new(Code::NotAvailable, key_at, title).label("leave it out"));
        }
    }

    /// Reports the absence of a key that has no default.
    pub(crate) fn require<T>(&self, key: &str, setting: &Setting<T>, hint: &str) {
        if setting.is_absent() {
            let title = format!("`{key}` is missing in {}", self.place);
            self.findings.report(Problem::new(Code::Missing, self.header, title).label(hint));
        }
    }

    fn report_unknown(&self) {
        for (key, item) in self.table {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let at = key.span().into();
            if names_a_secret(name) {
                self.findings.hide(item.span().into());
                self.findings.report(self.secret_in_file(name, at));
                continue;
            }
            // Next to where secrets are named, a value without a known key may be a misspelt one's.
            let holds_secrets = self.asked.contains(&"secret_file") || self.asked.contains(&"key_files");
            if holds_secrets && nearest(name, self.asked.iter().copied()).is_none() {
                self.findings.hide(item.span().into());
            }
            self.findings.report(self.unknown_key(name, at, item));
        }
    }

    fn secret_in_file(&self, name: &str, at: Span) -> Problem {
        let place = &self.place;
        let way_out = if self.asked.contains(&"secret_file") {
            "put it in a file and write: secret_file = \"/run/secrets/client-secret\"  (or secret_env = \"CLIENT_SECRET\")"
        } else if self.asked.contains(&"store_password_file") && name.contains("pass") {
            "put it in a file and write: store_password_file = \"/run/secrets/store-password\"  (or store_password_env = \"STORE_PASSWORD\")"
        } else if self.asked.contains(&"key_files") {
            "put it in a file and write: key_files = [\"/run/secrets/session-key\"]"
        } else {
            "there is no such key here, and a secret belongs in a file of its own"
        };
        let title = format!("a secret is in the configuration file itself: {} in {place}", Shown(name));
        Problem::new(Code::SecretInFile, at, title).label("its value is hidden here").note(way_out)
    }

    fn unknown_key(&self, name: &str, at: Span, item: Item<'_, '_>) -> Problem {
        let mut allowed: Vec<_> = self.asked.iter().copied().filter(|key| !self.unavailable.contains(key)).collect();
        allowed.sort_unstable();
        allowed.dedup();
        let above = super::TOP_LEVEL.contains(&name) && self.place != super::TOP;
        let label = if above && !item.get_ref().is_table() {
            format!("`{name}` belongs above the first [table] of the file")
        } else {
            did_you_mean(name, allowed.iter().copied(), "there is no such key")
        };
        let title = format!("unknown key {} in {}", Shown(name), self.place);
        Problem::new(Code::UnknownKey, at, title).label(label).note(format!("allowed here: {}", allowed.join(", ")))
    }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value.type_str() {
        "boolean" => "true or false",
        "datetime" => "a date or time",
        "array" => "a list",
        "table" => "a table",
        "integer" => "a whole number",
        "float" => "a number with a fraction",
        _ => "a string",
    }
}

/// `"a", "b"`
pub(crate) fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
