//! Lines and columns of places in a text, however long its lines and however many places are asked for.

use crate::domain::written::Position;

/// Characters are counted from the last mark, so never over more than this many bytes.
const STRIDE: usize = 256;

/// A text whose places can be told as lines and columns.
pub(crate) struct Lines<'a> {
    text: &'a str,
    /// At the start of every line, and within long ones.
    marks: Vec<(usize, Position)>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let mut here = Position { line: 1, column: 1 };
        let mut marks = vec![(0, here)];
        for (at, character) in text.char_indices() {
            if marks.last().is_some_and(|(mark, _)| at - mark >= STRIDE) {
                marks.push((at, here));
            }
            here.column = here.column.saturating_add(1);
            if character == '\n' {
                here = Position { line: here.line.saturating_add(1), column: 1 };
                marks.push((at + 1, here));
            }
        }
        Self { text, marks }
    }

    /// Line and column of a byte, which must be the first of a character, or the end of the text.
    pub(crate) fn position(&self, at: usize) -> Position {
        let (mark, start) = self.marks[self.marks.partition_point(|(mark, _)| *mark <= at) - 1];
        let passed = self.text[mark..at].chars().count();
        Position { line: start.line, column: start.column.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_in_characters_from_one() {
        let text = format!("é{}\n\nx{}é\r\nlast", "y".repeat(1000), "é".repeat(700));
        let lines = Lines::of(&text);
        let (mut line, mut column) = (1, 1);
        for (at, character) in text.char_indices() {
            assert_eq!(lines.position(at), Position { line, column }, "byte {at}");
            (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        assert_eq!(lines.position(text.len()), Position { line: 4, column: 5 });
        assert_eq!(Lines::of("").position(0), Position { line: 1, column: 1 });
    }
}
