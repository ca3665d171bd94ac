//! Reads our own markup as far as tests need it: tags, attributes (always quoted or bare, as our templates write
//! them) and the text between.

/// A start tag; an end tag has a name with a slash.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
}

impl Tag {
    /// An attribute's value, unescaped.
    pub(super) fn value(&self, attribute: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == attribute).map(|(_, value)| &**value)
    }
}

/// All tags in order.
pub(super) fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let name_length = rest.find([' ', '>', '\n']).expect("a tag ends");
        let name = rest[..name_length].to_owned();
        rest = &rest[name_length..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start().trim_start_matches('/');
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let length = rest.find(['=', ' ', '>', '/']).expect("an attribute ends");
            let attribute = rest[..length].to_owned();
            rest = &rest[length..];
            let mut value = String::new();
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let end = quoted.find('"').expect("a value ends");
                value = unescaped(&quoted[..end]);
                rest = &quoted[end + 1..];
            }
            attributes.push((attribute, value));
        }
        found.push(Tag { name, attributes });
    }
    found
}

/// The text inside the first element of that name, without tags, unescaped.
pub(super) fn text_of(html: &str, element: &str) -> String {
    let start = html.find(&format!("<{element}")).expect("the element is there");
    let inside = &html[start..];
    let inside = &inside[inside.find('>').expect("a tag ends") + 1..];
    let inside = &inside[..inside.find(&format!("</{element}>")).expect("an end tag")];
    let without_tags: String = inside.split('<').enumerate().map(|(at, part)| if at == 0 { part } else { after_tag(part) }).collect();
    unescaped(&without_tags)
}

fn after_tag(part: &str) -> &str {
    part.split_once('>').map_or("", |(_, text)| text)
}

fn unescaped(text: &str) -> String {
    text.replace("&#60;", "<").replace("&#62;", ">").replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")
}
