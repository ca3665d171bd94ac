//! Findings as text for a terminal, without colours: title and code, file, line and column, the line itself with a
//! caret, and what to do about it.

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::mask::Masked;
use super::problem::{Problem, Severity, Span};

/// More than this is not read by anybody.
const MOST_SHOWN: usize = 100;

/// A longer line is not quoted.
const LONGEST_LINE: usize = 1000;

/// Renders findings in their order.
pub(crate) fn render_all(problems: &[Problem], file_name: &str, source: &Masked) -> Vec<String> {
    let mut rendered: Vec<String> = problems.iter().take(MOST_SHOWN).map(|problem| render(problem, file_name, Some(source))).collect();
    if problems.len() > MOST_SHOWN {
        rendered.push(format!("… and {} more", problems.len() - MOST_SHOWN));
    }
    rendered
}

/// Renders one finding; without a source only the file is named.
pub(crate) fn render(problem: &Problem, file_name: &str, source: Option<&Masked>) -> String {
    let level = match problem.code.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.title.as_str()).id(problem.code.as_str());
    let group = match source {
        Some(source) => {
            let quoted = Quoted::of(problem, source);
            if quoted.is_too_long() {
                let start = source.place(problem.at).start;
                let before = &source.text()[..start];
                let line = before.matches('\n').count() + 1;
                let column = before[before.rfind('\n').map_or(0, |at| at + 1)..].chars().count() + 1;
                title.element(Origin::path(file_name).line(line).char_column(column)).element(Level::NOTE.message(problem.label.as_str()))
            } else {
                title.element(quoted.snippet(problem, source, file_name))
            }
        }
        None => title.element(Origin::path(file_name)),
    };
    let group = group.elements(problem.notes.iter().map(|note| Level::NOTE.message(note.as_str())));
    Renderer::plain().render(&[group])
}

/// The lines from the first to the last that a finding speaks of.
struct Quoted<'a> {
    text: &'a str,
    start: usize,
    first_line: usize,
}

impl<'a> Quoted<'a> {
    fn of(problem: &Problem, source: &'a Masked) -> Self {
        let whole = source.text();
        let spans = || std::iter::once(problem.at).chain(problem.context.iter().map(|(at, _)| *at)).map(|at| source.place(at));
        let first = spans().map(|at| at.start).min().unwrap_or(0).min(whole.len());
        let last = spans().map(|at| at.end).max().unwrap_or(0).min(whole.len());
        let start = whole[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = whole[last..].find('\n').map_or(whole.len(), |at| last + at);
        Self { text: &whole[start..end], start, first_line: whole[..start].matches('\n').count() + 1 }
    }

    fn is_too_long(&self) -> bool {
        self.text.lines().any(|line| line.len() > LONGEST_LINE)
    }

    fn snippet(&self, problem: &Problem, source: &Masked, file_name: &'a str) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let within = |at: Span| {
            let at = source.place(at);
            at.start - self.start..at.end - self.start
        };
        let context = problem.context.iter().map(|(at, label)| AnnotationKind::Context.span(within(*at)).label(label.clone()));
        let label = Some(problem.label.clone()).filter(|label| !label.is_empty());
        Snippet::source(self.text)
            .line_start(self.first_line)
            .path(file_name)
            .annotation(AnnotationKind::Primary.span(within(problem.at)).label(label))
            .annotations(context)
    }
}
