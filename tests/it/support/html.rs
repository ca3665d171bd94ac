//! Just enough HTML reading for pages that are well-formed: tags with attributes, forms, links, texts.

use std::collections::BTreeMap;

/// A start tag and the text up to the next tag.
#[derive(Debug, Clone)]
pub struct Tag {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    /// The text behind it, up to the next tag.
    pub text: String,
    /// Where it stands in the document.
    pub at: usize,
}

impl Tag {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

/// A form with the values it would send.
#[derive(Debug, Clone)]
pub struct Form {
    pub action: String,
    pub method: String,
    /// Every named input's value: hidden, text, checked boxes and radios.
    pub fields: Vec<(String, String)>,
    /// Submit buttons: name, value, text.
    pub buttons: Vec<(String, String, String)>,
}

/// All start tags, in order.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = html[at..].find('<').map(|offset| at + offset) {
        let Some(end) = end_of_tag(&html[start..]).map(|offset| start + offset) else { break };
        let inner = &html[start + 1..end];
        let next = html[end..].find('<').map_or(html.len(), |offset| end + offset);
        if inner.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let (name, attributes) = read_tag(inner.trim_end_matches('/'));
            found.push(Tag { name, attributes, text: unescape(html[end + 1..next].trim()), at: start });
        }
        at = end + 1;
    }
    found
}

fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, character)| match (quote, character) {
        (None, '>') => Some(at),
        (None, '"' | '\'') => {
            quote = Some(character);
            None
        }
        (Some(open), close) if open == close => {
            quote = None;
            None
        }
        _ => None,
    })
}

fn read_tag(inner: &str) -> (String, BTreeMap<String, String>) {
    let name_end = inner.find(char::is_whitespace).unwrap_or(inner.len());
    let mut attributes = BTreeMap::new();
    let mut rest = inner[name_end..].trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let (text, remaining) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                _ => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
            };
            value = unescape(text);
            rest = remaining.trim_start();
        }
        attributes.insert(name, value);
    }
    (inner[..name_end].to_ascii_lowercase(), attributes)
}

/// Undoes the character references that templates write.
pub fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((reference, behind)) = rest[1..].split_once(';').filter(|(reference, _)| reference.len() <= 8) else {
            out.push('&');
            rest = &rest[1..];
            continue;
        };
        let character = match reference {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            number => number.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok().and_then(char::from_u32),
                None => number.parse().ok().and_then(char::from_u32),
            }),
        };
        out.extend(character);
        rest = behind;
    }
    out + rest
}

/// All text, tags removed, white space folded.
pub fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        out.push(' ');
        rest = end_of_tag(&rest[start..]).map_or("", |end| &rest[start + end + 1..]);
    }
    out.push_str(rest);
    unescape(&out).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All forms.
pub fn forms(html: &str) -> Vec<Form> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = html[at..].find("<form").map(|offset| at + offset) {
        let end = html[start..].find("</form>").map_or(html.len(), |offset| start + offset);
        found.push(read_form(&html[start..end]));
        at = end;
    }
    found
}

fn read_form(html: &str) -> Form {
    let tags = tags(html);
    let form = &tags[0];
    let mut read = Form {
        action: form.attribute("action").unwrap_or_default().into(),
        method: form.attribute("method").unwrap_or("get").to_ascii_lowercase(),
        fields: Vec::new(),
        buttons: Vec::new(),
    };
    for tag in &tags {
        let name = tag.attribute("name").unwrap_or_default().to_owned();
        let value = tag.attribute("value").unwrap_or_default().to_owned();
        match (tag.name.as_str(), tag.attribute("type").unwrap_or("text")) {
            ("input", "checkbox" | "radio") if !tag.attributes.contains_key("checked") => {}
            ("input", "submit") => read.buttons.push((name, value.clone(), value)),
            ("input", _) if !name.is_empty() => read.fields.push((name, value)),
            ("select", _) => read.fields.push((name, String::new())),
            ("option", _) if tag.attributes.contains_key("selected") => {
                if let Some(field) = read.fields.last_mut() {
                    field.1 = value;
                }
            }
            ("button", _) => {
                let behind = &html[tag.at..];
                let inner = behind.split("</button>").next().unwrap_or_default();
                read.buttons.push((name, value, text(inner)));
            }
            _ => {}
        }
    }
    read
}
