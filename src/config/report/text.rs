//! Diagnostics as text for people: title and code, file, line and column, the line itself with a caret, and what to do
//! about it.

use annotate_snippets::{Annotation, AnnotationKind, Level, Origin, Renderer, Snippet};

use super::{Colours, Diagnostic, Region, Report};
use crate::config::problem::Severity;
use crate::review::words::lines::wrapped;

/// More than this is not read by anybody.
const MOST_SHOWN: usize = 100;

/// How wide notes are, in characters: 120 columns without what stands in front of them.
const NOTE_WIDTH: usize = 108;

/// A longer line is not quoted, in bytes.
const LONGEST_LINE: usize = 1000;

/// One text per diagnostic, in their order.
pub(super) fn rendered(report: &Report, colours: Colours) -> Vec<String> {
    let renderer = match colours {
        Colours::Ansi => Renderer::styled(),
        Colours::Plain => Renderer::plain(),
    };
    let shown = report.diagnostics.iter().take(MOST_SHOWN);
    let mut rendered: Vec<_> = shown.map(|diagnostic| render(diagnostic, report, &renderer)).collect();
    let left = (report.counts.errors + report.counts.warnings).saturating_sub(MOST_SHOWN);
    if left > 0 {
        rendered.push(format!("… and {left} more"));
    }
    rendered
}

fn render(diagnostic: &Diagnostic, report: &Report, renderer: &Renderer) -> String {
    let level = match diagnostic.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.title.as_str()).id(diagnostic.code.as_str());
    let file = &*report.file;
    let group = match diagnostic.region {
        Some(region) => {
            let quoted = Quoted::of(diagnostic, region, &report.source);
            if quoted.is_too_long() {
                let [line, column] = [region.start.line, region.start.column].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
                title.element(Origin::path(file).line(line).char_column(column)).element(Level::NOTE.message(diagnostic.label.as_str()))
            } else {
                title.element(quoted.snippet(diagnostic, region, file))
            }
        }
        None => title.element(Origin::path(file)),
    };
    let group = group.elements(diagnostic.notes.iter().map(|note| Level::NOTE.message(folded(note))));
    renderer.render(&[group])
}

/// A note in lines of a readable length; one that has lines already keeps them.
fn folded(note: &str) -> String {
    if note.contains('\n') { note.to_owned() } else { wrapped(note, NOTE_WIDTH).join("\n") }
}

/// The lines from the first to the last that a diagnostic speaks of.
struct Quoted<'a> {
    text: &'a str,
    start: usize,
    first_line: u32,
}

impl<'a> Quoted<'a> {
    fn of(diagnostic: &Diagnostic, region: Region, source: &'a str) -> Self {
        let regions = || std::iter::once(region).chain(diagnostic.context.iter().map(|(region, _)| *region));
        let first = regions().map(|region| region.bytes.start).min().unwrap_or(0);
        let last = regions().map(|region| region.bytes.end).max().unwrap_or(0);
        let start = source[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = source[last..].find('\n').map_or(source.len(), |at| last + at);
        Self { text: &source[start..end], start, first_line: regions().map(|region| region.start.line).min().unwrap_or(1) }
    }

    fn is_too_long(&self) -> bool {
        self.text.lines().any(|line| line.len() > LONGEST_LINE)
    }

    fn snippet(&self, diagnostic: &'a Diagnostic, region: Region, file: &'a str) -> Snippet<'a, Annotation<'a>> {
        let within = |region: Region| region.bytes.start - self.start..region.bytes.end - self.start;
        let context = diagnostic.context.iter().map(|(region, label)| AnnotationKind::Context.span(within(*region)).label(label.as_str()));
        let label = Some(diagnostic.label.as_str()).filter(|label| !label.is_empty());
        Snippet::source(self.text)
            .line_start(usize::try_from(self.first_line).unwrap_or(usize::MAX))
            .path(file)
            .annotation(AnnotationKind::Primary.span(within(region)).label(label))
            .annotations(context)
    }
}
